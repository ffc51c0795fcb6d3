package resource

import "errors"

// Reasons for the end of a transfer.
var (
	// ErrEmpty means that a resource would have neither content nor metadata. spec: rns-link §8.1
	ErrEmpty = errors.New("resource is empty")
	// ErrMetadataSize means that metadata does not fit segment 1.
	ErrMetadataSize = errors.New("resource metadata too long")
	// ErrSource means that the source of the content could not be read.
	ErrSource = errors.New("resource source not readable")
	// ErrRejected means that the receiver refused or cancelled.
	ErrRejected = errors.New("resource rejected by the receiver")
	// ErrCancelled means that this side cancelled.
	ErrCancelled = errors.New("resource cancelled")
	// ErrCancelledByPeer means that the sender cancelled.
	ErrCancelledByPeer = errors.New("resource cancelled by the sender")
	// ErrNoAnswer means that no advertisement was answered.
	ErrNoAnswer = errors.New("resource advertisement not answered")
	// ErrStalled means that the peer fell silent during the transfer.
	ErrStalled = errors.New("resource transfer stalled")
	// ErrNoProof means that everything was sent and nothing proved.
	ErrNoProof = errors.New("resource not proved by the receiver")
	// ErrSequence means that the peer lost track of the hash map.
	ErrSequence = errors.New("resource hash map sequence error")
	// ErrCorrupt means that the assembled content does not have the advertised hash.
	ErrCorrupt = errors.New("resource content corrupt")
	// ErrTooLarge means that a segment expands beyond its limit.
	ErrTooLarge = errors.New("resource content too large")
	// ErrSize means that the segments do not add up to the advertised size.
	ErrSize = errors.New("resource size differs from the advertised one")
	// ErrMetadata means that the metadata block is malformed.
	ErrMetadata = errors.New("resource metadata malformed")
	// ErrUpdate means that a hash map update does not fit.
	ErrUpdate = errors.New("resource hash map update malformed")
	// ErrRequest means that a part request is malformed.
	ErrRequest = errors.New("resource part request malformed")
	// ErrTimeout means that the application did not decide, or store, in time.
	ErrTimeout = errors.New("resource not concluded in time")
)
