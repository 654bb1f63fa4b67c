// Package httpapi is the HTTP face of one home: the API under /api/v1, the
// stream of events, Prometheus metrics, and the gate in front of them and of
// the pages.
//
// [New] makes one handler of everything. Before any route is looked at, the
// gate decides who is asking:
//
//   - While no password is set, only this computer is served: the client's
//     address and the name in the Host header must both be loopback, so that
//     neither the LAN nor a web page that rebinds a name gets in.
//   - Once a password is set, everybody must be somebody: a person with a
//     session cookie or a program with a token ([Auth]).
//
// A browser that comes from another site is refused whatever it asks
// (net/http.CrossOriginProtection and Fetch Metadata), and a body that
// changes something must be JSON of the documented form, nothing more.
//
// The document in openapi.json is the contract; a test holds it against the
// running handlers in both directions.
package httpapi
