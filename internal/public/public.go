// Package public keeps addresses that strangers name, on a chain for example,
// from leading into the networks of whoever asks there.
package public

import (
	"errors"
	"net/netip"
	"syscall"
)

// ErrPrivate says that an address leads to this computer or into a private
// network.
var ErrPrivate = errors.New("it leads to an address that is not public")

// Control is a [net.Dialer]'s: it sees every address right before it is dialled,
// after names were looked up and redirects followed, and lets none pass that is
// not public.
func Control(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !Is(a.Addr()) {
		return ErrPrivate
	}
	return nil
}

// Is tells whether an address is one of the public network.
func Is(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, p := range inward() {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// inward are networks that look public and lead inside, or to nothing.
func inward() []netip.Prefix {
	v4 := func(a, b byte, bits int) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{a, b}), bits) }
	v6 := func(a, b, c, d byte, bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{a, b, c, d}), bits)
	}
	return []netip.Prefix{
		v4(0, 0, 8),                    // this network
		v4(100, 64, 10),                // shared by a provider's customers, RFC 6598
		v4(192, 0, 24),                 // of protocols
		v4(198, 18, 15),                // of measurements
		v4(240, 0, 4),                  // reserved
		v6(0, 0, 0, 0, 96),             // IPv4 in an old form
		v6(0x00, 0x64, 0xff, 0x9b, 32), // IPv4 behind a translator, RFC 6052 and 8215
		v6(0x20, 0x02, 0, 0, 16),       // IPv4 behind a tunnel, 6to4
		v6(0x20, 0x01, 0x00, 0x00, 32), // and Teredo
		v6(0xfe, 0xc0, 0, 0, 10),       // private networks of former times
	}
}
