package report

import (
	"slices"
	"strings"
	"testing"

	"hearth/plan"
	"hearth/plan/brief"
)

func TestFurther(t *testing.T) {
	for _, c := range []struct {
		name  string
		asked brief.Brief
		ahead bool
		want  map[string]string // by name: a part of the text
	}{
		{
			"dear days and electric heat",
			brief.Brief{Place: "Denver", Building: "poor flat", Heater: "resistive", Tariff: "0.10; 0.30 07:00-22:00"},
			true,
			map[string]string{"What would turn it": "each alone", "When to heat": "never colder, saves", "Following the winter": "other hemisphere"},
		},
		{
			"dear days, but it is not asked when to heat",
			brief.Brief{Place: "Denver", Building: "poor flat", Heater: "resistive", Tariff: "0.10; 0.30 07:00-22:00"},
			false,
			map[string]string{"What would turn it": "each alone", "Following the winter": "other hemisphere"},
		},
		{
			"one price",
			brief.Brief{Place: "Denver", Building: "poor flat", Heater: "resistive"},
			true,
			map[string]string{"What would turn it": "each alone", "Following the winter": "other hemisphere"},
		},
		{
			"a machine that stands still",
			brief.Brief{Place: "Denver", Building: "poor flat", Heater: "gas", Tariff: "0.20; 0.30 07:00-22:00"},
			true,
			map[string]string{"What would turn it": "even", "When to heat": "save next to nothing"},
		},
		{
			"hot water all year",
			brief.Brief{Place: "Denver", Building: "none", People: "40", Heater: "resistive", Device: "own", DevicePower: "500 W", DeviceRate: "20", DevicePrice: "400", Hottest: "65"},
			true,
			map[string]string{"What would turn it": "even"},
		},
		{
			"a machine of unknown price",
			brief.Brief{Place: "Denver", Building: "poor flat", Heater: "resistive", Device: "Avalon Q"},
			true,
			map[string]string{"Following the winter": "other hemisphere"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked, err := c.asked.Ask(nil)
			if err != nil {
				t.Fatal(err)
			}
			site, err := plan.Prepare(asked.Question)
			if err != nil {
				t.Fatal(err)
			}
			all, err := Further(site, c.ahead)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				if part, ok := c.want[m.Name]; !ok || !strings.Contains(m.Text, part) {
					t.Errorf("%s: %s", m.Name, m.Text)
				}
			}
			for name := range c.want {
				if !slices.ContainsFunc(all, func(m Remark) bool { return m.Name == name }) {
					t.Errorf("nothing is said about %q", name)
				}
			}
		})
	}
}
