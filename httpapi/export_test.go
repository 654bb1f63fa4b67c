package httpapi

import (
	"crypto/tls"
	"time"
)

// Routes lists the operations that the handlers serve, as "GET /path".
func Routes() []string {
	a := new(api)
	var out []string
	for _, rt := range a.routes() {
		out = append(out, rt.method+" "+rt.path)
	}
	return out
}

// CertificateAt is Certificate at a time.
func CertificateAt(dir string, hosts []string, now time.Time) (tls.Certificate, error) {
	return certificate(dir, hosts, now)
}

// MaxStreams is the bound on open streams.
const MaxStreams = maxStreams
