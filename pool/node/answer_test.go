package node

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"hearth/internal/jsonscan"
)

// Whatever answers, it is understood or told in bounded words; and an error of
// the node is one.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"result":null,"error":null,"id":1}`, `{"result":"duplicate","error":null,"id":1}`, `{"result":null,"error":{"code":-28,"message":"Loading"},"id":1}`,
		`{"error":{"code":1}}`, `{"error":7}`, `<html>`, ``, `{}`, `{"result":"\ud800"}`, `[1]`, `{"result":"a","result":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var text string
		err := understand("submitblock", "200 OK", answer, func(c *jsonscan.Cursor) error {
			text = ""
			if !c.Null() {
				text = short(string(c.Text()))
			}
			return nil
		})
		if err != nil && (len(err.Error()) > 2000 || !utf8.ValidString(err.Error()) && utf8.Valid(answer)) {
			t.Errorf("%d bytes: %q", len(err.Error()), err)
		}
		if strings.ContainsAny(text, "\r\n") || len(text) > 200 {
			t.Errorf("%q", text)
		}
		var out struct {
			Error *struct {
				Code    *int
				Message *string
			}
		}
		if _, ok := errors.AsType[*Error](err); !ok && err == nil && json.Unmarshal(answer, &out) == nil && out.Error != nil && out.Error.Code != nil && out.Error.Message != nil {
			t.Errorf("%q is no error", answer)
		}
	})
}
