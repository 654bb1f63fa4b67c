// Package mqtt is Hearth's one connection to an MQTT broker, shared by all
// that speak over it: drivers, sensors and Home Assistant.
//
// A [Client] keeps the connection up for as long as it lives: it reconnects
// with growing pauses, subscribes anew after each reconnect, and hands every
// message to its subscribers on a goroutine of each, so that a slow one holds
// up neither the connection nor the others. Nothing is queued for later: what
// cannot be published now is an error now, because a command that reaches a
// heater an hour late is worse than none.
//
// The client speaks MQTT 5 (OASIS standard, 7 March 2019). Brokers that know
// only MQTT 3.1.1 are told apart from other failures in the error.
package mqtt
