// Package plan answers "would it pay here?": for one home hour by hour over
// years, and for a whole map of places.
//
// A [Question] is a climate, a home that wants heat, the heater it has today,
// a machine that could heat it by computing, what power and fuels cost, what
// the computation may earn, and how money is counted. [Prepare] works out what
// does not depend on prices (the heat that the home wants in each hour, by the
// same building and tank as the live home uses); [Site.Answer] then sets every
// way to make that heat side by side, with the two comparisons that matter
// first: smart heat against dumb heat, and a machine whose heat is used
// against the same machine whose heat is wasted.
//
// Every figure of an [Answer] can say why: its formula, the figures that went
// in, and their sources ([Answer.Why]). What is not known is unknown and is
// neither ranked nor summed. All is computed by the hour of a typical year in
// local standard time; prices of shorter slots are averaged over the hour.
//
// [Site.Size] finds how much machine is worth most, [Site.Optimal] what planning
// a year ahead adds to the rule by which the answer runs the machine, and
// [Follow] what a portable machine gains by following the winter.
//
// A [Map] asks of every region, home, heater and machine ([Everywhere]: of the
// whole atlas) where smart heat wins, and for each cell what would turn the
// verdict ([Flip]). A [Study] asks how far one answer can be trusted: which
// figure moves it most, and how it is spread when all are drawn at random.
//
// The package is pure: same question and seed, same answer, bit for bit, on
// any number of threads.
package plan
