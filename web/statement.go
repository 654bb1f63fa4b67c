package web

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"hearth/httpapi"
	"hearth/pool"
	"hearth/pool/agreement"
)

// statementView is a statement to read and print.
type statementView struct {
	agreement.View
	Party, Month, Name string
	Digest             string
	Key                string
	// At is when it was worked out, where the agreement's days begin.
	At    time.Time
	Forms []choice
}

// statement shows what a party's month came to.
func (p *pages) statement(w http.ResponseWriter, r *http.Request) error {
	h, err := httpapi.PoolOf(p.home)
	if err != nil {
		return err
	}
	party, text, loc := r.PathValue("party"), r.URL.Query().Get("month"), p.bookZone()
	if text == "" {
		text = p.home.State().At.In(loc).Format("2006-01")
	}
	month, err := time.Parse("2006-01", text)
	if err != nil {
		return invalid("%q is not a month: write it as 2026-11.", text)
	}
	signed, err := h.Statement(r.Context(), party, month, "json")
	if err != nil {
		return err
	}
	// The statement names its key; it came from the home a moment ago.
	var sealed struct{ Key string }
	if err := json.Unmarshal(signed, &sealed); err != nil {
		return fmt.Errorf("show the statement of %s: %w", party, err)
	}
	key, err := hex.DecodeString(sealed.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("show the statement of %s: its key is %q", party, sealed.Key)
	}
	st, err := agreement.ParseStatement(signed, key)
	if err != nil {
		return fmt.Errorf("show the statement of %s: %w", party, err)
	}
	v := statementView{
		View: st.View(loc), Party: party, Month: text, Name: month.Format("January 2006"), Digest: st.Digest.String(), Key: sealed.Key, At: st.AsOf.In(loc),
	}
	if own := p.ownPool(); own != nil { // a statement knows the parties' ids only
		for i, r := range v.Everyone {
			if k := slices.IndexFunc(own.Parties, func(x pool.PartyState) bool { return x.Name == r.What && x.Role != "" }); k >= 0 {
				v.Everyone[i].What = own.Parties[k].Role
			}
		}
	}
	for _, form := range []choice{{ID: "text", Name: "Text"}, {ID: "csv", Name: "CSV for a spreadsheet"}, {ID: "json", Name: "JSON, signed"}} {
		form.Href = "/api/v1/pool/statements/" + url.PathEscape(party) + "?" + url.Values{"month": {text}, "format": {form.ID}}.Encode()
		v.Forms = append(v.Forms, form)
	}
	return p.show(w, r, http.StatusOK, "statement", view{Title: "Statement", Page: "pool"}, v)
}

// bookZone is where the months of statements begin: there the agreement's days
// do, wherever the page is looked at.
func (p *pages) bookZone() *time.Location {
	if st := p.ownPool(); st != nil && st.Location != nil {
		return st.Location
	}
	return p.loc
}

// rows is a table of a statement.
type rows struct {
	Title string
	Rows  []agreement.Row
}

// table is rows with a last one, if that says anything.
func table(title string, list []agreement.Row, last ...agreement.Row) rows {
	for _, r := range last {
		if r.What != "" {
			list = append(slices.Clip(list), r)
		}
	}
	return rows{title, list}
}
