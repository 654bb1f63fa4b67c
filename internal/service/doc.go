// Package service makes Hearth start with the computer and start again after
// a crash: as a systemd unit on Linux, a launchd job on macOS, a scheduled
// task on Windows.
//
// [Install] and [Uninstall] decide what is to be done and return it as a
// [Plan], which a person can read before anything happens; [Plan.Carry] does
// it. The plan for each system can be made on any other.
package service
