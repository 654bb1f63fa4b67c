package shelly

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// challenge is what a server wants to see hashed (RFC 7616, section 3.3).
type challenge struct {
	realm, nonce, opaque string
}

// session is a challenge taken up, with the count of requests made on it.
type session struct {
	challenge challenge
	count     uint32
}

func (s *session) open() bool { return s.challenge.nonce != "" }

// authorize returns the value of the Authorization header for the next request
// (RFC 7616, section 3.4).
func (s *session) authorize(method, uri, user, password string) (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make a client nonce: %w", err)
	}
	s.count++
	return s.challenge.credentials(method, uri, user, password, s.count, hex.EncodeToString(b[:])), nil
}

func (c challenge) credentials(method, uri, user, password string, count uint32, cnonce string) string {
	nc := fmt.Sprintf("%08x", count)
	a1 := hash(user + ":" + c.realm + ":" + password)
	a2 := hash(method + ":" + uri)
	response := hash(strings.Join([]string{a1, c.nonce, nc, cnonce, "auth", a2}, ":"))
	v := fmt.Sprintf(`Digest username=%s, realm=%s, uri=%s, algorithm=SHA-256, nonce=%s, nc=%s, cnonce=%s, qop=auth, response="%s"`,
		quote(user), quote(c.realm), quote(uri), quote(c.nonce), nc, quote(cnonce), response)
	if c.opaque != "" {
		v += ", opaque=" + quote(c.opaque)
	}
	return v
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// maxChallenge bounds a WWW-Authenticate header.
const maxChallenge = 4 << 10

// chooseChallenge finds a challenge that this client can answer among the
// WWW-Authenticate headers: digest by SHA-256 with quality auth.
func chooseChallenge(headers []string) (challenge, error) {
	var offered []string
	for _, h := range headers {
		schemes, err := parseChallenges(h)
		if err != nil {
			return challenge{}, err
		}
		for _, s := range schemes {
			algorithm := s.params["algorithm"]
			offered = append(offered, strings.TrimSpace(s.name+" "+algorithm))
			if !strings.EqualFold(s.name, "Digest") || !strings.EqualFold(algorithm, "SHA-256") || !hasQuality(s.params["qop"], "auth") {
				continue
			}
			c := challenge{realm: s.params["realm"], nonce: s.params["nonce"], opaque: s.params["opaque"]}
			if c.nonce == "" {
				return challenge{}, errors.New("the challenge has no nonce")
			}
			// What goes back into a header must not break it.
			for _, v := range []string{c.realm, c.nonce, c.opaque} {
				if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
					return challenge{}, errors.New("the challenge has control characters")
				}
			}
			return c, nil
		}
	}
	if len(offered) == 0 {
		return challenge{}, errors.New("it wants a password but sends no challenge")
	}
	return challenge{}, fmt.Errorf("it offers %s, and Hearth logs in by Digest SHA-256 only", strings.Join(offered, ", "))
}

// hasQuality reports whether a list such as "auth,auth-int" has the quality.
func hasQuality(list, want string) bool {
	for q := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(q), want) {
			return true
		}
	}
	return false
}

// scheme is one challenge of a header, with the names of its parameters in
// lower case.
type scheme struct {
	name   string
	params map[string]string
}

// parseChallenges reads a WWW-Authenticate header: schemes, each with a list
// of parameters whose values are tokens or quoted strings (RFC 9110, section
// 11.6.1). A token after a comma begins a scheme unless an equals sign follows.
func parseChallenges(h string) ([]scheme, error) {
	if len(h) > maxChallenge {
		return nil, fmt.Errorf("the challenge is %d bytes long", len(h))
	}
	var schemes []scheme
	rest := h
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			return schemes, nil
		}
		name, after := cutToken(rest)
		if name == "" {
			return nil, fmt.Errorf("the challenge makes no sense at %.20q", rest)
		}
		value, isParam := strings.CutPrefix(strings.TrimLeft(after, " \t"), "=")
		if !isParam {
			schemes = append(schemes, scheme{name, map[string]string{}})
			rest = after
			continue
		}
		if len(schemes) == 0 {
			return nil, fmt.Errorf("the challenge begins with a parameter, %.20q", name)
		}
		v, left, err := cutValue(strings.TrimLeft(value, " \t"))
		if err != nil {
			return nil, err
		}
		params := schemes[len(schemes)-1].params
		key := strings.ToLower(name)
		if _, twice := params[key]; twice {
			return nil, fmt.Errorf("the challenge has %q twice", key)
		}
		params[key], rest = v, left
	}
}

// cutToken cuts a token (RFC 9110, section 5.6.2) off the front.
func cutToken(s string) (token, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// cutValue cuts a token or quoted string off the front. A nonce in base 64
// sent without quotes, against the rule, is taken up to the next comma.
func cutValue(s string) (value, rest string, err error) {
	quoted, ok := strings.CutPrefix(s, `"`)
	if !ok {
		value, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), rest, nil
	}
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch quoted[i] {
		case '"':
			return b.String(), quoted[i+1:], nil
		case '\\':
			i++
			if i == len(quoted) {
				return "", "", errors.New("the challenge breaks off")
			}
		}
		b.WriteByte(quoted[i])
	}
	return "", "", errors.New("the challenge breaks off within quotes")
}
