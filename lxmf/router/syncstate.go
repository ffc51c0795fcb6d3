package router

import (
	"fmt"
	"time"

	"meshchatx/rns"
)

// SyncState is how far fetching messages from the propagation node is, in the numbers of the protocol. spec: lxmf §11.6
type SyncState uint8

// The states. The zero value is idle.
const (
	SyncIdle             SyncState = 0x00
	SyncPathRequested    SyncState = 0x01
	SyncLinkEstablishing SyncState = 0x02
	SyncLinkEstablished  SyncState = 0x03
	SyncRequestSent      SyncState = 0x04
	SyncReceiving        SyncState = 0x05
	SyncResponseReceived SyncState = 0x06 // what came is checked and stored
	SyncComplete         SyncState = 0x07
	SyncNoPath           SyncState = 0xf0
	SyncLinkFailed       SyncState = 0xf1
	SyncTransferFailed   SyncState = 0xf2
	SyncNoIdentity       SyncState = 0xf3 // the node did not recognise us
	SyncNoAccess         SyncState = 0xf4 // the node does not serve us
	SyncFailed           SyncState = 0xfe
)

// Active reports whether something is under way.
func (s SyncState) Active() bool { return s > SyncIdle && s < SyncComplete }

// Failed reports whether it ended without success.
func (s SyncState) Failed() bool { return s >= SyncNoPath }

// String returns the state as a word.
func (s SyncState) String() string {
	switch s {
	case SyncIdle:
		return "idle"
	case SyncPathRequested:
		return "path_requested"
	case SyncLinkEstablishing:
		return "link_establishing"
	case SyncLinkEstablished:
		return "link_established"
	case SyncRequestSent:
		return "request_sent"
	case SyncReceiving:
		return "receiving"
	case SyncResponseReceived:
		return "response_received"
	case SyncComplete:
		return "complete"
	case SyncNoPath:
		return "no_path"
	case SyncLinkFailed:
		return "link_failed"
	case SyncTransferFailed:
		return "transfer_failed"
	case SyncNoIdentity:
		return "no_identity"
	case SyncNoAccess:
		return "no_access"
	case SyncFailed:
		return "failed"
	}
	return fmt.Sprintf("SyncState(%#02x)", uint8(s))
}

// SyncOptions bound one fetch. The zero value fetches everything.
type SyncOptions struct {
	// Max is the most messages to fetch, 0 for all.
	Max int
	// Limit is the most bytes in one answer of the node, 0 for the limit of incoming messages.
	Limit int64
}

// SyncStatus is a fetch: the one under way or the last one. The zero value is idle.
type SyncStatus struct {
	Node  rns.Addr
	State SyncState
	// Code and Detail tell more about a failure.
	Code   Code
	Detail string
	// Listed is what the node had for us at first, known messages included, Wanted what was asked for in all, Received what
	// arrived in all.
	Listed, Wanted, Received int
	// Stored were new and are kept, or were discarded by policy; Duplicates were known; Unreadable could not be decrypted;
	// Unstored could not be stored now and stay on the node.
	Stored, Duplicates, Unreadable, Unstored int
	// Left stays on the node for another time, because of a limit or because it could not be stored.
	Left int
	// Percent is how much of the present answer has come, of Size bytes, 0 if unknown. spec: lxmf §18
	Percent int
	Size    int64
	// Started, Changed and Ended are times; Ended is zero while it is active.
	Started, Changed, Ended time.Time
}
