package mqtt

import (
	"strings"
	"testing"
)

func TestFiltersCoverTopics(t *testing.T) {
	// The examples of MQTT 5, section 4.7, and their edges.
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"#", "a/b/c", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/uptime", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/uptime", true},
		{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/+/c", "a/b/c", true},
		{"a/+/c", "a/b/d", false},
	} {
		if got := matches(c.filter, c.topic); got != c.want {
			t.Errorf("matches(%q, %q) = %v, want %v", c.filter, c.topic, got, c.want)
		}
	}
}

func TestNamesAreChecked(t *testing.T) {
	long := strings.Repeat("a", 65536)
	for _, topic := range []string{"", "a/+", "#", "a\x00b", "\xff", long} {
		if CheckTopic(topic) == nil {
			t.Errorf("CheckTopic(%.20q) is nil", topic)
		}
	}
	for _, filter := range []string{"", "a/#/b", "a#", "a/b+", "+a/b", "a\x00b", long} {
		if CheckFilter(filter) == nil {
			t.Errorf("CheckFilter(%.20q) is nil", filter)
		}
	}
	for _, name := range []string{"a", "a/b", "/", "$SYS/x", "wohnzimmer/tür"} {
		if err := CheckTopic(name); err != nil {
			t.Error(err)
		}
		if err := CheckFilter(name); err != nil {
			t.Error(err)
		}
	}
	for _, filter := range []string{"#", "+", "+/+/#", "a/+/b", "/#"} {
		if err := CheckFilter(filter); err != nil {
			t.Error(err)
		}
	}
}

// FuzzMatches holds matches against two laws: a valid topic is covered by
// itself and by "#", unless it begins with $.
func FuzzMatches(f *testing.F) {
	f.Add("a/b")
	f.Add("/")
	f.Add("$SYS/x")
	f.Fuzz(func(t *testing.T, topic string) {
		if CheckTopic(topic) != nil {
			t.Skip()
		}
		if !matches(topic, topic) {
			t.Errorf("%q is not covered by itself", topic)
		}
		if got, want := matches("#", topic), !strings.HasPrefix(topic, "$"); got != want {
			t.Errorf("# covers %q: %v", topic, got)
		}
		if i := strings.LastIndex(topic, "/"); i > 0 && !matches(topic[:i]+"/+", topic) {
			t.Errorf("%q is not covered by %q", topic, topic[:i]+"/+")
		}
	})
}
