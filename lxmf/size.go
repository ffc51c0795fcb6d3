package lxmf

import "meshchatx/rns/msgpack"

// stampSize is what a stamp adds to the payload: itself and its header.
func stampSize(stamp []byte) int {
	if stamp == nil {
		return 0
	}
	return len(msgpack.AppendBinHeader(nil, len(stamp))) + len(stamp)
}

// PayloadSize returns the length of the encoded payload, stamp included. It
// works before signing too. spec: lxmf §5.2
func (m *Message) PayloadSize() int {
	n := len(m.covered)
	if n == 0 {
		n = len(m.encode(nil))
	}
	return n + stampSize(m.Stamp)
}

// PackedSize returns the length of the packed message.
func (m *Message) PackedSize() int { return headerSize + m.PayloadSize() }

// ContentSize returns the size that the limits of the methods are about. It is
// not the length of the content. spec: lxmf §3.5, §5.2
func (m *Message) ContentSize() int { return m.PayloadSize() - 16 }

// Choose returns how a message goes if it is to go by method want: an
// opportunistic one that is too long goes direct. A stamp added later can change
// the answer. For propagated messages the form depends on the whole transfer,
// see [TransferRepresentation]. spec: lxmf §5.2
func (m *Message) Choose(want Method) (Method, Representation) {
	size := m.ContentSize()
	switch want {
	case MethodOpportunistic:
		if size <= MaxOpportunistic {
			return MethodOpportunistic, RepresentationPacket
		}
	case MethodPropagated:
		return MethodPropagated, RepresentationUnknown
	case MethodPaper:
		return MethodPaper, RepresentationPaper
	}
	if size <= MaxDirectPacket {
		return MethodDirect, RepresentationPacket
	}
	return MethodDirect, RepresentationResource
}

// TransferRepresentation returns how a transfer to a propagation node of so many
// bytes goes. spec: lxmf §5.5
func TransferRepresentation(size int) Representation {
	if size <= MaxDirectPacket {
		return RepresentationPacket
	}
	return RepresentationResource
}

// OpportunisticData returns what an opportunistic packet carries: the packed
// message without the destination, which the packet names.
func (m *Message) OpportunisticData() ([]byte, error) {
	b, err := m.Pack(make([]byte, 0, m.PackedSize()))
	if err != nil {
		return nil, err
	}
	return b[len(m.Destination):], nil
}
