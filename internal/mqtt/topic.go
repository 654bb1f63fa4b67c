package mqtt

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// CheckTopic returns why topic cannot be published to, nil if it can
// (MQTT 5, section 4.7).
func CheckTopic(topic string) error {
	if err := checkName(topic); err != nil {
		return fmt.Errorf("topic %q: %w", topic, err)
	}
	if strings.ContainsAny(topic, "+#") {
		return fmt.Errorf("topic %q: wildcards (+ and #) are for subscriptions only", topic)
	}
	return nil
}

// CheckFilter returns why filter cannot be subscribed to, nil if it can
// (MQTT 5, section 4.7).
func CheckFilter(filter string) error {
	if err := checkName(filter); err != nil {
		return fmt.Errorf("topic filter %q: %w", filter, err)
	}
	levels := strings.Split(filter, "/")
	for i, l := range levels {
		switch {
		case strings.Contains(l, "#") && (l != "#" || i != len(levels)-1):
			return fmt.Errorf("topic filter %q: # stands alone, as the last level", filter)
		case strings.Contains(l, "+") && l != "+":
			return fmt.Errorf("topic filter %q: + stands alone in its level", filter)
		}
	}
	return nil
}

func checkName(s string) error {
	switch {
	case s == "":
		return errors.New("it is empty")
	case len(s) > 65535:
		return errors.New("it is longer than 65535 bytes")
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return errors.New("it is not plain text")
	}
	return nil
}

// matches reports whether topic falls under filter. Wildcards at the first
// level leave out topics that begin with $ (MQTT 5, section 4.7.2).
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		f, fRest, fMore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, tRest, tMore := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		if !tMore {
			// "a/#" also covers "a" itself.
			return !fMore || fRest == "#"
		}
		if !fMore {
			return false
		}
		filter, topic = fRest, tRest
	}
}
