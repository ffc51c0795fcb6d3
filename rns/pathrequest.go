package rns

import (
	"fmt"
	"io"
)

// PathRequest asks the network for a path to a destination.
// spec: rns-core §15.1
type PathRequest struct {
	Dest      Addr
	Requestor Addr   // transport id of the asking node, zero if it transports nothing
	Tag       []byte // 1 to 16 bytes that make the request unique
}

// NewPathRequest makes a request with a random tag of 16 bytes. Requestor is
// the own transport id, or zero where transport is disabled.
func NewPathRequest(rand io.Reader, dest, requestor Addr) (PathRequest, error) {
	tag := make([]byte, TagSize)
	if _, err := io.ReadFull(rand, tag); err != nil {
		return PathRequest{}, fmt.Errorf("draw tag: %w", err)
	}
	return PathRequest{Dest: dest, Requestor: requestor, Tag: tag}, nil
}

// ParsePathRequest reads the data of a packet to [PathRequestDest]. The tag is
// a copy. Errors are the verdicts [VerdictTooShort] and [VerdictNoTag].
func ParsePathRequest(data []byte) (PathRequest, error) {
	if len(data) < AddrSize {
		return PathRequest{}, VerdictTooShort
	}
	r := PathRequest{Dest: Addr(data)}
	rest := data[AddrSize:]
	if len(rest) == 0 {
		return PathRequest{}, VerdictNoTag
	}
	if len(rest) > AddrSize {
		r.Requestor = Addr(rest)
		rest = rest[AddrSize:]
	}
	r.Tag = append([]byte(nil), rest[:min(len(rest), TagSize)]...)
	return r, nil
}

// Append appends the data of the packet to b.
func (r PathRequest) Append(b []byte) []byte {
	b = append(b, r.Dest[:]...)
	if !r.Requestor.IsZero() {
		b = append(b, r.Requestor[:]...)
	}
	return append(b, r.Tag...)
}

// Packet is the packet that carries the request.
func (r PathRequest) Packet() Packet {
	return Packet{DestType: DestPlain, Dest: PathRequestDest(), Data: r.Append(make([]byte, 0, 3*AddrSize))}
}

// Key is what two copies of one request have in common: the destination and
// the tag. spec: rns-core §15.1
func (r PathRequest) Key() string { return string(r.Dest[:]) + string(r.Tag) }
