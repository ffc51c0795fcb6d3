// Package mem is a medium in memory: pairs and hubs of endpoints that carry frames between nodes of one process, with
// loss, delay, reordering, duplication, limited bandwidth and a function that may change or drop every frame.
//
// It is a driver like any other and a supported package: simulations, tests, demonstrations and embedders use it. All
// chance comes from a seed, so that a run can be repeated; all time is the time package's, so that it runs under
// testing/synctest.
//
//	a, b := mem.Pair("a", "b", mem.Conditions{Delay: 20 * time.Millisecond, Loss: 0.05, Seed: 7})
//	// give a to one node and b to the other
//
// A lone endpoint (New) is for driving a node by hand: Inject gives it a frame as if received, Drain takes what it sent.
package mem
