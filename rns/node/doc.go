// Package node is the running Reticulum stack: it owns interfaces, the transport machine, local destinations and links,
// and gives applications a small API over them. Any number of nodes can run in one process.
//
// # Use
//
//	n, err := node.New(node.DefaultConfig(), node.WithStorage(node.NewDirStorage(dir)))
//	err = n.Start(ctx)
//	defer n.Close()
//	id, err := n.AddInterface(tcp.NewClient(...), node.DefaultInterfaceConfig())
//	dest, err := n.Register(node.DestinationConfig{Identity: me, Name: "example.echo", OnPacket: ...})
//	err = dest.Announce(ctx, node.AnnounceOptions{})
//	link, err := n.OpenLink(ctx, peer, node.LinkHandler{...})
//
// # Who owns what
//
// One goroutine, the loop, owns the transport machine, the registry of destinations and the registry of links. Frames
// reach it in batches from the reader of each port, questions and commands as calls, and one timer stands at the
// machine's earliest deadline. What costs more than a few microseconds happens elsewhere: signatures are checked by a
// pool that keeps the order per destination, access codes belong to the ports, decryption belongs to the destination or
// link, and each link has a goroutine of its own. See docs/architecture.md.
//
// # Callbacks
//
// Callbacks of one destination, one link or one subscriber run one after the other, outside all locks, on goroutines the
// node owns and waits for. A callback may block: it delays only its own object. A callback that panics is contained and
// reported as an event. Callbacks may call every method of this package except Close.
//
// # Proofs
//
// A packet or resource is proved when the application says that it is safe, not when it arrives: Packet.Prove,
// LinkPacket.Prove, and the return of a resource's Conclude. What is never proved is sent again by its sender.
//
// spec: rns-core §10–§19, rns-link §1–§10
package node
