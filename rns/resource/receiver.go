package resource

import (
	"crypto/sha256"
	"hash"
	"time"

	"meshchatx/rns"
)

// ReceiverConfig describes the reception of one segment.
type ReceiverConfig struct {
	Params Params
	// Advertisement must be valid for SDU.
	Advertisement Advertisement
	SDU           int
	// Token is the key of the link.
	Token *rns.Token
	// LinkRTT is the round-trip time of the link, EstablishmentCost the bytes its handshake took.
	LinkRTT           time.Duration
	EstablishmentCost int
	// Window is that of the last assembled resource of the link, 0 for the initial one.
	Window int
	// Rate is the expected in-flight rate of that resource in bit/s, 0 for none.
	Rate float64
}

// Receiver pulls the parts of one segment. Not safe for concurrent use. spec: rns-link §8.3–§8.6
type Receiver struct {
	c      ReceiverConfig
	status Status
	err    error
	window window

	mapHashes []byte // known so far, always a prefix
	buf       []byte // the token, grown as parts arrive
	parts     []partState
	received  int
	next      int // first part missing: everything before is there
	highest   int // highest part requested + 1
	cursor    int // where the next part is expected
	digest    hash.Hash

	waiting     bool // for a hash map update
	asked       int  // hash map updates asked for
	taken       int  // hash map updates taken
	outstanding int
	roundBytes  int // payload of the parts accepted since the request
	requestSize int // raw length of the request packet
	requested   time.Time
	responded   bool // a part came since the request
	measured    bool // a part came since the start
	factor      float64
	rtt         time.Duration
	rate        float64 // EIFR, bit/s
	rateKnown   bool
	evidence    float64   // rate of the latest response to a request, bit/s
	active      time.Time // last activity
	started     time.Time
	retries     int
}

// partState says what is known of one part.
type partState uint8

const (
	partReceived  partState = 1 << iota
	partRequested           // ever
	partCurrent             // in the latest request
)

// NewReceiver makes the receiver of a segment. Start it with [Receiver.Start].
func NewReceiver(c ReceiverConfig) *Receiver {
	r := &Receiver{
		c: c, status: StatusTransferring,
		mapHashes: append([]byte(nil), c.Advertisement.MapHashes...),
		parts:     make([]partState, c.Advertisement.Parts),
		digest:    sha256.New(),
		factor:    c.Params.PartTimeoutFactor,
		retries:   c.Params.MaxRetries,
		rate:      c.Rate,
	}
	r.window = newWindow(&r.c.Params, c.Window)
	return r
}

// Start sends the first request.
func (r *Receiver) Start(now time.Time, out *Output) {
	r.started = now
	r.updateRate()
	r.request(now, out)
}

// Status is Transferring, then Assembling, or Failed.
func (r *Receiver) Status() Status { return r.status }

// Err says why a Failed reception failed.
func (r *Receiver) Err() error { return r.err }

// Hash is the hash of the segment.
func (r *Receiver) Hash() rns.Hash { return r.c.Advertisement.Hash }

// Received is the number of parts that arrived.
func (r *Receiver) Received() int { return r.received }

// Window is the current window, to be carried over to the next resource of the link.
func (r *Receiver) Window() int { return r.window.size }

// Rate is the expected in-flight rate in bit/s.
func (r *Receiver) Rate() float64 { return r.rate }

// Elapsed is the time since the first request.
func (r *Receiver) Elapsed(now time.Time) time.Duration { return now.Sub(r.started) }

func (r *Receiver) known() int { return len(r.mapHashes) / MapHashSize }

func (r *Receiver) mapHash(i int) []byte { return r.mapHashes[i*MapHashSize : (i+1)*MapHashSize] }

// request asks for the missing parts of the window, or for more of the hash map. spec: rns-link §8.4
func (r *Receiver) request(now time.Time, out *Output) {
	if r.waiting || r.status != StatusTransferring {
		return
	}
	for i := r.next; i < r.highest; i++ {
		r.parts[i] &^= partCurrent
	}
	q := PartRequest{Hash: r.c.Advertisement.Hash}
	last := min(r.next+r.window.size, len(r.parts))
	for i := r.next; i < last; i++ {
		if r.parts[i]&partReceived != 0 {
			continue
		}
		if i >= r.known() {
			q.Exhausted, q.Last = true, [MapHashSize]byte(r.mapHash(r.known()-1))
			r.waiting = true
			r.asked++
			break
		}
		q.Wanted = append(q.Wanted, r.mapHash(i)...)
		r.parts[i] |= partRequested | partCurrent
		r.highest = max(r.highest, i+1)
	}
	r.cursor = r.next
	r.outstanding = len(q.Wanted) / MapHashSize
	r.roundBytes, r.responded = 0, false
	body := q.Append(nil)
	r.requestSize = packetOverhead + rns.TokenSize(len(body))
	r.requested, r.active = now, now
	out.send(rns.ContextResourceReq, body)
}

// Part handles the payload of a RESOURCE packet of rawLen bytes. It reports whether the part belonged here; the caller
// offers it to the other transfers of the link otherwise. When the last part is in, out has the job that assembles them.
// spec: rns-link §8.6
func (r *Receiver) Part(now time.Time, payload []byte, rawLen int, out *Output) bool {
	if r.status != StatusTransferring {
		return false
	}
	i, ok := r.match(payload)
	if !ok {
		return false
	}
	r.store(i, payload)
	r.active, r.retries = now, r.c.Params.MaxRetries
	if !r.responded {
		r.firstOfRound(now, rawLen)
	}
	r.roundBytes += len(payload)
	if r.parts[i]&partCurrent != 0 {
		r.outstanding--
	}
	r.parts[i] = partReceived
	r.received++
	r.cursor = i + 1
	for r.next < len(r.parts) && r.parts[r.next]&partReceived != 0 {
		r.next++
	}
	switch {
	case r.received == len(r.parts):
		r.assemble(out)
	case r.outstanding == 0:
		r.roundComplete(now, out)
	}
	return true
}

// match finds the requested part with this content: usually the one after the last.
//
// differs: the reference looks only at a window's length from the first missing part and so loses parts that overtake it.
// spec: rns-link §8.6
func (r *Receiver) match(payload []byte) (int, bool) {
	if len(payload) > r.c.SDU {
		return 0, false
	}
	var sum [sha256.Size]byte
	r.digest.Reset()
	r.digest.Write(payload)
	r.digest.Write(r.c.Advertisement.Random[:])
	r.digest.Sum(sum[:0])
	for i := r.cursor; i < r.highest; i++ {
		if r.matches(i, sum[:], len(payload)) {
			return i, true
		}
	}
	for i := r.next; i < min(r.cursor, r.highest); i++ {
		if r.matches(i, sum[:], len(payload)) {
			return i, true
		}
	}
	return 0, false
}

func (r *Receiver) matches(i int, sum []byte, size int) bool {
	return r.parts[i]&(partReceived|partRequested) == partRequested &&
		string(r.mapHash(i)) == string(sum[:MapHashSize]) && size == r.partSize(i)
}

func (r *Receiver) partSize(i int) int {
	return min(r.c.SDU, r.c.Advertisement.TransferSize-i*r.c.SDU)
}

// trustSize is the size a segment must have reached before all the memory it promised to need is set aside.
const trustSize = 64 << 10

// store puts a part where it belongs.
func (r *Receiver) store(i int, payload []byte) {
	at := i * r.c.SDU
	if need := at + len(payload); need > cap(r.buf) {
		size := r.c.Advertisement.TransferSize
		if need <= trustSize {
			size = min(size, trustSize)
		}
		grown := make([]byte, len(r.buf), size)
		copy(grown, r.buf)
		r.buf = grown
	}
	r.buf = r.buf[:max(len(r.buf), at+len(payload))]
	copy(r.buf[at:], payload)
}

// firstOfRound measures the response to a request.
func (r *Receiver) firstOfRound(now time.Time, rawLen int) {
	response := now.Sub(r.requested)
	r.responded = true
	if r.rtt == 0 {
		r.rtt = r.c.LinkRTT
	} else {
		r.rtt = adjustRTT(r.rtt, response)
	}
	r.measured = true
	r.factor = r.c.Params.PartTimeoutFactorSeen
	if response > 0 {
		rate := float64(rawLen+r.requestSize) / response.Seconds()
		r.evidence = 8 * rate
		r.window.measured(rate)
	}
}

// roundComplete grows the window and asks for the next parts.
func (r *Receiver) roundComplete(now time.Time, out *Output) {
	r.window.grow()
	if took := now.Sub(r.requested); took > 0 {
		rate := float64(r.roundBytes) / took.Seconds()
		r.rate, r.rateKnown = 8*rate, true
		r.window.measuredRound(rate)
	}
	r.request(now, out)
}

// Update handles a hash map update. Errors of the peer end the transfer. spec: rns-link §8.5
func (r *Receiver) Update(now time.Time, u HashMapUpdate, out *Output) rns.Verdict {
	if !r.waiting || r.status != StatusTransferring {
		return rns.VerdictNotReady
	}
	n := len(u.MapHashes) / MapHashSize
	switch {
	case n == 0:
		r.status, r.err = StatusFailed, ErrSequence
		return rns.VerdictMalformed
	case u.Segment < 1 || u.Segment*HashMapSegment != r.known():
		return rns.VerdictOutsideWindow
	case len(u.MapHashes)%MapHashSize != 0, n != min(HashMapSegment, len(r.parts)-r.known()):
		return rns.VerdictWrongSize
	}
	r.mapHashes = append(r.mapHashes, u.MapHashes...)
	r.active, r.retries = now, r.c.Params.MaxRetries
	r.waiting = false
	r.taken++
	r.request(now, out)
	return rns.VerdictDelivered
}

// Repeat sends the request again if no part has come yet, because the sender seems not to have seen it: it advertised the
// segment once more. spec: rns-link §8.3
func (r *Receiver) Repeat(now time.Time, out *Output) {
	if r.received == 0 && r.status == StatusTransferring {
		r.waiting = false
		r.request(now, out)
	}
}

// updateRate estimates the rate before anything is measured.
func (r *Receiver) updateRate() {
	if r.rateKnown || r.rate > 0 {
		return
	}
	rtt := r.rtt
	if rtt == 0 {
		rtt = r.c.LinkRTT
	}
	r.rate = 8 * float64(r.c.EstablishmentCost) / max(rtt, time.Microsecond).Seconds()
}

// Deadline is when [Receiver.Expire] has something to do, zero for never. spec: rns-link §8.6
//
// differs: on links with a large MTU the reference's first estimates are minutes or hours, longer than its sender waits.
// What a response has shown, with a wide margin, and Params.LargePartWait bound them; the last part counts with its size.
func (r *Receiver) Deadline() time.Time {
	if r.status != StatusTransferring || r.started.IsZero() {
		return time.Time{}
	}
	p := &r.c.Params
	size := float64(min(r.c.SDU, r.c.Advertisement.TransferSize))
	rate := max(r.rate, r.evidence/p.EvidenceMargin, 1)
	var wait float64
	if r.measured {
		wait = r.factor * float64(r.outstanding) * size * 8 / rate
		if r.waiting || r.outstanding == 0 {
			wait += size * 8 * p.UpdateWaitFactor / rate
		}
	} else {
		wait = r.factor * 3 * size / rate // sic: bytes over bit/s
	}
	if r.c.SDU > defaultSDU {
		wait = min(wait, p.LargePartWait.Seconds())
	}
	used := p.MaxRetries - r.retries
	return r.active.Add(seconds(wait) + p.RetryGrace + p.PerRetryDelay*time.Duration(used))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Expire repeats the request for what is missing, or fails.
func (r *Receiver) Expire(now time.Time, out *Output) {
	due := r.Deadline()
	if due.IsZero() || now.Before(due) {
		return
	}
	if r.retries == 0 {
		r.status, r.err = StatusFailed, ErrStalled
		return
	}
	r.window.shrink()
	r.retries--
	r.waiting = false
	r.request(now, out)
}
