package router_test

import (
	"testing"

	"pgregory.net/rapid"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// The whole policy as a table. spec: lxmf §9.6
func TestDecide(t *testing.T) {
	identity, stranger := rns.Addr{1}, rns.Addr{2}
	address := lxmf.DeliveryHash(identity)
	only := func(a, id rns.Addr) router.Peers {
		p := make(router.Peers)
		p.Add(a, id)
		return p
	}
	files := &lxmf.Message{}
	files.Fields.SetImage(lxmf.Image{Format: "png", Data: []byte{1}})
	words := &lxmf.Message{Title: []byte("Hi"), Content: []byte("Buy CHEAP Straße")}
	ask := router.Rules{Strangers: router.StrangersAsk}
	for _, c := range []struct {
		name  string
		rules router.Rules
		q     router.Query
		want  router.Answer
	}{
		{"nothing forbidden", router.Rules{}, router.Query{Gate: router.GateSource, Source: stranger, Relation: router.RelationStranger}, router.Answer{}},
		{"blocked peer of a link", router.Rules{Blocked: only(address, identity)}, router.Query{Gate: router.GateLink, Identity: identity},
			router.Answer{Action: router.ActionRefuse, Cause: router.CauseBlocked}},
		{"block by address only", router.Rules{Blocked: only(address, rns.Addr{})}, router.Query{Gate: router.GateLink, Identity: identity},
			router.Answer{Action: router.ActionRefuse, Cause: router.CauseBlocked}},
		{"blocked resource", router.Rules{Blocked: only(address, identity)}, router.Query{Gate: router.GateOffer, Identity: identity, Relation: router.RelationContact},
			router.Answer{Action: router.ActionRefuse, Cause: router.CauseBlocked}},
		{"blocked message", router.Rules{Blocked: only(rns.Addr{9}, identity)}, router.Query{Gate: router.GateSource, Source: address, Relation: router.RelationContact},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseBlocked}},
		{"blocked beats allowed", router.Rules{Blocked: only(address, identity), Allowed: only(address, identity)}, router.Query{Gate: router.GateSource, Source: address},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseBlocked}},
		{"too large", router.Rules{Limit: 10}, router.Query{Gate: router.GateOffer, Size: 11}, router.Answer{Action: router.ActionRefuse, Cause: router.CauseSize}},
		{"just fits", router.Rules{Limit: 10}, router.Query{Gate: router.GateOffer, Size: 10}, router.Answer{}},
		{"too large from the allowed", router.Rules{Limit: 10, Allowed: only(address, identity)}, router.Query{Gate: router.GateOffer, Identity: identity, Size: 11},
			router.Answer{Action: router.ActionRefuse, Cause: router.CauseSize}},
		{"ignored link stays", router.Rules{Ignored: only(address, identity)}, router.Query{Gate: router.GateLink, Identity: identity}, router.Answer{}},
		{"ignored message", router.Rules{Ignored: only(address, identity)}, router.Query{Gate: router.GateAuthor, Source: address},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseIgnored}},
		{"allowed stranger", router.Rules{Strangers: router.StrangersRefused, Allowed: only(address, identity)},
			router.Query{Gate: router.GateAuthor, Source: address, Relation: router.RelationStranger}, router.Answer{Cause: router.CauseListed}},
		{"allowed, but forged", router.Rules{Strangers: router.StrangersRefused, Allowed: only(address, identity)},
			router.Query{Gate: router.GateAuthor, Source: address, Relation: router.RelationStranger, Unverified: lxmf.SignatureInvalid},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseStranger}},
		{"listed only", router.Rules{Audience: router.ListedOnly}, router.Query{Gate: router.GateSource, Source: stranger, Relation: router.RelationStranger},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseNotListed}},
		{"listed only, known", router.Rules{Audience: router.ListedOnly}, router.Query{Gate: router.GateSource, Source: stranger, Relation: router.RelationKnown}, router.Answer{}},
		{"strangers refused at the link", router.Rules{Strangers: router.StrangersRefused}, router.Query{Gate: router.GateLink, Identity: identity, Relation: router.RelationStranger},
			router.Answer{Action: router.ActionRefuse, Cause: router.CauseStranger}},
		{"nobody identified", router.Rules{Strangers: router.StrangersRefused, Audience: router.ListedOnly}, router.Query{Gate: router.GateOffer, Size: 5}, router.Answer{}},
		{"contact without a key", router.Rules{Strangers: router.StrangersRefused}, router.Query{Gate: router.GateAuthor, Relation: router.RelationContact, Unverified: lxmf.SourceUnknown},
			router.Answer{}},
		{"contact, but forged", router.Rules{Strangers: router.StrangersRefused}, router.Query{Gate: router.GateAuthor, Relation: router.RelationContact, Unverified: lxmf.SignatureInvalid},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseStranger}},
		{"ask", ask, router.Query{Gate: router.GateAuthor, Relation: router.RelationStranger, Message: files}, router.Answer{Action: router.ActionRequest, Cause: router.CauseStranger}},
		{"files of strangers", router.Rules{StrangerFiles: router.FilesRefused}, router.Query{Gate: router.GateAuthor, Relation: router.RelationStranger, Message: files},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseStrangerFiles}},
		{"files of others", router.Rules{StrangerFiles: router.FilesRefused}, router.Query{Gate: router.GateAuthor, Relation: router.RelationKnown, Message: files}, router.Answer{}},
		{"word", router.Rules{Words: []string{"", "cheap"}}, router.Query{Gate: router.GateSource, Relation: router.RelationStranger, Message: words},
			router.Answer{Action: router.ActionDiscard, Cause: router.CauseWord}},
		{"word of a friend", router.Rules{Words: []string{"cheap"}}, router.Query{Gate: router.GateSource, Relation: router.RelationContact, Message: words}, router.Answer{}},
		{"other word", router.Rules{Words: []string{"cheaper"}}, router.Query{Gate: router.GateSource, Relation: router.RelationStranger, Message: words}, router.Answer{}},
	} {
		if got := c.rules.Decide(c.q); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Whatever the rules: who is blocked is never accepted, nothing is refused that has arrived, and a later gate never accepts less
// of a friend with a good signature than an earlier one.
func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		identity := rns.Addr{byte(rapid.IntRange(1, 3).Draw(t, "identity"))}
		set := func(name string) router.Peers {
			p := make(router.Peers)
			for _, i := range rapid.SliceOfN(rapid.IntRange(1, 3), 0, 3).Draw(t, name) {
				id := rns.Addr{byte(i)}
				p.Add(lxmf.DeliveryHash(id), id)
			}
			return p
		}
		rules := router.Rules{
			Blocked: set("blocked"), Ignored: set("ignored"), Allowed: set("allowed"),
			Audience: router.Audience(rapid.IntRange(0, 1).Draw(t, "audience")), Strangers: router.StrangerRule(rapid.IntRange(0, 2).Draw(t, "strangers")),
			StrangerFiles: router.FileRule(rapid.IntRange(0, 1).Draw(t, "files")), Words: []string{"x"},
		}
		q := router.Query{
			Gate: router.Gate(rapid.IntRange(1, 4).Draw(t, "gate")), Identity: identity, Source: lxmf.DeliveryHash(identity),
			Relation: router.Relation(rapid.IntRange(0, 3).Draw(t, "relation")), Message: &lxmf.Message{Content: []byte("x")},
		}
		got := rules.Decide(q)
		if _, blocked := rules.Blocked[identity]; blocked && got.Accepted() {
			t.Fatalf("blocked and accepted: %+v", got)
		}
		if q.Gate >= router.GateSource && got.Action == router.ActionRefuse {
			t.Fatalf("refused after it arrived: %+v", got)
		}
		if !got.Accepted() && got.Cause == router.CauseNone {
			t.Fatal("no reason given")
		}
		_, blocked := rules.Blocked[identity]
		_, ignored := rules.Ignored[identity]
		if q.Relation > router.RelationStranger && !blocked && !ignored && !got.Accepted() {
			t.Fatalf("a friend is turned away: %+v", got)
		}
	})
}
