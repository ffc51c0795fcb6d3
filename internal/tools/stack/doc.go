// Package stack is what the command line tools stand on: a node from a
// configuration directory, the identities of tools, and the way from an address
// to an established link.
//
// A tool joins the shared instance of the machine if one runs. Otherwise it opens
// the configured interfaces itself, as every Reticulum program does.
package stack
