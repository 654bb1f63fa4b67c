package shelly

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The example of RFC 7616, section 3.9.1, in its SHA-256 half.
const (
	rfcHeader = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	rfcMD5 = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
)

func TestCredentialsOfTheStandardsExample(t *testing.T) {
	c, err := chooseChallenge([]string{rfcMD5, rfcHeader})
	if err != nil {
		t.Fatal(err)
	}
	got := c.credentials("GET", "/dir/index.html", "Mufasa", "Circle of Life", 1, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
	parsed, err := parseChallenges(got)
	if err != nil {
		t.Fatal(err)
	}
	want := []scheme{{"Digest", map[string]string{
		"username":  "Mufasa",
		"realm":     "http-auth@example.org",
		"uri":       "/dir/index.html",
		"algorithm": "SHA-256",
		"nonce":     "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		"nc":        "00000001",
		"cnonce":    "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
		"qop":       "auth",
		"response":  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
		"opaque":    "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
	}}}
	if diff := cmp.Diff(want, parsed, cmp.AllowUnexported(scheme{})); diff != "" {
		t.Error(diff)
	}
}

func TestEveryRequestCountsUp(t *testing.T) {
	s := session{challenge: challenge{realm: "r", nonce: "n"}}
	seen := map[string]bool{}
	for i := range 3 {
		v, err := s.authorize("POST", "/rpc", "admin", "x")
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parseChallenges(v)
		if err != nil {
			t.Fatal(err)
		}
		p := parsed[0].params
		if want := []string{"00000001", "00000002", "00000003"}[i]; p["nc"] != want {
			t.Errorf("request %d: nc %s, want %s", i, p["nc"], want)
		}
		if seen[p["cnonce"]] || len(p["cnonce"]) != 32 {
			t.Errorf("request %d: client nonce %q is short or used before", i, p["cnonce"])
		}
		seen[p["cnonce"]] = true
	}
}

func TestChallenges(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         challenge
		err          string
	}{
		{
			"as a Shelly sends it", `Digest qop="auth", realm="shellyplus1pm-a8032ab12345", nonce="1716556501", algorithm=SHA-256`,
			challenge{realm: "shellyplus1pm-a8032ab12345", nonce: "1716556501"},
			"",
		},
		{"bare nonce and spaces", `digest  realm = "r" ,nonce=abc==, ALGORITHM="sha-256",qop=auth`, challenge{realm: "r", nonce: "abc=="}, ""},
		{"escapes", `Digest realm="a \"b\" \\c", nonce="n", qop="auth", algorithm=SHA-256`, challenge{realm: `a "b" \c`, nonce: "n"}, ""},
		{"after Basic", `Basic realm="x", Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256`, challenge{realm: "r", nonce: "n"}, ""},
		{"Basic only", `Basic realm="x"`, challenge{}, "offers Basic"},
		{"MD5 only", `Digest realm="x", nonce="n", qop="auth"`, challenge{}, "offers Digest"},
		{"integrity only", `Digest realm="x", nonce="n", qop="auth-int", algorithm=SHA-256`, challenge{}, "offers Digest SHA-256"},
		{"no nonce", `Digest realm="x", qop="auth", algorithm=SHA-256`, challenge{}, "no nonce"},
		{"nothing", ``, challenge{}, "no challenge"},
		{"open quotes", `Digest realm="x`, challenge{}, "breaks off"},
		{"open escape", `Digest realm="x\`, challenge{}, "breaks off"},
		{"a parameter twice", `Digest realm="x", realm="y"`, challenge{}, "twice"},
		{"no scheme", `realm="x"`, challenge{}, "begins with a parameter"},
		{"nonsense", `;;;`, challenge{}, "makes no sense"},
		{"control characters", "Digest realm=\"a\tb\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256", challenge{}, "control"},
		{"too long", `Digest realm="` + strings.Repeat("x", maxChallenge) + `"`, challenge{}, "bytes long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := chooseChallenge([]string{c.header})
			switch {
			case c.err == "" && err != nil:
				t.Fatal(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Fatalf("error %v, want one that says %q", err, c.err)
			case got != c.want:
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(rfcHeader)
	f.Add(`Digest qop="auth", realm="shellyplus1pm-a8032ab12345", nonce="1716556501", algorithm=SHA-256`)
	f.Add(`Basic realm="x", Digest nonce=a==`)
	f.Add(`Digest realm="\`)
	f.Fuzz(func(t *testing.T, header string) {
		c, err := chooseChallenge([]string{header})
		if err != nil {
			return
		}
		// What is accepted must come back from the credentials unharmed.
		parsed, err := parseChallenges(c.credentials("POST", "/rpc", "admin", "x", 1, "c"))
		if err != nil || len(parsed) != 1 {
			t.Fatalf("credentials for %q do not parse: %v", header, err)
		}
		p := parsed[0].params
		if p["realm"] != c.realm || p["nonce"] != c.nonce || p["opaque"] != c.opaque {
			t.Fatalf("credentials %v do not carry %+v", p, c)
		}
	})
}
