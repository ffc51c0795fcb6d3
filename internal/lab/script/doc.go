// Package script is the laboratory dialect of rnslab: any number of nodes in one process, media in memory with loss and delay,
// real interfaces from configuration text, taps, snapshots and a clock that can be set forward, driven by one JSON object per
// line. docs/rnslab.md lists the commands with an example. There is no protocol logic here.
package script
