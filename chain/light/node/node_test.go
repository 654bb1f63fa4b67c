package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hearth/chain/light/node"
)

// serve answers every method with the text given for it.
func serve(t testing.TB, answers func(method string, params map[string]any) string) *node.Node {
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

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"http://127.0.0.1:26657": true, "https://node.example/rpc/": true,
		"": false, "127.0.0.1:26657": false, "tcp://127.0.0.1:26657": false, "http://": false, "http://a:secret@b": false, "http://a?x=y": false,
	} {
		_, err := node.New(address, http.DefaultClient)
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	const key = `{"type":"tendermint/PubKeySecp256k1","value":"AvQfXw=="}`
	const commit = `{"result":{"signed_header":{"header":{"version":{"block":"11","app":"1"},"height":"5","time":"2026-01-01T00:00:00Z"},"commit":{"height":"5"}}}}`
	for _, c := range []struct{ name, commit, validators, says string }{
		{"no JSON", "<html>", "", "not one of CometBFT"},
		{"nothing", `{}`, "", "no result"},
		{"null", `{"result":null}`, "", "no result"},
		{"no header", `{"result":{}}`, "", "is missing"},
		{"another height", strings.Replace(commit, `"height":"5"`, `"height":"6"`, 1), "", "that of height 6"},
		{"a height that is no number", strings.Replace(commit, `"height":"5"`, `"height":"five"`, 1), "", "read the answer"},
		{"a hash that is no hexadecimal", strings.Replace(commit, `"height":"5"`, `"height":"5","app_hash":"xyz"`, 1), "", "not hexadecimal"},
		{"five megabytes", `{"result":"` + strings.Repeat("x", 5<<20) + `"}`, "", "more than"},
		{"a long complaint", `{"error":{"code":-1,"message":"` + strings.Repeat("x", 5000) + `"}}`, "", "…"},
		{"a million validators", commit, `{"result":{"block_height":"5","validators":[],"total":"1000000"}}`, "0 of 1000000"},
		{"validators of another height", commit, `{"result":{"block_height":"6","validators":[],"total":"0"}}`, "for height 6"},
		{"an empty page for ever", commit, `{"result":{"block_height":"5","validators":[],"total":"5"}}`, "0 of 5"},
		{"another kind of key", commit, `{"result":{"block_height":"5","validators":[{"pub_key":` + key + `,"voting_power":"1"}],"total":"1"}}`, "Secp256k1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := serve(t, func(method string, _ map[string]any) string {
				if method == "validators" {
					return c.validators
				}
				return c.commit
			})
			_, err := n.Block(t.Context(), 5)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the error has %d characters", len(err.Error()))
			}
		})
	}
}

func TestANodeThatDoesNotAnswer(t *testing.T) {
	wait := make(chan struct{})
	n := serve(t, func(string, map[string]any) string { <-wait; return "" })
	defer close(wait)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Whatever a node answers, reading it ends with a value or an error.
func FuzzAnswers(f *testing.F) {
	f.Add(`{"result":{"signed_header":{"header":{},"commit":{"signatures":[{"block_id_flag":2,"signature":"AA=="}]}}}}`)
	f.Add(`{"result":{"response":{"height":"3","key":"a2V5","proofOps":{"ops":[{"type":"ics23:iavl","data":"AA=="},{"type":"ics23:simple"}]}}}}`)
	f.Add(`{"result":{"height":"3","tx":"AA==","proof":{"proof":{"total":"1","index":"0","aunts":["AA=="]}}}}`)
	f.Add(`{"error":{"code":-32603,"message":"Internal error","data":"tx not found"}}`)
	var answer string
	n := serve(f, func(string, map[string]any) string { return answer })
	f.Fuzz(func(t *testing.T, text string) {
		answer = text
		if a, err := n.Value(t.Context(), "work", []byte("key"), 3); err == nil && a.Height != 3 {
			t.Errorf("an answer of height %d was taken for one of height 3", a.Height)
		}
		if b, err := n.Block(t.Context(), 5); err == nil && b.Header.Height != 5 {
			t.Errorf("block %d was taken for block 5", b.Header.Height)
		}
		_, _ = n.Transaction(t.Context(), [32]byte{})
		_, _ = n.Status(t.Context())
	})
}
