package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// Config says which broker to use and as whom.
type Config struct {
	// URL is the broker's address: mqtt://host or mqtts://host (TLS), with a
	// port where it is not 1883 or 8883.
	URL string `yaml:"url"`
	// Username is empty for a broker that lets anybody in.
	Username string `yaml:"username"`
	// PasswordFile is the path of a file that holds the password, with or
	// without "file:" in front. A line end after the password is not part of it.
	PasswordFile string `yaml:"password_file"`
	// ClientID is the name the broker knows this client by. Two clients of one
	// name throw each other out. Empty lets the broker choose.
	ClientID string `yaml:"client_id"`
	// CA is the path of a PEM file with the authority that signed the broker's
	// certificate; empty uses the system's.
	CA string `yaml:"ca"`
}

// Check returns what is wrong with the configuration, without opening files
// or connections.
func (c Config) Check() error {
	_, err := c.broker()
	return err
}

// broker returns the address with its port.
func (c Config) broker() (*url.URL, error) {
	const example = "write it as mqtt://host or, with TLS, mqtts://host"
	if c.URL == "" {
		return nil, errors.New("broker url is missing: " + example)
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		// url.Parse repeats its input, which may hold a password.
		return nil, errors.New("broker url is not a URL: " + example)
	}
	if u.User != nil {
		return nil, errors.New("broker url holds a user name or password: use username and password_file")
	}
	var port string
	switch u.Scheme {
	case "mqtt", "tcp":
		u.Scheme, port = "mqtt", "1883"
	case "mqtts", "ssl", "tls":
		u.Scheme, port = "mqtts", "8883"
	default:
		return nil, fmt.Errorf("broker url %q: %s", c.URL, example)
	}
	if u.Hostname() == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("broker url %q: %s", c.URL, example)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	switch {
	case c.CA != "" && u.Scheme != "mqtts":
		return nil, fmt.Errorf("broker url %q is not encrypted but ca is set: use mqtts://", c.URL)
	case c.PasswordFile != "" && c.Username == "":
		return nil, errors.New("broker has a password_file but no username")
	}
	return &url.URL{Scheme: u.Scheme, Host: net.JoinHostPort(u.Hostname(), port)}, nil
}

func (c Config) password() ([]byte, error) {
	if c.PasswordFile == "" {
		return nil, nil
	}
	b, err := os.ReadFile(strings.TrimPrefix(c.PasswordFile, "file:"))
	if err != nil {
		return nil, fmt.Errorf("read broker password: %w", err)
	}
	return []byte(strings.TrimRight(string(b), "\r\n")), nil
}

func (c Config) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("read broker certificate authority: %w", err)
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read broker certificate authority: %s holds no PEM certificate", c.CA)
	}
	return cfg, nil
}
