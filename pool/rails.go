package pool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

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
		node := s.lnd()
		if wallet, err = lnd.New(lnd.Config{Config: node, Now: s.opt.Now}); err != nil {
			return fail(err)
		}
		var coins payout.Rail
		coins, err = onchain.NewLnd(terms, node)
		rails = append(rails, coins)
	case "psbt":
		n, err := s.reach()
		if err != nil {
			return nil, err
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

// lnd is how the wallet of the rail lnd is reached.
func (s *Service) lnd() rest.Config {
	c := s.cfg.Payouts
	return rest.Config{URL: c.URL, Cert: s.rooted(c.Certificate), Macaroon: s.rooted(strings.TrimPrefix(c.Secret, "file:"))}
}

const (
	// walletLimit is how long a wallet may take to say that it is there.
	walletLimit = 30 * time.Second
	// walletAgain is when one that did not is asked again.
	walletAgain = time.Minute
)

// findWallet asks the wallet until it has answered once, and keeps under trouble
// why it does not: else nobody learns it before the first payment is due.
func (s *Service) findWallet(ctx context.Context) {
	for {
		limited, cancel := context.WithTimeout(ctx, walletLimit)
		err := s.askWallet(limited)
		cancel()
		if ctx.Err() != nil {
			return
		}
		next := "is it running and unlocked, and are url and secret under pool: payouts those of this wallet?"
		if errors.Is(err, fs.ErrNotExist) {
			next = "put the file there, or name the right one under pool: payouts."
		}
		if err != nil {
			err = fmt.Errorf("the wallet (%s) does not answer, so nothing can be paid out: %w; %s It is asked again every minute", s.cfg.Payouts.Rail, err, next)
		}
		s.books.troubled("wallet", err)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(walletAgain):
		}
	}
}

// An invoice out of BOLT 11 itself, which no wallet has paid or will: asking what
// became of it shows that a wallet answers, and moves nothing.
const (
	exampleInvoice = "lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq8rkx3yf5tcsyz3d73gafnh3cax9rn449d9p5uxz9ezhhypd0elx87sjle52x86fux2ypatgddc6k63n7erqz25le42c4u4ecky03ylcqca784w"
	exampleHash    = "0001020304050607080900010203040506070809000102030405060708090102"
)

// askWallet asks the wallet what a payment asks it first. A wallet behind the
// rail psbt is a person; the node that it needs is asked when it pays.
func (s *Service) askWallet(ctx context.Context) error {
	data := exampleInvoice
	switch s.cfg.Payouts.Rail {
	case "lnd":
		node, err := rest.New(s.lnd())
		if err != nil {
			return err
		}
		return node.Do(ctx, "GET", "/v1/getinfo", nil, &struct{}{})
	case "phoenixd":
		data = `{"invoice":"` + exampleInvoice + `"}`
	case "nwc":
	default:
		return nil
	}
	for _, r := range s.books.rails {
		if r.Name() == s.cfg.Payouts.Rail {
			_, err := r.Look(ctx, payout.Ticket{Key: exampleHash, Data: []byte(data)})
			return err
		}
	}
	return nil
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
