package transport

import (
	"testing"
	"time"

	"meshchatx/rns"
)

func receiptLab(t *testing.T) (*lab, *rns.Identity, rns.Addr) {
	l := transportLab(t)
	l.add("a")
	id := testIdentity(t, 1)
	return l, id, rns.DestinationHash("test.t", id.Hash())
}

func (l *lab) sendProvable(dest rns.Addr, id *rns.Identity, n byte) rns.Hash {
	l.t.Helper()
	public := id.Public()
	raw := rns.Packet{Dest: dest, Data: []byte{n}}.Append(nil)
	equal(l.t, "sent", l.out(OutPacket{Raw: raw, Prover: &public}), rns.VerdictForwarded)
	return rns.PacketHash(raw)
}

// spec: rns-core §8.2
func TestReceipts(t *testing.T) {
	for name, form := range map[string]rns.ProofForm{"implicit": rns.ProofImplicit, "explicit": rns.ProofExplicit} {
		t.Run(name, func(t *testing.T) {
			l, id, dest := receiptLab(t)
			h := l.sendProvable(dest, id, 1)
			l.at(2)
			forged := rns.ProofPacket(h, rns.BuildProof(testIdentity(t, 2), h, form)).Append(nil)
			equal(t, "forged", l.in("a", forged), rns.VerdictBadSignature)
			proof := rns.ProofPacket(h, rns.BuildProof(id, h, form)).Append(nil)
			equal(t, "proof", l.in("a", proof), rns.VerdictDelivered)
			e, ok := eventOf[PacketProved](l)
			equal(t, "event", ok && e.Hash == h && e.RoundTrip == 2*time.Second && e.Sent.Equal(l.base), true)
			equal(t, "repeat", l.in("a", proof), rns.VerdictDuplicate)
			equal(t, "left", l.m.receipts.len(), 0)
		})
	}
	t.Run("proof of nothing", func(t *testing.T) {
		l, id, _ := receiptLab(t)
		h := rns.Hash{1}
		equal(t, "verdict", l.in("a", rns.ProofPacket(h, rns.BuildProof(id, h, rns.ProofImplicit)).Append(nil)), rns.VerdictNoReceipt)
		equal(t, "checks", l.checks, 0)
	})
	t.Run("cheap refusals", func(t *testing.T) {
		l, id, dest := receiptLab(t)
		h := l.sendProvable(dest, id, 1)
		equal(t, "size", l.in("a", rns.ProofPacket(h, make([]byte, 70)).Append(nil)), rns.VerdictWrongSize)
		other := h
		other[31] ^= 1
		p := rns.ProofPacket(h, rns.BuildProof(id, other, rns.ProofExplicit))
		equal(t, "hash", l.in("a", p.Append(nil)), rns.VerdictWrongHash)
		equal(t, "checks", l.checks, 0)
	})
	t.Run("timeout", func(t *testing.T) {
		l, id, dest := receiptLab(t)
		l.path(dest, dest, 1, "a")
		h := l.sendProvable(dest, id, 1)
		l.run(11.9)
		_, failed := eventOf[ReceiptFailed](l)
		equal(t, "early", failed, false)
		l.run(12.1)
		e, _ := eventOf[ReceiptFailed](l)
		equal(t, "event", e, ReceiptFailed{Hash: h, Reason: ReceiptTimeout})
	})
	t.Run("too many", func(t *testing.T) {
		l, id, dest := receiptLab(t)
		first := l.sendProvable(dest, id, 0)
		for i := range maxReceipts {
			public := id.Public()
			raw := rns.Packet{Dest: dest, Data: []byte{1, byte(i), byte(i >> 8)}}.Append(nil)
			l.out(OutPacket{Raw: raw, Prover: &public})
		}
		e, _ := eventOf[ReceiptFailed](l)
		equal(t, "event", e, ReceiptFailed{Hash: first, Reason: ReceiptCulled})
		equal(t, "bounded", len(collect(l.m.Receipts())), maxReceipts)
	})
	t.Run("forgotten", func(t *testing.T) {
		l, id, dest := receiptLab(t)
		equal(t, "there", l.m.ForgetReceipt(l.sendProvable(dest, id, 1)), true)
		l.run(2000)
		equal(t, "events", len(l.events), 0)
	})
	t.Run("not for links and plain", func(t *testing.T) {
		l, id, _ := receiptLab(t)
		public := id.Public()
		l.out(OutPacket{Raw: rns.Packet{DestType: rns.DestPlain, Dest: rns.Addr{1}}.Append(nil), Prover: &public})
		l.out(OutPacket{Raw: rns.Packet{Dest: rns.Addr{1}, Context: rns.ContextKeepalive}.Append(nil), Prover: &public})
		equal(t, "receipts", l.m.receipts.len(), 0)
	})
}

func TestReverseTable(t *testing.T) {
	p := DefaultParams()
	p.Limits.Reverse = 100
	l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: true, Params: &p})
	l.add("in")
	l.add("out")
	dest := rns.Addr{1}
	l.path(dest, rns.Addr{2}, 3, "out")
	var hashes []rns.Hash
	for i := range 300 {
		raw := benchPacket(dest, 100)
		raw[50], raw[51] = byte(i), byte(i>>8)
		hashes = append(hashes, rns.PacketHash(raw))
		equal(t, "forwarded", l.in("in", raw), rns.VerdictForwarded)
	}
	equal(t, "bounded", l.m.reverse.len(), 100)
	proof := func(h rns.Hash) []byte { return rns.ProofPacket(h, make([]byte, 64)).Append(nil) }
	equal(t, "oldest made room", l.in("out", proof(hashes[0])), rns.VerdictNoReceipt)
	equal(t, "newest", l.in("out", proof(hashes[299])), rns.VerdictForwarded)
	equal(t, "wrong side", l.in("in", proof(hashes[298])), rns.VerdictWrongInterface)
	equal(t, "consumed", l.in("out", append(proof(hashes[298]), 0)), rns.VerdictNoReceipt)
	l.run(479)
	equal(t, "alive", l.m.reverse.len(), 98)
	l.run(481)
	equal(t, "expired", l.m.reverse.len(), 0)
}
