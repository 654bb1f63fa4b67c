package httpapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// CertificateFile is the name of the certificate and its key in the data
// folder.
const CertificateFile = "tls.pem"

const (
	// certificateLife is the longest that Apple's systems accept of a
	// certificate a person trusts by hand (support.apple.com/102028).
	certificateLife = 825 * 24 * time.Hour
	// certificateRenew is how long before its end a certificate is replaced.
	certificateRenew = 30 * 24 * time.Hour
)

// Certificate returns the home's own certificate from the data folder dir. It
// makes a new one when there is none, when it ends within a month, or when it
// does not hold for all of hosts (names or addresses). A new one has a new
// fingerprint, which browsers that trusted the old one must be told.
func Certificate(dir string, hosts []string) (tls.Certificate, error) {
	return certificate(dir, hosts, time.Now())
}

func certificate(dir string, hosts []string, now time.Time) (tls.Certificate, error) {
	path := filepath.Join(dir, CertificateFile)
	content, err := os.ReadFile(path)
	switch {
	case err == nil:
		cert, err := tls.X509KeyPair(content, content)
		if err != nil {
			return cert, fmt.Errorf("read %s: it is damaged: move it away to get a new one: %w", CertificateFile, err)
		}
		if holds(cert.Leaf, hosts, now) {
			return cert, nil
		}
	case !errors.Is(err, fs.ErrNotExist):
		return tls.Certificate{}, fmt.Errorf("read %s: %w", CertificateFile, err)
	}
	content, err = selfSigned(hosts, now)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	if err := writeSecret(path, content); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(content, content)
}

// holds reports whether the certificate is good for all hosts for a while.
func holds(c *x509.Certificate, hosts []string, now time.Time) bool {
	if now.Before(c.NotBefore) || now.Add(certificateRenew).After(c.NotAfter) {
		return false
	}
	for _, h := range hosts {
		if c.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}

func selfSigned(hosts []string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "Hearth", Organization: []string{"Hearth home"}},
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.Add(certificateLife - time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...), nil
}

// Fingerprint returns the SHA-256 of the certificate as browsers show it, in
// hexadecimal pairs with colons.
func Fingerprint(c tls.Certificate) string {
	if len(c.Certificate) == 0 {
		return ""
	}
	sum := sha256.Sum256(c.Certificate[0])
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

// TLS returns a configuration that serves the certificate with TLS 1.2 or
// newer.
func TLS(c tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
	}
}
