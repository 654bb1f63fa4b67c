// Package generic drives a heater, relay or meter that a person describes in
// the configuration file: where its values stand in answers over HTTP or in
// messages over MQTT, and what to send for each command.
//
//	devices:
//	  stove:
//	    kind: generic
//	    model: Acme Stove 3
//	    max: 1200 W
//	    idle: 5 W
//	    http: {url: "http://192.168.1.30", status: /status, token: "file:stove-token"}
//	    power: {path: meter.power, unit: W, unknown: [-1]}
//	    state: {path: mode, values: {"on": heating, "off": paused}}
//	    level: {path: level}
//	    levels:
//	      - {id: low, power: 600 W}
//	      - {id: high, power: 1200 W}
//	    temperatures:
//	      - {name: outlet, kind: air_out, path: temps.out, unit: °C, unknown: [-127, 85]}
//	    commands:
//	      set_level: {method: POST, path: /level, body: '{"level": "{{.Level}}"}'}
//	      run: {method: POST, path: /mode, body: '{"mode": "on"}'}
//	      pause: {method: POST, path: /mode, body: '{"mode": "off"}'}
//
// A command is described only together with what it is read back by: a device
// with commands tells its state, one with levels its level, one with a free
// wattage its power. The description is refused otherwise, because a command
// that cannot be seen to work cannot be believed.
//
// Values that are missing, marked as unknown, or impossible are unknown. An
// answer that holds none of the values it is asked for is garbage. Over MQTT,
// values older than stale_after are unknown, retained messages are taken only
// where the description says so, and a device that is silent on all topics, or
// said to be offline by its availability topic, is unreachable.
//
// An answer with "emulator": "hearth" at its top marks the device as
// simulated.
package generic
