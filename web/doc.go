// Package web is the pages of one home: the dial, the sentence and the chart;
// devices, history, events, ledger and settings.
//
// Pages are made on the server and work without a script, for reading and,
// through plain forms, for setting. One small ES module makes them live: it
// listens to the stream of events, fetches the page it is on again and merges
// what differs, and lets the dial be turned. So there is one place that turns
// a home into words and figures, and it is here.
//
// Nothing is shown without its unit and where it comes from; what is simulated
// says so; what is unknown says why.
//
// The handler stands behind the gate of package httpapi, which decides who
// may come in and sets the security headers.
package web
