// Package pipe carries packets over the standard input and output of a program that it runs, framed like HDLC. It is how
// media without a driver are attached. The program's standard error stays that of this process.
//
// The command comes from a configuration file and nowhere else: whoever can set it can run anything.
//
// spec: rns-interfaces §8, §16
package pipe
