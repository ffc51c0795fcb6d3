// Package telemetry reads and writes sensor readings as they travel in LXMF
// fields: a telemeter with the readings of one object, streams of telemeters that
// a collector passes on, and the commands that ask for them.
//
// [Parse] reads the bytes of field 0x02. Every reading is checked for its form and
// its bounds: what is malformed counts as no reading and spoils nothing else, and
// unknown sensors are kept as they came. [Telemeter.Get] gives readings by name, as
// the specification calls their parts; [Telemeter.Time], [Telemeter.Location] and
// [Telemeter.Battery] are typed. [Build] makes a telemeter.
//
// Nothing here is trusted: a reading says what its sender claims, and a block
// [Received] is local knowledge of whoever passed it on. The package is pure and its
// values are immutable; everything is safe for concurrent use.
//
// spec: telemetry §1–§9
package telemetry
