package resource

import (
	"time"

	"meshchatx/rns/bzip2"
)

// Specification constants of resources, sizes in bytes. spec: rns-link §1.2
const (
	// SegmentSize is the largest content of one segment, metadata block included.
	SegmentSize = 1<<20 - 1
	// MaxTransferSize is the largest segment, encrypted, that an advertisement may announce.
	MaxTransferSize = 3 * SegmentSize
	// MinTransferSize is the size of the smallest token.
	MinTransferSize = 64
	// MapHashSize is the size of the hash that names a part.
	MapHashSize = 4
	// RandomSize is the size of the random hash and of the random prefix of the stream.
	RandomSize = 4
	// HashMapSegment is the number of map hashes per advertisement or update. It is the same on every link.
	HashMapSegment = 74
	// CollisionGuard is the number of neighbouring parts whose map hashes are all different.
	CollisionGuard = 2*75 + HashMapSegment
	// MaxMetadata is the largest metadata block that leaves room in segment 1. spec: rns-link §8.8
	MaxMetadata = SegmentSize - metadataHeader
	// ProofSize is the payload size of a resource proof: hash and proof.
	ProofSize = 64

	metadataHeader = 3
	defaultSDU     = 500 - partOverhead
	partOverhead   = 36 // header of 35 and access code of 1. spec: rns-link §4.1
	packetOverhead = 19 // header of a packet on a link
)

// SDU is the size of a resource part on a link with the given MTU, in bytes. spec: rns-link §4.1
func SDU(mtu int) int { return mtu - partOverhead }

// Compressor returns src in compressed form, or nil where that is not worth it. It must be safe to run on any goroutine.
type Compressor func(src []byte) []byte

// Decompressor expands src to at most limit bytes. It refuses trailing bytes. It must be safe to run on any goroutine.
type Decompressor func(src []byte, limit int) ([]byte, error)

// Both runs two functions and returns when both have ended. Whether they run at the same time is up to the owner of the
// goroutines.
type Both func(a, b func())

// Params are the timings and limits of transfers. Start from [DefaultParams]; the zero value is not usable.
type Params struct {
	// Window is the number of parts of the first request, WindowMin its lower bound after timeouts. spec: rns-link §1.2
	Window, WindowMin int
	// WindowMaxSlow, WindowMaxVerySlow and WindowMaxFast bound the window by the measured rate.
	WindowMaxSlow, WindowMaxVerySlow, WindowMaxFast int
	// WindowFlexibility is the distance kept between the bounds.
	WindowFlexibility int
	// FastRounds and VerySlowRounds are the rounds after which a rate is believed.
	FastRounds, VerySlowRounds int
	// RateFast and RateVerySlow are in byte/s.
	RateFast, RateVerySlow float64

	// PartTimeoutFactor applies before the first part, PartTimeoutFactorSeen afterwards. spec: rns-link §8.6
	PartTimeoutFactor, PartTimeoutFactorSeen float64
	// UpdateWaitFactor is the number of parts a hash map update may take.
	UpdateWaitFactor float64
	// EvidenceMargin is how much slower than its latest response a receiver believes the medium to be at most.
	EvidenceMargin float64
	// LargePartWait bounds the wait of a receiver for parts that only fast interfaces carry: an MTU above 500 bytes needs at
	// least 62.5 kbit/s. spec: rns-interfaces §1.3
	LargePartWait time.Duration
	// MaxRetries are the repeated requests of a receiver, and, in the timeout of a sender, of its peer.
	MaxRetries int
	// MaxAdvertisements are the repeated advertisements of a sender.
	MaxAdvertisements int
	// ProofRetries are the times a sender asks for a missing proof.
	ProofRetries int
	// AdvertTimeoutFactor times the link's round-trip time is the wait for the first request. spec: rns-link §8.9
	AdvertTimeoutFactor float64
	// PartTimeoutSender and ProofTimeoutFactor times the round-trip time are waits of the sender.
	PartTimeoutSender, ProofTimeoutFactor float64
	// SenderGrace, ProcessingGrace, RetryGrace and PerRetryDelay are added to waits. spec: rns-link §1.2
	SenderGrace, ProcessingGrace, RetryGrace, PerRetryDelay time.Duration

	// CompressLimit is the size of application data up to which a sender compresses. spec: rns-link §8.1
	CompressLimit int64
	// MaxContent bounds the decompressed content of a segment. spec: rns-link §8.7
	MaxContent int
	// Decompress expands compressed segments.
	Decompress Decompressor
	// Both lets a job use two processors; nil runs everything in turn.
	Both Both
}

// DefaultParams returns the values of the specification.
func DefaultParams() Params {
	return Params{
		Window:                4,
		WindowMin:             2,
		WindowMaxSlow:         10,
		WindowMaxVerySlow:     4,
		WindowMaxFast:         75,
		WindowFlexibility:     4,
		FastRounds:            4,
		VerySlowRounds:        2,
		RateFast:              6250,
		RateVerySlow:          250,
		PartTimeoutFactor:     4,
		PartTimeoutFactorSeen: 2,
		UpdateWaitFactor:      3.5,
		EvidenceMargin:        8,
		LargePartWait:         time.Minute,
		MaxRetries:            16,
		MaxAdvertisements:     4,
		ProofRetries:          3,
		AdvertTimeoutFactor:   6,
		PartTimeoutSender:     6,
		ProofTimeoutFactor:    3,
		SenderGrace:           10 * time.Second,
		ProcessingGrace:       time.Second,
		RetryGrace:            250 * time.Millisecond,
		PerRetryDelay:         500 * time.Millisecond,
		CompressLimit:         64 << 20,
		MaxContent:            SegmentSize,
		Decompress:            bzip2.Decompress,
	}
}

// run runs two functions.
func (b Both) run(f, g func()) {
	if b == nil {
		f()
		g()
		return
	}
	b(f, g)
}
