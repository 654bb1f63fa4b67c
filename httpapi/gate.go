package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hearth/internal/loopback"
)

// Visitor is who is asking.
type Visitor struct {
	// Name is what the log calls the visitor: "someone at this computer",
	// "a person who logged in", "program kitchen display".
	Name string
	// Scope is what the visitor may do; empty for a visitor who is nobody yet
	// and may only log in.
	Scope Scope
	// Session is set for a person who logged in and may log out.
	Session bool
}

type visitorKey struct{}

// VisitorOf returns who sent the request that ctx belongs to. Outside the
// gate of [New] it is nobody.
func VisitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// gate stands in front of everything and lets in whom [Auth] knows.
type gate struct {
	auth   *Auth
	log    *slog.Logger
	now    func() time.Time
	origin *http.CrossOriginProtection
	next   http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secureHeaders(w, r)
	v, err := g.admit(r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	g.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
}

// secureHeaders sets what a browser should hold itself to. Everything the
// pages need comes from the home itself, in files of its own.
func secureHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	if !strings.HasPrefix(r.URL.Path, "/static/") {
		h.Set("Cache-Control", "no-store")
	}
}

// public reports whether a path needs nobody to be anybody: the way to log in
// and what that page is made of, and the sign of life.
func public(path string) bool {
	return path == "/login" || path == "/healthz" || strings.HasPrefix(path, "/static/")
}

func isAPI(path string) bool {
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/v1/") || path == "/metrics" || path == "/healthz"
}

// admit decides who the visitor is, or why not to serve them.
func (g *gate) admit(r *http.Request) (Visitor, error) {
	if err := g.origin.Check(r); err != nil {
		return Visitor{}, crossOrigin()
	}
	// Another site's page may link here, but not fetch from here: nothing
	// could be read, but each stream of events takes a place.
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return Visitor{}, crossOrigin()
	}
	if !g.auth.HasPassword() {
		return local(r)
	}
	if secret, ok := bearer(r); ok {
		if t, ok := g.auth.Token(secret); ok {
			v := Visitor{Name: "program " + t.Name, Scope: t.Scope}
			if t.Scope == ScopeInfer && !strings.HasPrefix(r.URL.Path, "/v1/") && !public(r.URL.Path) {
				return Visitor{}, v.tooLittle(ScopeRead)
			}
			return v, nil
		}
		return Visitor{}, &Problem{http.StatusUnauthorized, "unauthorized", "The token is not valid.", "It may have been revoked."}
	}
	if c, err := r.Cookie(cookieName(r)); err == nil && g.auth.Session(c.Value, g.now()) {
		return Visitor{Name: "a person who logged in", Scope: ScopeControl, Session: true}, nil
	}
	if public(r.URL.Path) {
		return Visitor{}, nil
	}
	return Visitor{}, &Problem{
		http.StatusUnauthorized, "unauthorized",
		"Log in first.", "Programs send a token: Authorization: Bearer …",
	}
}

func crossOrigin() *Problem {
	return &Problem{http.StatusForbidden, "cross_origin", "This request comes from another web site.", "Open the page itself."}
}

// local admits this computer only. The name in the Host header must be
// loopback too: a page from elsewhere can make its own name point here (DNS
// rebinding), but cannot change that header. A request that a proxy passed on
// is not local, wherever the proxy runs.
func local(r *http.Request) (Visitor, error) {
	if !loopback.Addr(r.RemoteAddr) {
		return Visitor{}, &Problem{
			http.StatusForbidden, "no_password",
			"This home is closed to other computers until a password is set.",
			`Run "hearth password" on the computer that runs Hearth.`,
		}
	}
	if !loopback.Host(r.Host) {
		return Visitor{}, &Problem{
			http.StatusForbidden, "wrong_host",
			"This name is not served until a password is set.",
			"Open http://localhost with the port instead.",
		}
	}
	if loopback.Forwarded(r) {
		return Visitor{}, &Problem{
			http.StatusForbidden, "no_password",
			"A proxy passed this request on; until a password is set only this computer itself is served.",
			`Run "hearth password" first.`,
		}
	}
	return Visitor{Name: "someone at this computer", Scope: ScopeControl}, nil
}

func bearer(r *http.Request) (string, bool) {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(secret), ok && strings.EqualFold(scheme, "Bearer")
}

// refuse answers a program with JSON and a person with a page to log in at,
// or a plain sentence.
func (g *gate) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	g.log.DebugContext(r.Context(), "request refused", "path", r.URL.Path, "remote", r.RemoteAddr, "code", p.Code)
	switch {
	case isAPI(r.URL.Path):
		if p.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		p.write(w)
	case p.Status == http.StatusUnauthorized:
		target := "/login"
		if r.Method == http.MethodGet && r.URL.Path != "/" {
			target += "?next=" + url.QueryEscape(r.URL.RequestURI())
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(p.Status)
		fmt.Fprintln(w, p.Error())
	}
}

// cookieName is the session cookie's. Under TLS the browser itself then holds
// the cookie to this host and to TLS.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-hearth"
	}
	return "hearth"
}

func cookie(r *http.Request, value string, age time.Duration) *http.Cookie {
	seconds := int(age.Seconds())
	if value == "" {
		seconds = -1
	}
	return &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
}

// login takes the form of the login page. It redirects back to that page
// when the password is wrong, so that it works without a script.
func (a *api) login(w http.ResponseWriter, r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return &Problem{
			http.StatusUnsupportedMediaType, "content_type", "The login is a form.",
			"Send Content-Type: application/x-www-form-urlencoded.",
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		return &Problem{http.StatusBadRequest, "bad_form", "The form cannot be read.", ""}
	}
	next := LocalPath(r.PostForm.Get("next"))
	var addr netip.Addr
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		addr = ap.Addr()
	}
	session, err := a.auth.Login(addr, r.PostForm.Get("password"), a.now())
	back := url.Values{}
	if next != "/" {
		back.Set("next", next)
	}
	wait, waiting := errors.AsType[*WaitError](err)
	switch {
	case err == nil:
		http.SetCookie(w, cookie(r, session, SessionLife))
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	case errors.Is(err, ErrNoPassword):
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	case waiting:
		seconds := int(math.Ceil(wait.For.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		back.Set("wait", strconv.Itoa(seconds))
	case errors.Is(err, ErrWrongPassword):
		a.log.WarnContext(r.Context(), "login refused", "remote", addr.String())
		back.Set("wrong", "1")
	default:
		return err
	}
	http.Redirect(w, r, "/login?"+back.Encode(), http.StatusSeeOther)
	return nil
}

// logout ends the session of the cookie.
func (a *api) logout(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(cookieName(r)); err == nil {
		if err := a.auth.Logout(c.Value); err != nil {
			return err
		}
	}
	http.SetCookie(w, cookie(r, "", 0))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// LocalPath returns the path and query of next if it stays on this server,
// else "/": a link to the login page must not lead elsewhere afterwards.
func LocalPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(next, "\\\r\n\t") ||
		strings.HasPrefix(u.Path, "/login") {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
