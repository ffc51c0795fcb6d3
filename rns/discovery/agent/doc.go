// Package agent lets a node publish its interfaces and discover those of
// others: it runs the parts of meshchatx/rns/discovery over a running node,
// keeps the records in the node's storage, and connects to what was found, as
// far as it is told to. spec: rns-core §22
//
//	a := agent.New(agent.Config{Node: n, Listen: node.On, Interfaces: mine})
//	go func() { ended <- a.Run(ctx) }()
//	list, err := a.List(ctx)
//
// It goes through the public API of the node and knows no drivers: what builds,
// counts and stops interfaces is behind [Interfaces]. It runs on nodes with
// interfaces of their own, not on clients of a shared instance.
//
// Run has two goroutines: one receives, connects and monitors, the other
// publishes, because finding a stamp takes its time. Both have ended when Run
// returns.
package agent
