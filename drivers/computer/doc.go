// Package computer makes a heater of the computer that Hearth runs on.
//
// It measures at once and heats only when told that it may. Power comes from
// the best source there is:
//
//   - the processor's energy counters, which Linux shows as powercap zones
//     (RAPL, on Intel and AMD), and the graphics cards as nvidia-smi tells;
//   - else an estimate from load, labelled as such.
//
// Both count parts of the computer, not the wall socket: the board, drives,
// fans and the losses of the power supply come on top, so the figure is low,
// never high. Intel's counters measure at the processor's regulator since
// Haswell (Hackenberg et al., IPDPSW 2015) and are classed with power
// supplies; those of AMD are a model inside the processor (Schöne et al.,
// CLUSTER 2021) and are classed as estimates.
//
// Heat is made by a [Workload] in a slot: a number of threads and the share
// of their time that they may compute. The slot stops the workload when the
// demand is not repeated within two minutes, when consent is withdrawn, and
// when the computer leaves the mains. It takes at most half of the logical
// threads. Until there is better work, the workload is the [Burner], or mines
// Bitcoin where the owner wants to see how that goes.
//
// How much a share of the slot draws is learned by metering: first what the
// computer draws without it, then what each busy thread adds.
package computer
