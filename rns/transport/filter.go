package transport

import (
	"crypto/sha256"
	"iter"

	"meshchatx/rns"
)

// filter remembers the hashes of packets in two generations. The zero value is empty. spec: rns-core §11.4
type filter struct {
	current, previous map[rns.Hash]struct{}
}

// add remembers a hash; more than half of limit in one generation start the next.
func (f *filter) add(h rns.Hash, limit int) {
	if f.current == nil {
		f.current = make(map[rns.Hash]struct{})
	}
	f.current[h] = struct{}{}
	if len(f.current) > limit/2 {
		f.current, f.previous = f.previous, f.current
		clear(f.current)
	}
}

func (f *filter) has(h rns.Hash) bool {
	if _, ok := f.current[h]; ok {
		return true
	}
	_, ok := f.previous[h]
	return ok
}

func (f *filter) forget(h rns.Hash) {
	delete(f.current, h)
	delete(f.previous, h)
}

func (f *filter) len() int { return len(f.current) + len(f.previous) }

func (f *filter) all() iter.Seq[rns.Hash] {
	return func(yield func(rns.Hash) bool) {
		for _, generation := range []map[rns.Hash]struct{}{f.current, f.previous} {
			for h := range generation {
				if !yield(h) {
					return
				}
			}
		}
	}
}

// hashInPlace is rns.PacketHash without allocation. It borrows one byte of raw, which holds at least a header.
func hashInPlace(raw []byte) rns.Hash {
	at := 1
	if raw[0]&flagHeader2 != 0 {
		at = 1 + rns.AddrSize
	}
	saved := raw[at]
	raw[at] = raw[0] & maskHashed
	h := sha256.Sum256(raw[at:])
	raw[at] = saved
	return h
}

// Bits of the first byte that rewriting needs. spec: rns-core §7.1
const (
	flagHeader2   = 0x40
	flagContext   = 0x20
	flagTransport = 0x10
	maskHashed    = 0x0F
)

// repeats tells whether packets of this context may legitimately repeat byte for byte. A cache request is nothing else
// here: no packets are cached. spec: rns-core §11.4, §13.2
func repeats(c rns.Context) bool {
	switch c {
	case rns.ContextKeepalive, rns.ContextResourceReq, rns.ContextResourcePRF, rns.ContextResource,
		rns.ContextCacheRequest, rns.ContextChannel:
		return true
	}
	return false
}

// admit applies the packet filter to a received packet.
func (m *Machine) admit(r *reception) rns.Verdict {
	p := &r.packet
	announce := p.Type == rns.PacketAnnounce
	switch {
	case m.client != nil:
		return rns.VerdictNone
	case p.HeaderType == rns.HeaderType2 && !announce && p.TransportID != m.cfg.TransportID:
		return rns.VerdictOtherInstance
	case repeats(p.Context):
		return rns.VerdictNone
	case p.DestType == rns.DestPlain || p.DestType == rns.DestGroup:
		if announce {
			return rns.VerdictBadFlags
		}
		if r.hops > 1 {
			return rns.VerdictNotTransported
		}
		return rns.VerdictNone
	case announce && p.DestType != rns.DestSingle:
		// differs: the reference lets the first copy of an announce of a link through, which means nothing.
		return rns.VerdictBadFlags
	case !announce && m.seen.has(r.hash):
		return rns.VerdictDuplicate
	}
	return rns.VerdictNone
}

// remember records the hash of an admitted packet. Of packets that may belong to links of others, and of link proofs, it
// is recorded only when it is certain that they were ours to process.
//
// differs: hashes of announces and resource parts are not recorded: the filter never looks for them.
func (m *Machine) remember(r *reception) {
	if r.packet.Type == rns.PacketAnnounce || r.hash.IsZero() || r.packet.Context == rns.ContextLRProof || r.link != nil {
		return
	}
	m.record(r.hash)
}

func (m *Machine) record(h rns.Hash) {
	if m.client == nil {
		m.seen.add(h, m.p.Limits.PacketHashes)
	}
}
