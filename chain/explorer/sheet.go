package explorer

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"

	"github.com/cosmos/cosmos-sdk/types/query"

	"hearth/chain/commons"
	"hearth/chain/model"
	"hearth/chain/work"
)

// sheet is a page of facts and tables.
type sheet struct {
	Title  string
	Lead   string
	Crumb  *entry // the list that this is one of
	Facts  []fact
	Tables []table
	Texts  []text
	Live   bool
}

// fact is a named value.
type fact struct {
	Name  string
	Value cell
}

// text is something long, such as a message as JSON.
type text struct{ Title, Body string }

// table is a list of entries.
type table struct {
	Title string
	Note  string
	Head  []string
	Rows  [][]cell
	Empty string // what is said when there is none
	Next  string // address of the next page
	More  *entry // where there is more of it
}

// cell is a value: words, perhaps a link, perhaps a hash, perhaps with a word
// about it.
type cell struct {
	Text string
	Full string // what Text is short for
	Href string
	Code bool
	Tone string // good, bad or quiet
	Note string
}

func words(s string) cell { return cell{Text: s} }

// said is a text that a stranger wrote.
func said(s string) cell {
	if s == "" {
		return cell{Text: "none", Tone: "quiet"}
	}
	return cell{Text: plain(s)}
}

func count[T int | int64 | uint64 | uint32 | int32](n T) cell { return cell{Text: number(n)} }

func amount(uhth uint64) cell { return cell{Text: hth(uhth)} }

func multiplied(n uint64) cell { return cell{Text: macs(n), Full: number(n) + " multiply-accumulates"} }

// millions is work as power and emission count it.
func millions(n uint64) cell {
	return cell{Text: mega(n), Full: number(n) + " million multiply-accumulates"}
}

// heightAt links to a block; there is none of height 0.
func heightAt(h int64) cell {
	if h <= 0 {
		return cell{Text: "–"}
	}
	return cell{Text: number(h), Href: "/blocks/" + strconv.FormatInt(h, 10)}
}

// digest is a hash in short; linked if there is a page of what it names.
func digest(b []byte, page string) cell {
	if len(b) == 0 {
		return cell{Text: "–"}
	}
	full := hex.EncodeToString(b)
	c := cell{Text: brief(full), Full: full, Code: true}
	if page != "" {
		c.Href = page + full
	}
	return c
}

// whole is a hash in full.
func whole(b []byte, page string) cell {
	c := digest(b, page)
	if c.Full != "" {
		c.Text = c.Full
	}
	return c
}

func account(address string) cell { return named(address, "/accounts/") }

func miner(address string) cell { return named(address, "/miners/") }

func validator(address string) cell { return named(address, "/validators/") }

func named(address, page string) cell {
	if address == "" {
		return cell{Text: "–"}
	}
	address = plain(address)
	return cell{Text: brief(address), Full: address, Code: true, Href: page + url.PathEscape(address)}
}

func yes(v bool) cell {
	if v {
		return cell{Text: "yes"}
	}
	return cell{Text: "no"}
}

// toned is a status as words, with what is said about it.
func toned(s, tone, note string) cell { return cell{Text: s, Tone: tone, Note: plain(note)} }

func jobStatus(s work.JobStatus) cell {
	tone := ""
	switch s {
	case work.JOB_STATUS_DELIVERED:
		tone = "good"
	case work.JOB_STATUS_FAILED:
		tone = "bad"
	case work.JOB_STATUS_EXPIRED, work.JOB_STATUS_CANCELLED:
		tone = "quiet"
	}
	return toned(name(s.String(), "JOB_STATUS_"), tone, "")
}

func claimStatus(c *work.Claim) cell {
	tone := ""
	switch c.Status {
	case work.CLAIM_STATUS_SETTLED:
		tone = "good"
	case work.CLAIM_STATUS_LOST:
		tone = "bad"
	case work.CLAIM_STATUS_RETURNED:
		tone = "quiet"
	}
	return toned(name(c.Status.String(), "CLAIM_STATUS_"), tone, c.Reason)
}

func ticketStatus(t *work.Ticket) cell {
	tone := ""
	switch t.Status {
	case work.TICKET_STATUS_VALID, work.TICKET_STATUS_CREDITED:
		tone = "good"
	case work.TICKET_STATUS_VOID:
		tone = "bad"
	case work.TICKET_STATUS_UNDECIDED:
		tone = "quiet"
	}
	return toned(name(t.Status.String(), "TICKET_STATUS_"), tone, t.Reason)
}

func modelStatus(m *model.Model) cell {
	tone := ""
	switch m.Status {
	case model.Status_STATUS_ACTIVE:
		tone = "good"
	case model.Status_STATUS_SUSPENDED, model.Status_STATUS_REJECTED, model.Status_STATUS_BROKEN:
		tone = "bad"
	}
	return toned(name(m.Status.String(), "STATUS_"), tone, m.Reason)
}

func projectStatus(p *commons.Project) cell {
	tone := ""
	switch p.Status {
	case commons.STATUS_ACTIVE, commons.STATUS_COMPLETE:
		tone = "good"
	case commons.STATUS_REJECTED, commons.STATUS_PAUSED, commons.STATUS_CHALLENGED:
		tone = "bad"
	case commons.STATUS_CLOSED:
		tone = "quiet"
	}
	return toned(name(p.Status.String(), "STATUS_"), tone, p.Reason)
}

// pageKey reads where a list goes on.
func pageKey(r *http.Request) (*query.PageRequest, error) {
	s := r.URL.Query().Get("from")
	if s == "" {
		return page(nil), nil
	}
	key, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(key) > 256 {
		return nil, malformed("This is no page of this list.")
	}
	return page(key), nil
}

// newestFirst reads where a list goes on that is kept oldest first.
func newestFirst(r *http.Request) (*query.PageRequest, error) {
	p, err := pageKey(r)
	if err == nil {
		p.Reverse = true
	}
	return p, err
}

// next returns the address of a list's next page, or nothing.
func next(r *http.Request, p *query.PageResponse) string {
	if p == nil || len(p.NextKey) == 0 {
		return ""
	}
	q := r.URL.Query()
	q.Set("from", base64.RawURLEncoding.EncodeToString(p.NextKey))
	return r.URL.Path + "?" + q.Encode()
}
