// Package sensor reads thermometers that belong to no heater: 1-Wire probes
// on this computer, values in JSON over HTTP, MQTT topics, and what Home
// Assistant passes on over MQTT.
//
// A sensor tells a temperature or why there is none. A value that the probe
// gives instead of a temperature (85.000 °C at power-on, -127 °C without a
// probe), one that no thermometer in a house can show, an old one, and a word
// such as "unavailable" are unknown, never a number.
package sensor
