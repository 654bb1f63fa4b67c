package homeassistant

import (
	"fmt"
	"hash/fnv"
	"strings"

	"hearth/internal/mqtt"
)

const (
	online  = "online"
	offline = "offline"
	// none is what Home Assistant takes for "no value".
	none = "None"
	// discovery is Home Assistant's own prefix, and statusTopic where it says
	// that it has started.
	discovery   = "homeassistant"
	statusTopic = discovery + "/status"
)

// names makes the topics and ids of one home.
type names struct{ node string }

// namesOf returns the names of the home on a node, "home" if that is empty.
func namesOf(node string) names {
	if node == "" {
		node = "home"
	}
	return names{slug(node)}
}

func (n names) base() string         { return "hearth/" + n.node }
func (n names) availability() string { return n.base() + "/availability" }

// object is the id of a thing in Home Assistant's device registry.
func (n names) object(kind, id string) string {
	if kind == "home" {
		return "hearth_" + n.node
	}
	return "hearth_" + n.node + "_" + kind + "_" + slug(id)
}

func (n names) config(object string) string { return discovery + "/device/" + object + "/config" }

// topic is where one value of a thing is.
func (n names) topic(kind, id, value string) string {
	return n.base() + "/" + kind + "/" + slug(id) + "/" + value
}

// commands is the filter under which all commands arrive.
func (n names) commands() string { return n.base() + "/+/+/+/set" }

// parse takes apart a topic that commands matched.
func (n names) parse(topic string) (kind, id, value string, ok bool) {
	rest, ok := strings.CutPrefix(topic, n.base()+"/")
	if !ok {
		return "", "", "", false
	}
	parts := strings.Split(rest, "/")
	if len(parts) != 4 || parts[3] != "set" {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}

// slug makes an id fit for a topic and for Home Assistant, which takes
// letters, digits, "_" and "-". Ids that had to be changed get a hash, so that
// two of them stay two.
func slug(id string) string {
	var b strings.Builder
	same := id != ""
	for _, r := range id {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
			same = false
		}
	}
	if same {
		return id
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	return fmt.Sprintf("%s_%08x", b.String(), h.Sum32())
}

// Will returns what the broker must say when the connection of the home named
// node breaks. It belongs into the [mqtt.Connect] that makes the client for
// [Options]. An empty node is the same as there.
func Will(node string) *mqtt.Will {
	return &mqtt.Will{Topic: namesOf(node).availability(), Payload: []byte(offline), Retain: true}
}
