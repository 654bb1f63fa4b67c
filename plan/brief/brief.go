package brief

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Brief is a question as people write it. Every value is text, and empty where
// nothing is said. A Brief is a value: copies are independent.
//
// The tags name the key (of files, flags and links alike), say what it is, and
// show a value; command lines and pages are made from them.
type Brief struct {
	Place   string `name:"place" group:"Place" placeholder:"Denver" help:"Town with known weather: see \"hearth plan places\"."`
	Region  string `name:"region" group:"Place" placeholder:"US-CO" help:"State or country whose prices hold, where not the place's own."`
	Weather string `name:"weather" group:"Place" placeholder:"FILE" help:"Own hourly weather: an EPW file, or CSV."`

	Building     string `name:"building" group:"Home" placeholder:"poor house" help:"Words for the building: poor, mid, good; light, medium, heavy; flat, house, farmhouse. \"none\" for a use of heat without rooms."`
	FloorArea    string `name:"floor-area" group:"Home" placeholder:"140 m²" help:"Heated floor."`
	HeatDemand   string `name:"heat-demand" group:"Home" placeholder:"140 kWh/m²" help:"Heat that the rooms want in a year; the building is made tighter or leakier until it fits."`
	WallU        string `name:"wall-u" group:"Home" placeholder:"0.8 W/m²K" help:"What the walls let through."`
	RoofU        string `name:"roof-u" group:"Home" placeholder:"0.65 W/m²K" help:"What the roof lets through."`
	FloorU       string `name:"floor-u" group:"Home" placeholder:"0.8 W/m²K" help:"What the floor lets through."`
	WindowU      string `name:"window-u" group:"Home" placeholder:"2.8 W/m²K" help:"What the windows let through."`
	AirChanges   string `name:"air-changes" group:"Home" placeholder:"0.6 /h" help:"How often in an hour the air is renewed."`
	AirRecovery  string `name:"air-recovery" group:"Home" placeholder:"80 %" help:"Share of the heat that a ventilation unit takes back."`
	Setpoint     string `name:"setpoint" group:"Home" placeholder:"20 °C" help:"Temperature of the rooms: one, or \"steady\", \"night setback\", \"away by day\"."`
	Internal     string `name:"internal" group:"Home" placeholder:"400 W" help:"What people and things add to the rooms."`
	Supply       string `name:"supply" group:"Home" placeholder:"50 °C" help:"Water or air that the radiators or floors need in the coldest hour."`
	People       string `name:"people" group:"Home" placeholder:"4" help:"People who want hot water from this heat."`
	Pool         string `name:"pool" group:"Home" placeholder:"30 m²" help:"Open water outdoors, heated in season."`
	Laundry      string `name:"laundry" group:"Home" placeholder:"200 kg" help:"Linen washed in a day."`
	Greenhouse   string `name:"greenhouse" group:"Home" placeholder:"100 m²" help:"Glass house that is kept from freezing."`
	District     string `name:"district" group:"Home" placeholder:"50 kW" help:"Base load of a district heating's return line."`
	Bathhouse    string `name:"bathhouse" group:"Home" placeholder:"80 m²" help:"Water of an indoor bath."`
	Heater       string `name:"heater" group:"Heater of today" placeholder:"propane" help:"What heats today: resistive, gas, propane, oil, wood or heat_pump."`
	FuelPrice    string `name:"fuel-price" group:"Heater of today" placeholder:"0.093 USD/kWh" help:"Price of its fuel; also in USD/therm, USD/gal, EUR/l."`
	HeaterShare  string `name:"heater-efficiency" group:"Heater of today" placeholder:"90 %" help:"Useful heat for the fuel (higher heating value). Of a heat pump: the share of its curve."`
	HeaterPrice  string `name:"heater-price" group:"Heater of today" placeholder:"0 USD" help:"What it costs where it is yet to be bought."`
	Backup       string `name:"backup" group:"Heater of today" placeholder:"same" help:"What heats when the machine is too small: same, or a kind of heater."`
	Compare      string `name:"compare" group:"Heater of today" placeholder:"gas, heat_pump" help:"Other heaters to set beside it; all of them where nothing is said."`
	Device       string `name:"device" group:"Machine" placeholder:"Avalon Q" help:"A known machine, see \"hearth plan devices\", or \"own\" with the figures below."`
	DeviceCount  string `name:"device-count" group:"Machine" placeholder:"1" help:"How many."`
	DevicePower  string `name:"device-power" group:"Machine" placeholder:"1700 W" help:"Greatest draw of one."`
	DeviceLeast  string `name:"device-least" group:"Machine" placeholder:"800 W" help:"Least draw at which one works."`
	DeviceIdle   string `name:"device-idle" group:"Machine" placeholder:"10 W" help:"Draw when it does not."`
	DevicePlain  string `name:"device-plain" group:"Machine" placeholder:"0 W" help:"Part of the draw that only heats and computes nothing."`
	DeviceRate   string `name:"device-efficiency" group:"Machine" placeholder:"18.9 J/TH" help:"Joules for a terahash."`
	DevicePrice  string `name:"device-price" group:"Machine" placeholder:"1500 USD" help:"Price of one, installed."`
	DeviceLife   string `name:"device-life" group:"Machine" placeholder:"6 years" help:"Years after which it is scrap."`
	DeviceUpkeep string `name:"device-upkeep" group:"Machine" placeholder:"20 USD" help:"Upkeep of one in a year."`
	Rival        string `name:"rival" group:"Machine" placeholder:"Antminer S21+ Hydro" help:"Another known machine to set beside it, or \"none\"."`
	Recovery     string `name:"recovery" group:"Machine" placeholder:"100 %" help:"Share of its heat that reaches rooms or water."`
	Hottest      string `name:"hottest" group:"Machine" placeholder:"60 °C" help:"Hottest water it can give; \"air\" for none."`
	Availability string `name:"availability" group:"Machine" placeholder:"95 %" help:"Share of the time in which it works and is paid."`
	PoolFee      string `name:"pool-fee" group:"Machine" placeholder:"2 %" help:"What the pool keeps."`

	Tariff      string `name:"tariff" group:"Power" placeholder:"0.143 USD/kWh" help:"One price; or prices by time, \"0.12; 0.28 mon-fri 16:00-21:00; 0.09 nov-mar\"; or \"file:prices.csv\" with a row for each hour or quarter of a year."`
	TariffAdd   string `name:"tariff-add" group:"Power" placeholder:"0.11 EUR/kWh" help:"Grid, taxes and margin on top of a file's prices."`
	TariffGaps  string `name:"tariff-gaps" group:"Power" placeholder:"refuse" help:"Hours without a price in a file: refuse, or fill with the mean of the month at that hour of the day."`
	Industrial  string `name:"industrial" group:"Power" placeholder:"0.06 USD/kWh" help:"What a warehouse pays, where heat is wasted."`
	PowerCarbon string `name:"power-carbon" group:"Power" placeholder:"400 g/kWh" help:"What the grid emits."`

	Bitcoin        string `name:"bitcoin" group:"Market" placeholder:"63000 USD" help:"Price of a bitcoin in two years, your scenario: one figure, or pessimistic/middle/optimistic."`
	Difficulty     string `name:"difficulty" group:"Market" placeholder:"133.87 T" help:"Bitcoin's difficulty today."`
	Fees           string `name:"fees" group:"Market" placeholder:"1 %" help:"Fees as a share of a block's reward: one figure, or pessimistic/middle/optimistic."`
	MinerRate      string `name:"marginal-efficiency" group:"Market" placeholder:"25 J/TH" help:"Efficiency of the miner who just breaks even: one figure, or pessimistic/middle/optimistic."`
	MinerPower     string `name:"marginal-power" group:"Market" placeholder:"0.05 USD/kWh" help:"What that miner pays for power: one figure, or pessimistic/middle/optimistic."`
	Progress       string `name:"progress" group:"Market" placeholder:"15 %" help:"By how much new machines better in a year: one figure, or pessimistic/middle/optimistic."`
	HashPrice      string `name:"hash-price" group:"Market" placeholder:"28.7" help:"US dollars for a PH/s and day, held for ever: for comparison with calculators that do so."`
	InferenceValue string `name:"inference" group:"Market" placeholder:"0.10 USD/kWh" help:"What answering earns for a kWh, net of fees and of time not sold: one figure, or pessimistic/middle/optimistic."`
	Start          string `name:"start" group:"Market" placeholder:"2026-07" help:"First month of the plan."`

	Years     string `name:"years" group:"Money" placeholder:"10" help:"Horizon."`
	Rate      string `name:"rate" group:"Money" placeholder:"4 %" help:"Interest above inflation."`
	Drift     string `name:"drift" group:"Money" placeholder:"0 %" help:"By how much power and fuels rise in a year above inflation."`
	Currency  string `name:"currency" group:"Money" placeholder:"USD" help:"Currency of all prices."`
	PerDollar string `name:"per-dollar" group:"Money" placeholder:"0.92" help:"Units of the currency for a US dollar."`

	// lines has the line of each key that was read from a file.
	lines map[string]source
}

// source is where a key stands in a file.
type source struct {
	line int
	text string
}

// Key describes one key.
type Key struct {
	Name, Group, Help string
	// Example is a value as it may be written.
	Example string
}

// Keys returns every key, in order of their groups.
func Keys() []Key {
	var keys []Key
	for f := range reflect.TypeFor[Brief]().Fields() {
		if f.IsExported() {
			keys = append(keys, Key{Name: f.Tag.Get("name"), Group: f.Tag.Get("group"), Help: f.Tag.Get("help"), Example: f.Tag.Get("placeholder")})
		}
	}
	return keys
}

// Get returns the value of a key, empty where nothing is said.
func (b *Brief) Get(key string) string {
	if f, ok := b.field(key); ok {
		return f.String()
	}
	return ""
}

// Set gives a key a value. An error names the keys that come near.
func (b *Brief) Set(key, value string) error {
	f, ok := b.field(key)
	if !ok {
		return &Error{Key: key, Text: "there is no such key" + hint(key)}
	}
	f.SetString(strings.TrimSpace(value))
	return nil
}

func (b *Brief) field(key string) (reflect.Value, bool) {
	v := reflect.ValueOf(b).Elem()
	for f := range v.Type().Fields() {
		if f.IsExported() && f.Tag.Get("name") == key {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

// Over returns b with everything that is said in top instead.
func (b Brief) Over(top Brief) Brief {
	lines := maps.Clone(b.lines)
	for _, k := range Keys() {
		if v := top.Get(k.Name); v != "" {
			_ = b.Set(k.Name, v)
			delete(lines, k.Name)
		}
	}
	b.lines = lines
	return b
}

// Values returns the brief as the parameters of a link.
func (b Brief) Values() url.Values {
	v := url.Values{}
	for _, k := range Keys() {
		if s := b.Get(k.Name); s != "" {
			v.Set(k.Name, s)
		}
	}
	return v
}

// FromValues reads a brief from the parameters of a link. Empty ones are as
// if they were not there, as browsers send fields that are left empty.
func FromValues(v url.Values) (Brief, error) {
	var b Brief
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch values := v[name]; {
		case len(values) > 1:
			return Brief{}, &Error{Key: name, Text: "stands twice in the link"}
		case len(values) == 1 && len(values[0]) > mostText:
			return Brief{}, &Error{Key: name, Text: "the value is too long"}
		case len(values) == 1:
			if err := b.Set(name, values[0]); err != nil {
				return Brief{}, err
			}
		}
	}
	return b, nil
}

// mostText bounds a value; a tariff by season, day and time is the longest.
const mostText = 4000
