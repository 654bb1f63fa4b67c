package brief

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func differ(a, b Brief) string {
	return cmp.Diff(a.Values(), b.Values())
}

// TestLinkRoundTrip: a brief written as a link and read again is the same.
func TestLinkRoundTrip(t *testing.T) {
	keys := Keys()
	rapid.Check(t, func(t *rapid.T) {
		var b Brief
		for range rapid.IntRange(0, 12).Draw(t, "keys") {
			k := rapid.SampledFrom(keys).Draw(t, "key")
			if err := b.Set(k.Name, rapid.StringN(0, 40, 200).Draw(t, "value")); err != nil {
				t.Fatal(err)
			}
		}
		link := b.Values().Encode()
		values, err := url.ParseQuery(link)
		if err != nil {
			t.Fatal(err)
		}
		got, err := FromValues(values)
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(b, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", link, d)
		}
	})
}

// TestFileAndLinkAgree: the same keys in a file and in a link are one brief.
func TestFileAndLinkAgree(t *testing.T) {
	file, err := Parse([]byte("# a farmhouse\nplace: Denver\npeople: 4\ntariff: \"0.12; 0.28 mon-fri 16:00-21:00\"\ncompare: [gas, heat_pump]\n"))
	if err != nil {
		t.Fatal(err)
	}
	link, err := FromValues(url.Values{"place": {"Denver"}, "people": {"4"}, "tariff": {"0.12; 0.28 mon-fri 16:00-21:00"}, "compare": {"gas, heat_pump"}, "region": {""}})
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(file, link); d != "" {
		t.Errorf("-file +link:\n%s", d)
	}
}

func TestOver(t *testing.T) {
	file := Brief{Place: "Denver", Tariff: "0.12"}
	got := file.Over(Brief{Tariff: "0.20", Device: "Avalon Q"})
	if d := differ(Brief{Place: "Denver", Tariff: "0.20", Device: "Avalon Q"}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if file.Tariff != "0.12" {
		t.Error("the brief below was changed")
	}
}

// TestKeys: every key has all that surfaces show, and its example is one that
// can be set.
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys() {
		if k.Name == "" || k.Group == "" || k.Help == "" || k.Example == "" {
			t.Errorf("%+v lacks something", k)
		}
		if seen[k.Name] {
			t.Errorf("two keys are called %q", k.Name)
		}
		seen[k.Name] = true
		var b Brief
		if err := b.Set(k.Name, k.Example); err != nil || b.Get(k.Name) != k.Example {
			t.Errorf("%s cannot be set: %v", k.Name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		line int
		want string
	}{
		"a key that is none":      {"place: Denver\ntarif: 3", 2, `did you mean "tariff"`},
		"a key twice":             {"place: Denver\nplace: Oslo", 2, "already defined"},
		"no value":                {"place:", 1, "has no value"},
		"an empty value":          {"place: \"\"", 1, "has no value"},
		"keys below keys":         {"place:\n  name: Denver", 2, "wants a single value"},
		"a list of lists":         {"compare: [[gas]]", 1, "wants a single value"},
		"no keys at all":          {"- Denver", 1, "write a key and its value a line"},
		"no YAML":                 {"place: [Denver", 1, "not YAML"},
		"an alias":                {"place: *here", 1, "wants a single value"},
		"many brackets":           {"place: " + strings.Repeat("[", 30), 1, "too many brackets"},
		"several documents":       {"place: Denver\n---\nplace: Oslo", 0, "several documents"},
		"a file that is too long": {strings.Repeat("# long\n", 20000), 0, "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.src))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an Error", err)
			}
			if e.Line != c.line || !strings.Contains(e.Error(), c.want) {
				t.Errorf("got line %d, %q; want line %d with %q", e.Line, e.Error(), c.line, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("place: Denver\npeople: 4\n")
	f.Add("tariff: \"0.12; 0.28 mon-fri 16:00-21:00 jun-sep\"\nplace: Oslo\nper-dollar: 10\n")
	f.Add("compare: [gas, heat_pump]")
	f.Add("a: &x 1\nb: *x\n<<: {}\n")
	f.Add("place: \x00\nheat-demand: 1e9")
	f.Fuzz(func(t *testing.T, src string) {
		b, err := Parse([]byte(src))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		again, err := FromValues(b.Values())
		if err != nil && !strings.Contains(err.Error(), "too long") {
			t.Fatalf("what was parsed is refused as a link: %v", err)
		}
		if err == nil && differ(b, again) != "" {
			t.Error("the link says something else than the file")
		}
	})
}
