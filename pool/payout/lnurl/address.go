package lnurl

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/btcsuite/btcd/address/v2/bech32"

	"hearth/pool/payout"
)

// maxAddress bounds what is read as an address. Codes of services are some 200
// signs long.
const maxAddress = 2048

// Resolve turns a Lightning address, an LNURL or an lnurlp link into the
// address of the service that is asked for an invoice. Its error wraps
// [payout.ErrRefused].
func Resolve(text string) (*url.URL, error) {
	refused := func(format string, args ...any) (*url.URL, error) {
		return nil, fmt.Errorf("%w: %.80q %s", payout.ErrRefused, text, fmt.Sprintf(format, args...))
	}
	s := strings.TrimSpace(text)
	if rest, ok := cutPrefixFold(s, "lightning:"); ok {
		s = rest
	}
	if len(s) > maxAddress {
		return refused("is too long")
	}
	switch user, domain, isAddress := strings.Cut(s, "@"); {
	case isAddress:
		user, domain = strings.ToLower(user), strings.ToLower(domain)
		if user == "" || strings.Trim(user, "abcdefghijklmnopqrstuvwxyz0123456789-_.+") != "" || strings.Trim(user, ".") == "" {
			return refused("is no Lightning address: a name has a-z, 0-9, -, _, . and +")
		}
		s = "https://" + domain + "/.well-known/lnurlp/" + user
	case hasPrefixFold(s, "lnurl1"):
		prefix, words, err := bech32.DecodeNoLimit(s)
		if err != nil || prefix != "lnurl" {
			return refused("is no LNURL: %v", err)
		}
		b, err := bech32.ConvertBits(words, 5, 8, false)
		if err != nil {
			return refused("is no LNURL: %v", err)
		}
		s = string(b)
	case hasPrefixFold(s, "lnurlp://"):
		s = "https://" + s[len("lnurlp://"):]
	default:
		return refused("is neither a Lightning address (name@domain) nor an LNURL")
	}
	u, err := url.Parse(s)
	if err != nil {
		return refused("leads nowhere")
	}
	if why := unsafe(u); why != "" {
		return refused("%s", why)
	}
	return u, nil
}

// unsafe says why an address is not to be asked, empty if it may be.
func unsafe(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	switch {
	case host == "" || u.User != nil || u.Opaque != "":
		return "leads nowhere"
	case strings.HasSuffix(host, ".onion"):
		return "leads into Tor, which Hearth does not reach"
	case u.Scheme != "https":
		return "is not protected by TLS (https)"
	}
	return ""
}

func hasPrefixFold(s, prefix string) bool { _, ok := cutPrefixFold(s, prefix); return ok }

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
