package brief

import (
	"slices"

	"hearth/plan"
	"hearth/plan/atlas"
)

// cite tells the question where its single figures come from, so that it
// explains each by its own source, and none by one that says something else.
func (a *asker) cite() {
	q := &a.Question
	today := string(q.Today.Kind)
	figures := map[string]string{
		"tariff": "input.power_price", "industrial": "input.industrial", "power-carbon": "input.grid_carbon",
		"device-price": "input.machine_price", "device-power": "input.machine_draw", "device-efficiency": "input.efficiency",
		"device-upkeep": "input.machine_upkeep", "availability": "input.availability", "pool-fee": "input.pool_fee", "recovery": "input.recovery",
		"setpoint": "input.setpoint", "internal": "input.internal", "building": "input.building", "supply": "input.supply",
		"per-dollar": "input.currency", "rate": "input.rate", "years": "input.years", "drift": "input.drift",
		"fuel-price": "input.price_" + today, "heater-efficiency": "input.efficiency_" + today,
	}
	if q.Today.Kind == plan.HeatPump {
		figures["heater-efficiency"] = "input.cop_share"
	}
	q.Cited = map[string][]atlas.SourceID{}
	for _, g := range a.Givens {
		if id, ok := figures[g.Key]; ok {
			q.Cited[id] = g.Sources
		}
		for _, s := range g.Market { // those of the market go by the same name
			if id := atlas.SourceID(s); !slices.Contains(q.Markets, id) {
				q.Markets = append(q.Markets, id)
			}
		}
	}
	if a.Brief.HashPrice != "" && q.Machine.Kind == plan.Hash {
		q.Markets = nil // somebody said it
	}
}
