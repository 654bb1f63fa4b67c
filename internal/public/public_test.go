package public_test

import (
	"errors"
	"testing"

	"hearth/internal/public"
)

func TestWhatIsPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8:443": true, "[2001:4860:4860::8888]:443": true, "[::ffff:8.8.8.8]:80": true, "192.0.66.2:80": true,
		"127.0.0.1:80": false, "192.168.1.1:80": false, "10.0.0.1:80": false, "169.254.169.254:80": false, "100.127.0.1:80": false,
		"224.0.0.1:80": false, "0.0.0.0:1": false, "0.1.2.3:1": false, "255.255.255.255:1": false, "250.0.0.1:1": false, "198.19.0.1:1": false,
		"[::]:1": false, "[::1]:1": false, "[::ffff:10.0.0.1]:80": false, "[fe80::1]:80": false, "[fe80::1%eth0]:80": false,
		"[fd00::1]:80": false, "[fec0::1]:80": false, "[ff02::1]:80": false,
		"[64:ff9b::7f00:1]:80": false, "[64:ff9b:1::a00:1]:80": false, "[2002:7f00:1::]:80": false, "[::7f00:1]:80": false,
		"localhost:80": false, "8.8.8.8": false, "": false,
	} {
		err := public.Control("tcp", address, nil)
		if (err == nil) != want || err != nil && !errors.Is(err, public.ErrPrivate) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
