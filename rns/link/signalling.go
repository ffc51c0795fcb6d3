package link

// Mode is the encryption of a link, 3 bits on the wire. Only [ModeAES256CBC] is enabled. spec: rns-link §1.1
type Mode uint8

// Link modes. All but one are reserved and refused.
const (
	ModeAES128CBC Mode = iota
	ModeAES256CBC
	ModeAES256GCM
	ModeOneTimePad
)

// Signalling is the field that ends a link request and its proof. spec: rns-link §2.1
type Signalling struct {
	Mode Mode
	MTU  int // bytes, 21 bits
}

// ParseSignalling decodes the three bytes. Every value decodes; see Mode.
func ParseSignalling(b [SignallingSize]byte) Signalling {
	v := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	return Signalling{Mode: Mode(v >> 21), MTU: v & MaxMTU}
}

// AppendSignalling appends the three bytes. Bits of the MTU over 21 are dropped.
func AppendSignalling(b []byte, s Signalling) []byte {
	v := int(s.Mode&7)<<21 | s.MTU&MaxMTU
	return append(b, byte(v>>16), byte(v>>8), byte(v))
}

// MDU is the largest plaintext in bytes of an encrypted packet on a link with this MTU: one byte of access code, header,
// token and at least one byte of padding are taken off. spec: rns-link §4.1
func MDU(mtu int) int { return (mtu-1-headerSize-tokenOverhead)/16*16 - 1 }

// ChannelMDU is the largest data in bytes of a channel message on a link with this MTU. spec: rns-link §4.1
func ChannelMDU(mtu int) int { return min(MDU(mtu)-envelopeHeader, 0xFFFF) }
