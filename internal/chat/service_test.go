package chat

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

func TestDraftsConflict(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	u, err := d.Upload(t.Context(), "a.txt", FormFile, strings.NewReader("a"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := d.PutDraft(t.Context(), store.Draft{Peer: bob, Content: "one", Uploads: []store.Upload{{ID: u.ID}}})
	if err != nil || first.Rev != 1 || len(first.Uploads) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := d.PutDraft(t.Context(), store.Draft{Peer: bob, Content: "other"}); !errors.Is(err, ErrDraftConflict) {
		t.Fatalf("stale: %v", err)
	}
	if _, err := d.PutDraft(t.Context(), store.Draft{Peer: bob, Rev: 1, Content: "two", Uploads: []store.Upload{{ID: store.UploadID{9}}}}); !errors.Is(err, ErrUpload) {
		t.Fatalf("unknown file: %v", err)
	}
	list, _, err := d.Conversations(t.Context(), store.ViewInbox, "", "", 10)
	if err != nil || len(list) != 1 || list[0].Draft != "one" {
		t.Fatalf("%+v, %v", list, err)
	}
	// What is written elsewhere leaves the draft alone.
	d.send(Outgoing{Peer: bob, Content: "by the way", Draft: DraftKept})
	if kept, err := d.Draft(t.Context(), bob); err != nil || kept.Content != "one" || len(kept.Uploads) != 1 {
		t.Fatalf("%+v, %v", kept, err)
	}
	// Sending turns the draft into the message.
	d.send(Outgoing{Peer: bob, Content: "one", Uploads: []store.UploadID{u.ID}})
	if after, err := d.Draft(t.Context(), bob); err != nil || after.Rev != 0 {
		t.Fatalf("%+v, %v", after, err)
	}
}

func TestRepliesAndReactions(t *testing.T) {
	alice, mira := newIdentity(t), newIdentity(t)
	d := newDesk(t, t.TempDir(), alice)
	peer := lxmf.DeliveryHash(mira.Hash())
	asked := d.send(Outgoing{Peer: peer, Content: "where are\nyou?"})
	answer := letter(t, mira, d.Address(), "here", func(f *lxmf.Fields) { f.SetReplyTo(asked.ID) })
	liked := letter(t, mira, d.Address(), "", func(f *lxmf.Fields) { f.SetReaction(asked.ID, "👍") })
	lost := letter(t, mira, d.Address(), "what", func(f *lxmf.Fields) { f.SetReplyTo(rns.Hash{1}) })
	for _, in := range []Inbound{answer, liked, lost} {
		if err := d.Receive(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	want := &Reply{ID: asked.ID, Known: true, Direction: store.Outgoing, Snippet: "where are you?"}
	if diff := cmp.Diff(want, d.message(answer.Message.Hash).Reply); diff != "" {
		t.Error(diff)
	}
	if m := d.message(liked.Message.Hash); m.Content != "👍" || m.Reply == nil || !m.Reply.Known {
		t.Errorf("reaction shown as %+v", m)
	}
	if m := d.message(lost.Message.Hash); m.Reply == nil || m.Reply.Known {
		t.Errorf("reply to the unknown: %+v", m.Reply)
	}
	back := d.send(Outgoing{Peer: peer, Content: "good", ReplyTo: answer.Message.Hash})
	sent := d.carrier.sent[len(d.carrier.sent)-1].Message
	target, ok := sent.Fields.ReplyTo()
	quote, _ := sent.Fields.ReplyQuote()
	if !ok || !target.Names(answer.Message.Hash) || quote != "here" || back.Peer != peer {
		t.Errorf("reply travels as %+v, quote %q", target, quote)
	}
}

func TestUnreadAndRead(t *testing.T) {
	d, mira := newDesk(t, t.TempDir(), newIdentity(t)), newIdentity(t)
	peer := lxmf.DeliveryHash(mira.Hash())
	d.send(Outgoing{Peer: peer, Content: "hello"})
	var ids []rns.Hash
	for _, text := range []string{"a", "b", "c"} {
		in := letter(t, mira, d.Address(), text, nil)
		if err := d.Receive(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, in.Message.Hash)
	}
	check := func(unread int, first rns.Hash) {
		t.Helper()
		w, err := d.Messages(t.Context(), peer, Place{}, 10)
		if err != nil || w.FirstUnread != first {
			t.Fatalf("first unread %v, want %v, %v", w.FirstUnread, first, err)
		}
		c, err := d.Conversation(t.Context(), peer)
		if err != nil || c.Unread != unread {
			t.Fatalf("%d unread, want %d, %v", c.Unread, unread, err)
		}
	}
	check(3, ids[0])
	if err := d.MarkRead(t.Context(), peer, ids[1]); err != nil {
		t.Fatal(err)
	}
	check(1, ids[2])
	if err := d.MarkRead(t.Context(), peer, rns.Hash{}); err != nil {
		t.Fatal(err)
	}
	check(0, rns.Hash{})
	if err := d.MarkRead(t.Context(), bob, rns.Hash{}); err != nil {
		t.Fatalf("a conversation that is not there: %v", err)
	}
}

func TestListPagesAndNames(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	for i := range 7 {
		d.send(Outgoing{Peer: rns.Addr{byte(i + 1)}, Content: "hello"})
	}
	pinned := true
	if err := d.ChangeConversation(t.Context(), rns.Addr{3}, Change{Pinned: &pinned}); err != nil {
		t.Fatal(err)
	}
	var got []byte
	cursor := ""
	for range 10 {
		page, next, err := d.Conversations(t.Context(), store.ViewInbox, "", cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			got = append(got, c.Peer[0])
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]byte{3, 7, 6, 5, 4, 2, 1}, got); diff != "" {
		t.Fatal(diff)
	}
	found, _, err := d.Conversations(t.Context(), store.ViewInbox, "peer 05", "", 10)
	if err != nil || len(found) != 1 || found[0].Peer != (rns.Addr{5}) {
		t.Fatalf("%+v, %v", found, err)
	}
	if _, _, err := d.Conversations(t.Context(), store.ViewInbox, "", "nonsense", 3); !errors.Is(err, ErrCursor) {
		t.Fatal(err)
	}
}

func TestSearchMarksWords(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	d.send(Outgoing{Peer: bob, Content: strings.Repeat("filler ", 30) + "the Harbour at night"})
	d.send(Outgoing{Peer: bob, Content: "Treffen im 天地 café"})
	hits, more, err := d.Search(t.Context(), "harbour night", rns.Addr{}, 0, 10)
	if err != nil || more || len(hits) != 1 || hits[0].Name != "Peer b0" {
		t.Fatalf("%+v, %v", hits, err)
	}
	var marked []string
	for _, f := range hits[0].Snippet {
		if f.Hit {
			marked = append(marked, f.Text)
		}
	}
	if diff := cmp.Diff([]string{"Harbour", "night"}, marked); diff != "" {
		t.Fatal(diff)
	}
	for _, q := range []string{"天地", "cafe"} {
		if hits, _, err := d.Search(t.Context(), q, bob, 0, 10); err != nil || len(hits) != 1 {
			t.Errorf("%s: %d hits, %v", q, len(hits), err)
		}
	}
}

func TestReverifyWhenTheKeyIsKnown(t *testing.T) {
	d, mira := newDesk(t, t.TempDir(), newIdentity(t)), newIdentity(t)
	peer := lxmf.DeliveryHash(mira.Hash())
	real, forged := letter(t, mira, d.Address(), "real", nil), letter(t, newIdentity(t), d.Address(), "forged", nil)
	forged.Message.Source = peer
	forged.Message.Sign(newIdentity(t))
	var err error
	if forged.Packed, err = forged.Message.Pack(nil); err != nil {
		t.Fatal(err)
	}
	for _, in := range []Inbound{real, forged} {
		in.Verified = store.SourceUnknown
		if err := d.Receive(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Reverify(t.Context(), peer, mira.Public()); err != nil {
		t.Fatal(err)
	}
	if v := d.message(real.Message.Hash).Verified; v != store.Verified {
		t.Errorf("real: %v", v)
	}
	if v := d.message(forged.Message.Hash).Verified; v != store.SignatureInvalid {
		t.Errorf("forged: %v", v)
	}
}

func TestDeleteConversationStopsWhatIsOnItsWay(t *testing.T) {
	d := newDesk(t, t.TempDir(), newIdentity(t))
	ref := d.send(Outgoing{Peer: bob, Content: "hello"})
	if err := d.DeleteConversation(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	d.happen(ref.ID, Event{Kind: EventFailed, Code: CodeNoPath}) // too late to matter
	if len(d.carrier.cancelled) != 1 || len(d.window(bob)) != 0 {
		t.Fatalf("cancelled %v", d.carrier.cancelled)
	}
	if _, err := d.Message(t.Context(), ref.ID); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	up := []Medium{{Name: "Hub", Up: true}}
	near := Route{Known: true, Hops: 2, Interface: "Hub", Identity: true, HeardAt: now.Add(-time.Minute)}
	failed := func(c Code) Delivery { return Delivery{State: StateFailed, Code: c} }
	tests := []struct {
		name string
		f    facts
		want VerdictCode
		sure Confidence
	}{
		{"no interface", facts{delivery: failed(CodeNoInterface), media: []Medium{{Name: "Hub"}}, route: near}, VerdictNoInterface, Certain},
		{"never heard", facts{delivery: failed(CodeNoIdentity), media: up}, VerdictNeverHeard, Certain},
		{"quiet for hours", facts{delivery: failed(CodeLinkTimeout), media: up, route: Route{Known: true, Identity: true, HeardAt: now.Add(-3 * time.Hour)}}, VerdictQuiet, Probable},
		{"no path", facts{delivery: failed(CodeNoPath), media: up, route: Route{Identity: true, HeardAt: now}}, VerdictNoPath, Certain},
		{"path found since", facts{delivery: failed(CodeNoPath), media: up, route: near}, VerdictNoPath, Unsure},
		{"link", facts{delivery: failed(CodeLinkTimeout), media: up, route: near}, VerdictLinkFailed, Probable},
		{"proof", facts{delivery: failed(CodeProofTimeout), media: up, route: near}, VerdictNoProof, Probable},
		{"stalled", facts{delivery: failed(CodeTransferStalled), media: up, route: near}, VerdictStalled, Probable},
		{"too large, whatever the network", facts{delivery: Delivery{State: StateRefused, Code: CodeTooLargeDirect}}, VerdictTooLarge, Certain},
		{"stamp", facts{delivery: Delivery{State: StateRefused, Code: CodeStampRefused}, media: up, route: near}, VerdictStamp, Certain},
		{"refused", facts{delivery: Delivery{State: StateRefused, Code: CodeUnknown}, media: up, route: near}, VerdictRefused, Certain},
		{"waits until heard", facts{delivery: Delivery{State: StateWaitHeard}, media: up, route: near}, VerdictWaitingHeard, Certain},
		{"cancelled", facts{delivery: Delivery{State: StateCancelled}, media: up, route: near}, VerdictCancelled, Certain},
		{"delivered", facts{delivery: Delivery{State: StateDelivered}}, VerdictDelivered, Certain},
		{"sending", facts{delivery: Delivery{State: StateSending}, media: up, route: near}, VerdictOnItsWay, Certain},
		{"unknown", facts{delivery: failed(CodeUnknown), media: up, route: near}, VerdictUnknown, Unsure},
	}
	for _, tt := range tests {
		tt.f.now = now
		if got := judge(tt.f); got.Code != tt.want || got.Confidence != tt.sure {
			t.Errorf("%s: %s, %s", tt.name, got.Code, got.Confidence)
		}
	}
}

func TestChecksEndAndSayWhy(t *testing.T) {
	tests := []struct {
		name   string
		change func(*still)
		path   CheckState
		link   CheckState
	}{
		{"all well", func(*still) {}, CheckOK, CheckOK},
		{"no answer", func(s *still) { s.find = errors.New("none") }, CheckFail, CheckSkipped},
		{"no link", func(s *still) { s.link = errors.New("none") }, CheckOK, CheckFail},
		{"nothing is up", func(s *still) { s.media[0].Up = false }, CheckSkipped, CheckSkipped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, t.TempDir(), newIdentity(t))
			d.network.media = []Medium{{Name: "Hub", Up: true, Traffic: d.clock.Now()}}
			d.network.route = Route{Known: true, Hops: 1, Interface: "Hub", Identity: true, HeardAt: d.clock.Now()}
			tt.change(d.network)
			ref := d.send(Outgoing{Peer: bob, Content: "hello"})
			for range 2 {
				if err := d.RunChecks(t.Context(), ref.ID); err != nil {
					t.Fatal(err)
				}
			}
			d.jobs.Wait()
			diagnosis, err := d.Diagnose(t.Context(), ref.ID)
			if err != nil || len(diagnosis.Checks) != len(checkOrder) || len(diagnosis.Path) != 4 {
				t.Fatalf("%+v, %v", diagnosis, err)
			}
			for _, c := range diagnosis.Checks {
				switch {
				case c.State == CheckRunning || c.State == CheckIdle:
					t.Errorf("%s never ended", c.Name)
				case c.Name == CheckPathRequest && c.State != tt.path, c.Name == CheckLink && c.State != tt.link:
					t.Errorf("%s: %s (%s)", c.Name, c.State, c.Code)
				}
			}
		})
	}
}

// Serve writes what was reported before it ends.
func TestServeFlushesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, t.TempDir(), newIdentity(t))
		ref := d.send(Outgoing{Peer: bob, Content: "hello"})
		d.Happened(ref.ID, Event{At: d.clock.Now(), Kind: EventDelivered})
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ended <- d.Serve(ctx) }()
		cancel()
		<-ended
		rows, err := d.db.Events.List(t.Context(), ref.ID)
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if err := d.db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What belongs to one identity cannot be reached through another.
func TestIdentitiesAreApart(t *testing.T) {
	one, two := newDesk(t, t.TempDir(), newIdentity(t)), newDesk(t, t.TempDir(), newIdentity(t))
	u, err := one.Upload(t.Context(), "secret.txt", FormFile, bytes.NewReader([]byte("secret")))
	if err != nil {
		t.Fatal(err)
	}
	ref := one.send(Outgoing{Peer: bob, Content: "secret", Uploads: []store.UploadID{u.ID}})
	if _, err := two.Message(t.Context(), ref.ID); !errors.Is(err, ErrNotFound) {
		t.Error("message:", err)
	}
	if _, _, err := two.OpenAttachment(t.Context(), ref.ID, 0); !errors.Is(err, ErrNotFound) {
		t.Error("file:", err)
	}
	if _, err := two.GetUpload(t.Context(), u.ID); !errors.Is(err, ErrUpload) {
		t.Error("upload:", err)
	}
	if hits, _, err := two.Search(t.Context(), "secret", rns.Addr{}, 0, 10); err != nil || len(hits) != 0 {
		t.Error("search:", len(hits), err)
	}
	if err := two.Cancel(t.Context(), ref.ID); !errors.Is(err, ErrNotFound) {
		t.Error("cancel:", err)
	}
}
