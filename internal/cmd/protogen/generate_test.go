package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommittedCodeIsWhatTheProtosSay(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out, true); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
}

// A message with what ours use of other modules becomes Go code next to the
// hand-written code of its module, twice the same.
func TestGenerate(t *testing.T) {
	root, err := moduleDir(t.Context(), "hearth")
	if err != nil {
		t.Fatal(err)
	}
	plant := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		plant(filepath.Join(dir, name), string(b))
	}
	source := filepath.Join(dir, "chain/proto/hearth/kettle/v1/tx.proto")
	const text = `syntax = "proto3";
package hearth.kettle.v1;
import "cosmos/base/v1beta1/coin.proto";
import "cosmos/msg/v1/msg.proto";
import "gogoproto/gogo.proto";
import "google/api/annotations.proto";
option go_package = "hearth/chain/kettle";
service Msg {
  option (cosmos.msg.v1.service) = true;
  rpc Boil(MsgBoil) returns (MsgBoilResponse);
}
// MsgBoil makes tea.
message MsgBoil {
  option (cosmos.msg.v1.signer) = "cook";
  string cook = 1;
  cosmos.base.v1beta1.Coin price = 2 [(gogoproto.nullable) = false];
}
message MsgBoilResponse {}
service Query {
  rpc Cups(QueryCupsRequest) returns (QueryCupsResponse) { option (google.api.http).get = "/hearth/kettle/v1/cups/{cook}"; }
}
message QueryCupsRequest { string cook = 1; }
message QueryCupsResponse { uint64 cups = 1; }
`
	plant(source, text)

	files, err := generate(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, wants := range map[string][]string{
		"chain/kettle/tx.pb.go":    {"package kettle\n", "// MsgBoil makes tea.\ntype MsgBoil struct", "func RegisterMsgServer(", "DO NOT EDIT."},
		"chain/kettle/tx.pb.gw.go": {"package kettle\n", "func RegisterQueryHandler(", "DO NOT EDIT."},
	} {
		for _, want := range wants {
			if !strings.Contains(string(files[name]), want) {
				t.Errorf("%s has no %q", name, want)
			}
		}
	}
	again, err := generate(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(files, again); d != "" {
		t.Errorf("the second time (-first +second):\n%s", d)
	}

	t.Run("what differs is named", func(t *testing.T) {
		check := func(step string, want ...string) {
			t.Helper()
			got, err := compare(dir, files)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", step, d)
			}
		}
		check("nothing written", "chain/kettle/tx.pb.go", "chain/kettle/tx.pb.gw.go")
		for name, data := range files {
			if err := put(dir, name, data); err != nil {
				t.Fatal(err)
			}
		}
		check("all written")
		plant(filepath.Join(dir, "chain/kettle/tx.pb.go"), "package kettle\n")
		plant(filepath.Join(dir, "chain/kettle/old.pb.go"), "package kettle\n")
		check("one changed and one too many", "chain/kettle/old.pb.go", "chain/kettle/tx.pb.go")
	})

	t.Run("a mistake is named with its line", func(t *testing.T) {
		plant(source, strings.Replace(text, "string cook = 1;", "strung cook = 1;", 1))
		if _, err := generate(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "tx.proto:15:") {
			t.Errorf("got %v, want the line of the mistake", err)
		}
	})

	t.Run("code stays below chain", func(t *testing.T) {
		plant(source, strings.Replace(text, "hearth/chain/kettle", "hearth/units", 1))
		if _, err := generate(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "go_package") {
			t.Errorf("got %v, want a word on go_package", err)
		}
	})
}
