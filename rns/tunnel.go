package rns

import (
	"fmt"
	"io"
)

// TunnelSynthesisSize is the length of the data of a tunnel synthesis.
const TunnelSynthesisSize = tunnelSignedSize + SignatureSize

const tunnelSignedSize = PublicKeySize + HashSize + AddrSize

// TunnelSynthesis tells a transport node which peer is behind a new
// connection, so that the paths of the last one can be restored.
// spec: rns-core §17.1
type TunnelSynthesis struct {
	Public    PublicKey // of the transport identity
	Interface Hash      // of the interface that connected
	Random    [AddrSize]byte
	Signature Signature
}

// NewTunnelSynthesis builds and signs a synthesis. It reads 16 bytes from
// rand.
func NewTunnelSynthesis(rand io.Reader, transport *Identity, iface Hash) (TunnelSynthesis, error) {
	s := TunnelSynthesis{Public: transport.Public(), Interface: iface}
	if _, err := io.ReadFull(rand, s.Random[:]); err != nil {
		return TunnelSynthesis{}, fmt.Errorf("draw random hash: %w", err)
	}
	s.Signature = transport.Sign(s.signed())
	return s, nil
}

// ParseTunnelSynthesis reads the data of a packet to [TunnelSynthesisDest]. It
// does not check the signature. The error is [VerdictWrongSize].
func ParseTunnelSynthesis(data []byte) (TunnelSynthesis, error) {
	if len(data) != TunnelSynthesisSize {
		return TunnelSynthesis{}, VerdictWrongSize
	}
	var s TunnelSynthesis
	data = data[copy(s.Public[:], data):]
	data = data[copy(s.Interface[:], data):]
	data = data[copy(s.Random[:], data):]
	copy(s.Signature[:], data)
	return s, nil
}

// Append appends the data of the packet to b.
func (s TunnelSynthesis) Append(b []byte) []byte {
	b = append(b, s.signed()...)
	return append(b, s.Signature[:]...)
}

func (s TunnelSynthesis) signed() []byte {
	b := make([]byte, 0, tunnelSignedSize)
	b = append(b, s.Public[:]...)
	b = append(b, s.Interface[:]...)
	return append(b, s.Random[:]...)
}

// Packet is the packet that carries the synthesis.
func (s TunnelSynthesis) Packet() Packet {
	return Packet{DestType: DestPlain, Dest: TunnelSynthesisDest(), Data: s.Append(make([]byte, 0, TunnelSynthesisSize))}
}

// Verify checks the signature with the key inside. The error is
// [VerdictBadSignature].
func (s TunnelSynthesis) Verify() error {
	if !s.Public.Verify(s.signed(), s.Signature[:]) {
		return VerdictBadSignature
	}
	return nil
}

// ID is the tunnel id. spec: rns-core §17.1
func (s TunnelSynthesis) ID() Hash { return FullHash(s.Public[:], s.Interface[:]) }
