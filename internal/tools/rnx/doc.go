// Package rnx runs commands for others, and asks others to run commands. Whoever
// may use a server can do what its user can: it serves nobody who is not listed,
// unless it is told to serve everybody.
//
// Commands are split into words as a POSIX shell does and run without a shell.
//
// spec: rns-link §13.5
package rnx
