// Package heat is the thermal world: buildings, tanks, emitters, weather on
// walls, and the schedules by which people want to be warm. It is physics and
// calendars only: pure functions of state, inputs and a time step, used alike
// by the live home, by simulation and by planning, so that they agree.
//
// A [Building] is what a person can say about a house; its [Model] is the
// five-resistance, one-capacity network of ISO 13790:2008 annex C, solved
// exactly for any step from a second to an hour and more. With an air
// capacity it has two states, so that a thermostat sees air that warms in
// minutes on walls that warm in days. [Location.Sun] and [Weather] put the sun
// on its windows. A [Tank] is stored hot water in layers; [Radiator],
// [HeatedFloor] and [Curve] say how warm water has to be to heat a room.
package heat
