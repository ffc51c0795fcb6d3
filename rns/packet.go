package rns

import "strconv"

// HeaderType is the form of a packet header. spec: rns-core §7.1
type HeaderType uint8

// Header types.
const (
	HeaderType1 HeaderType = iota // destination only
	HeaderType2                   // transport id, then destination
)

// TransportType says whether a packet follows a path. spec: rns-core §7.1
type TransportType uint8

// Transport types.
const (
	TransportBroadcast TransportType = iota
	TransportTransport
)

// PacketType is the kind of a packet. spec: rns-core §7.1
type PacketType uint8

// Packet types.
const (
	PacketData PacketType = iota
	PacketAnnounce
	PacketLinkRequest
	PacketProof
)

// Bits of the first byte of a packet. spec: rns-core §7.1
const (
	flagIFAC      = 0x80
	flagHeader    = 0x40
	flagContext   = 0x20
	flagTransport = 0x10
	maskDestType  = 0x0C
	maskPacket    = 0x03
	maskHashed    = 0x0F // what the packet hash covers of the first byte
)

// String is the number of the header form.
func (h HeaderType) String() string { return enumName(headerNames[:], int(h), "HeaderType") }

// String is the name of the type in the protocol documents.
func (t TransportType) String() string { return enumName(transportNames[:], int(t), "TransportType") }

// String is the name of the type in the protocol documents.
func (p PacketType) String() string { return enumName(packetNames[:], int(p), "PacketType") }

var (
	headerNames    = [...]string{"HEADER_1", "HEADER_2"}
	transportNames = [...]string{"BROADCAST", "TRANSPORT"}
	packetNames    = [...]string{"DATA", "ANNOUNCE", "LINKREQUEST", "PROOF"}
)

func enumName(names []string, n int, kind string) string {
	if n < len(names) && names[n] != "" {
		return names[n]
	}
	return kind + "(0x" + strconv.FormatInt(int64(n), 16) + ")"
}

// Packet is a packet without interface access code, taken apart. The zero
// value is an empty DATA packet to the zero address. spec: rns-core §7.1
type Packet struct {
	HeaderType    HeaderType
	ContextFlag   bool // of an announce: it carries a ratchet
	TransportType TransportType
	DestType      DestType
	Type          PacketType
	Hops          uint8 // as on the wire, below MaxHops
	TransportID   Addr  // zero and not sent in HeaderType1
	Dest          Addr  // destination, link id, or truncated hash of the proved packet
	Context       Context
	Data          []byte
}

// ParsePacket takes a packet apart. Data aliases raw. Errors are the verdicts
// [VerdictTooShort], [VerdictHopLimit] and [VerdictAccessCodeUnexpected].
func ParsePacket(raw []byte) (Packet, error) {
	if len(raw) < HeaderMinSize {
		return Packet{}, VerdictTooShort
	}
	flags := raw[0]
	if flags&flagIFAC != 0 {
		return Packet{}, VerdictAccessCodeUnexpected
	}
	p := Packet{
		HeaderType:    HeaderType(flags & flagHeader >> 6),
		ContextFlag:   flags&flagContext != 0,
		TransportType: TransportType(flags & flagTransport >> 4),
		DestType:      DestType(flags & maskDestType >> 2),
		Type:          PacketType(flags & maskPacket),
		Hops:          raw[1],
	}
	if p.Hops >= MaxHops {
		return Packet{}, VerdictHopLimit
	}
	rest := raw[2:]
	if p.HeaderType == HeaderType2 {
		if len(raw) < HeaderMaxSize {
			return Packet{}, VerdictTooShort
		}
		p.TransportID = Addr(rest)
		rest = rest[AddrSize:]
	}
	p.Dest = Addr(rest)
	p.Context = Context(rest[AddrSize])
	p.Data = rest[AddrSize+1:]
	return p, nil
}

// Flags is the first byte of the packet.
func (p Packet) Flags() byte {
	f := byte(p.HeaderType&1)<<6 | byte(p.TransportType&1)<<4 | byte(p.DestType&3)<<2 | byte(p.Type&3)
	if p.ContextFlag {
		f |= flagContext
	}
	return f
}

// Size is the length of the packed packet.
func (p Packet) Size() int {
	if p.HeaderType == HeaderType2 {
		return HeaderMaxSize + len(p.Data)
	}
	return HeaderMinSize + len(p.Data)
}

// Append appends the packed packet to b, whatever its size.
func (p Packet) Append(b []byte) []byte {
	b = append(b, p.Flags(), p.Hops)
	if p.HeaderType == HeaderType2 {
		b = append(b, p.TransportID[:]...)
	}
	b = append(b, p.Dest[:]...)
	b = append(b, byte(p.Context))
	return append(b, p.Data...)
}

// Pack packs a packet that must fit mtu bytes: [MTU], or that of the link it
// travels on. Errors are the verdicts [VerdictTooLong] and [VerdictHopLimit].
// spec: rns-core §7.4
func (p Packet) Pack(mtu int) ([]byte, error) {
	if p.Hops >= MaxHops {
		return nil, VerdictHopLimit
	}
	size := p.Size()
	if size > mtu {
		return nil, VerdictTooLong
	}
	return p.Append(make([]byte, 0, size)), nil
}

// Hash is [PacketHash] of the packed packet.
func (p Packet) Hash() Hash {
	return FullHash([]byte{p.Flags() & maskHashed}, p.Dest[:], []byte{byte(p.Context)}, p.Data)
}

// PacketHash is the hash of a packet: the same on every hop. It is taken of
// the raw packet after the access code is removed. Of bytes too short to be a
// packet it is of no use, but defined. spec: rns-core §7.5
func PacketHash(raw []byte) Hash {
	flags, rest := hashable(raw)
	return FullHash([]byte{flags}, rest)
}

func hashable(raw []byte) (flags byte, rest []byte) {
	if len(raw) < 2 {
		return 0, nil
	}
	cut := 2
	if raw[0]&flagHeader != 0 {
		cut = min(2+AddrSize, len(raw))
	}
	return raw[0] & maskHashed, raw[cut:]
}

// linkRequestKeysSize is what the link id covers of the data of a request:
// the keys of the initiator, not the signalling bytes after them.
const linkRequestKeysSize = 64

// LinkID is the id of the link that a LINKREQUEST packet asks for. It must be
// taken of the packet as received, before its signalling bytes are rewritten.
// Errors are the verdicts of [ParsePacket], [VerdictWrongType] for another
// type of packet and [VerdictWrongSize] for one without keys.
// spec: rns-core §7.5
func LinkID(raw []byte) (Addr, error) {
	p, err := ParsePacket(raw)
	if err != nil {
		return Addr{}, err
	}
	return p.LinkID()
}

// LinkID is [LinkID] of the packed packet.
func (p Packet) LinkID() (Addr, error) {
	if p.Type != PacketLinkRequest {
		return Addr{}, VerdictWrongType
	}
	if len(p.Data) < linkRequestKeysSize {
		return Addr{}, VerdictWrongSize
	}
	p.Data = p.Data[:linkRequestKeysSize]
	return p.Hash().Addr(), nil
}

// Encrypted reports whether the data of a packet with this header is
// encrypted by its destination. spec: rns-core §7.3
func (p Packet) Encrypted() bool {
	switch p.Type {
	case PacketAnnounce, PacketLinkRequest, PacketProof:
		return false
	}
	switch p.Context {
	case ContextResource, ContextKeepalive, ContextCacheRequest:
		return false
	}
	return p.DestType != DestPlain
}
