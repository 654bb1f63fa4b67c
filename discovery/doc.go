// Package discovery finds devices on the home network.
//
// [Search.Browse] listens to what announces itself (mDNS, RFC 6762): it sends
// a few questions to the local network and knocks only where something
// answered. [Search.Scan] knocks at every address of a range, which a network
// may take amiss; so it is for a person to ask for, on private addresses only,
// and bounded in hosts, in connections at a time and in time.
//
// What answers is asked by the probes that the program gives, one per driver.
// A device found twice, at two addresses or in both ways, is one finding: the
// serial tells.
package discovery
