package pool

import (
	"fmt"
	"strings"

	"hearth/pool/job"
	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
	"hearth/pool/payout/lnd"
	"hearth/pool/payout/lnd/rest"
	"hearth/pool/payout/lnurl"
	"hearth/pool/payout/nwc"
	"hearth/pool/payout/onchain"
	"hearth/pool/payout/phoenixd"
)

// openRails makes the ways by which money leaves. None of them is asked yet.
func (s *Service) openRails() ([]payout.Rail, error) {
	c := s.cfg.Payouts
	if c.Rail == "" {
		return nil, nil
	}
	fail := func(err error) ([]payout.Rail, error) { return nil, fmt.Errorf("pool: payouts: %w", err) }
	secret := ""
	if c.Secret != "" && c.Rail != "lnd" {
		var err error
		if secret, err = s.opt.Secret(c.Secret); err != nil {
			return fail(err)
		}
	}
	network := invoices(job.Network(s.cfg.Network))
	var wallet payout.Rail
	var rails []payout.Rail
	var err error
	terms := onchain.Terms{Network: job.Network(s.cfg.Network)}
	switch c.Rail {
	case "lnd":
		node := rest.Config{URL: c.URL, Cert: s.rooted(c.Certificate), Macaroon: s.rooted(strings.TrimPrefix(c.Secret, "file:"))}
		if wallet, err = lnd.New(lnd.Config{Config: node, Now: s.opt.Now}); err != nil {
			return fail(err)
		}
		var coins payout.Rail
		coins, err = onchain.NewLnd(terms, node)
		rails = append(rails, coins)
	case "psbt":
		n := onchain.Node{URL: s.cfg.Node.URL, User: s.cfg.Node.User, Password: s.rooted(strings.TrimPrefix(s.cfg.Node.Password, "file:"))}
		if s.cfg.Node.Cookie != "" {
			n.User, n.Password = "", s.rooted(s.cfg.Node.Cookie)
		}
		coins, err := onchain.NewFolder(terms, onchain.Folder{Path: s.rooted(c.Folder), Addresses: c.From, Node: n, Now: s.opt.Now})
		if err != nil {
			return fail(err)
		}
		return []payout.Rail{coins}, nil
	case "phoenixd":
		wallet, err = phoenixd.New(phoenixd.Config{URL: c.URL, Password: secret, Network: network, Now: s.opt.Now})
	case "nwc":
		wallet, err = nwc.New(nwc.Config{Connection: secret, Network: network, Now: s.opt.Now})
	}
	if err != nil {
		return fail(err)
	}
	addresses, err := lnurl.New(lnurl.Config{Payer: wallet, Network: network, Now: s.opt.Now})
	if err != nil {
		return fail(err)
	}
	return append(rails, wallet, addresses), nil
}

// invoices is the network of a chain's invoices.
func invoices(n job.Network) bolt11.Network {
	switch n {
	case job.Testnet:
		return bolt11.Testnet
	case job.Signet:
		return bolt11.Signet
	case job.Regtest:
		return bolt11.Regtest
	case job.Simnet:
		return bolt11.Simnet
	case job.Mainnet:
	}
	return bolt11.Mainnet
}
