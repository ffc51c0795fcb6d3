package bridge

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"

	"meshchatx/rns"
)

func packetCommands() map[string]handler {
	return map[string]handler{
		"packet_build":             pure(packetBuild),
		"packet_unpack":            pure(packetUnpack),
		"packet_hash":              pure(packetHash),
		"packet_build_raw_header2": pure(packetHeader2),
		"packet_resend_observe":    pure(packetResend),
	}
}

// nowhere is a destination to send to: its address, how to encrypt for it, and its type.
type nowhere struct {
	addr rns.Addr
	kind rns.DestType
	seal func(plain []byte) ([]byte, error)
}

const nowhereName = "conformance.packet"

func newNowhere(kind string) (nowhere, error) {
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		return nowhere{}, err
	}
	n := nowhere{addr: rns.DestinationHash(nowhereName, id.Hash())}
	switch kind {
	case "plain":
		n.addr, n.kind = rns.PlainHash(nowhereName), rns.DestPlain
		n.seal = func(plain []byte) ([]byte, error) { return plain, nil }
	case "single":
		n.kind = rns.DestSingle
		n.seal = func(plain []byte) ([]byte, error) { return id.Public().Encrypt(rand.Reader, plain, nil) }
	case "group":
		key := make([]byte, 64)
		if _, err := rand.Read(key); err != nil {
			return n, err
		}
		token, err := rns.NewToken(key)
		if err != nil {
			return n, err
		}
		n.kind = rns.DestGroup
		n.seal = func(plain []byte) ([]byte, error) { return token.Encrypt(rand.Reader, nil, plain) }
	default:
		return n, fmt.Errorf("%w: destination type %q", errParam, kind)
	}
	return n, nil
}

// pack makes the packet that goes to the destination.
func (n nowhere) pack(p rns.Packet, plain []byte) ([]byte, error) {
	p.Dest, p.DestType, p.Data = n.addr, n.kind, plain
	if p.Encrypted() {
		sealed, err := n.seal(plain)
		if err != nil {
			return nil, err
		}
		p.Data = sealed
	}
	return p.Pack(rns.MTU)
}

type buildParams struct {
	DestType      string `json:"dest_type"`
	PacketType    uint8  `json:"packet_type"`
	Context       uint8
	ContextFlag   uint8 `json:"context_flag"`
	TransportType uint8 `json:"transport_type"`
	Hops          uint8
	Data          hexed
	HeaderType    any   `json:"header_type"`
	TransportID   hexed `json:"transport_id"`
}

func packetBuild(p buildParams) (any, error) {
	if p.DestType == "" {
		p.DestType = "plain"
	}
	dest, err := newNowhere(p.DestType)
	if err != nil {
		return nil, err
	}
	packet := rns.Packet{
		ContextFlag: p.ContextFlag != 0, TransportType: rns.TransportType(p.TransportType), Type: rns.PacketType(p.PacketType),
		Hops: p.Hops, Context: rns.Context(p.Context),
	}
	switch fmt.Sprint(p.HeaderType) {
	case "<nil>", "1", "HEADER_1":
	case "2", "HEADER_2":
		if packet.Type != rns.PacketAnnounce {
			return nil, fmt.Errorf("%w: only announces are made with a transport header", errParam)
		}
		if packet.TransportID, err = address(p.TransportID); err != nil {
			return nil, err
		}
		packet.HeaderType = rns.HeaderType2
	default:
		return nil, fmt.Errorf("%w: header type %v", errParam, p.HeaderType)
	}
	raw, err := dest.pack(packet, p.Data)
	if err != nil {
		return nil, err
	}
	parsed, err := rns.ParsePacket(raw)
	if err != nil {
		return nil, err
	}
	out := describePacket(raw, parsed)
	out["raw"] = hexed(raw)
	return out, nil
}

func describePacket(raw []byte, p rns.Packet) obj {
	h := rns.PacketHash(raw)
	out := obj{
		"flags": raw[0], "hops": p.Hops, "header_type": p.HeaderType, "context_flag": number(p.ContextFlag),
		"transport_type": p.TransportType, "destination_type": p.DestType, "packet_type": p.Type,
		"destination_hash": p.Dest.Hex(), "transport_id": nil, "context": p.Context, "data": bin(bytes.Clone(p.Data)), "hash": h.Hex(),
	}
	if p.HeaderType == rns.HeaderType2 {
		out["transport_id"] = p.TransportID.Hex()
	}
	return out
}

func packetUnpack(p struct{ Raw hexed }) (any, error) {
	parsed, err := rns.ParsePacket(p.Raw)
	if err != nil {
		return obj{"unpacked": false}, nil //nolint:nilerr // the answer says it
	}
	out := describePacket(p.Raw, parsed)
	out["unpacked"] = true
	return out, nil
}

// packetHash hashes whatever has the length of a packet: the bit of the access code is not part of the hash.
func packetHash(p struct{ Raw hexed }) (any, error) {
	if _, err := rns.ParsePacket(p.Raw); err != nil && !errors.Is(err, rns.VerdictAccessCodeUnexpected) {
		return nil, err
	}
	return obj{"hash": rns.PacketHash(p.Raw).Hex()}, nil
}

var (
	errNoTransportID = errors.New("Packet with header type 2 must have a transport ID") //nolint:staticcheck // compared by the suite
	errHeader2       = errors.New("only announces are made with a transport header")
)

// packetHeader2 asks for packets that the stack never originates: the zero value of a packet has the plain header, and the
// other one is set only together with its transport id.
func packetHeader2(p buildParams) (any, error) {
	packet := rns.Packet{HeaderType: rns.HeaderType2, Type: rns.PacketType(p.PacketType)}
	dest, err := newNowhere("single")
	if err != nil {
		return nil, err
	}
	switch {
	case p.TransportID == nil:
		err = errNoTransportID
	case packet.Type != rns.PacketAnnounce:
		err = errHeader2
	default:
		packet.TransportID, err = address(p.TransportID)
	}
	if err != nil {
		return obj{"error": err.Error(), "error_type": "OSError"}, nil
	}
	if len(p.Data) == 0 {
		p.Data = []byte{0}
	}
	raw, err := dest.pack(packet, p.Data)
	if err != nil {
		return nil, err
	}
	return obj{"raw": hexed(raw), "raw_len": len(raw)}, nil
}

// packetResend packs the same data twice, as sending again does.
func packetResend(p buildParams) (any, error) {
	if p.DestType == "" {
		p.DestType = "single"
	}
	if len(p.Data) == 0 {
		p.Data = []byte("conformance-resend")
	}
	dest, err := newNowhere(p.DestType)
	if err != nil {
		return nil, err
	}
	out := obj{}
	for _, n := range []string{"1", "2"} {
		raw, err := dest.pack(rns.Packet{}, p.Data)
		if err != nil {
			return nil, err
		}
		out["raw_"+n], out["hash_"+n] = hexed(raw), rns.PacketHash(raw).Hex()
	}
	return out, nil
}
