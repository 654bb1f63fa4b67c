package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// command runs one command line in this process.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	p := &program{ctx: t.Context(), in: strings.NewReader(""), out: &o, err: &e}
	code = p.run(args)
	return code, o.String(), e.String()
}

// must runs a command that has to end with a code.
func must(t *testing.T, want int, args ...string) (out, errs string) {
	t.Helper()
	code, out, errs := command(t, args...)
	if code != want {
		t.Fatalf("hearth %q: exit code %d, want %d\n%s%s", args, code, want, out, errs)
	}
	return out, errs
}

// startServe runs "hearth serve" until the test ends, and returns its address.
func startServe(t *testing.T, args ...string) (base string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		// What goes wrong is shown with the test.
		p := &program{ctx: ctx, in: strings.NewReader(""), out: w, err: io.MultiWriter(&errs, t.Output())}
		code := p.run(append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
		w.Close()
		ended <- code
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if base = regexp.MustCompile(`https?://[0-9.:]+/v1`).FindString(lines.Text()); base != "" {
			break
		}
	}
	if base == "" {
		t.Fatalf("hearth serve %q: exit code %d: %s", args, <-ended, errs.String())
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	code := -1
	stop = func() int {
		if code < 0 {
			cancel()
			code = <-ended
		}
		return code
	}
	t.Cleanup(func() { stop() })
	return base, stop
}

// post asks a server.
func post(t *testing.T, url, body string, headers ...string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b
}

// A person adds models, serves them, asks, and checks the receipt of the
// answer on another day: with the model, without it, for another prompt, and
// after somebody changed it.
func TestServeAndVerify(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	for _, kind := range []string{"encoder", "decoder"} {
		file := filepath.Join(dir, kind+".hearth")
		if err := writeModel(kind, file); err != nil {
			t.Fatal(err)
		}
		must(t, 0, "model", "add", file, "--data", data)
	}
	base, stop := startServe(t, "--data", data)
	status, body := post(t, base+"/chat/completions",
		`{"model":"decoder","messages":[{"role":"user","content":"Is it warm?"}],"max_tokens":12,"stop":["never there"]}`, "X-Hearth-Receipt: 1")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	_, vectors := post(t, base+"/embeddings", `{"model":"encoder","input":["one","two"]}`, "X-Hearth-Receipt: 1")
	if code := stop(); code != 0 {
		t.Errorf("hearth serve ends with code %d", code)
	}

	kept := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	answer := kept("answer.json", body)
	out, _ := must(t, 0, "verify", answer, "--data", data, "--prompt", "Is it warm?")
	for _, want := range []string{"signed this receipt", "every bit is the same", "The trace is the same", "The prompt is the one that you gave", "The text of the answer is that of the tokens", "Not proven", "true or useful"} {
		if !strings.Contains(strings.ToLower(out), strings.ToLower(want)) {
			t.Errorf("verify does not say %q:\n%s", want, out)
		}
	}
	out, _ = must(t, 0, "verify", kept("vectors.json", vectors), "--data", data)
	if !strings.Contains(out, "Receipt 2 of 2") || strings.Count(out, "every bit is the same") != 2 || strings.Count(out, "The vector of the answer is the one") != 2 {
		t.Errorf("two receipts:\n%s", out)
	}
	out, errs := must(t, 4, "verify", kept("other.json", bytes.Replace(vectors, []byte(`"embedding":[`), []byte(`"embedding":[1,`), 1)), "--data", data)
	if strings.Count(out, "the vector of the answer is not that of its proof") != 1 || !strings.Contains(errs, "1 of 2 receipts failed") {
		t.Errorf("another vector:\n%s%s", out, errs)
	}
	out, errs = must(t, 4, "verify", kept("said.json", bytes.Replace(body, []byte(`"content":"`), []byte(`"content":"Yes. `), 1)), "--data", data)
	if !strings.Contains(out, "the text of the answer is not that of its tokens") || strings.Contains(errs, "does not hold") {
		t.Errorf("another text:\n%s%s", out, errs)
	}
	out, _ = must(t, 4, "verify", answer, "--data", data, "--prompt", "Is it cold?")
	if !strings.Contains(out, "another prompt") {
		t.Errorf("another prompt:\n%s", out)
	}
	out, _ = must(t, 0, "verify", answer, "--data", t.TempDir())
	if !strings.Contains(out, "The model is not here") || strings.Contains(out, "every bit") {
		t.Errorf("without the model:\n%s", out)
	}

	// The receipt alone says neither prompt nor answer.
	var parsed struct {
		Hearth struct {
			Proofs []map[string]json.RawMessage `json:"proofs"`
		} `json:"hearth"`
	}
	if err := json.Unmarshal(body, &parsed); err != nil {
		t.Fatal(err)
	}
	bare := kept("bare.json", parsed.Hearth.Proofs[0]["receipt"])
	out, _ = must(t, 0, "verify", bare, "--data", data)
	if !strings.Contains(out, "Which prompt and output it is about") {
		t.Errorf("a bare receipt:\n%s", out)
	}
	must(t, 2, "verify", bare, "--data", data, "--prompt", "Is it warm?")

	// Another token in the answer, another output hash: both are found.
	proof := parsed.Hearth.Proofs[0]
	proof["output"] = bytes.Replace(proof["output"], []byte("["), []byte("[1,"), 1)
	changed, err := json.Marshal(proof)
	if err != nil {
		t.Fatal(err)
	}
	out, _ = must(t, 4, "verify", kept("changed.json", changed), "--data", data, "--json")
	if !strings.Contains(out, "another output") || !strings.Contains(out, `"ok": false`) {
		t.Errorf("another output:\n%s", out)
	}
	forged := bytes.Replace(parsed.Hearth.Proofs[0]["receipt"], []byte(`"work":`), []byte(`"work":1`), 1)
	must(t, 4, "verify", kept("forged.json", forged), "--data", data)
	must(t, 2, "verify", kept("junk.json", []byte("{}")), "--data", data)
}

// With a file of keys nobody asks without one; without it nobody from outside.
func TestServeWithKeys(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	file, keys := filepath.Join(dir, "writer.hearth"), filepath.Join(dir, "keys.json")
	if err := writeModel("decoder", file); err != nil {
		t.Fatal(err)
	}
	must(t, 0, "model", "add", file, "--data", data)
	_, errs := must(t, 2, "serve", "--data", data, "--key-file", keys, "--listen", "127.0.0.1:0")
	if !strings.Contains(errs, "hearth key add") {
		t.Errorf("a file without keys: %s", errs)
	}
	must(t, 2, "serve", "--data", data, "--listen", "0.0.0.0:0")
	secret, _ := must(t, 0, "key", "add", "notebook", "--key-file", keys)
	secret = strings.TrimSpace(secret)
	kept, err := os.ReadFile(keys)
	if err != nil || strings.Contains(string(kept), secret) {
		t.Errorf("the file of keys holds the key, %v", err)
	}
	base, _ := startServe(t, "--data", data, "--key-file", keys)
	const body = `{"model":"writer","prompt":"warm","max_tokens":2}`
	if status, b := post(t, base+"/completions", body); status != 401 {
		t.Errorf("without a key: %d %s", status, b)
	}
	if status, b := post(t, base+"/completions", body, "Authorization: Bearer "+secret); status != 200 {
		t.Errorf("with a key: %d %s", status, b)
	}
	out, _ := must(t, 0, "key", "list", "--key-file", keys)
	if !strings.Contains(out, "notebook") {
		t.Errorf("listed %s", out)
	}
	must(t, 0, "key", "remove", "notebook", "--key-file", keys)
	if status, b := post(t, base+"/completions", body, "Authorization: Bearer "+secret); status != 401 {
		t.Errorf("with a key that was removed: %d %s", status, b)
	}
}

// One damaged model keeps nobody from asking the others, unless it is the one
// that was named.
func TestServeLeavesOutWhatIsDamaged(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	for _, name := range []string{"good", "bad"} {
		file := filepath.Join(dir, name+".hearth")
		if err := writeModel("decoder", file); err != nil {
			t.Fatal(err)
		}
		must(t, 0, "model", "add", file, "--data", data)
	}
	bad := filepath.Join(data, modelsFolder, "bad.hearth")
	b, err := os.ReadFile(bad)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(bad, b, 0o600); err != nil {
		t.Fatal(err)
	}
	base, stop := startServe(t, "--data", data)
	if status, b := post(t, base+"/completions", `{"model":"good","prompt":"warm","max_tokens":2}`); status != http.StatusOK {
		t.Errorf("the good one: %d %s", status, b)
	}
	if status, b := post(t, base+"/completions", `{"model":"bad","prompt":"warm","max_tokens":2}`); status != http.StatusNotFound {
		t.Errorf("the bad one: %d %s", status, b)
	}
	if code := stop(); code != 0 {
		t.Errorf("it ends with code %d", code)
	}
	_, errs := must(t, 1, "serve", "--data", data, "--model", "bad", "--listen", "127.0.0.1:0")
	if !strings.Contains(errs, "does not belong to this model") || !strings.Contains(errs, "hearth model add PATH --name bad") {
		t.Errorf("by name: %s", errs)
	}
}

// What is printed can be typed into a client.
func TestReachedAt(t *testing.T) {
	lan := []string{"192.168.1.5", "fd00::5"}
	for listening, want := range map[string]string{
		"127.0.0.1:80":   "127.0.0.1:80",
		"192.168.1.5:80": "192.168.1.5:80",
		"0.0.0.0:80":     "127.0.0.1:80 192.168.1.5:80 [fd00::5]:80",
		"[::]:80":        "127.0.0.1:80 192.168.1.5:80 [fd00::5]:80",
	} {
		a := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(listening))
		if got := strings.Join(reachedAt(a, lan), " "); got != want {
			t.Errorf("%s is reached at %s, want %s", listening, got, want)
		}
	}
}
