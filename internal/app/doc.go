// Package app wires the program together and gives it a life: it opens the
// storage directory, starts the web interface, then the node, the profiles of
// the enabled identities and the interfaces, and stops them in reverse order.
package app
