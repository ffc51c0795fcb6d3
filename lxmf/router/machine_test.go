package router

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// fakeWays is a network that changes its mind.
type fakeWays map[rns.Addr]way

func (f fakeWays) way(dest rns.Addr) way { return f[dest] }

func (fakeWays) info(rns.Addr) (NodeRecord, bool) { return NodeRecord{}, false }

// driver feeds a machine and keeps account of what it says.
type driver struct {
	t     *testing.T
	m     *machine
	ways  fakeWays
	now   time.Time
	ends  map[rns.Hash]int
	queue []action // not answered yet
	asks  []time.Time
}

func newDriver(t *testing.T) *driver {
	t.Helper()
	d := &driver{t: t, ways: make(fakeWays), now: time.Unix(1_780_000_000, 0), ends: make(map[rns.Hash]int)}
	d.m = newMachine(DefaultParams(), d.ways, rand.NewChaCha8([32]byte{}))
	d.m.setOnline(d.now, true)
	return d
}

func (d *driver) settle() {
	fx := d.m.take()
	for _, e := range fx.events {
		switch {
		case e.Kind == KindQueued:
			d.ends[e.ID] = 0
		case e.Kind.Final():
			d.ends[e.ID]++
		case d.ends[e.ID] > 0:
			d.t.Fatalf("%s after the end", e.Kind)
		}
		if e.Kind == KindDelivered && d.ends[e.ID] == 2 {
			d.ends[e.ID] = 1 // a proof that came late
		}
		if d.ends[e.ID] > 1 {
			d.t.Fatalf("ended %d times, last %s", d.ends[e.ID], e.Kind)
		}
	}
	for _, a := range fx.actions {
		if _, ok := a.(askPath); ok {
			d.asks = append(d.asks, d.now)
		}
		d.queue = append(d.queue, a)
	}
}

// pass lets time go by.
func (d *driver) pass(by time.Duration) {
	until := d.now.Add(by)
	for steps := 0; ; steps++ {
		next := d.m.deadline()
		if next.IsZero() || next.After(until) {
			break
		}
		if steps > 100_000 {
			d.t.Fatal("the machine does not come to rest")
		}
		d.now = later(d.now, next)
		d.m.expire(d.now)
		d.settle()
	}
	d.now = until
}

// answer plays the network's part for one action; how chooses the outcome.
func (d *driver) answer(a action, how byte) {
	good := how%2 == 0
	code := []Code{CodeProofTimeout, CodeLinkClosed, codeBusy, CodeTooLargeDirect, CodeUnknown}[int(how/2)%5]
	switch a := a.(type) {
	case sendPacket:
		if good {
			d.m.proved(d.now, a.id, lxmf.MethodOpportunistic, time.Millisecond)
		} else {
			d.m.packetFailed(d.now, outcome{id: a.id, try: a.try, code: code})
		}
	case dialLink:
		if good {
			d.m.linkUp(d.now, a.ref, time.Millisecond)
		} else {
			d.m.linkClosed(d.now, a.ref, CodeLinkTimeout, "")
		}
	case linkPacket:
		if good {
			d.m.proved(d.now, a.id, a.way, time.Millisecond)
		} else {
			d.m.linkPacketFailed(d.now, outcome{id: a.id, try: a.try, code: code})
			d.ended(a.ref, code)
		}
	case linkResource:
		d.m.transferMoved(d.now, progress{id: a.id, try: a.try, share: float64(how) / 255, rate: 100})
		if good {
			d.m.proved(d.now, a.id, a.way, time.Millisecond)
		} else {
			d.m.transferFailed(d.now, outcome{id: a.id, try: a.try, code: code})
			d.ended(a.ref, code)
		}
	case searchStamp:
		if good {
			d.m.stampEnded(d.now, stampResult{id: a.id, work: a.work, cost: a.cost, stamp: make([]byte, 32)})
		} else {
			d.m.stampEnded(d.now, stampResult{id: a.id, work: a.work, err: fmt.Errorf("no randomness")})
		}
	case sealMessage:
		d.m.stampEnded(d.now, stampResult{id: a.id, work: workSeal, sealed: append(make([]byte, 120), how)})
	case askNode:
		d.answerNode(a, how)
	case sortIDs:
		d.m.sorted(d.now, a.n, a.ids, nil, nil)
	case takeIn:
		d.m.tookIn(d.now, a.n, takenIn{stored: len(a.sealed), done: make([]rns.Hash, len(a.sealed))})
	case stopStamp:
		d.m.stampEnded(d.now, stampResult{id: a.id})
	}
}

// answerNode plays the propagation node.
func (d *driver) answerNode(a askNode, how byte) {
	err := []error{nil, lxmf.ErrorNoIdentity, lxmf.ErrorNoAccess, lxmf.ErrRequest}[int(how/2)%4]
	switch {
	case a.get.IsList():
		d.m.listed(d.now, a.n, make([]rns.Hash, int(how)%5), err)
	case a.get.Wants != nil:
		d.m.fetching(d.now, a.n, 0.5, 100)
		d.m.fetched(d.now, a.n, make([][]byte, len(a.get.Wants)), err)
	default:
		d.m.deleted(d.now, a.n, err)
	}
}

// ended follows a failure that the end of a link explains with that end.
func (d *driver) ended(ref linkRef, code Code) {
	if code == CodeLinkClosed {
		d.m.linkClosed(d.now, ref, code, "")
	}
}

var testIdentity = func() *rns.Identity {
	id, err := rns.ParseIdentity(append(make([]byte, 63), 1))
	if err != nil {
		panic(err)
	}
	return id
}()

func testMessage(to byte, n, size int) *lxmf.Message {
	m := lxmf.New(rns.Addr{to}, lxmf.DeliveryHash(testIdentity.Hash()), time.Unix(int64(1_700_000_000+n), 0), nil, make([]byte, size))
	m.Sign(testIdentity)
	return m
}

// play reads a script of inputs, three bytes each.
func (d *driver) play(script []byte) {
	n := 0
	for ; len(script) >= 3; script = script[3:] {
		op, to, arg := script[0]%20, script[1]%3+1, script[2]
		dest := rns.Addr{to}
		switch op {
		case 0, 1, 2:
			n++
			o := Outbound{Message: testMessage(to, n, int(arg)*4), Method: lxmf.Method(arg % 4), WaitHeard: arg%7 == 0}
			d.m.submit(d.now, o)
		case 3:
			d.ways[dest] = way{known: arg&1 == 0, path: arg&2 == 0, hops: int(arg/4) % 5, ratchet: arg&128 == 0}
		case 4:
			d.ways[dest] = way{known: true, path: true, hops: 1, ratchet: true}
			d.m.heard(d.now, heard{dest: dest, cost: int(arg) % 30, hops: 1})
		case 5, 6, 7, 8:
			if len(d.queue) > 0 {
				i := int(to) % len(d.queue)
				a := d.queue[i]
				d.queue = append(d.queue[:i], d.queue[i+1:]...)
				d.answer(a, arg)
			}
		case 9:
			for id := range d.m.messages {
				d.m.cancel(d.now, id)
				break
			}
		case 10:
			for id := range d.m.messages {
				d.m.retryNow(d.now, id)
				break
			}
		case 11:
			d.m.setOnline(d.now, arg%2 == 0)
		case 12:
			d.m.backchannel(d.now, incomingRefs+linkRef(arg), dest)
		case 13:
			d.m.linkClosed(d.now, incomingRefs+linkRef(arg), CodeLinkClosed, "")
		case 14:
			d.m.received(d.now, dest, lxmf.Ticket{Expires: d.now.Add(time.Duration(arg) * time.Hour)})
		case 16:
			d.node(to, arg)
		case 17:
			o, l := SyncOptions{Max: int(arg) % 4}, syncLimits{limit: 1 << 20, leave: arg&64 == 0}
			_ = d.m.startSync(d.now, o, l) // refused without a node
		case 18:
			d.disturb(arg)
		case 19:
			d.m.setNode(d.now, NodeMode(arg%3), rns.Addr{100 + to})
		case 15:
			d.pass(time.Duration(binary.LittleEndian.Uint16(script[1:3])) * time.Millisecond)
		}
		d.settle()
		d.check()
	}
}

// node lets a propagation node be heard.
func (d *driver) node(n, arg byte) {
	addr := rns.Addr{100 + n}
	d.ways[addr] = way{known: arg&1 == 0, path: arg&2 == 0, hops: 1 + int(arg/4)%5}
	d.m.nodeHeard(d.now, NodeRecord{
		Node: addr, Heard: d.now, Hops: 1 + int(arg/4)%5, Active: arg&64 == 0, TransferLimit: int64(arg) * 8, SyncLimit: int64(arg) * 10,
		StampCost: int(arg) % 30, Flexibility: 3,
	})
}

// disturb breaks in on what a propagation node and we are doing.
func (d *driver) disturb(arg byte) {
	if arg%2 == 0 {
		d.m.cancelSync(d.now)
	}
	for ref, ch := range d.m.channels {
		if ch.up && arg%4 > 1 {
			d.m.linkClosed(d.now, ref, CodeLinkClosed, "")
		} else {
			d.m.stampRefused(d.now, ref)
		}
		return
	}
}

// FuzzMachine plays any inputs in any order: the machine keeps its books in order, and every message ends once.
func FuzzMachine(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		d := newDriver(t)
		d.play(script[:min(len(script), 900)])
		// What is left ends when the network answers nothing any more.
		d.m.setOnline(d.now, true)
		for id := range d.m.messages {
			d.m.messages[id].waitHeard = false
			d.m.retryNow(d.now, id)
		}
		d.settle()
		for range 400 {
			d.pass(time.Minute)
			left := d.queue
			d.queue = nil
			for _, a := range left {
				d.answer(a, 1)
				d.settle()
				d.check()
			}
		}
		if n := len(d.m.messages); n != 0 {
			t.Fatalf("%d messages never end: %+v %+v", n, d.m.snapshot().Messages, d.m.snapshot().Links)
		}
	})
}

// Many messages for many silent peers ask the network at a bounded rate.
func TestNoStorm(t *testing.T) {
	d := newDriver(t)
	for i := range 1000 {
		m := lxmf.New(rns.Addr{byte(i), byte(i >> 8), 7}, testIdentity.Hash(), d.now, nil, nil)
		m.Sign(testIdentity)
		d.m.submit(d.now, Outbound{Message: m, Method: lxmf.MethodDirect})
		d.settle()
	}
	d.pass(10 * time.Minute)
	if n := len(d.m.messages); n != 0 {
		t.Errorf("%d messages left", n)
	}
	if len(d.asks) < 1000 || len(d.asks) > 5000 {
		t.Errorf("%d path requests", len(d.asks))
	}
	for i := 25; i < len(d.asks); i++ {
		if d.asks[i].Sub(d.asks[i-25]) < time.Second {
			t.Fatalf("more than 25 path requests in a second")
		}
	}
}

// Links are opened a few at a time.
func TestDialingIsBounded(t *testing.T) {
	d := newDriver(t)
	for i := range 100 {
		m := lxmf.New(rns.Addr{byte(i), 9}, testIdentity.Hash(), d.now, nil, nil)
		m.Sign(testIdentity)
		d.ways[m.Destination] = way{known: true, path: true, hops: 1}
		d.m.submit(d.now, Outbound{Message: m, Method: lxmf.MethodDirect})
		d.settle()
	}
	answered := 0
	for len(d.queue) > 0 {
		if d.m.opening > d.m.p.MaxDialing {
			t.Fatalf("%d links are being opened", d.m.opening)
		}
		a := d.queue[0]
		d.queue = d.queue[1:]
		d.answer(a, 0)
		d.settle()
		answered++
	}
	if n := len(d.m.messages); n != 0 || answered < 200 {
		t.Errorf("%d messages left after %d answers", n, answered)
	}
}
