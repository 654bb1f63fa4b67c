package httpapi_test

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"hearth/httpapi"
	"hearth/web/storybook"
)

func openAuth(t *testing.T, dir string) *httpapi.Auth {
	t.Helper()
	a, err := httpapi.OpenAuth(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthFileTellsNothingAndIsPrivate(t *testing.T) {
	dir, now := t.TempDir(), storybook.Now()
	a := openAuth(t, dir)
	if a.HasPassword() {
		t.Fatal("a fresh home has a password")
	}
	if err := a.SetPassword(password); err != nil {
		t.Fatal(err)
	}
	token, err := a.AddToken("reader", httpapi.ScopeRead, now)
	if err != nil {
		t.Fatal(err)
	}
	session, err := a.Login(netip.MustParseAddr("192.0.2.1"), password, now)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, httpapi.AuthFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{"password": password, "token": token, "session": session} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the file holds the %s itself", what)
		}
	}
	if !strings.Contains(string(b), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the password is not kept as argon2id: %s", b)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v)", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}

	// All of it holds after a restart.
	again := openAuth(t, dir)
	if !again.HasPassword() || !again.Session(session, now) {
		t.Error("the session is lost in a restart")
	}
	if tok, ok := again.Token(token); !ok || tok.Name != "reader" || tok.Scope != httpapi.ScopeRead {
		t.Errorf("the token is %+v after a restart", tok)
	}
	// What another process changes counts at once.
	if err := again.SetPassword("a new one, set elsewhere"); err != nil {
		t.Fatal(err)
	}
	if a.Session(session, now) {
		t.Error("a session outlives a password that another process changed")
	}
	if _, err := a.Login(netip.MustParseAddr("192.0.2.1"), "a new one, set elsewhere", now); err != nil {
		t.Errorf("the new password does not count: %v", err)
	}
}

func TestDamagedAuthFileLetsNobodyIn(t *testing.T) {
	for name, content := range map[string]string{
		"empty":          "",
		"half":           `{"version":1,"passw`,
		"newer":          `{"version":2}`,
		"weak hash":      `{"version":1,"password":"$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"}`,
		"endless hash":   `{"version":1,"password":"$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"}`,
		"other hash":     `{"version":1,"password":"$2a$10$abcdefghijklmnopqrstuv"}`,
		"plain password": `{"version":1,"password":"hunter2hunter2"}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a := openAuth(t, dir)
			if err := os.WriteFile(filepath.Join(dir, httpapi.AuthFile), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := httpapi.OpenAuth(dir); err == nil {
				t.Error("it opens")
			}
			// And a home that runs closes rather than opens.
			if !a.HasPassword() {
				t.Error("a home that runs counts as one without password")
			}
			if _, err := a.Login(netip.Addr{}, "hunter2hunter2", storybook.Now()); err == nil {
				t.Error("somebody logs in")
			}
		})
	}
}

func TestPasswordsAndTokensThatAreRefused(t *testing.T) {
	a, now := openAuth(t, t.TempDir()), storybook.Now()
	for _, p := range []string{"", "short", strings.Repeat("x", 2000), "bad\xff bytes here"} {
		if err := a.SetPassword(p); err == nil {
			t.Errorf("password %q is taken", p)
		}
	}
	if _, err := a.AddToken("", httpapi.ScopeRead, now); err == nil {
		t.Error("a token without a name is made")
	}
	if _, err := a.AddToken("x", "admin", now); err == nil {
		t.Error("a token with a scope of its own is made")
	}
	if _, err := a.AddToken("x", httpapi.ScopeRead, now); err != nil {
		t.Error(err)
	}
	if _, err := a.AddToken("x", httpapi.ScopeRead, now); err == nil {
		t.Error("two tokens have one name")
	}
	if err := a.RevokeToken("y"); err == nil {
		t.Error("a token that is not there is revoked")
	}
	if _, err := a.Login(netip.Addr{}, password, now); !errors.Is(err, httpapi.ErrNoPassword) {
		t.Errorf("login without a password: %v", err)
	}
}

// A guesser with many addresses is slowed down too, and the owner gets in
// soon all the same.
func TestGuessingFromManyAddresses(t *testing.T) {
	a, now := openAuth(t, t.TempDir()), storybook.Now()
	if err := a.SetPassword(password); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for i := range 60 {
		addr := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		if _, err := a.Login(addr, "guess", now); errors.Is(err, httpapi.ErrWrongPassword) {
			checked++
		}
	}
	if checked != 30 {
		t.Errorf("%d of 60 guesses were checked, want 30", checked)
	}
	owner := netip.MustParseAddr("192.0.2.7")
	_, err := a.Login(owner, password, now)
	wait, ok := errors.AsType[*httpapi.WaitError](err)
	if !ok || wait.For > 10*time.Second {
		t.Errorf("the owner: %v", err)
	}
	if _, err := a.Login(owner, password, now.Add(10*time.Second)); err != nil {
		t.Errorf("the owner, later: %v", err)
	}
	// All addresses of one IPv6 network count as one.
	for i := range 10 {
		b := netip.MustParseAddr("2001:db8::1").As16()
		b[15] = byte(i)
		_, err = a.Login(netip.AddrFrom16(b), "guess", now.Add(time.Hour*2))
	}
	if _, ok := errors.AsType[*httpapi.WaitError](err); !ok {
		t.Errorf("ten guesses from one IPv6 network: %v", err)
	}
}

func TestCertificate(t *testing.T) {
	dir, now := t.TempDir(), storybook.Now()
	hosts := []string{"localhost", "192.168.1.10", "::1", "hearth.local"}
	c, err := httpapi.CertificateAt(dir, hosts, now)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.Leaf)
	for _, h := range hosts {
		if _, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: h, Roots: pool, CurrentTime: now}); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
	if life := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore); life > 825*24*time.Hour {
		t.Errorf("it holds for %v, longer than Apple's systems accept", life)
	}
	mark := httpapi.Fingerprint(c)
	if !regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(mark) {
		t.Errorf("the fingerprint is %q", mark)
	}
	if info, err := os.Stat(filepath.Join(dir, httpapi.CertificateFile)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	same := func(want bool, hosts []string, now time.Time) {
		t.Helper()
		c, err := httpapi.CertificateAt(dir, hosts, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := httpapi.Fingerprint(c) == mark; got != want {
			t.Errorf("the same certificate at %v for %v: %v, want %v", now, hosts, got, want)
		}
		mark = httpapi.Fingerprint(c)
	}
	same(true, hosts, now.Add(24*time.Hour))
	same(true, hosts[:2], now)
	same(false, append(hosts, "192.168.1.99"), now)
	same(false, hosts, now.Add(800*24*time.Hour))
	if err := os.WriteFile(filepath.Join(dir, httpapi.CertificateFile), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := httpapi.Certificate(dir, hosts); err == nil {
		t.Error("a damaged certificate is replaced without a word")
	}
}
