// Package heat is the thermal world: buildings, tanks, emitters, weather on
// walls, and the schedules by which people want to be warm. It is physics and
// calendars only: pure functions of state, inputs and a time step, used alike
// by the live home, by simulation and by planning, so that they agree.
package heat
