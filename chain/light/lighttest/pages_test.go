package lighttest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"
	cmt "github.com/cometbft/cometbft/types"

	"hearth/chain/light/node"
)

// answering is a node that answers every method with the text given for it.
func answering(t *testing.T, answers func(method string, params map[string]any) string) *node.Node {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Method string
			Params map[string]any
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		io.WriteString(w, answers(q.Method, q.Params))
	}))
	t.Cleanup(srv.Close)
	n, err := node.New(srv.URL, srv.Client())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// CometBFT's own encoder writes what a node with 250 validators answers.
func TestManyValidatorsComeInPages(t *testing.T) {
	var vals []*cmt.Validator
	for i := range 250 {
		vals = append(vals, cmt.NewValidator(ed25519.GenPrivKeyFromSecret(fmt.Append(nil, i)).PubKey(), int64(1+i)))
	}
	set := cmt.NewValidatorSet(vals)
	h := &cmt.Header{ChainID: "hearth", Height: 7, Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), ValidatorsHash: set.Hash()}
	c := &cmt.Commit{Height: 7, BlockID: cmt.BlockID{Hash: h.Hash()}, Signatures: []cmt.CommitSig{cmt.NewCommitSigAbsent()}}
	n := answering(t, func(method string, params map[string]any) string {
		var result any = ctypes.NewResultCommit(h, c, true)
		if method == "validators" {
			var page int
			fmt.Sscan(params["page"].(string), &page)
			result = ctypes.ResultValidators{BlockHeight: 7, Validators: set.Validators[(page-1)*100 : min(page*100, 250)], Count: 100, Total: 250}
		}
		b, err := cmtjson.Marshal(result)
		if err != nil {
			t.Error(err)
		}
		return `{"result":` + string(b) + `}`
	})
	b, err := n.Block(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if hash := b.Validators.Hash(); string(hash[:]) != string(set.Hash()) {
		t.Errorf("the validators hash to %s, want %X", hash, set.Hash())
	}
	if hash := b.Header.Hash(); string(hash[:]) != string(h.Hash()) {
		t.Errorf("the header hashes to %s, want %X", hash, h.Hash())
	}
}
