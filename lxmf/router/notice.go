package router

import "time"

// Notice is something about the propagation node that an application may want to show: SyncChanged or NodeChosen. What happens
// to single messages is an Event.
type Notice interface{ isNotice() }

// SyncChanged tells a step of fetching messages from the propagation node.
type SyncChanged struct{ Status SyncStatus }

// NodeChosen tells which propagation node is in use from now on, and why.
type NodeChosen struct {
	At     time.Time
	Mode   NodeMode
	Choice Choice
}

func (SyncChanged) isNotice() {}
func (NodeChosen) isNotice()  {}
