package mine

import (
	"encoding/json"
	"fmt"
	"strconv"

	"hearth/chain/wire"
)

// fieldForm is how a field is written in the JSON of protocol buffers.
type fieldForm struct {
	name string
	as   func(wire.Field) (any, error)
}

func asText(f wire.Field) (any, error) { return f.Text() }
func asData(f wire.Field) (any, error) { return f.Data() } // JSON has bytes in base64
func asTruth(f wire.Field) (any, error) {
	return f.Bool()
}

func asNumber(f wire.Field) (any, error) {
	n, err := f.Uint()
	return strconv.FormatUint(n, 10), err
}

func asCoins(f wire.Field) (any, error) {
	b, err := f.Element()
	if err != nil {
		return nil, err
	}
	one, err := plain(b, map[int]fieldForm{1: {"denom", asText}, 2: {"amount", asText}})
	return []any{one}, err // a registration sends one kind of coin
}

// forms are the messages of a registration.
func forms(message string) map[int]fieldForm {
	owner, hot := fieldForm{"owner", asText}, fieldForm{"hot", asText}
	executor, proof := fieldForm{"executor", asData}, fieldForm{"proof", asData}
	switch message {
	case "/hearth.work.v1.MsgRegisterMiner":
		return map[int]fieldForm{1: owner, 2: hot, 3: executor, 4: proof, 5: {"bond", asNumber}}
	case "/hearth.work.v1.MsgSetKeys":
		return map[int]fieldForm{1: owner, 2: hot, 3: executor, 4: proof}
	case "/hearth.work.v1.MsgBond":
		return map[int]fieldForm{1: owner, 2: {"amount", asNumber}}
	case "/hearth.work.v1.MsgRetire":
		return map[int]fieldForm{1: owner, 2: {"retired", asTruth}}
	case "/hearth.power.v1.MsgAssign":
		return map[int]fieldForm{1: owner, 2: {"validator", asText}}
	case "/cosmos.bank.v1beta1.MsgSend":
		return map[int]fieldForm{1: {"from_address", asText}, 2: {"to_address", asText}, 3: {"amount", asCoins}}
	}
	return nil
}

func plain(b []byte, forms map[int]fieldForm) (map[string]any, error) {
	out := map[string]any{}
	err := eachField(b, func(f wire.Field) error {
		form, ok := forms[f.Number]
		if !ok {
			return fmt.Errorf("field %d is not known", f.Number)
		}
		v, err := form.as(f)
		out[form.name] = v
		return err
	})
	return out, err
}

// Unsigned is a transaction of a registration as the chain's own tools read it, to
// be signed on another machine: "hearthnode tx sign" takes it.
func Unsigned(messages []wire.Any, gas uint64) ([]byte, error) {
	all := make([]map[string]any, len(messages))
	for i, m := range messages {
		f := forms(m.Type)
		if f == nil {
			return nil, fmt.Errorf("write an unsigned transaction: %s is none of a registration", m.Type)
		}
		var err error
		if all[i], err = plain(m.Value, f); err != nil {
			return nil, fmt.Errorf("write an unsigned transaction: %s: %w", m.Type, err)
		}
		all[i]["@type"] = m.Type
	}
	none := []string{}
	b, err := json.MarshalIndent(map[string]any{
		"body": map[string]any{
			"messages": all, "memo": "", "timeout_height": "0", "extension_options": none, "non_critical_extension_options": none,
		},
		"auth_info": map[string]any{
			"signer_infos": none,
			"fee":          map[string]any{"amount": none, "gas_limit": strconv.FormatUint(gas, 10), "payer": "", "granter": ""},
		},
		"signatures": none,
	}, "", "  ")
	return append(b, '\n'), err
}
