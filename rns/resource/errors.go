package resource

import (
	"errors"
	"fmt"

	"meshchatx/rns"
)

// Reasons for refusing to make a resource.
var (
	// ErrEmpty means that a resource would have neither content nor metadata. spec: rns-link §8.1
	ErrEmpty = errors.New("resource is empty")
	// ErrMetadataSize means that metadata does not fit segment 1.
	ErrMetadataSize = errors.New("resource metadata too long")
)

// Reasons for the end of a transfer. Each also Is the [rns.Verdict] it names.
var (
	// ErrSource means that the source of the content could not be read.
	ErrSource = errors.New("resource source not readable")
	// ErrRejected means that the receiver refused or cancelled.
	ErrRejected = fmt.Errorf("by the receiver: %w", rns.VerdictResourceRejected)
	// ErrCancelled means that this side cancelled.
	ErrCancelled = fmt.Errorf("resource transfer %w by this side", rns.VerdictCancelled)
	// ErrCancelledByPeer means that the sender cancelled.
	ErrCancelledByPeer = fmt.Errorf("resource transfer %w by the sender", rns.VerdictCancelled)
	// ErrNoAnswer means that no advertisement was answered.
	ErrNoAnswer = fmt.Errorf("resource advertisement not answered: %w", rns.VerdictRetriesExhausted)
	// ErrStalled means that the peer fell silent during the transfer.
	ErrStalled = fmt.Errorf("resource transfer stalled: %w", rns.VerdictRetriesExhausted)
	// ErrNoProof means that everything was sent and nothing proved.
	ErrNoProof = fmt.Errorf("resource not proved: %w", rns.VerdictRetriesExhausted)
	// ErrSequence means that the peer lost track of the hash map.
	ErrSequence = fmt.Errorf("resource hash map: %w", rns.VerdictOutsideWindow)
	// ErrCorrupt means that the assembled content does not have the advertised hash.
	ErrCorrupt = fmt.Errorf("resource content: %w", rns.VerdictCorrupt)
	// ErrDecompression means that a segment does not decompress within its bounds.
	ErrDecompression = fmt.Errorf("resource content: %w", rns.VerdictDecompression)
	// ErrSize means that the segments do not add up to the advertised size.
	ErrSize = fmt.Errorf("resource size: %w", rns.VerdictWrongSize)
	// ErrMetadata means that the metadata block is malformed.
	ErrMetadata = fmt.Errorf("resource metadata: %w", rns.VerdictMalformed)
	// ErrTimeout means that the application did not decide, or store, in time, or the next segment did not come.
	ErrTimeout = fmt.Errorf("resource transfer %w", rns.VerdictTimeout)
)
