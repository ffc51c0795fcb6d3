package transport

import (
	"bytes"

	"meshchatx/rns"
)

// packed is an announce as the tables keep it: one byte of form, then the payload as received. Paths, known destinations,
// pending rebroadcasts and tunnels share one copy. It is never changed. The zero value is "none".
type packed []byte

// Bits of the form byte.
const (
	// packedRatchet: the payload has a ratchet.
	packedRatchet = 1 << iota
	// packedBare: not an announce but a public key and application data, as read from a file.
	packedBare
	// packedNoAppData: a bare one without application data, which is not the same as empty.
	packedNoAppData
)

// Offsets in the payload. spec: rns-core §6.1
const (
	nameOffset    = rns.PublicKeySize
	blobOffset    = nameOffset + rns.NameHashSize
	ratchetOffset = blobOffset + rns.RandomBlobSize
	fixedSize     = ratchetOffset + rns.SignatureSize
)

// packAnnounce copies the payload of an announce packet.
func packAnnounce(p *rns.Packet) packed {
	b := make(packed, 1, 1+len(p.Data))
	if p.ContextFlag {
		b[0] = packedRatchet
	}
	return append(b, p.Data...)
}

// packKnown packs what a file knows of a destination.
func packKnown(pub rns.PublicKey, appData []byte) packed {
	b := make(packed, 1, 1+len(pub)+len(appData))
	b[0] = packedBare
	if appData == nil {
		b[0] |= packedNoAppData
	}
	return append(append(b, pub[:]...), appData...)
}

// is tells whether b is the announce with this payload.
func (b packed) is(p *rns.Packet) bool {
	return b.announce() && (b[0]&packedRatchet != 0) == p.ContextFlag && bytes.Equal(b[1:], p.Data)
}

// announce tells whether b holds a whole announce.
func (b packed) announce() bool { return len(b) > 0 && b[0]&packedBare == 0 }

func (b packed) payload() []byte { return b[1:] }

func (b packed) contextFlag() bool { return b[0]&packedRatchet != 0 }

func (b packed) public() rns.PublicKey { return rns.PublicKey(b[1:]) }

func (b packed) blob() Blob { return Blob(b[1+blobOffset:]) }

func (b packed) name() rns.NameHash { return rns.NameHash(b[1+nameOffset:]) }

func (b packed) ratchet() *rns.RatchetPublic {
	if b[0]&packedRatchet == 0 {
		return nil
	}
	r := rns.RatchetPublic(b[1+ratchetOffset:])
	return &r
}

// appData is the application data without copying it. spec: rns-core §3.5
func (b packed) appData() []byte {
	switch {
	case b[0]&packedNoAppData != 0:
		return nil
	case b[0]&packedBare != 0:
		return b[1+rns.PublicKeySize:]
	case len(b)-1 <= fixedSize:
		return nil
	case b[0]&packedRatchet != 0:
		return b[1+fixedSize+rns.RatchetSize:]
	default:
		return b[1+fixedSize:]
	}
}

// size is the length of the announce as HEADER_2 packet.
func (b packed) size() int { return rns.HeaderMaxSize + len(b) - 1 }

// appendRelayed appends the announce as a transport node sends it. spec: rns-core §14.8
func (b packed) appendRelayed(raw []byte, dest, via rns.Addr, hops uint8, context rns.Context) []byte {
	flags := flagHeader2 | flagTransport | byte(rns.PacketAnnounce)
	if b.contextFlag() {
		flags |= flagContext
	}
	raw = append(raw, flags, hops)
	raw = append(raw, via[:]...)
	raw = append(raw, dest[:]...)
	raw = append(raw, byte(context))
	return append(raw, b.payload()...)
}

// received rebuilds the packet as it arrived from next hop, for the announce cache.
func (b packed) received(dest, nextHop rns.Addr, hops uint8, context rns.Context) []byte {
	p := rns.Packet{
		ContextFlag: b.contextFlag(), Type: rns.PacketAnnounce, Hops: hops, Dest: dest, Context: context, Data: b.payload(),
	}
	if nextHop != dest {
		p.HeaderType, p.TransportType, p.TransportID = rns.HeaderType2, rns.TransportTransport, nextHop
	}
	return p.Append(make([]byte, 0, p.Size()))
}
