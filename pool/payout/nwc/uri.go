package nwc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"hearth/pool/payout/nwc/nip44"
)

// Connection is what the text from a wallet says.
type Connection struct {
	Wallet [32]byte // the wallet's public key
	Relays []string // 1 to 8
	key    *btcec.PrivateKey
	public [32]byte // ours
	shared nip44.Key
}

// maxRelays bounds how many relays are tried.
const maxRelays = 8

// ParseConnection reads "nostr+walletconnect://KEY?relay=wss://…&secret=…". No
// error repeats the text, which is a secret.
func ParseConnection(text string) (*Connection, error) {
	const want = "copy it from the wallet, from nostr+walletconnect:// to its end"
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "nostr+walletconnect" && u.Scheme != "nostrwalletconnect" {
		return nil, errors.New("this is not the connection of a wallet: " + want)
	}
	host := u.Host
	if host == "" {
		host = u.Opaque // without the slashes
	}
	c := &Connection{}
	if c.Wallet, err = key32(host); err != nil {
		return nil, fmt.Errorf("the connection does not name the wallet's key: %s", want)
	}
	secret, err := key32(u.Query().Get("secret"))
	if err != nil {
		return nil, fmt.Errorf("the connection has no secret: %s", want)
	}
	if c.shared, err = nip44.NewKey(secret, c.Wallet); err != nil {
		return nil, fmt.Errorf("the keys of the connection are none: %s", want)
	}
	key, public := btcec.PrivKeyFromBytes(secret[:])
	c.key, c.public = key, [32]byte(schnorr.SerializePubKey(public))
	for _, relay := range u.Query()["relay"] {
		r, err := url.Parse(relay)
		if err != nil || r.Scheme != "wss" && r.Scheme != "ws" || r.Host == "" || r.User != nil {
			return nil, fmt.Errorf("%.80q is not the address of a relay: one begins with wss://", relay)
		}
		if len(c.Relays) < maxRelays {
			c.Relays = append(c.Relays, r.String())
		}
	}
	if len(c.Relays) == 0 {
		return nil, fmt.Errorf("the connection names no relay: %s", want)
	}
	return c, nil
}

func key32(s string) ([32]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return [32]byte{}, errors.New("not 32 bytes in hexadecimal")
	}
	return [32]byte(b), nil
}
