package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/rns"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

func openIdentity(t testing.TB) *Identity {
	t.Helper()
	db, _, err := OpenIdentity(context.Background(), filepath.Join(t.TempDir(), "identity.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func openServer(t testing.TB) *Server {
	t.Helper()
	db, _, err := OpenServer(context.Background(), filepath.Join(t.TempDir(), "server.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func got[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func hash(n int) rns.Hash { return sha256.Sum256(fmt.Append(nil, n)) }

func addr(n int) rns.Addr { return hash(n).Addr() }

var us = addr(-1)

// at returns a time n seconds after the start.
func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

// incoming is a message number n from a peer.
func incoming(n int, peer rns.Addr, text string) Message {
	return Message{
		ID: hash(n), Peer: peer, Direction: Incoming, Source: peer, Destination: us, Content: text,
		SentAt: at(n), StoredAt: at(n), ChangedAt: at(n), Status: StatusReceived, Method: MethodDirect, Size: 100,
	}
}

// outgoing is a message number n to a peer.
func outgoing(n int, peer rns.Addr, text string) Message {
	m := incoming(n, peer, text)
	m.Direction, m.Source, m.Destination, m.Status = Outgoing, us, peer, StatusPending
	return m
}

func insert(t testing.TB, db *Identity, messages ...Message) {
	t.Helper()
	for _, m := range messages {
		got(db.Messages.Insert(t.Context(), m, []byte("packed")))(t)
	}
}

func TestMessageComesBackWhole(t *testing.T) {
	db := openIdentity(t)
	cost, value, hops, rssi := 8, 256, 3, -87.5
	m := outgoing(1, addr(2), "héllo\n天地")
	m.Title, m.Renderer, m.ReplyTo, m.Reason, m.WaitHeard, m.Attempts = "title", 2, hash(7), "no_path", true, 3
	m.RetryAt, m.Verified, m.StampCost, m.StampValue, m.Ticket = at(60), SourceUnknown, &cost, &value, true
	m.Signal = Signal{Hops: &hops, RSSI: &rssi}
	m.Fields, m.PackedBlob = []byte{0x81, 0x01, 0x02}, hash(9)
	m.Attachments = []Attachment{
		{File: File{Name: "../../etc/passwd", Kind: KindFile, MIME: "text/plain", Size: 5, Blob: hash(10)}},
		{File: File{Name: "sun.webp", Kind: KindImage, MIME: "image/webp", Size: 6, Blob: hash(11), Width: 640, Height: 480}, Position: 1},
		{File: File{Kind: KindAudio, MIME: "audio/ogg", Size: 7, Blob: hash(12), Duration: 1500 * time.Millisecond}, Position: 2},
	}
	m.Seq = got(db.Messages.Insert(t.Context(), m, []byte{1, 2, 3}))(t)
	if diff := cmp.Diff(m, got(db.Messages.Get(t.Context(), m.ID))(t)); diff != "" {
		t.Error(diff)
	}
	if p := got(db.Messages.Packed(t.Context(), m.ID))(t); string(p) != "\x01\x02\x03" {
		t.Errorf("packed %x", p)
	}
	a := got(db.Attachments.Get(t.Context(), m.ID, 1))(t)
	if diff := cmp.Diff(m.Attachments[1], a); diff != "" {
		t.Error(diff)
	}
	for name, err := range map[string]error{
		"no such file":    second(db.Attachments.Get(t.Context(), m.ID, 3)),
		"no such message": second(db.Messages.Get(t.Context(), hash(99))),
		"no such packed":  second(db.Messages.Packed(t.Context(), hash(99))),
		"no such cursor":  second(db.Messages.Seq(t.Context(), hash(99))),
		"advance":         db.Messages.Advance(t.Context(), hash(99), Progress{}, start),
		"delete":          db.Messages.Delete(t.Context(), hash(99)),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n, want := range map[int]bool{9: true, 10: true, 12: true, 13: false} {
		if used := got(db.Attachments.BlobUsed(t.Context(), hash(n)))(t); used != want {
			t.Errorf("blob %d used: %v", n, used)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestSameMessageTwice(t *testing.T) {
	db := openIdentity(t)
	insert(t, db, incoming(1, addr(2), "once"))
	if _, err := db.Messages.Insert(t.Context(), incoming(1, addr(3), "twice"), nil); !errors.Is(err, ErrExists) {
		t.Errorf("second copy: %v", err)
	}
	if _, err := db.Conversations.Get(t.Context(), addr(3)); !errors.Is(err, ErrNotFound) {
		t.Errorf("the refused copy made a conversation: %v", err)
	}
	fresh := got(db.Deliveries.Add(t.Context(), hash(1), start))(t)
	again := got(db.Deliveries.Add(t.Context(), hash(1), at(5)))(t)
	if !fresh || again {
		t.Errorf("delivery remembered: fresh %v, again %v", fresh, again)
	}
	must(t, db.Messages.Delete(t.Context(), hash(1)))
	if !got(db.Deliveries.Seen(t.Context(), hash(1)))(t) {
		t.Error("a deleted message would be received again")
	}
	if n := got(db.Deliveries.Expire(t.Context(), start.Add(DeliveryMemory)))(t); n != 0 {
		t.Errorf("%d ids forgotten on their last day", n)
	}
	if n := got(db.Deliveries.Expire(t.Context(), start.Add(DeliveryMemory+time.Second)))(t); n != 1 {
		t.Errorf("%d ids forgotten", n)
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	db := openIdentity(t)
	trouble := errors.New("router refused")
	err := db.Update(t.Context(), func(tx IdentityTables) error {
		seq, err := tx.Messages.Insert(t.Context(), outgoing(1, addr(2), "hello"), nil)
		must(t, err)
		must(t, tx.Events.Append(t.Context(), seq, MessageEvent{At: start, Kind: "queued"}))
		must(t, tx.Settings.Save(t.Context(), map[string]string{"k": "v"}, nil))
		return trouble
	})
	if !errors.Is(err, trouble) {
		t.Fatal(err)
	}
	if got(db.Messages.Exists(t.Context(), hash(1)))(t) || len(got(db.Settings.Load(t.Context()))(t)) != 0 {
		t.Error("a refused update left traces")
	}
	if hits := got(db.Messages.Search(t.Context(), Query{Text: "hello"}))(t); len(hits.Messages) != 0 {
		t.Error("a refused update can be found")
	}
}

func TestEventsOfMessages(t *testing.T) {
	db := openIdentity(t)
	insert(t, db, outgoing(1, addr(2), "a"), outgoing(2, addr(2), "b"))
	one, two := got(db.Messages.Seq(t.Context(), hash(1)))(t), got(db.Messages.Seq(t.Context(), hash(2)))(t)
	hops := 3
	want := []MessageEvent{
		{N: 1, At: start, Kind: "queued"},
		{N: 2, At: at(1), Kind: "path_found", Attempt: 1, Interface: "Hub A", Hops: &hops},
		{N: 3, At: at(4), Kind: "progress", Attempt: 1, Part: 30, Parts: 40, Bytes: 12_000, Rate: 1100},
		{N: 4, At: at(5), Kind: "progress", Attempt: 2, Part: 1, Parts: 40},
		{N: 5, At: at(6), Kind: "attempt_failed", Attempt: 2, Code: "link_timeout", RTT: 1500 * time.Microsecond, Due: at(70)},
	}
	must(t, db.Events.Append(t.Context(), one, want[0]))
	must(t, db.Events.Append(t.Context(), two, MessageEvent{At: start, Kind: "queued"}))
	must(t, db.Events.Append(t.Context(), one, want[1]))
	for part := 10; part <= 30; part += 10 {
		e := want[2]
		e.Part = part
		must(t, db.Events.AppendProgress(t.Context(), one, e))
	}
	must(t, db.Events.AppendProgress(t.Context(), one, want[3]))
	must(t, db.Events.Append(t.Context(), one, want[4]))
	if diff := cmp.Diff(want, got(db.Events.List(t.Context(), hash(1)))(t)); diff != "" {
		t.Error(diff)
	}
	many := got(db.Events.ListMany(t.Context(), []int64{one, two, 999}))(t)
	if len(many[one]) != 5 || len(many[two]) != 1 || len(many[999]) != 0 {
		t.Errorf("logs of several: %v", many)
	}
	must(t, db.Messages.Delete(t.Context(), hash(1)))
	if left := got(db.Events.ListMany(t.Context(), []int64{one}))(t); len(left[one]) != 0 {
		t.Errorf("events of a deleted message: %v", left)
	}
	if err := db.Events.Append(t.Context(), one, want[0]); err == nil {
		t.Error("an event of a deleted message was stored")
	}
}

func TestLongLogKeepsBothEnds(t *testing.T) {
	db := openIdentity(t)
	insert(t, db, outgoing(1, addr(2), "a"))
	const n = 1000
	must(t, db.Update(t.Context(), func(tx IdentityTables) error {
		for i := range n {
			if err := tx.Events.Append(t.Context(), 1, MessageEvent{At: at(i), Kind: "path_request"}); err != nil {
				return err
			}
		}
		return nil
	}))
	log := got(db.Events.List(t.Context(), hash(1)))(t)
	if len(log) > keepFirst+keepLast+pruneEveryRows || log[0].N != 1 || log[keepFirst-1].N != keepFirst || log[len(log)-1].N != n {
		t.Errorf("%d events from %d to %d", len(log), log[0].N, log[len(log)-1].N)
	}
}

func TestOutbox(t *testing.T) {
	db := openIdentity(t)
	insert(t, db, outgoing(1, addr(2), "a"), incoming(2, addr(2), "b"), outgoing(3, addr(4), "c"), outgoing(5, addr(2), "d"))
	p := Progress{Status: StatusPending, Reason: "no_path", Method: MethodOpportunistic, WaitHeard: true, Attempts: 2, RetryAt: at(90)}
	must(t, db.Messages.Advance(t.Context(), hash(1), p, at(9)))
	must(t, db.Messages.Advance(t.Context(), hash(3), Progress{Status: StatusDelivered}, at(9)))
	box := got(db.Messages.Pending(t.Context(), 0, 10))(t)
	if len(box) != 2 || box[0].ID != hash(1) || box[1].ID != hash(5) || got(db.Messages.PendingCount(t.Context()))(t) != 2 {
		t.Fatalf("outbox %v", box)
	}
	m := box[0]
	if now := (Progress{m.Status, m.Reason, m.Method, m.WaitHeard, m.Attempts, m.RetryAt}); now != p || !m.ChangedAt.Equal(at(9)) {
		t.Errorf("progress %+v, changed %v", now, m.ChangedAt)
	}
	if rest := got(db.Messages.Pending(t.Context(), box[0].Seq, 10))(t); len(rest) != 1 {
		t.Errorf("after the first: %v", rest)
	}
	must(t, db.Messages.Advance(t.Context(), hash(1), Progress{Status: StatusFailed, Reason: "no_path"}, at(9)))
	must(t, db.Messages.Advance(t.Context(), hash(5), Progress{Status: StatusRejected, Reason: "too_large_direct"}, at(9)))
	if failed := got(db.Messages.Failed(t.Context(), addr(2), 10))(t); len(failed) != 2 || failed[0].ID != hash(5) {
		t.Errorf("failed %v", failed)
	}
	value := 12
	m.Size, m.PackedBlob, m.StampValue = 777, hash(40), &value
	must(t, db.Messages.SetPacked(t.Context(), m, nil, at(10)))
	if stamped := got(db.Messages.Get(t.Context(), m.ID))(t); stamped.Size != 777 || stamped.PackedBlob != hash(40) || *stamped.StampValue != 12 {
		t.Errorf("after stamping: %+v", stamped)
	}
}

func TestLateVerification(t *testing.T) {
	db := openIdentity(t)
	unknown := incoming(1, addr(2), "who am I")
	unknown.Verified = SourceUnknown
	insert(t, db, unknown, incoming(2, addr(2), "known"))
	if ids := got(db.Messages.Unverified(t.Context(), addr(2), 10))(t); len(ids) != 1 || ids[0] != hash(1) {
		t.Fatalf("to verify: %v", ids)
	}
	must(t, db.Messages.SetVerified(t.Context(), hash(1), SignatureInvalid, at(9)))
	if ids := got(db.Messages.Unverified(t.Context(), addr(2), 10))(t); len(ids) != 0 {
		t.Errorf("still to verify: %v", ids)
	}
}

func TestPages(t *testing.T) {
	db := openIdentity(t)
	for n := 1; n <= 10; n++ {
		insert(t, db, incoming(n, addr(2), "x"), incoming(100+n, addr(3), "other"))
	}
	seq := func(n int) int64 { return got(db.Messages.Seq(t.Context(), hash(n)))(t) }
	for name, c := range map[string]struct {
		window        Window
		want          []int
		before, after bool
	}{
		"newest":              {Window{Limit: 3}, []int{8, 9, 10}, true, false},
		"all":                 {Window{}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, false, false},
		"exactly all":         {Window{Limit: 10}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, false, false},
		"before":              {Window{Before: seq(4), Limit: 2}, []int{2, 3}, true, true},
		"before, to the end":  {Window{Before: seq(4), Limit: 3}, []int{1, 2, 3}, false, true},
		"before the first":    {Window{Before: seq(1), Limit: 3}, nil, false, true},
		"after":               {Window{After: seq(4), Limit: 2}, []int{5, 6}, true, true},
		"after, to the end":   {Window{After: seq(8), Limit: 2}, []int{9, 10}, true, false},
		"after the last":      {Window{After: seq(10), Limit: 2}, nil, true, false},
		"around":              {Window{Around: seq(5), Limit: 4}, []int{3, 4, 5, 6}, true, true},
		"around the first":    {Window{Around: seq(1), Limit: 4}, []int{1, 2, 3, 4}, false, true},
		"around the last":     {Window{Around: seq(10), Limit: 4}, []int{8, 9, 10}, true, false},
		"around, single":      {Window{Around: seq(5), Limit: 1}, []int{5}, true, true},
		"around what is gone": {Window{Around: seq(105), Limit: 4}, []int{4, 5, 6, 7}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			page := got(db.Messages.Page(t.Context(), addr(2), c.window))(t)
			var have []rns.Hash
			for _, m := range page.Messages {
				have = append(have, m.ID)
			}
			var want []rns.Hash
			for _, n := range c.want {
				want = append(want, hash(n))
			}
			if diff := cmp.Diff(want, have); diff != "" || page.MoreBefore != c.before || page.MoreAfter != c.after {
				t.Errorf("more before %v, after %v; %s", page.MoreBefore, page.MoreAfter, diff)
			}
		})
	}
}
