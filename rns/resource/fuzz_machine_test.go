package resource

import (
	"bytes"
	"testing"
	"time"

	"meshchatx/rns"
)

// script hands out the bytes of a fuzz input; at its end they are zero.
type script struct{ b []byte }

func (s *script) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	b := s.b[0]
	s.b = s.b[1:]
	return b
}

func (s *script) bytes(n int) []byte {
	n = min(n, len(s.b))
	b := s.b[:n]
	s.b = s.b[n:]
	return b
}

// FuzzReceiver feeds a receiver parts, right and wrong ones, hash map updates, silence and cancellation in any order. It
// keeps to the size it was told, and if it assembles at all, it assembles what was sent.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 2, 0, 3}, uint16(3000))
	f.Add([]byte{2, 0, 1, 3, 200, 0, 0, 0, 1, 0, 5, 4}, uint16(60_000))
	f.Fuzz(func(t *testing.T, input []byte, size uint16) {
		var out Output
		s := testSender(t, int(size)+1)
		a := s.advertisement()
		token := tokenOf(t, make([]byte, 64))
		in, err := NewIncoming(a)
		if err != nil {
			t.Fatal(err)
		}
		now := start
		in.Begin(now, ReceiverConfig{Params: DefaultParams(), Advertisement: a, SDU: 464, LinkRTT: time.Second, Token: token}, &out)
		for do := (&script{input}); len(do.b) > 0 && in.Receiver() != nil; {
			r := in.Receiver()
			out.Reset()
			switch do.byte() % 7 {
			case 0:
				r.Part(now, s.cur.part(int(do.byte())%s.cur.parts), 500, &out)
			case 1:
				r.Part(now, do.bytes(int(do.byte())), 500, &out)
			case 2:
				segment := int(do.byte())
				r.Update(now, HashMapUpdate{Hash: a.Hash, Segment: segment, MapHashes: do.bytes(4 * int(do.byte()))}, &out)
			case 3:
				now = now.Add(time.Duration(do.byte()) * time.Second)
				r.Expire(now, &out)
			case 4:
				from := min(r.known(), s.cur.parts) / HashMapSegment * HashMapSegment
				to := min(from+HashMapSegment, s.cur.parts)
				u := HashMapUpdate{Hash: a.Hash, Segment: from / HashMapSegment, MapHashes: s.cur.mapHashes[from*MapHashSize : to*MapHashSize]}
				r.Update(now, u, &out)
			case 5:
				r.Repeat(now, &out)
			case 6:
				in.Cancel(ErrCancelled, &out)
			}
			if cap(r.buf) > max(a.TransferSize, trustSize) || r.known() > a.Parts || len(out.Messages) > 2 {
				t.Fatalf("buffer of %d for %d bytes, %d hashes of %d, %d messages", cap(r.buf), a.TransferSize, r.known(), a.Parts, len(out.Messages))
			}
			if r.Status() == StatusAssembling {
				in.Assembling()
				got, err := in.Assembled(out.Assemble.Run())
				if err != nil || !bytes.Equal(got.Data, make([]byte, int(size)+1)) {
					t.Fatalf("assembled %d of %d bytes, %v", len(got.Data), int(size)+1, err)
				}
				return
			}
		}
	})
}

// FuzzSender feeds a sender requests, proofs, silence and refusals in any order. It never sends more than it was asked
// for, and only the right proof completes it.
func FuzzSender(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 2, 3, 60}, uint16(3000))
	f.Add([]byte{1, 4, 3, 9, 2, 4, 5}, uint16(60_000))
	f.Fuzz(func(t *testing.T, input []byte, size uint16) {
		s := testSender(t, int(size)+1)
		now := start
		var out Output
		genuine := false
		for in := (&script{input}); len(in.b) > 0 && !s.Status().Concluded(); {
			out.Reset()
			switch in.byte() % 6 {
			case 0:
				q := PartRequest{Hash: s.cur.hash}
				for range in.byte() % 80 {
					q.Wanted = append(q.Wanted, s.cur.mapHash(int(in.byte())%s.cur.parts)...)
				}
				s.Request(now, rns.FullHash(q.Wanted, []byte{in.byte()}), q, &out)
			case 1:
				q := PartRequest{Hash: s.cur.hash, Exhausted: in.byte()%2 == 1, Wanted: in.bytes(4 * int(in.byte()%80))}
				q.Wanted = q.Wanted[:len(q.Wanted)/MapHashSize*MapHashSize]
				copy(q.Last[:], in.bytes(4))
				s.Request(now, rns.FullHash(q.Wanted, q.Last[:]), q, &out)
			case 2:
				for n := 0; n < int(in.byte()); n++ {
					if _, ok := s.Next(now); !ok {
						break
					}
				}
			case 3:
				now = now.Add(time.Duration(in.byte()) * time.Second)
				s.Expire(now, &out)
			case 4:
				proof := in.bytes(ProofSize)
				genuine = bytes.Equal(proof, s.proofPayload())
				s.Proof(now, proof)
			case 5:
				genuine = true
				s.Proof(now, s.proofPayload())
			}
			if len(s.flight.queue) > s.cur.parts+len(s.flight.seen) || len(s.flight.seen) > maxRequestsPerPart*s.cur.parts+maxWanted+1 {
				t.Fatalf("%d parts wait, the segment has %d", len(s.flight.queue), s.cur.parts)
			}
			if s.Status() == StatusComplete && !genuine {
				t.Fatal("completed without its proof")
			}
		}
	})
}
