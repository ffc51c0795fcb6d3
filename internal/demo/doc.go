// Package demo runs the real program over invented data and a simulated network:
// for newcomers, screenshots, work on the page, and end-to-end tests.
//
// [Open] fills a storage directory with people, conversations and heard
// destinations, all of which derive from a seed and the time, and starts the
// simulated network: nodes in this process, joined by media in memory, with
// people who answer. What one writes to them travels through the whole stack.
// Nothing leaves the machine: no interface of the demonstration is real.
//
// [People] lists who is there and what each is good for; the commands they know
// are those of [Help].
package demo
