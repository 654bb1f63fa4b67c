// Package homeassistant shows a home in Home Assistant, and takes commands
// from there.
//
// It speaks MQTT discovery for whole devices (Home Assistant 2024.11 and
// later): one retained message tells Home Assistant of a thing and all its
// entities. A room is a thermostat, a tank a water heater; heaters have power,
// energy and temperatures; what is wrong is a problem sensor with the reasons
// as attributes, and a latched trip has a button that clears it.
//
// Every value has a topic of its own that holds nothing but the value, so that
// other programs can read it too, and beside it a topic that says whether the
// value is known. What is unknown makes its entity unavailable; it is never
// zero. When Hearth dies, the broker's last will makes everything unavailable.
//
// Things that are simulated carry "(simulated)" in their names.
package homeassistant
