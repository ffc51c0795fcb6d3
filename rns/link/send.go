package link

import (
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"meshchatx/rns"
)

const tokenOverhead = rns.TokenOverhead

// Flag bytes of the packets of an established link: HEADER_1, destination type LINK. spec: rns-link §1.3
const (
	flagsData  = byte(rns.DestLink)<<2 | byte(rns.PacketData)
	flagsProof = byte(rns.DestLink)<<2 | byte(rns.PacketProof)
)

// Send sends plaintext as a packet of context NONE. The returned hash identifies the [Proved] or [ReceiptFailed] event that
// follows. Errors are [ErrClosed], [ErrNotActive], [ErrTooLarge], [ErrBusy] and that of the random source.
func (l *Link) Send(now time.Time, plaintext []byte) (rns.Hash, *Effects, error) {
	fx := l.begin()
	if err := l.usable(); err != nil {
		return rns.Hash{}, fx, err
	}
	if len(l.receipts.open) >= l.params.MaxReceipts {
		return rns.Hash{}, fx, ErrBusy
	}
	f, err := l.encrypt(rns.ContextNone, plaintext)
	if err != nil {
		return rns.Hash{}, fx, err
	}
	l.receipts.add(f.Hash, now, l.params.receiptTimeout(l.timing.rtt))
	l.emitFrame(now, f)
	return f.Hash, fx, nil
}

// SendContext sends plaintext under any encrypted context. It is the low-level way below requests, resources and channels,
// for tests and for protocols that define contexts of their own: nothing waits for an answer. Errors are those of
// [Link.Send].
func (l *Link) SendContext(now time.Time, c rns.Context, plaintext []byte) (*Effects, error) {
	fx := l.begin()
	if err := l.usable(); err != nil {
		return fx, err
	}
	return fx, l.emit(now, c, plaintext)
}

// emit encrypts and sends.
func (l *Link) emit(now time.Time, c rns.Context, plaintext []byte) error {
	f, err := l.encrypt(c, plaintext)
	if err != nil {
		return err
	}
	l.emitFrame(now, f)
	return nil
}

// encrypt builds the packet for a plaintext without sending it, so that its hash can be registered first.
// spec: rns-link §4.2
func (l *Link) encrypt(c rns.Context, plaintext []byte) (Frame, error) {
	if l.keys.token == nil {
		return Frame{}, ErrClosed
	}
	if len(plaintext) > l.MDU() {
		return Frame{}, fmt.Errorf("%d bytes: %w", len(plaintext), ErrTooLarge)
	}
	var iv ivReader
	if _, err := io.ReadFull(l.rand, iv.iv[:]); err != nil {
		return Frame{}, fmt.Errorf("draw initialisation vector: %w", err)
	}
	l.early.mark(l.role, &iv.iv)
	raw := make([]byte, 0, headerSize+rns.TokenSize(len(plaintext)))
	raw = l.header(raw, flagsData, c)
	raw, err := l.keys.token.Encrypt(&iv, raw, plaintext)
	if err != nil {
		return Frame{}, err
	}
	return Frame{Raw: raw, Context: c, Hash: rawHash(raw)}, nil
}

// ivReader hands a prepared initialisation vector to the token.
type ivReader struct{ iv [16]byte }

func (r *ivReader) Read(p []byte) (int, error) { return copy(p, r.iv[:]), nil }

func (l *Link) header(raw []byte, flags byte, c rns.Context) []byte {
	raw = append(raw, flags, 0)
	raw = append(raw, l.id[:]...)
	return append(raw, byte(c))
}

// rawHash is rns.PacketHash of a packet of our own, without allocating: the hop byte makes room for the masked flags.
func rawHash(raw []byte) rns.Hash {
	hops := raw[1]
	raw[1] = raw[0] & 0x0F
	h := rns.Hash(sha256.Sum256(raw[1:]))
	raw[1] = hops
	return h
}

// emitRaw sends a packet that is not encrypted.
func (l *Link) emitRaw(now time.Time, t rns.PacketType, c rns.Context, payload []byte) {
	flags := flagsData
	if t == rns.PacketProof {
		flags = flagsProof
	}
	raw := make([]byte, 0, headerSize+len(payload))
	raw = append(l.header(raw, flags, c), payload...)
	f := Frame{Raw: raw, Context: c}
	if !filterExempt(c) {
		f.Hash = rawHash(raw)
	}
	l.emitFrame(now, f)
}

// filterExempt names the contexts that may repeat byte for byte. spec: rns-core §11.4
func filterExempt(c rns.Context) bool {
	switch c {
	case rns.ContextKeepalive, rns.ContextResourceReq, rns.ContextResourcePRF, rns.ContextResource,
		rns.ContextCacheRequest, rns.ContextChannel:
		return true
	}
	return false
}

func (l *Link) emitFrame(now time.Time, f Frame) {
	if filterExempt(f.Context) {
		f.Hash = rns.Hash{}
	}
	l.fx.Send = append(l.fx.Send, f)
	l.timing.lastOut = now
	if f.Context != rns.ContextKeepalive {
		l.timing.lastData = now
	}
	l.stats.TxPackets++
	l.stats.TxBytes += uint64(len(f.Raw) - headerSize)
}
