package message

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"hearth/pool/job"
)

const vectors = "../../../spec/vectors/stratum2"

var update = flag.Bool("update", false, "write the vectors anew")

// kinds is every message there is, with the header that announces it.
func kinds() []Header {
	var all []Header
	for k, name := range coreNames {
		if name != "" {
			all = append(all, Header{Extension: Core, Kind: Kind(k)})
		}
	}
	for k := range negotiationNames {
		all = append(all, Header{Extension: Negotiation, Kind: Kind(k)})
	}
	return all
}

// The table of the specification: which messages carry the channel bit.
func TestHeads(t *testing.T) {
	channel := map[Kind]bool{KindChannelEndpointChanged: true}
	for k := KindNewMiningJob; k <= KindSetCustomMiningJobError; k++ {
		channel[k] = true
	}
	for _, h := range kinds() {
		m := New(h)
		if m == nil {
			t.Errorf("%v: no message", h)
			continue
		}
		extension, k := m.head()
		if got := (Header{Extension: extension}); k != h.Kind || got.Defines() != h.Defines() {
			t.Errorf("%v is made for %v", reflect.TypeOf(m), h)
		}
		if want := h.Defines() == Core && channel[h.Kind]; (extension&toChannel != 0) != want {
			t.Errorf("%v: channel bit %v, want %v", h, !want, want)
		}
		if again := New(Header{Extension: extension ^ toChannel, Kind: k}); reflect.TypeOf(again) != reflect.TypeOf(m) {
			t.Errorf("%v with the other channel bit is %T", h, again)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(h.String(), " of 0 bytes"), ".", "")
		if got := reflect.TypeOf(m).Elem().Name(); got != name {
			t.Errorf("%s is called %s", got, name)
		}
	}
	for _, h := range []Header{{Kind: 0x05}, {Kind: 0x1e}, {Kind: 0x50}, {Extension: Negotiation, Kind: 3}, {Extension: WorkerNames}, {Extension: 0x4000}} {
		if m := New(h); m != nil {
			t.Errorf("%v is a %T", h, m)
		}
		if !strings.HasPrefix(h.String(), "message 0x") {
			t.Errorf("%v has a name", h)
		}
	}
}

func TestHeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Header{
			Extension: rapid.Uint16().Draw(t, "extension"),
			Kind:      Kind(rapid.Byte().Draw(t, "kind")),
			Size:      rapid.IntRange(0, MaxPayload).Draw(t, "size"),
		}
		got, err := ParseHeader(h.Append(nil))
		if err != nil || got != h {
			t.Fatalf("%+v is read back as %+v, %v", h, got, err)
		}
	})
	if _, err := ParseHeader(make([]byte, 5)); err == nil {
		t.Error("five bytes are a header")
	}
	got, _ := ParseHeader([]byte{0x00, 0x80, 0x1a, 0x18, 0x00, 0x00})
	if want := (Header{Extension: 0x8000, Kind: KindSubmitSharesStandard, Size: 24}); got != want {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

// fill draws a message's fields, within what the protocol allows.
func fill(t *rapid.T, m Message) {
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i); f.Interface().(type) {
		case uint8, uint16, uint32, uint64:
			f.SetUint(rapid.Uint64().Draw(t, name) & (1<<f.Type().Bits() - 1))
		case float32:
			f.SetFloat(float64(math.Float32frombits(rapid.Uint32().Draw(t, name))))
		case bool:
			f.SetBool(rapid.Bool().Draw(t, name))
		case string:
			n := rapid.OneOf(rapid.IntRange(0, 20), rapid.Just(255)).Draw(t, "length of "+name)
			f.SetString(strings.Repeat(string([]byte{rapid.Byte().Draw(t, name)}), n))
		case []byte:
			most := 32
			switch name {
			case "Token", "CoinbasePrefix":
				most = 255
			case "Prefix", "Suffix", "CoinbaseOutputs":
				most = rapid.SampledFrom([]int{300, math.MaxUint16}).Draw(t, "longest "+name)
			}
			n := rapid.OneOf(rapid.IntRange(0, min(most, 40)), rapid.Just(most)).Draw(t, "length of "+name)
			f.SetBytes(bytes.Repeat([]byte{rapid.Byte().Draw(t, name)}, n))
		case job.Hash, job.Target:
			f.Index(31).SetUint(uint64(rapid.Byte().Draw(t, name)))
			f.Index(0).SetUint(uint64(rapid.Byte().Draw(t, name)))
		case []job.Hash:
			n := rapid.OneOf(rapid.IntRange(0, 20), rapid.Just(255)).Draw(t, "length of "+name)
			f.Set(reflect.ValueOf(slices.Repeat([]job.Hash{{1, 31: 2}}, n)))
		case []uint16:
			n := rapid.OneOf(rapid.IntRange(0, 20), rapid.Just(math.MaxUint16)).Draw(t, "length of "+name)
			f.Set(reflect.ValueOf(slices.Repeat([]uint16{rapid.Uint16().Draw(t, name)}, n)))
		case []uint32:
			n := rapid.OneOf(rapid.IntRange(0, 20), rapid.Just(math.MaxUint16)).Draw(t, "length of "+name)
			f.Set(reflect.ValueOf(slices.Repeat([]uint32{rapid.Uint32().Draw(t, name)}, n)))
		default:
			t.Fatalf("field %s has type %v", name, f.Type())
		}
	}
	if f := v.FieldByName("Active"); f.IsValid() && !f.Bool() {
		v.FieldByName("MinTime").SetUint(0)
	}
}

var same = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }),
}

// Every message is read back as it was written, with the fields of extensions
// left; and a byte less is an error.
func TestRoundTrip(t *testing.T) {
	for _, h := range kinds() {
		t.Run(strings.TrimSuffix(h.String(), " of 0 bytes"), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m, again := New(h), New(h)
				fill(t, m)
				extra := Field{rapid.Uint16().Draw(t, "extension"), 7, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")}
				frame, err := Append([]byte("before"), m, extra)
				if err != nil {
					t.Fatal(err)
				}
				got, err := ParseHeader(frame[6 : 6+HeaderSize])
				if err != nil {
					t.Fatal(err)
				}
				payload := frame[6+HeaderSize:]
				if got.Kind != h.Kind || got.Defines() != h.Defines() || got.Size != len(payload) {
					t.Fatalf("header %+v before %d bytes", got, len(payload))
				}
				rest, err := Parse(again, payload)
				if err != nil {
					t.Fatal(err)
				}
				if len(payload) < 1000 { // comparing takes long
					if diff := cmp.Diff(m, again, same); diff != "" {
						t.Fatalf("read back (-want +got):\n%s", diff)
					}
				}
				if b, err := Append([]byte("before"), again, extra); err != nil || !bytes.Equal(b, frame) {
					t.Fatalf("read back as another message, %v", err)
				}
				f, after, err := nextField(rest, binary.LittleEndian)
				if err != nil || len(after) != 0 || !cmp.Equal(f, extra, same) {
					t.Fatalf("the field %+v is read back as %+v, %v, with %d bytes left", extra, f, err, len(after))
				}
				own := len(payload) - len(rest)
				if _, err := Parse(New(h), payload[:rapid.IntRange(0, own-1).Draw(t, "cut")]); err == nil {
					t.Fatal("a message is read although bytes are missing")
				}
			})
		})
	}
}

// What does not fit is refused when written, and leaves nothing behind.
func TestTooLong(t *testing.T) {
	for _, m := range []Message{
		&SetupConnection{Device: strings.Repeat("x", 256)},
		&SetExtranoncePrefix{ExtranoncePrefix: make([]byte, 33)},
		&NewExtendedMiningJob{Prefix: make([]byte, 1<<16)},
		&NewExtendedMiningJob{Path: make([]job.Hash, 256)},
		&SetCustomMiningJob{Token: make([]byte, 256)},
		&SetGroupChannel{Channels: make([]uint32, 1<<16)},
		&RequestExtensions{Extensions: make([]uint16, 1<<16)},
	} {
		b, err := Append([]byte("before"), m)
		if err == nil || string(b) != "before" {
			t.Errorf("%T: wrote %d bytes, %v", m, len(b)-6, err)
		}
	}
	if b, err := Append(nil, &CloseChannel{}, Field{Value: make([]byte, 1<<16)}); err == nil {
		t.Errorf("a field too long was written: %d bytes", len(b))
	}
}

// What does not fit is refused when read.
func TestReadTooLong(t *testing.T) {
	long := append(make([]byte, 4), 33)
	if _, err := Parse(new(SetExtranoncePrefix), append(long, make([]byte, 33)...)); err == nil {
		t.Error("a prefix of 33 bytes was read")
	}
	option := append(make([]byte, 8), 2)
	if _, err := Parse(new(NewMiningJob), append(option, make([]byte, 100)...)); err == nil {
		t.Error("an option of two was read")
	}
}

// A BOOL has one bit; the others may be anything.
func TestBool(t *testing.T) {
	b, err := Append(nil, &NewExtendedMiningJob{VersionRolling: true})
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.IndexByte(b[HeaderSize:], 1) + HeaderSize
	for v, want := range map[byte]bool{0: false, 1: true, 0xfe: false, 0xff: true} {
		b[at] = v
		var m NewExtendedMiningJob
		if _, err := Parse(&m, b[HeaderSize:]); err != nil || m.VersionRolling != want {
			t.Errorf("%#02x is %v, %v", v, m.VersionRolling, err)
		}
	}
}

// Extension 0x0002, section 2, has the example with big-endian numbers, the
// reference implementation little-endian ones. Both are read.
func TestWorkerName(t *testing.T) {
	const (
		written = "020001" + "0a00" + "576f726b65725f303031"
		example = "000201" + "000a" + "576f726b65725f303031"
	)
	f, err := WorkerName("Worker_001")
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.append(nil, nil)
	if got := hex.EncodeToString(b); got != written || err != nil {
		t.Errorf("field %s, %v; want %s", got, err, written)
	}
	if _, err := WorkerName(strings.Repeat("x", 33)); err == nil {
		t.Error("a name of 33 bytes was taken")
	}
	field := func(extension uint16, typ uint8, value string) []byte {
		b, _ := Field{extension, typ, []byte(value)}.append(nil, nil)
		return b
	}
	big := func(extension, typ byte, value string) []byte {
		return append([]byte{0, extension, typ, 0, byte(len(value))}, value...)
	}
	for _, c := range []struct {
		name string
		rest []byte
		want string
		ok   bool
		bad  bool
	}{
		{"none", nil, "", false, false},
		{"as the specification shows it", unhex(t, example), "Worker_001", true, false},
		{"big-endian among others", bytes.Join([][]byte{big(9, 1, "x"), big(2, 1, "n"), big(2, 2, "y")}, nil), "n", true, false},
		{"big-endian, too long", big(2, 1, strings.Repeat("n", 33)), "", false, true},
		{"big-endian, empty", big(2, 1, ""), "", true, false},
		{"alone", b, "Worker_001", true, false},
		{"empty", field(2, 1, ""), "", true, false},
		{"among others", bytes.Join([][]byte{field(9, 1, "x"), field(2, 2, "y"), b}, nil), "Worker_001", true, false},
		{"the first of two", append(bytes.Clone(b), field(2, 1, "other")...), "Worker_001", true, false},
		{"of another extension", field(0x4001, 1, "x"), "", false, false},
		{"longest", field(2, 1, strings.Repeat("n", 32)), strings.Repeat("n", 32), true, false},
		{"too long", field(2, 1, strings.Repeat("n", 33)), "", false, true},
		{"cut", b[:len(b)-1], "", false, true},
		{"cut head", b[:4], "", false, true},
		{"garbage behind", append(bytes.Clone(b), 0), "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, ok, err := FindWorkerName(c.rest)
			if (err != nil) != c.bad || err == nil && (string(name) != c.want || ok != c.ok) {
				t.Errorf("found %q, %v, %v", name, ok, err)
			}
		})
	}
}

// vector is a message and its frame: spec/vectors/stratum2/messages.json.
type vector struct {
	Name   string
	Fields map[string]any
	Frame  string
}

// described is a message's fields as JSON has them: bytes, hashes and targets in
// hexadecimal as on the wire.
func described(m Message) map[string]any {
	fields := map[string]any{}
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		value := v.Field(i).Interface()
		switch x := value.(type) {
		case job.Hash:
			value = hex.EncodeToString(x[:])
		case job.Target:
			value = hex.EncodeToString(x[:])
		case []byte:
			value = hex.EncodeToString(x)
		case []job.Hash:
			texts := []string{}
			for _, h := range x {
				texts = append(texts, hex.EncodeToString(h[:]))
			}
			value = texts
		case []uint16:
			value = append([]uint16{}, x...)
		}
		fields[v.Type().Field(i).Name] = value
	}
	return fields
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func example() []Message {
	ones := job.Hash(bytes.Repeat([]byte{0x11}, 32))
	target := job.Difficulty(1024).Target()
	return []Message{
		&SetupConnection{Protocol, 2, 2, RequiresStandardJobs | RequiresVersionRolling, "pool.example", 3333, "bitaxe", "BM1370", "v2.13.0", "attic"},
		&SetupConnectionSuccess{2, RequiresFixedVersion},
		&SetupConnectionError{RequiresWorkSelection, "unsupported-feature-flags"},
		&ChannelEndpointChanged{7},
		&Reconnect{"", 3334},
		&OpenStandardMiningChannel{1, "attic.heater", 1e12, job.Target(ones)},
		&OpenStandardMiningChannelSuccess{1, 2, target, []byte{1, 2, 3, 4, 0, 0, 0, 0}, 1},
		&OpenMiningChannelError{1, "unknown-user"},
		&OpenExtendedMiningChannel{0x01020304, "attic", 2.5e14, target, 2},
		&OpenExtendedMiningChannelSuccess{0x01020304, 3, target, 4, []byte{1, 2, 3, 4}, 1},
		&NewMiningJob{2, 5, false, 0, 0x20000000, ones},
		&NewMiningJob{2, 6, true, 1792000000, 0x20000000, ones},
		&UpdateChannel{2, 1.5e12, target},
		&UpdateChannelError{2, "max-target-out-of-range"},
		&CloseChannel{2, "good night"},
		&SetExtranoncePrefix{2, []byte{9, 8, 7}},
		&SubmitSharesStandard{2, 0, 6, 0xdeadbeef, 1792000001, 0x20aaa000},
		&SubmitSharesExtended{3, 1, 7, 0xdeadbeef, 1792000001, 0x20aaa000, []byte{0, 0, 0, 1}},
		&SubmitSharesSuccess{2, 9, 10, 10240},
		&SubmitSharesError{2, 3, "stale-share"},
		&NewExtendedMiningJob{3, 7, true, 1792000000, 0x20000000, true, []job.Hash{ones, {31: 1}}, []byte("prefix"), []byte("suffix")},
		&SetNewPrevHash{2, 5, ones, 1792000000, 0x170331db},
		&SetTarget{2, target},
		&SetCustomMiningJob{3, 1, []byte("token"), 0x20000000, ones, 1792000000, 0x170331db, 2, []byte{3, 1, 2, 3}, 0xfffffffe, []byte{0}, 900000, []job.Hash{{1}}},
		&SetCustomMiningJobSuccess{3, 1, 8},
		&SetCustomMiningJobError{3, 1, "jd-not-supported"},
		&SetGroupChannel{1, []uint32{2, 3}},
		&RequestExtensions{1, []uint16{2, 3}},
		&RequestExtensionsSuccess{1, []uint16{2}},
		&RequestExtensionsError{1, []uint16{3}, nil},
	}
}

// The frames that check.py computes a second time from its own table.
func TestVectors(t *testing.T) {
	var got []vector
	seen := map[string]bool{}
	for _, m := range example() {
		extension, k := m.head()
		name := strings.TrimSuffix(Header{Extension: extension, Kind: k}.String(), " of 0 bytes")
		seen[name] = true
		b, err := Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, vector{name, described(m), hex.EncodeToString(b)})
	}
	for _, h := range kinds() {
		if name := strings.TrimSuffix(h.String(), " of 0 bytes"); !seen[name] {
			t.Errorf("no vector of %s", name)
		}
	}
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	file := filepath.Join(vectors, "messages.json")
	if *update {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(b)); diff != "" {
		t.Errorf("not as recorded (-want +got):\n%s", diff)
	}
}

// Whatever is read is written again as it was, and reading costs no more memory
// than the payload has.
func FuzzParse(f *testing.F) {
	for _, m := range example() {
		b, err := Append(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		h, _ := ParseHeader(b[:HeaderSize])
		f.Add(h.Extension, uint8(h.Kind), b[HeaderSize:])
	}
	f.Add(uint16(0), uint8(KindNewExtendedMiningJob), append(make([]byte, 14), 255))
	f.Fuzz(func(t *testing.T, extension uint16, kind uint8, payload []byte) {
		h := Header{Extension: extension, Kind: Kind(kind), Size: len(payload)}
		m := New(h)
		if m == nil || len(payload) > MaxPayload {
			return
		}
		rest, err := Parse(m, payload)
		if err != nil {
			return
		}
		b, err := Append(nil, m)
		if err != nil {
			t.Fatalf("%+v was read but cannot be written: %v", m, err)
		}
		own := payload[:len(payload)-len(rest)]
		if m, ok := m.(*NewExtendedMiningJob); ok {
			// The seven bits of a BOOL that mean nothing are not kept.
			at := 13
			if m.Active {
				at += 4
			}
			own = bytes.Clone(own)
			own[at] &= 1
		}
		if !bytes.Equal(b[HeaderSize:], own) {
			t.Errorf("%x was read as %+v, which is %x", own, m, b[HeaderSize:])
		}
	})
}

func FuzzFields(f *testing.F) {
	f.Add([]byte("\x00\x02\x01\x00\x0aWorker_001"))
	f.Add([]byte("\x02\x00\x01\x0a\x00Worker_001"))
	f.Add([]byte("\x00\x02\x01\xff\xff"))
	f.Fuzz(func(t *testing.T, rest []byte) {
		name, ok, err := FindWorkerName(rest)
		if len(name) > longestName || !ok && name != nil || err != nil && ok {
			t.Errorf("found %q, %v, %v", name, ok, err)
		}
	})
}

func TestAllocations(t *testing.T) {
	var m SubmitSharesExtended
	frame, err := Append(nil, &SubmitSharesExtended{Extranonce: make([]byte, 4)})
	if err != nil {
		t.Fatal(err)
	}
	success := new(SubmitSharesSuccess)
	out := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Parse(&m, frame[HeaderSize:]); err != nil {
			t.Fatal(err)
		}
		if out, err = Append(out[:0], success); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a share takes %v allocations", n)
	}
}
