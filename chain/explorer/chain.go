package explorer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/crypto/keys/mldsa65"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	"github.com/cosmos/gogoproto/proto"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hearth/chain/beacon"
	"hearth/chain/coin"
	"hearth/chain/power"
)

const (
	blocksAtOnce = 20  // that CometBFT tells the headers of
	blocksBack   = 200 // that one page of transactions looks through
	longMessage  = 6000
)

// proposers names validators by their consensus addresses.
func (e *explorer) proposers(ctx context.Context) map[string]cell {
	names := make(map[string]cell)
	res, err := e.power.Validators(ctx, &power.QueryValidatorsRequest{Pagination: &query.PageRequest{Limit: 200}})
	if err != nil {
		return names // addresses are shown instead
	}
	for i := range res.Validators {
		v := &res.Validators[i]
		if at := consensusAddress(v.PubKey); at != nil {
			c := validator(v.Operator)
			if v.Moniker != "" {
				c.Text, c.Code = plain(v.Moniker), false
			}
			names[string(at)] = c
		}
	}
	return names
}

// consensusAddress is what CometBFT calls a validator.
func consensusAddress(key *codectypes.Any) []byte {
	if key == nil {
		return nil
	}
	switch key.TypeUrl {
	case "/cosmos.crypto.ed25519.PubKey":
		var k ed25519.PubKey
		if proto.Unmarshal(key.Value, &k) == nil && len(k.Key) == ed25519.PubKeySize {
			return k.Address()
		}
	case "/cosmos.crypto.mldsa65.PubKey":
		var k mldsa65.PubKey
		if proto.Unmarshal(key.Value, &k) == nil && len(k.Key) == 1952 {
			return k.Address()
		}
	}
	return nil
}

func proposer(names map[string]cell, address []byte) cell {
	if c, ok := names[string(address)]; ok {
		return c
	}
	return digest(address, "")
}

// before reads the height that a list of blocks begins below.
func before(r *http.Request) (int64, error) {
	s := r.URL.Query().Get("before")
	if s == "" {
		return 0, nil
	}
	h, err := strconv.ParseInt(s, 10, 64)
	if err != nil || h < 2 {
		return 0, malformed("%q is no height of a block.", plain(s))
	}
	return h, nil
}

// headers returns up to 20 blocks' headers below a height, newest first; 0 is
// the newest of all.
func (e *explorer) headers(ctx context.Context, below int64) ([]*cmttypes.BlockMeta, error) {
	var least, most int64
	if below > 0 {
		most = below - 1
		least = max(1, most-blocksAtOnce+1)
		if most < 1 {
			return nil, nil
		}
	}
	res, err := e.Chain.BlockchainInfo(ctx, least, most)
	if err != nil {
		return nil, err
	}
	return res.BlockMetas, nil
}

func (e *explorer) blocks(ctx context.Context, r *http.Request) (*sheet, error) {
	below, err := before(r)
	if err != nil {
		return nil, err
	}
	metas, err := e.headers(ctx, below)
	if err != nil {
		return nil, err
	}
	t := blockTable(metas, e.proposers(ctx))
	if n := len(metas); n > 0 && metas[n-1].Header.Height > 1 {
		t.Next = "/blocks?before=" + strconv.FormatInt(metas[n-1].Header.Height, 10)
	}
	return &sheet{Title: "Blocks", Tables: []table{t}, Live: below == 0}, nil
}

func blockTable(metas []*cmttypes.BlockMeta, names map[string]cell) table {
	t := table{Head: []string{"Height", "Time", "Transactions", "Size", "Proposed by", "Hash"}, Empty: "There is no block yet."}
	for _, m := range metas {
		t.Rows = append(t.Rows, []cell{
			heightAt(m.Header.Height), words(when(m.Header.Time)), count(m.NumTxs), words(number(m.BlockSize) + " bytes"),
			proposer(names, m.Header.ProposerAddress), digest(m.BlockID.Hash, ""),
		})
	}
	return t
}

func (e *explorer) block(ctx context.Context, r *http.Request) (*sheet, error) {
	h, err := strconv.ParseInt(r.PathValue("height"), 10, 64)
	if err != nil || h < 1 {
		return nil, malformed("%q is no height of a block.", plain(r.PathValue("height")))
	}
	res, err := e.Chain.Block(ctx, &h)
	if err != nil {
		return nil, e.absent(ctx, h, err)
	}
	if res.Block == nil {
		return nil, missing("The node has no block %s.", number(h))
	}
	b := res.Block
	signed := 0
	for _, s := range b.LastCommit.Signatures {
		if s.BlockIDFlag == cmttypes.BlockIDFlagCommit {
			signed++
		}
	}
	s := &sheet{
		Title: "Block " + number(h), Crumb: &entry{"/blocks", "Blocks"},
		Facts: []fact{
			{"Hash", whole(res.BlockID.Hash, "")},
			{"Time", words(when(b.Time))},
			{"Proposed by", proposer(e.proposers(ctx), b.ProposerAddress)},
			{"The block before", heightAt(h - 1)},
			{"Votes for it", words(number(signed) + " of " + number(len(b.LastCommit.Signatures)))},
			{"State before it", whole(b.AppHash, "")},
			{"Evidence of double signing", count(len(b.Evidence.Evidence))},
		},
	}
	t := table{Title: "Transactions", Head: []string{"Transaction", "Does", "Fee", "Gas used", "Result"}, Empty: "This block has no transactions."}
	results, err := e.Chain.BlockResults(ctx, &h)
	if err != nil {
		t.Note = "The results of this block could not be read: " + plain(err.Error())
	}
	for i, tx := range b.Txs {
		var result *abci.ExecTxResult
		if results != nil && i < len(results.TxsResults) {
			result = results.TxsResults[i]
		}
		if injected(i, tx) {
			s.Facts = append(s.Facts, fact{"From the beacon", cell{Text: number(len(tx)) + " bytes", Href: "/beacon", Note: "put before the transactions by the proposer"}})
			continue
		}
		t.Rows = append(t.Rows, e.summary(tx, result))
	}
	s.Tables = []table{t}
	return s, nil
}

// absent tells a block that was never made, or is no longer kept, from a node
// that cannot answer.
func (e *explorer) absent(ctx context.Context, h int64, err error) error {
	s, other := e.Chain.Status(ctx)
	if other != nil {
		return err
	}
	switch {
	case h > s.SyncInfo.LatestBlockHeight:
		return missing("There is no block %s yet: the newest is %s.", number(h), number(s.SyncInfo.LatestBlockHeight))
	case h < s.SyncInfo.EarliestBlockHeight:
		return missing("This node keeps blocks from %s on.", number(s.SyncInfo.EarliestBlockHeight))
	}
	return err
}

// injected tells the beacon's part, which the proposer put before the
// transactions of its block, from those.
func injected(i int, tx []byte) bool { return i == 0 && beacon.IsInjection(tx) }

// summary is a transaction in a row.
func (e *explorer) summary(b []byte, result *abci.ExecTxResult) []cell {
	row := []cell{digest(cmttypes.Tx(b).Hash(), "/transactions/"), {Text: "not readable", Tone: "quiet"}, words("–"), words("–"), outcome(result)}
	if tx, err := e.Decode(b); err == nil {
		row[1] = words(does(tx))
		row[2] = fee(tx)
	}
	if result != nil {
		row[3] = count(result.GasUsed)
	}
	return row
}

// does names the messages of a transaction: MsgSubmitTickets is submit tickets.
func does(tx sdk.Tx) string {
	var list []string
	for _, m := range tx.GetMsgs() {
		list = append(list, verb(sdk.MsgTypeURL(m)))
	}
	if len(list) == 0 {
		return "nothing"
	}
	if n := len(list); n > 3 {
		list = append(list[:3], "and "+number(n-3)+" more")
	}
	return strings.Join(list, ", ")
}

// verb makes words of a message's type: /hearth.work.v1.MsgPostJob is post job.
func verb(typeURL string) string {
	name := strings.TrimPrefix(typeURL[strings.LastIndexByte(typeURL, '.')+1:], "Msg")
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte(' ')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return plain(b.String())
}

func fee(tx sdk.Tx) cell {
	t, ok := tx.(sdk.FeeTx)
	if !ok {
		return words("–")
	}
	if n, err := coin.Amount(t.GetFee()); err == nil {
		return amount(n)
	}
	return said(t.GetFee().String())
}

func outcome(result *abci.ExecTxResult) cell {
	switch {
	case result == nil:
		return words("unknown")
	case result.Code == abci.CodeTypeOK:
		return toned("done", "good", "")
	}
	return toned("refused", "bad", result.Log)
}

// transactions looks back through blocks for those that are not empty.
func (e *explorer) transactions(ctx context.Context, r *http.Request) (*sheet, error) {
	below, err := before(r)
	if err != nil {
		return nil, err
	}
	t, err := e.recent(ctx, below, perPage)
	if err != nil {
		return nil, err
	}
	return &sheet{Title: "Transactions", Tables: []table{t}, Live: below == 0}, nil
}

// recent lists transactions in blocks below a height, newest first.
func (e *explorer) recent(ctx context.Context, below int64, most int) (table, error) {
	t := table{Head: []string{"Transaction", "Block", "Does", "Fee", "Gas used", "Result"}, Empty: "There is no transaction in these blocks."}
	for looked := 0; looked < blocksBack && len(t.Rows) < most; {
		metas, err := e.headers(ctx, below)
		if err != nil {
			return t, err
		}
		if len(metas) == 0 {
			break
		}
		for _, m := range metas {
			below = m.Header.Height
			looked++
			if m.NumTxs == 0 || len(t.Rows) >= most {
				continue
			}
			if err := e.contained(ctx, &t, below); err != nil {
				return t, err
			}
			if len(t.Rows) >= most {
				break
			}
		}
		if below <= 1 {
			break
		}
	}
	if below > 1 {
		t.Next = "/transactions?before=" + strconv.FormatInt(below, 10)
	}
	return t, nil
}

// contained appends the transactions of a block, last one first.
func (e *explorer) contained(ctx context.Context, t *table, h int64) error {
	res, err := e.Chain.Block(ctx, &h)
	if err != nil {
		return err
	}
	results, err := e.Chain.BlockResults(ctx, &h)
	if err != nil {
		results = nil // what they did is shown, how it went is not
	}
	if res.Block == nil {
		return nil
	}
	for i, tx := range slices.Backward(res.Block.Txs) {
		if injected(i, tx) {
			continue
		}
		var result *abci.ExecTxResult
		if results != nil && i < len(results.TxsResults) {
			result = results.TxsResults[i]
		}
		row := e.summary(tx, result)
		t.Rows = append(t.Rows, slices.Insert(row, 1, heightAt(h)))
	}
	return nil
}

func (e *explorer) transaction(ctx context.Context, r *http.Request) (*sheet, error) {
	id, err := hash(r.PathValue("hash"))
	if err != nil {
		return nil, err
	}
	b, _ := hex.DecodeString(id) // hash has read it
	res, err := e.Chain.Tx(ctx, b, false)
	if err != nil {
		if strings.Contains(err.Error(), "not found") {
			return nil, missing("There is no transaction with this hash in any block.")
		}
		return nil, err
	}
	s := &sheet{
		Title: "Transaction", Crumb: &entry{"/transactions", "Transactions"},
		Facts: []fact{
			{"Hash", whole(res.Hash, "")},
			{"Block", heightAt(res.Height)},
			{"Result", outcome(&res.TxResult)},
			{"Gas", words(number(res.TxResult.GasUsed) + " used of " + number(res.TxResult.GasWanted))},
			{"Size", words(number(len(res.Tx)) + " bytes")},
		},
	}
	tx, err := e.Decode(res.Tx)
	if err != nil {
		s.Lead = "This transaction cannot be read: " + plain(err.Error())
		return s, nil
	}
	s.Facts = append(s.Facts, fact{"Fee", fee(tx)})
	if t, ok := tx.(sdk.FeeTx); ok {
		s.Facts = append(s.Facts, fact{"Paid by", account(encoded(t.FeePayer()))})
	}
	if t, ok := tx.(sdk.TxWithMemo); ok && t.GetMemo() != "" {
		s.Facts = append(s.Facts, fact{"Memo", said(t.GetMemo())})
	}
	for _, m := range tx.GetMsgs() {
		s.Texts = append(s.Texts, text{verb(sdk.MsgTypeURL(m)), e.message(m)})
	}
	return s, nil
}

// message writes a message as JSON that people can read, cut where it is long.
func (e *explorer) message(m sdk.Msg) string {
	b, err := e.Codec.MarshalJSON(m)
	if err != nil {
		return "cannot be written as JSON: " + plain(err.Error())
	}
	var v any
	if json.Unmarshal(b, &v) == nil {
		if tidy, err := json.MarshalIndent(shorten(v), "", "  "); err == nil {
			b = tidy
		}
	}
	lines := strings.Split(string(b), "\n")
	total := 0
	for i, line := range lines {
		lines[i] = indented(line)
		if total += len(line); total > longMessage {
			lines = append(lines[:i], "…")
			break
		}
	}
	return strings.Join(lines, "\n")
}

// indented is plain for a line that begins with blanks.
func indented(line string) string {
	body := strings.TrimLeft(line, " ")
	return line[:len(line)-len(body)] + plain(body)
}

// shorten cuts long texts within a value of JSON: tickets are kilobytes.
func shorten(v any) any {
	const most = 200
	switch v := v.(type) {
	case string:
		if len(v) > most {
			return v[:most-20] + "… (" + number(len(v)) + " characters)"
		}
	case []any:
		for i := range v {
			v[i] = shorten(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = shorten(v[k])
		}
	}
	return v
}

// ofAccount lists what an account has sent, newest first, if the node indexes
// transactions.
func (e *explorer) ofAccount(ctx context.Context, address string) table {
	t := table{Title: "Transactions it sent", Head: []string{"Transaction", "Block", "Does", "Fee", "Gas used", "Result"}, Empty: "None that this node has indexed."}
	first, most := 1, 25
	res, err := e.Chain.TxSearch(ctx, "message.sender='"+address+"'", false, &first, &most, "desc")
	if err != nil {
		t.Note = "They could not be read: " + plain(err.Error())
		return t
	}
	for _, found := range res.Txs {
		t.Rows = append(t.Rows, slices.Insert(e.summary(found.Tx, &found.TxResult), 1, heightAt(found.Height)))
	}
	if res.TotalCount > len(res.Txs) {
		t.Note = "The newest " + number(len(res.Txs)) + " of " + number(res.TotalCount) + "."
	}
	return t
}

// search leads to the page of what was entered.
func (e *explorer) search(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	if to := e.lookUp(ctx, q); to != "" {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	f := &failure{http.StatusNotFound, "Nothing on this chain is called “" + plain(q) + "”.", "Enter the height of a block; a hash of a block, transaction, ticket, job, claim or model; or an address that begins with hearth1."}
	if q == "" {
		f.Code, f.Said = http.StatusBadRequest, "Nothing was entered."
	}
	e.show(w, r, f.Code, "problem", view{Title: "Search", Query: plain(q)}, f)
}

// lookUp returns the page of a height, an address or a hash; a hash is tried
// as everything that has one.
func (e *explorer) lookUp(ctx context.Context, q string) string {
	if h, err := strconv.ParseInt(strings.ReplaceAll(q, ",", ""), 10, 64); err == nil && h > 0 && len(q) < 20 {
		return "/blocks/" + strconv.FormatInt(h, 10)
	}
	if strings.HasPrefix(q, "hearth1") && len(q) < 100 {
		return "/accounts/" + url.PathEscape(q)
	}
	id, err := hash(q)
	if err != nil {
		return ""
	}
	b, _ := hex.DecodeString(id) // hash has read it
	if _, err := e.Chain.Tx(ctx, b, false); err == nil {
		return "/transactions/" + id
	}
	if res, err := e.Chain.BlockByHash(ctx, b); err == nil && res.Block != nil {
		return "/blocks/" + strconv.FormatInt(res.Block.Height, 10)
	}
	for _, kind := range e.hashed() {
		if kind.has(ctx, id) == nil {
			return kind.page + id
		}
	}
	return ""
}

// notFound tells whether a query found nothing, rather than failed.
func notFound(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return status.Code(err) == codes.NotFound || ok && f.Code == http.StatusNotFound
}
