package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"meshchatx/rns"

	"github.com/google/go-cmp/cmp"
)

// peers returns the order of a list.
func peers(list []Conversation) (out []rns.Addr) {
	for _, c := range list {
		out = append(out, c.Peer)
	}
	return out
}

func list(t *testing.T, db *Identity, v View) []rns.Addr {
	t.Helper()
	return peers(got(db.Conversations.List(t.Context(), v, ConversationCursor{}, 0))(t))
}

func addrs(ns ...int) (out []rns.Addr) {
	for _, n := range ns {
		out = append(out, addr(n))
	}
	return out
}

func TestConversationRow(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	peer := addr(5)
	long := outgoing(3, peer, strings.Repeat("é", 300))
	long.Attachments = []Attachment{{File: File{Name: "a", Blob: hash(1)}}}
	insert(t, db, incoming(1, peer, "one"), incoming(2, peer, "two"), long)
	must(t, db.Messages.Advance(ctx, hash(3), Progress{Status: StatusFailed, Reason: "no_path"}, at(9)))
	must(t, db.Contacts.Put(ctx, Contact{Addr: peer, Name: "Mira", ChangedAt: start}))
	must(t, db.Blocked.Add(ctx, BlockedAddr{Addr: peer, Since: start}))
	must(t, db.Conversations.SetMuted(ctx, peer, at(500)))
	got(db.Drafts.Put(ctx, Draft{Peer: peer, Content: "unsent", ChangedAt: start}))(t)
	want := Conversation{
		Peer: peer, CreatedAt: at(1), LastAt: at(3), Unread: 2, Failed: 1, MutedUntil: at(500), Draft: "unsent", HasDraft: true,
		ContactName: "Mira", Blocked: true, Last: &Preview{
			Seq: 3, ID: hash(3), Direction: Outgoing, Text: strings.Repeat("é", 160), Status: StatusFailed, Reason: "no_path",
			Attachments: 1, SentAt: at(3), StoredAt: at(3),
		},
	}
	if diff := cmp.Diff(want, got(db.Conversations.Get(ctx, peer))(t)); diff != "" {
		t.Error(diff)
	}
	must(t, db.Conversations.MarkRead(ctx, peer, 1))
	must(t, db.Messages.Advance(ctx, hash(3), Progress{Status: StatusPending}, at(9)))
	if c := got(db.Conversations.Get(ctx, peer))(t); c.Unread != 1 || c.ReadSeq != 1 || c.Pending != 1 || c.Failed != 0 {
		t.Errorf("after reading one: %+v", c)
	}
	must(t, db.Conversations.MarkRead(ctx, peer, 999))
	must(t, db.Conversations.MarkRead(ctx, peer, 1)) // never backwards
	if c := got(db.Conversations.Get(ctx, peer))(t); c.Unread != 0 || c.ReadSeq != 3 {
		t.Errorf("after reading all: %+v", c)
	}
	insert(t, db, incoming(4, peer, "four"))
	must(t, db.Conversations.MarkUnread(ctx, peer, 2))
	if c := got(db.Conversations.Get(ctx, peer))(t); c.Unread != 2 {
		t.Errorf("%d unread after marking the second as unread", c.Unread)
	}
	for name, err := range map[string]error{
		"read": db.Conversations.MarkRead(ctx, addr(99), 1), "pin": db.Conversations.SetPinned(ctx, addr(99), true),
		"get": second(db.Conversations.Get(ctx, addr(99))),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s of no conversation: %v", name, err)
		}
	}
}

func TestConversationViews(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	if created := got(db.Conversations.Ensure(ctx, addr(7), RequestPending, start))(t); !created {
		t.Error("conversation not created")
	}
	for n := 1; n <= 7; n++ {
		insert(t, db, incoming(n, addr(n), "x"))
	}
	if created := got(db.Conversations.Ensure(ctx, addr(1), RequestPending, start))(t); created {
		t.Error("conversation created twice")
	}
	failed := outgoing(20, addr(2), "never")
	failed.Status = StatusFailed
	insert(t, db, failed)
	must(t, db.Conversations.SetPinned(ctx, addr(1), true))
	must(t, db.Conversations.SetArchived(ctx, addr(3), true))
	must(t, db.Conversations.MarkRead(ctx, addr(4), 999))
	must(t, db.Conversations.SetRequest(ctx, addr(5), RequestDeclined))
	for v, want := range map[View][]rns.Addr{
		ViewInbox: addrs(1, 2, 6, 4), ViewArchived: addrs(3), ViewUnread: addrs(2, 6, 1), ViewFailed: addrs(2), ViewRequests: addrs(7),
	} {
		if diff := cmp.Diff(want, list(t, db, v)); diff != "" {
			t.Errorf("view %d: %s", v, diff)
		}
	}
	want := Totals{Unread: 3, UnreadConversations: 3, FailedConversations: 1, Requests: 1}
	if totals := got(db.Conversations.Totals(ctx, start))(t); totals != want {
		t.Errorf("totals %+v", totals)
	}
	// A muted conversation has unread messages, but asks for no attention while it is muted.
	must(t, db.Conversations.SetMuted(ctx, addr(6), start.Add(time.Hour)))
	want.Unread--
	if totals := got(db.Conversations.Totals(ctx, start))(t); totals != want {
		t.Errorf("totals with a muted conversation %+v", totals)
	}
	want.Unread++
	if totals := got(db.Conversations.Totals(ctx, start.Add(2*time.Hour)))(t); totals != want {
		t.Errorf("totals after it was muted %+v", totals)
	}
}

func TestConversationListGoesOn(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	const n = 23
	for i := range n {
		m := incoming(i, addr(i), "x")
		m.StoredAt = at(i / 3) // many at the same time
		insert(t, db, m)
		must(t, db.Conversations.SetPinned(ctx, addr(i), i%5 == 0))
	}
	for _, v := range []View{ViewInbox, ViewUnread} {
		whole := list(t, db, v)
		var paged []rns.Addr
		var after ConversationCursor
		for {
			page := got(db.Conversations.List(ctx, v, after, 4))(t)
			if len(page) == 0 {
				break
			}
			paged = append(paged, peers(page)...)
			after = page[len(page)-1].Cursor()
		}
		if diff := cmp.Diff(whole, paged); diff != "" || len(whole) != n {
			t.Errorf("view %d: %d rows; %s", v, len(whole), diff)
		}
	}
}

func TestDeletingLowersTheConversation(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	insert(t, db, incoming(1, addr(1), "old"), incoming(2, addr(2), "middle"), incoming(3, addr(1), "new"))
	must(t, db.Messages.Delete(ctx, hash(3)))
	if diff := cmp.Diff(addrs(2, 1), list(t, db, ViewInbox)); diff != "" {
		t.Error(diff)
	}
	c := got(db.Conversations.Get(ctx, addr(1)))(t)
	if c.Last == nil || c.Last.ID != hash(1) || c.Unread != 1 || !c.LastAt.Equal(at(1)) {
		t.Errorf("row %+v", c)
	}
	must(t, db.Messages.Delete(ctx, hash(1)))
	c = got(db.Conversations.Get(ctx, addr(1)))(t)
	if c.Last != nil || c.Unread != 0 {
		t.Errorf("row of an empty conversation %+v", c)
	}
	if hits := got(db.Messages.Search(ctx, Query{Text: "old"}))(t); len(hits.Messages) != 0 {
		t.Error("a deleted message is found")
	}
}

func TestDeletingAConversation(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	must(t, db.Update(ctx, func(tx IdentityTables) error {
		for n := range 2*deleteChunk + 10 {
			m := incoming(n, addr(1), fmt.Sprint("gone ", n))
			m.Attachments = []Attachment{{File: File{Blob: hash(n)}}}
			if _, err := tx.Messages.Insert(ctx, m, nil); err != nil {
				return err
			}
		}
		return nil
	}))
	insert(t, db, incoming(9999, addr(2), "gone fishing"))
	got(db.Drafts.Put(ctx, Draft{Peer: addr(1), Content: "x", ChangedAt: start}))(t)
	must(t, db.Conversations.Delete(ctx, addr(1)))
	if diff := cmp.Diff(addrs(2), list(t, db, ViewInbox)); diff != "" {
		t.Error(diff)
	}
	hits := got(db.Messages.Search(ctx, Query{Text: "gone"}))(t)
	if len(hits.Messages) != 1 || hits.Messages[0].Peer != addr(2) {
		t.Errorf("found %d messages", len(hits.Messages))
	}
	if err := second(db.Drafts.Get(ctx, addr(1))); !errors.Is(err, ErrNotFound) {
		t.Errorf("draft: %v", err)
	}
	if got(db.Attachments.BlobUsed(ctx, hash(3)))(t) {
		t.Error("a blob is still named")
	}
	must(t, db.Conversations.Delete(ctx, addr(1))) // again: nothing to do
	must(t, db.Check(ctx))
}

func TestDraftsAndUploads(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	upload := func(n int) Upload {
		u := Upload{ID: UploadID{byte(n)}, File: File{Name: fmt.Sprint("file ", n), MIME: "text/plain", Size: 3, Blob: hash(n)}, CreatedAt: start, ExpiresAt: at(3600)}
		must(t, db.Uploads.Add(ctx, u))
		return u
	}
	one, two := upload(1), upload(2)
	d := Draft{Peer: addr(1), Content: "hello", ReplyTo: hash(5), Uploads: []Upload{two, one}, ChangedAt: at(1)}
	d.Rev = got(db.Drafts.Put(ctx, d))(t)
	if diff := cmp.Diff(d, got(db.Drafts.Get(ctx, d.Peer))(t)); diff != "" || d.Rev != 1 {
		t.Error(d.Rev, diff)
	}
	// Another browser changes it; the first one's next change is stale.
	other := d
	other.Content, other.Uploads = "hi", []Upload{one}
	if rev := got(db.Drafts.Put(ctx, other))(t); rev != 2 {
		t.Errorf("revision %d", rev)
	}
	if _, err := db.Drafts.Put(ctx, d); !errors.Is(err, ErrStale) {
		t.Errorf("stale change: %v", err)
	}
	d.Rev = AnyRev
	if rev := got(db.Drafts.Put(ctx, d))(t); rev != 3 {
		t.Errorf("forced change has revision %d", rev)
	}
	if _, err := db.Drafts.Put(ctx, Draft{Peer: addr(1), Rev: 3, Uploads: []Upload{{ID: UploadID{99}}}, ChangedAt: at(2)}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown upload: %v", err)
	}
	three := upload(3)
	if n := got(db.Uploads.Expire(ctx, at(3600)))(t); n != 1 {
		t.Errorf("%d uploads expired", n)
	}
	if err := second(db.Uploads.Get(ctx, three.ID)); !errors.Is(err, ErrNotFound) {
		t.Errorf("expired upload: %v", err)
	}
	if diff := cmp.Diff(one, got(db.Uploads.Get(ctx, one.ID))(t)); diff != "" {
		t.Error(diff)
	}
	must(t, db.Uploads.Delete(ctx, one.ID))
	if left := got(db.Drafts.Get(ctx, d.Peer))(t); len(left.Uploads) != 1 || left.Uploads[0].ID != two.ID {
		t.Errorf("files of the draft: %+v", left.Uploads)
	}
	must(t, db.Drafts.Delete(ctx, d.Peer))
	if n := got(db.Uploads.Expire(ctx, at(3600)))(t); n != 1 {
		t.Errorf("%d uploads expired after the draft", n)
	}
	if rev := got(db.Drafts.Put(ctx, Draft{Peer: addr(1), ChangedAt: start}))(t); rev != 1 {
		t.Errorf("new draft has revision %d", rev)
	}
}

func TestContactsByName(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	for i, name := range []string{"mira", "Tomas", "anna", "Mira", "50% off", "zed"} {
		must(t, db.Contacts.Put(ctx, Contact{Addr: addr(i), Name: name, ChangedAt: start}))
	}
	names := func(q string, limit int) (out []string) {
		var after ContactCursor
		for {
			page := got(db.Contacts.List(ctx, q, after, limit))(t)
			if len(page) == 0 {
				return out
			}
			for _, c := range page {
				out = append(out, strings.ToLower(c.Name))
				after = ContactCursor{Name: c.Name, Addr: c.Addr}
			}
		}
	}
	for q, want := range map[string]string{"": "50% off anna mira mira tomas zed", "MIR": "mira mira", "%": "50% off", "_": "", addr(1).Hex()[:6]: "tomas"} {
		if have := strings.Join(names(q, 2), " "); have != want {
			t.Errorf("%q finds %q, want %q", q, have, want)
		}
	}
	key := rns.PublicKey{1, 2, 3}
	must(t, db.Contacts.Put(ctx, Contact{Addr: addr(1), Name: "Tom", Notes: "met", Trust: TrustTrusted, PublicKey: key, ChangedAt: at(9)}))
	must(t, db.Contacts.Put(ctx, Contact{Addr: addr(1), Name: "Tomas", ChangedAt: at(10)}))
	want := Contact{Addr: addr(1), Name: "Tomas", PublicKey: key, CreatedAt: start, ChangedAt: at(10)}
	if diff := cmp.Diff(want, got(db.Contacts.Get(ctx, addr(1)))(t)); diff != "" {
		t.Error(diff)
	}
	must(t, db.Contacts.Delete(ctx, addr(1)))
	if err := db.Contacts.Delete(ctx, addr(1)); !errors.Is(err, ErrNotFound) || got(db.Contacts.Known(ctx, addr(1)))(t) || got(db.Contacts.Count(ctx))(t) != 5 {
		t.Errorf("deleting twice: %v", err)
	}
	must(t, db.Blocked.Add(ctx, BlockedAddr{Addr: addr(8), Note: "spam", Since: at(2)}))
	must(t, db.Blocked.Add(ctx, BlockedAddr{Addr: addr(9), Since: at(3)}))
	must(t, db.Blocked.Remove(ctx, addr(9)))
	if all := got(db.Blocked.List(ctx))(t); len(all) != 1 || all[0].Note != "spam" || !got(db.Blocked.Is(ctx, addr(8)))(t) || got(db.Blocked.Is(ctx, addr(9)))(t) {
		t.Errorf("blocked %+v", all)
	}
}

func TestTicketsAndCosts(t *testing.T) {
	db := openIdentity(t)
	ctx := t.Context()
	to := addr(1)
	must(t, db.Tickets.PutOutbound(ctx, Ticket{to, [16]byte{1}, at(10)}))
	must(t, db.Tickets.PutOutbound(ctx, Ticket{to, [16]byte{2}, at(20)}))
	if k := got(db.Tickets.Outbound(ctx, to, at(19)))(t); k.Ticket != [16]byte{2} {
		t.Errorf("ticket %v", k)
	}
	if err := second(db.Tickets.Outbound(ctx, to, at(20))); !errors.Is(err, ErrNotFound) {
		t.Errorf("expired ticket: %v", err)
	}
	for i := range 3 {
		must(t, db.Tickets.AddIssued(ctx, Ticket{to, [16]byte{byte(i)}, at(10 * i)}))
	}
	if issued := got(db.Tickets.Issued(ctx, to, at(5)))(t); len(issued) != 2 || issued[0].Ticket != [16]byte{2} {
		t.Errorf("issued %v", issued)
	}
	if !got(db.Tickets.Delivered(ctx, to))(t).IsZero() {
		t.Error("a delivery that never was")
	}
	must(t, db.Tickets.SetDelivered(ctx, to, at(7)))
	must(t, db.Tickets.Expire(ctx, at(10).Add(TicketGrace)))
	book := got(db.Tickets.All(ctx))(t)
	want := TicketBook{Issued: []Ticket{{to, [16]byte{2}, at(20)}}, Delivered: map[rns.Addr]time.Time{to: at(7)}}
	if diff := cmp.Diff(want, book); diff != "" {
		t.Error(diff)
	}
	eight := 8
	must(t, db.StampCosts.Put(ctx, StampCost{addr(1), &eight, start}, StampCost{addr(2), nil, at(9)}))
	if c := got(db.StampCosts.Get(ctx, addr(1)))(t); c.Cost == nil || *c.Cost != 8 {
		t.Errorf("cost %+v", c)
	}
	must(t, db.StampCosts.Expire(ctx, start.Add(StampCostMemory+time.Second)))
	if all := got(db.StampCosts.All(ctx))(t); len(all) != 1 || all[0].Destination != addr(2) || all[0].Cost != nil {
		t.Errorf("costs left: %v", all)
	}
}
