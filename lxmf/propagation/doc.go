// Package propagation is a propagation node: it keeps messages for people who
// are away and exchanges them with other nodes.
//
//	n, err := propagation.New(propagation.Config{Node: stack, Identity: id, Files: propagation.NewDirFiles(dir), State: storage})
//	err = n.Serve(ctx)
//
// # Who owns what
//
// One goroutine, the loop of [Node.Serve], owns the machine: the index of the
// messages, the peers and all decisions. It has no I/O. Requests and transfers
// arrive on the goroutines of their links, which check stamps, read and write
// files, and ask the loop; a goroutine per running synchronisation drives one
// peer. What is told to others has been stored before: a transfer is proved when
// its messages are on disk, and a message is deleted only after its recipient
// said that it has it.
//
// spec: lxmf §10–§13
package propagation
