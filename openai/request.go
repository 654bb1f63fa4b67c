package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"hearth/infer/text"
)

// The bounds of a request.
const (
	maxBody     = 16 << 20 // bytes of JSON
	maxInputs   = 2048     // texts of one request for embeddings
	maxMessages = 4096
	maxChoices  = 8
	maxStops    = 4
	maxStop     = 256 // bytes of one stop string
	maxTop      = 20  // alternatives of a token
)

// fields reads a body as one JSON object whose fields are all known. It
// refuses a field that is there twice: two programs must not be able to read
// one body differently.
func fields(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		p := invalid("", "content_type", "The body must be JSON: send Content-Type: application/json.")
		p.Status = http.StatusUnsupportedMediaType
		return nil, p
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			p := invalid("", "too_large", "The body is larger than %d MiB: send fewer inputs at a time.", maxBody>>20)
			p.Status = http.StatusRequestEntityTooLarge
			return nil, p
		}
		return nil, invalid("", "bad_body", "The body could not be read.")
	}
	return object(body)
}

func object(body []byte) (map[string]json.RawMessage, error) {
	bad := invalid("", "bad_json", "The body is not a JSON object.")
	if !utf8.Valid(body) {
		return nil, invalid("", "bad_json", "The body is not valid UTF-8.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	t, err := d.Token()
	if err != nil || t != json.Delim('{') {
		return nil, bad
	}
	all := make(map[string]json.RawMessage)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, bad
		}
		if _, twice := all[name]; twice {
			return nil, invalid(name, "bad_json", "The field %q is there twice.", name)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, bad
		}
		all[name] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("", "bad_json", "Something follows the JSON object.")
	}
	return all, nil
}

// reader takes fields out of an object, keeps the first error, and in the
// end refuses what nobody took.
type reader struct {
	fields map[string]json.RawMessage
	err    error
}

// take removes a field. Null is as good as absent.
func (r *reader) take(name string) (json.RawMessage, bool) {
	v, ok := r.fields[name]
	delete(r.fields, name)
	return v, ok && string(v) != "null"
}

func (r *reader) fail(p *Problem) {
	if r.err == nil {
		r.err = p
	}
}

// ignore takes fields that cannot change an answer.
func (r *reader) ignore(names ...string) {
	for _, n := range names {
		delete(r.fields, n)
	}
}

// refuse takes a field whose only accepted values are given as JSON.
func (r *reader) refuse(name, why string, but ...string) {
	v, ok := r.take(name)
	if !ok {
		return
	}
	var compact bytes.Buffer
	if json.Compact(&compact, v) == nil && slices.Contains(but, compact.String()) {
		return
	}
	r.fail(unsupported(name, "%s is not supported: %s", name, why))
}

// end refuses what is left.
func (r *reader) end() error {
	if r.err != nil {
		return r.err
	}
	for _, name := range slices.Sorted(mapsKeys(r.fields)) {
		return invalid(name, "unknown_parameter", "There is no parameter %q here.", name)
	}
	return nil
}

func mapsKeys(m map[string]json.RawMessage) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (r *reader) str(name string) string {
	v, ok := r.take(name)
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		r.fail(invalid(name, "invalid_type", "%s must be a string.", name))
	}
	return s
}

func (r *reader) flag(name string) bool {
	v, ok := r.take(name)
	if !ok {
		return false
	}
	var b bool
	if json.Unmarshal(v, &b) != nil {
		r.fail(invalid(name, "invalid_type", "%s must be true or false.", name))
	}
	return b
}

// whole reads an integer within bounds.
func (r *reader) whole(name string, otherwise, from, to int64) int64 {
	v, ok := r.take(name)
	if !ok {
		return otherwise
	}
	var n int64
	if json.Unmarshal(v, &n) != nil {
		r.fail(invalid(name, "invalid_type", "%s must be a whole number.", name))
		return otherwise
	}
	if n < from || n > to {
		r.fail(invalid(name, "invalid_value", "%s must be from %d to %d, not %d.", name, from, to, n))
	}
	return n
}

// ratio reads a decimal as a whole number of units of 2^-16, without a
// floating-point number on the way: sampling is exact.
func (r *reader) ratio(name string, otherwise, from, to int64) int64 {
	v, ok := r.take(name)
	if !ok {
		return otherwise
	}
	n, err := parseRatio(string(v))
	if err != nil {
		r.fail(invalid(name, "invalid_type", "%s must be a number such as 0.7.", name))
		return otherwise
	}
	if n < from || n > to {
		r.fail(invalid(name, "invalid_value", "%s must be from %s to %s.", name, ratioText(from), ratioText(to)))
	}
	return n
}

// one is 1 in units of [reader.ratio].
const one = 1 << 16

// parseRatio reads a JSON number into units of 2^-16, rounding half up.
// Numbers of 1000 and more are out of every range here and read as such.
func parseRatio(s string) (int64, error) {
	var f json.Number
	if err := json.Unmarshal([]byte(s), &f); err != nil || strings.HasPrefix(s, `"`) {
		return 0, errors.New("not a number")
	}
	return decimal(f.String())
}

func ratioText(n int64) string {
	if n < 0 {
		return "-" + ratioText(-n)
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%04d", n/one, (n%one)*10000/one), "0"), ".")
}

// generation is what chat and completions have in common.
type generation struct {
	model       string
	stream      bool
	usage       bool // a last chunk with the usage
	maxTokens   int  // 0: as many as fit
	temperature int64
	topP        int64
	presence    int64
	frequency   int64
	seed        uint64
	hasSeed     bool
	stops       []string
	choices     int
	logprobs    bool
	top         int // alternatives of each token
	receipt     bool
	later       bool // it may wait for heat
}

// generation reads the fields that both requests have. logprobs is read by
// the caller, since the two differ.
func (r *reader) generation() generation {
	g := generation{model: r.str("model"), stream: r.flag("stream"), temperature: one, topP: one}
	if g.model == "" {
		r.fail(invalid("model", "missing_required_parameter", "Say which model: GET /v1/models lists them."))
	}
	if v, ok := r.take("stream_options"); ok {
		o, err := object(v)
		if err != nil || !g.stream {
			r.fail(invalid("stream_options", "invalid_value", "stream_options is an object, and goes with stream."))
		} else {
			in := reader{fields: o}
			g.usage = in.flag("include_usage")
			in.ignore("include_obfuscation")
			if err := in.end(); err != nil {
				r.fail(problemOf(err))
			}
		}
	}
	g.maxTokens = int(r.whole("max_tokens", 0, 1, 1<<20))
	if n := r.whole("max_completion_tokens", 0, 1, 1<<20); n > 0 {
		g.maxTokens = int(n)
	}
	g.temperature = r.ratio("temperature", one, 0, 2*one)
	g.topP = r.ratio("top_p", one, 0, one)
	if v, ok := r.take("seed"); ok {
		var n int64
		if json.Unmarshal(v, &n) != nil {
			r.fail(invalid("seed", "invalid_type", "seed must be a whole number."))
		}
		g.seed, g.hasSeed = uint64(n), true
	}
	g.stops = r.stops()
	g.choices = int(r.whole("n", 1, 1, maxChoices))
	g.presence = r.ratio("presence_penalty", 0, -2*one, 2*one)
	g.frequency = r.ratio("frequency_penalty", 0, -2*one, 2*one)
	r.refuse("logit_bias", "tokens are drawn from the model's own distribution.", "{}")
	r.hearth(&g)
	g.later = r.later()
	r.ignore("user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
	return g
}

// later reads the tier of a request: "flex" may take its time. All other tiers
// are served alike, at once.
func (r *reader) later() bool { return r.str("service_tier") == "flex" }

// hearth reads what only Hearth understands.
func (r *reader) hearth(g *generation) {
	v, ok := r.take("hearth")
	if !ok {
		return
	}
	o, err := object(v)
	if err != nil {
		r.fail(invalid("hearth", "invalid_type", `hearth is an object, such as {"receipt":true}.`))
		return
	}
	in := reader{fields: o}
	g.receipt = in.flag("receipt")
	if err := in.end(); err != nil {
		r.fail(problemOf(err))
	}
}

// stops reads "stop": a string or a few.
func (r *reader) stops() []string {
	v, ok := r.take("stop")
	if !ok {
		return nil
	}
	var list []string
	var s string
	if json.Unmarshal(v, &s) == nil {
		list = []string{s}
	} else if json.Unmarshal(v, &list) != nil {
		r.fail(invalid("stop", "invalid_type", "stop must be a string or a list of strings."))
		return nil
	}
	if len(list) > maxStops {
		r.fail(invalid("stop", "invalid_value", "stop lists %d strings: at most %d are watched for.", len(list), maxStops))
	}
	for _, s := range list {
		if s == "" || len(s) > maxStop {
			r.fail(invalid("stop", "invalid_value", "A stop string has from 1 to %d bytes.", maxStop))
		}
	}
	return list
}

// chatRequest is the body of POST /v1/chat/completions.
type chatRequest struct {
	generation
	messages []text.Message
}

func readChat(all map[string]json.RawMessage) (chatRequest, error) {
	r := reader{fields: all}
	c := chatRequest{generation: r.generation()}
	c.logprobs = r.flag("logprobs")
	c.top = int(r.whole("top_logprobs", 0, 0, maxTop))
	if c.top > 0 && !c.logprobs {
		r.fail(invalid("top_logprobs", "invalid_value", "top_logprobs goes with logprobs: true."))
	}
	c.messages = r.messages()
	for _, name := range []string{"tools", "functions"} {
		r.refuse(name, "models here answer with text only.", "[]")
	}
	r.refuse("tool_choice", "models here answer with text only.", `"none"`, `"auto"`)
	r.refuse("function_call", "models here answer with text only.", `"none"`, `"auto"`)
	r.refuse("response_format", "answers are plain text; ask for a form in the prompt.", `{"type":"text"}`)
	r.refuse("modalities", "models here answer with text only.", `["text"]`)
	r.refuse("audio", "models here answer with text only.")
	r.refuse("web_search_options", "Hearth looks nothing up.")
	r.refuse("reasoning_effort", "the models here have no such setting.", `"none"`)
	r.refuse("verbosity", "the models here have no such setting: ask for a short answer in the prompt.", `"medium"`)
	r.refuse("store", "Hearth keeps no answers.", "false")
	r.ignore("parallel_tool_calls", "prediction")
	return c, r.end()
}

// messages reads the turns of a conversation.
func (r *reader) messages() []text.Message {
	v, ok := r.take("messages")
	var raw []json.RawMessage
	if !ok || json.Unmarshal(v, &raw) != nil || len(raw) == 0 {
		r.fail(invalid("messages", "invalid_type", `messages must be a list such as [{"role":"user","content":"Hello"}].`))
		return nil
	}
	if len(raw) > maxMessages {
		r.fail(invalid("messages", "invalid_value", "messages lists %d turns: at most %d are read.", len(raw), maxMessages))
		return nil
	}
	out := make([]text.Message, len(raw))
	for i, v := range raw {
		at := fmt.Sprintf("messages[%d]", i)
		o, err := object(v)
		if err != nil {
			r.fail(invalid(at, "invalid_type", "%s must be an object with role and content.", at))
			return nil
		}
		in := reader{fields: o}
		role := in.str("role")
		switch role {
		case "developer":
			role = text.System
		case text.System, text.User, text.Assistant:
		case "tool", "function":
			in.fail(unsupported(at+".role", "%s: tools are not supported.", at))
		default:
			in.fail(invalid(at+".role", "invalid_value", "%s: the role %q is none of system, developer, user and assistant.", at, role))
		}
		body, p := content(in.fields["content"], at)
		if p != nil {
			in.fail(p)
		}
		in.ignore("content", "name")
		in.refuse("refusal", "an earlier answer is given as content.")
		in.refuse("tool_calls", "tools are not supported.", "[]")
		in.refuse("function_call", "tools are not supported.")
		in.refuse("audio", "messages are text.")
		if err := in.end(); err != nil {
			r.fail(problemOf(err))
			return nil
		}
		out[i] = text.Message{Role: role, Content: body}
	}
	return out
}

// content is a string, or parts that are all text.
func content(v json.RawMessage, at string) (string, *Problem) {
	var s string
	if len(v) > 0 && string(v) != "null" && json.Unmarshal(v, &s) == nil {
		return s, nil
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if len(v) == 0 || json.Unmarshal(v, &parts) != nil || len(parts) == 0 {
		return "", invalid(at+".content", "invalid_type", "%s.content must be a string, or a list of parts of the type text.", at)
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Type != "text" || p.Text == nil {
			return "", unsupported(at+".content", "%s.content: parts of the type %q are not supported: models here read text only.", at, p.Type)
		}
		b.WriteString(*p.Text)
	}
	return b.String(), nil
}

// input is one prompt or text: words, or tokens where they were given.
type input struct {
	text   string
	tokens []int32
}

// completionRequest is the body of POST /v1/completions.
type completionRequest struct {
	generation
	prompts []input
	echo    bool
}

func readCompletion(all map[string]json.RawMessage) (completionRequest, error) {
	r := reader{fields: all}
	c := completionRequest{generation: r.generation()}
	if v, ok := r.take("logprobs"); ok {
		var n int
		if json.Unmarshal(v, &n) != nil || n < 0 || n > 5 {
			r.fail(invalid("logprobs", "invalid_value", "logprobs must be a whole number from 0 to 5."))
		}
		c.logprobs, c.top = true, n
	}
	if c.maxTokens == 0 {
		c.maxTokens = 16 // as the API has it
	}
	c.echo = r.flag("echo")
	if c.echo && c.logprobs {
		r.fail(unsupported("echo", "echo with logprobs is not supported: tokens of the prompt are not scored."))
	}
	c.prompts = r.inputs("prompt", 16)
	r.refuse("suffix", "models here write on, they do not fill in.", `""`)
	r.refuse("best_of", "answers are not ranked; ask for several with n.", "1")
	return c, r.end()
}

// embeddingRequest is the body of POST /v1/embeddings.
type embeddingRequest struct {
	model      string
	inputs     []input
	base64     bool
	dimensions int // 0: all
	receipt    bool
	later      bool // it may wait for heat
}

func readEmbedding(all map[string]json.RawMessage) (embeddingRequest, error) {
	r := reader{fields: all}
	var g generation
	e := embeddingRequest{model: r.str("model")}
	if e.model == "" {
		r.fail(invalid("model", "missing_required_parameter", "Say which model: GET /v1/models lists them."))
	}
	switch f := r.str("encoding_format"); f {
	case "", "float":
	case "base64":
		e.base64 = true
	default:
		r.fail(invalid("encoding_format", "invalid_value", "encoding_format is float or base64, not %q.", f))
	}
	e.dimensions = int(r.whole("dimensions", 0, 1, 1<<20))
	e.inputs = r.inputs("input", maxInputs)
	r.hearth(&g)
	e.receipt, e.later = g.receipt, r.later()
	r.ignore("user")
	return e, r.end()
}

// inputs reads a string, a list of strings, a list of tokens, or a list of
// lists of tokens.
func (r *reader) inputs(name string, most int) []input {
	v, ok := r.take(name)
	if !ok {
		r.fail(invalid(name, "missing_required_parameter", "%s is missing.", name))
		return nil
	}
	var (
		s      string
		list   []string
		tokens []int32
		lists  [][]int32
		out    []input
	)
	switch {
	case json.Unmarshal(v, &s) == nil:
		out = []input{{text: s}}
	case json.Unmarshal(v, &list) == nil:
		for _, s := range list {
			out = append(out, input{text: s})
		}
	case json.Unmarshal(v, &tokens) == nil:
		out = []input{{tokens: tokens}}
	case json.Unmarshal(v, &lists) == nil:
		for _, t := range lists {
			out = append(out, input{tokens: t})
		}
	default:
		r.fail(invalid(name, "invalid_type", "%s must be a string, a list of strings, a list of tokens, or a list of lists of tokens.", name))
		return nil
	}
	switch {
	case len(out) == 0:
		r.fail(invalid(name, "invalid_value", "%s is empty.", name))
	case len(out) > most:
		r.fail(invalid(name, "invalid_value", "%s lists %d: at most %d are taken at a time.", name, len(out), most))
	}
	for i, in := range out {
		if in.text == "" && len(in.tokens) == 0 {
			r.fail(invalid(name, "invalid_value", "%s number %d is empty.", name, i+1))
			break
		}
	}
	return out
}
