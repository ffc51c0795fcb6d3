package chat

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/internal/blob"
	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// carrier is a router that keeps what it is given.
type carrier struct {
	mu        sync.Mutex
	sent      []Outbound
	cancelled []rns.Hash
	hurried   []rns.Hash
	ticket    *lxmf.Ticket
}

func (c *carrier) Send(o Outbound) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, o)
	return nil
}

func (c *carrier) Cancel(id rns.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancelled = append(c.cancelled, id)
}

func (c *carrier) RetryNow(id rns.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurried = append(c.hurried, id)
}

func (c *carrier) Ticket(context.Context, rns.Addr) (lxmf.Ticket, bool, error) {
	if c.ticket == nil {
		return lxmf.Ticket{}, false, nil
	}
	return *c.ticket, true, nil
}

type nobody struct{}

func (nobody) Peers(_ context.Context, addrs []rns.Addr) map[rns.Addr]Peer {
	out := make(map[rns.Addr]Peer)
	for _, a := range addrs {
		out[a] = Peer{Name: "Peer " + a.Hex()[:2], Hops: -1}
	}
	return out
}

// still is a network that says what the test wants.
type still struct {
	media []Medium
	route Route
	find  error
	link  error
}

func (s *still) Media(context.Context) ([]Medium, error)           { return s.media, nil }
func (s *still) Route(context.Context, rns.Addr) (Route, error)    { return s.route, nil }
func (s *still) FindPath(context.Context, rns.Addr) (Route, error) { return s.route, s.find }
func (s *still) TryLink(context.Context, rns.Addr) (time.Duration, error) {
	return 90 * time.Millisecond, s.link
}
func (s *still) AnnouncedAt() time.Time { return time.Time{} }

// desk is a service with everything around it, on a real database.
type desk struct {
	*Service
	t       *testing.T
	carrier *carrier
	network *still
	db      *store.Identity
	set     *settings.Set
	clock   *clock
	jobs    sync.WaitGroup
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

func newIdentity(t *testing.T) *rns.Identity {
	t.Helper()
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newDesk(t *testing.T, dir string, id *rns.Identity) *desk {
	t.Helper()
	d := &desk{t: t, carrier: &carrier{}, network: &still{}, clock: &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}}
	var err error
	if d.db, _, err = store.OpenIdentity(t.Context(), filepath.Join(dir, "messages.db"), store.Options{Now: d.clock.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.db.Close() })
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), d.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	if d.set, err = settings.Open(t.Context(), settings.Identity, d.db.Settings); err != nil {
		t.Fatal(err)
	}
	bus := event.New(d.clock.Now(), event.DefaultParams())
	d.Service = New(Config{
		Identity: id, Store: d.db, Blobs: blobs, Settings: d.set, Router: d.carrier, People: nobody{}, Network: d.network,
		Bus: bus.Scope(id.Hash()), Go: func(f func(context.Context)) { d.jobs.Go(func() { f(context.Background()) }) },
		Now: d.clock.Now, Random: rand.Reader, Params: DefaultParams(),
	})
	return d
}

func (d *desk) happen(id rns.Hash, events ...Event) {
	d.t.Helper()
	for _, e := range events {
		e.At = d.clock.Now()
		d.Happened(id, e)
	}
	if err := d.flush(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) send(o Outgoing) Ref {
	d.t.Helper()
	ref, err := d.Send(d.t.Context(), o)
	if err != nil {
		d.t.Fatal(err)
	}
	return ref
}

func (d *desk) message(id rns.Hash) Message {
	d.t.Helper()
	m, err := d.Message(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

func (d *desk) window(peer rns.Addr) []Message {
	d.t.Helper()
	w, err := d.Messages(d.t.Context(), peer, Place{}, 50)
	if err != nil {
		d.t.Fatal(err)
	}
	return w.Messages
}

// letter is an incoming message as the router gives it.
func letter(t *testing.T, from *rns.Identity, to rns.Addr, text string, fill func(*lxmf.Fields)) Inbound {
	t.Helper()
	m := lxmf.New(to, lxmf.DeliveryHash(from.Hash()), time.Date(2026, 11, 23, 11, 59, 0, 0, time.UTC), nil, []byte(text))
	if fill != nil {
		fill(&m.Fields)
	}
	m.Sign(from)
	packed, err := m.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Inbound{Message: m, Packed: packed, Method: store.MethodDirect}
}

var bob = rns.Addr{0xb0, 0xb}

func TestSendIsStoredBeforeItIsCarried(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	ref := d.send(Outgoing{Peer: bob, Content: "hello"})
	if len(d.carrier.sent) != 1 || d.carrier.sent[0].Message.Hash != ref.ID {
		t.Fatalf("carried %+v", d.carrier.sent)
	}
	m := d.message(ref.ID)
	if m.Content != "hello" || m.Delivery.State != StateWaiting || m.Status != store.StatusPending {
		t.Fatalf("stored %+v", m)
	}
	rows, err := d.db.Events.List(t.Context(), ref.ID)
	if err != nil || len(rows) != 1 || rows[0].Kind != string(EventQueued) {
		t.Fatalf("log %v, %v", rows, err)
	}
}

func TestSendRefusals(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	if err := d.db.Blocked.Add(t.Context(), store.BlockedAddr{Addr: rns.Addr{9}, Since: d.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		o    Outgoing
		want error
	}{
		{"nothing", Outgoing{Peer: bob, Content: " \n"}, ErrEmpty},
		{"to itself", Outgoing{Peer: d.Address(), Content: "x"}, ErrSelf},
		{"to a blocked peer", Outgoing{Peer: rns.Addr{9}, Content: "x"}, ErrBlocked},
		{"a file that is not there", Outgoing{Peer: bob, Uploads: []store.UploadID{{1}}}, ErrUpload},
	}
	for _, tt := range tests {
		if _, err := d.Send(t.Context(), tt.o); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if len(d.carrier.sent) != 0 {
		t.Fatal("something was carried")
	}
}

// A client that asks again, before or after a restart, gets the first message.
func TestSendTwiceIsOneMessage(t *testing.T) {
	dir, id := t.TempDir(), newIdentity(t)
	d := newDesk(t, dir, id)
	o := Outgoing{Peer: bob, Content: "once", ClientID: "c1", WrittenAt: d.clock.Now()}
	first := d.send(o)
	if again := d.send(o); again != first {
		t.Fatalf("second time %+v, first %+v", again, first)
	}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	d = newDesk(t, dir, id)
	if again := d.send(o); again != first {
		t.Fatalf("after a restart %+v, first %+v", again, first)
	}
	if n := len(d.window(bob)); n != 1 {
		t.Fatalf("%d messages", n)
	}
	other := o
	other.ClientID = "c2"
	if d.send(other) == first {
		t.Fatal("another message is taken for the first")
	}
}

func TestFilesTravelAndComeBack(t *testing.T) {
	alice, bobID := newIdentity(t), newIdentity(t)
	a, b := newDesk(t, t.TempDir(), alice), newDesk(t, t.TempDir(), bobID)
	picture := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 40_000)...)
	doc := bytes.Repeat([]byte("text "), 10_000)
	var ids []store.UploadID
	for name, data := range map[string][]byte{"../photo.png": picture, "notes.txt": doc} {
		u, err := a.Upload(t.Context(), name, FormAuto, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	ref := a.send(Outgoing{Peer: b.Address(), Content: "see", Uploads: ids})
	packed, err := a.packed(t.Context(), a.message(ref.ID).Message)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := lxmf.Parse(packed)
	if err != nil || msg.Verify(alice.Public()) != nil {
		t.Fatal(err, msg.Verify(alice.Public()))
	}
	if err := b.Receive(t.Context(), Inbound{Message: msg, Packed: packed}); err != nil {
		t.Fatal(err)
	}
	got := b.message(ref.ID)
	if len(got.Attachments) != 2 || got.Attachments[0].Kind != store.KindImage || got.Attachments[0].Name != "image.png" ||
		got.Attachments[1].Name != "notes.txt" || !got.Gated {
		t.Fatalf("received %+v", got.Attachments)
	}
	for i, want := range [][]byte{picture, doc} {
		f, body, err := b.OpenAttachment(t.Context(), ref.ID, i)
		if err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		if _, err := buf.ReadFrom(body); err != nil || !bytes.Equal(buf.Bytes(), want) || f.Size != int64(len(want)) {
			t.Fatalf("file %d: %d bytes, %v", i, buf.Len(), err)
		}
		if err := body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// What is delivered needs its long packed form no more; its files stay.
	a.happen(ref.ID, Event{Kind: EventDelivered})
	if m := a.message(ref.ID); !m.PackedBlob.IsZero() || len(m.Attachments) != 2 {
		t.Fatalf("after delivery %+v", m.Message)
	}
}

func TestReceiveIsDurableAndOnce(t *testing.T) {
	id, mira := newIdentity(t), newIdentity(t)
	d := newDesk(t, t.TempDir(), id)
	in := letter(t, mira, d.Address(), "hi", nil)
	for range 2 {
		if err := d.Receive(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	peer := lxmf.DeliveryHash(mira.Hash())
	if n := len(d.window(peer)); n != 1 {
		t.Fatalf("%d copies", n)
	}
	// Deleted, it does not come back either.
	if err := d.Delete(t.Context(), in.Message.Hash); err != nil {
		t.Fatal(err)
	}
	if err := d.Receive(t.Context(), in); err != nil || len(d.window(peer)) != 0 {
		t.Fatal("a deleted message came back", err)
	}
}

// A commit that fails keeps the proof back, and the next copy arrives whole.
func TestReceiveFailsWithTheStore(t *testing.T) {
	id, mira, dir := newIdentity(t), newIdentity(t), t.TempDir()
	d := newDesk(t, dir, id)
	in := letter(t, mira, d.Address(), "hi", nil)
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Receive(t.Context(), in); err == nil || errors.Is(err, ErrDiscard) {
		t.Fatalf("proof released: %v", err)
	}
	d = newDesk(t, dir, id)
	if err := d.Receive(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if n := len(d.window(lxmf.DeliveryHash(mira.Hash()))); n != 1 {
		t.Fatalf("%d messages", n)
	}
}

func TestPolicyTowardsStrangers(t *testing.T) {
	mira := newIdentity(t)
	peer := lxmf.DeliveryHash(mira.Hash())
	tests := []struct {
		name    string
		prepare func(*desk) error
		err     error
		request store.RequestState
		gated   bool
	}{
		{"asks", func(*desk) error { return nil }, nil, store.RequestPending, true},
		{"allows", func(d *desk) error { return strangers(d, settings.StrangersAllow) }, nil, store.RequestNone, false},
		{"ignores", func(d *desk) error { return strangers(d, settings.StrangersIgnore) }, ErrDiscard, 0, false},
		{"a contact is none", func(d *desk) error {
			return d.db.Contacts.Put(t.Context(), store.Contact{Addr: peer, Name: "Mira", ChangedAt: d.clock.Now()})
		}, nil, store.RequestNone, false},
		{"written to before", func(d *desk) error {
			_, err := d.Send(t.Context(), Outgoing{Peer: peer, Content: "hello"})
			return err
		}, nil, store.RequestNone, false},
		{"blocked", func(d *desk) error {
			return d.db.Blocked.Add(t.Context(), store.BlockedAddr{Addr: peer, Since: d.clock.Now()})
		}, ErrDiscard, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, t.TempDir(), newIdentity(t))
			if err := tt.prepare(d); err != nil {
				t.Fatal(err)
			}
			in := letter(t, mira, d.Address(), "hi", nil)
			if err := d.Receive(t.Context(), in); !errors.Is(err, tt.err) {
				t.Fatalf("receive: %v", err)
			}
			if d.Blocked(peer) != (tt.err != nil) {
				t.Error("the early look disagrees")
			}
			if tt.err != nil {
				return
			}
			c, err := d.Conversation(t.Context(), peer)
			if err != nil || c.Request != tt.request || d.message(in.Message.Hash).Gated != tt.gated {
				t.Fatalf("request %v, gated %v, %v", c.Request, d.message(in.Message.Hash).Gated, err)
			}
		})
	}
}

func strangers(d *desk, policy string) error {
	return d.set.Change(d.t.Context(), settings.Changes{settings.KeyStrangers: settings.StringValue(policy)})
}

func TestDeliveryInOrderAndStored(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	ref := d.send(Outgoing{Peer: bob, Content: "hello"})
	steps := []struct {
		e    Event
		want State
	}{
		{Event{Kind: EventPathRequest, Try: 1, Attempt: 1}, StatePath},
		{Event{Kind: EventPathFound, Hops: 2, Interface: "Hub", Attempt: 1}, StateConnecting},
		{Event{Kind: EventLinkRequest, Hops: 2, Attempt: 1}, StateConnecting},
		{Event{Kind: EventProgress, Percent: 40, Rate: 1000, Attempt: 1}, StateSending},
		{Event{Kind: EventProofWait, Attempt: 1}, StateSent},
		{Event{Kind: EventDelivered, Attempt: 1, RTT: time.Second}, StateDelivered},
	}
	for _, s := range steps {
		d.happen(ref.ID, s.e)
		m := d.message(ref.ID)
		log, err := d.db.Events.List(t.Context(), ref.ID)
		if err != nil {
			t.Fatal(err)
		}
		if stored := Derive(eventsOf(log)); m.Delivery.State != s.want || cmp.Diff(stored, m.Delivery) != "" {
			t.Fatalf("%s: shown %+v, stored %+v", s.e.Kind, m.Delivery, stored)
		}
	}
	if m := d.message(ref.ID); m.Status != store.StatusDelivered || m.Attempts != 1 {
		t.Fatalf("row %v, %d attempts", m.Status, m.Attempts)
	}
	if _, live := d.live(ref.ID); live {
		t.Fatal("a final message is still followed")
	}
}

func TestRetryKeepsTheMessage(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	ref := d.send(Outgoing{Peer: bob, Content: "hello"})
	if err := d.Retry(t.Context(), ref.ID); !errors.Is(err, ErrNotRetryable) {
		t.Fatalf("on its way: %v", err)
	}
	d.happen(ref.ID, Event{Kind: EventAttemptFailed, Code: CodeNoPath, Attempt: 1}, Event{Kind: EventRetryAt, RetryAt: d.clock.Now().Add(time.Hour)})
	if err := d.Retry(t.Context(), ref.ID); err != nil || len(d.carrier.hurried) != 1 {
		t.Fatalf("planned: %v, hurried %v", err, d.carrier.hurried)
	}
	d.happen(ref.ID, Event{Kind: EventFailed, Code: CodeNoPath, Attempt: 5})
	if err := d.Retry(t.Context(), ref.ID); err != nil {
		t.Fatal(err)
	}
	if len(d.carrier.sent) != 2 || d.carrier.sent[1].Message.Hash != ref.ID {
		t.Fatalf("carried %d", len(d.carrier.sent))
	}
	m := d.message(ref.ID)
	if m.Delivery.State != StateWaiting || m.Delivery.Attempt != 5 || len(d.window(bob)) != 1 {
		t.Fatalf("after the retry: %+v, %d messages", m.Delivery, len(d.window(bob)))
	}
	d.happen(ref.ID, Event{Kind: EventRejected, Code: CodeTooLargeDirect})
	if err := d.Retry(t.Context(), ref.ID); !errors.Is(err, ErrNotRetryable) {
		t.Fatalf("permanent: %v", err)
	}
}

func TestRetryFailedSkipsPermanent(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	for i, code := range []Code{CodeNoPath, CodeTooLargeDirect, CodeLinkTimeout} {
		ref := d.send(Outgoing{Peer: bob, Content: fmt.Sprint(i)})
		d.happen(ref.ID, Event{Kind: EventFailed, Code: code, Attempt: 5})
	}
	c, err := d.Conversation(t.Context(), bob)
	if err != nil || c.Failed != 3 || c.Worst != StateFailed {
		t.Fatalf("%+v, %v", c, err)
	}
	retried, skipped, err := d.RetryFailed(t.Context(), bob)
	if retried != 2 || skipped != 1 || err != nil {
		t.Fatal(retried, skipped, err)
	}
	// Oldest first, so that they arrive in the order they were written.
	n := len(d.carrier.sent)
	if a, b := string(d.carrier.sent[n-2].Message.Content), string(d.carrier.sent[n-1].Message.Content); a != "0" || b != "2" {
		t.Fatalf("retried %s, %s", a, b)
	}
}

func TestCancelAndLateProof(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	ref := d.send(Outgoing{Peer: bob, Content: "hello"})
	if err := d.Cancel(t.Context(), ref.ID); err != nil || len(d.carrier.cancelled) != 1 {
		t.Fatal(err)
	}
	d.happen(ref.ID, Event{Kind: EventCancelled})
	if err := d.Cancel(t.Context(), ref.ID); !errors.Is(err, ErrNotCancellable) {
		t.Fatal(err)
	}
	// It had left already: the proof says so.
	d.happen(ref.ID, Event{Kind: EventDelivered, RTT: time.Second})
	if m := d.message(ref.ID); m.Delivery.State != StateDelivered || m.Status != store.StatusDelivered {
		t.Fatalf("%+v", m.Delivery)
	}
}

// Killed at any moment, the program takes up every message that is not final:
// the same bytes, under the same id, with its attempts counted on.
func TestResumeAfterRestart(t *testing.T) {
	dir, id := t.TempDir(), newIdentity(t)
	d := newDesk(t, dir, id)
	var want []rns.Hash
	for i := range 3 {
		big := ""
		if i == 1 {
			big = strings.Repeat("long ", 20_000) // its packed form is kept beside the row
		}
		ref := d.send(Outgoing{Peer: bob, Content: fmt.Sprint("m", i, big), WaitHeard: i == 2})
		want = append(want, ref.ID)
	}
	done := d.send(Outgoing{Peer: bob, Content: "done"})
	d.happen(done.ID, Event{Kind: EventDelivered})
	d.happen(want[0], Event{Kind: EventAttemptFailed, Code: CodeNoPath, Attempt: 2})
	first := d.carrier.sent
	if err := d.db.Close(); err != nil { // no farewell: nothing else is told
		t.Fatal(err)
	}
	d = newDesk(t, dir, id)
	if err := d.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.carrier.sent) != 3 {
		t.Fatalf("%d taken up", len(d.carrier.sent))
	}
	for i, o := range d.carrier.sent {
		before, err := first[i].Message.Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		after, err := o.Message.Pack(nil)
		if err != nil || o.Message.Hash != want[i] || !bytes.Equal(before, after) {
			t.Fatalf("message %d changed: %v", i, err)
		}
	}
	if d.carrier.sent[0].Attempts != 2 || !d.carrier.sent[2].WaitHeard {
		t.Fatalf("%+v", d.carrier.sent)
	}
}

// The work of a stamp is kept with the message: a restart does not repeat it.
func TestStampIsKept(t *testing.T) {
	dir, id := t.TempDir(), newIdentity(t)
	d := newDesk(t, dir, id)
	ref := d.send(Outgoing{Peer: bob, Content: "stamped"})
	stamp := bytes.Repeat([]byte{7}, 32)
	d.happen(ref.ID, Event{Kind: EventStampStart, Bits: 8}, Event{Kind: EventStampDone, Bits: 8, Stamp: stamp})
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	d = newDesk(t, dir, id)
	if err := d.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.carrier.sent[0].Message; got.Hash != ref.ID || !bytes.Equal(got.Stamp, stamp) {
		t.Fatalf("stamp %x", got.Stamp)
	}
}

func TestProgressIsThinned(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	ref := d.send(Outgoing{Peer: bob, Content: "hello"})
	for p := range 100 {
		d.happen(ref.ID, Event{Kind: EventProgress, Percent: p, Attempt: 1})
	}
	if got := d.message(ref.ID).Delivery.Percent; got != 99 {
		t.Fatalf("shown %d", got)
	}
	rows, err := d.db.Events.List(t.Context(), ref.ID)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
}
