package transport

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

func TestVectorPathRequestAnswers(t *testing.T) {
	type answer struct {
		After float64        `json:"after"`
		Raw   vectortest.Hex `json:"raw"`
	}
	type vector struct {
		Name       string         `json:"name"`
		Mode       string         `json:"requesting_interface_mode"`
		Announce   vectortest.Hex `json:"announce"`
		ReceivedOn string         `json:"announce_received_on"`
		Request    vectortest.Hex `json:"request"`
		Answers    []answer       `json:"answers_on_requesting_interface"`
		Elsewhere  int            `json:"answers_elsewhere"`
	}
	vectortest.Each(t, coreVectors, "path_request_answers", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("requesting", withMode(modeNames[v.Mode]))
		l.add("other")
		l.in(v.ReceivedOn, v.Announce)
		l.m.pending.clear()
		l.take()
		l.in("requesting", v.Request)
		for round := 1; round <= 20; round++ {
			l.at(0.3 * float64(round))
			l.expire()
		}
		var want []sentFrame
		for _, a := range v.Answers {
			want = append(want, sentFrame{a.After, "requesting", a.Raw.String()})
		}
		if d := cmp.Diff(want, l.take()); d != "" {
			t.Error(d)
		}
	})
}

func TestVectorPathRequestRecursion(t *testing.T) {
	type vector struct {
		Mode  string         `json:"requesting_interface_mode"`
		Modes []string       `json:"forwarded_to_modes"`
		Raw   vectortest.Hex `json:"forwarded_raw"`
	}
	vectortest.Each(t, coreVectors, "path_request_recursion", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("requesting", withMode(modeNames[v.Mode]))
		for name, mode := range modeNames {
			l.add(name, withMode(mode))
		}
		dest, tag := mustAddr("e28d9fd65752ffabd12fa58c0a8d4219"), make([]byte, rns.TagSize)
		if v.Raw != nil {
			q, err := rns.ParsePathRequest(v.Raw[rns.HeaderMinSize:])
			if err != nil {
				t.Fatal(err)
			}
			dest, tag = q.Dest, q.Tag
		}
		l.in("requesting", rns.PathRequest{Dest: dest, Tag: tag}.Packet().Append(nil))
		var got []string
		for _, f := range l.take() {
			got = append(got, f.Interface)
			equal(t, "raw", f.Raw, v.Raw.String())
		}
		slices.Sort(got)
		slices.Sort(v.Modes)
		equal(t, strings.Join(got, " "), slices.Compare(got, v.Modes), 0)
	})
}

func TestVectorPathRequestLimits(t *testing.T) {
	type event struct {
		At       float64        `json:"at"`
		Event    string         `json:"event"`
		Label    string         `json:"label"`
		Raw      vectortest.Hex `json:"raw"`
		Searched []string       `json:"searched"`
		Answer   bool           `json:"answer_scheduled"`
		Burst    bool           `json:"burst_active"`
		Counted  *int           `json:"requests_counted"`

		In       vectortest.Hex `json:"in"`
		OnB      []string       `json:"sent_on_b"`
		OnC      int            `json:"sent_on_c"`
		BCounted int            `json:"b_outgoing_counted"`
		BAllowed float64        `json:"b_allowed_at"`

		Result      string   `json:"result"`
		HeldInOrder []string `json:"held_in_order"`
		Held        []string `json:"held"`
		Released    string   `json:"released"`
		NextRelease float64  `json:"next_release"`
		Announces   int      `json:"announces_counted"`
	}
	type vector struct {
		Kind, Name string
		New        bool     `json:"interface_is_new"`
		Ingress    bool     `json:"ingress_control"`
		Mode       string   `json:"requesting_interface_mode"`
		Known      string   `json:"known_destination"`
		EgressB    bool     `json:"egress_control_on_b"`
		LimitB     float64  `json:"limit_on_b"`
		BitrateB   int64    `json:"bitrate_of_b"`
		Cap        float64  `json:"announce_cap"`
		WaitingB   bool     `json:"announce_waiting_on_b"`
		MaxHeld    int      `json:"max_held"`
		Requested  []string `json:"paths_requested_before"`
		Events     []event  `json:"events"`
	}
	age := func(v vector) func(*InterfaceInfo) {
		return func(i *InterfaceInfo) {
			if v.New {
				i.Created = clockBase
			}
		}
	}
	limit := func(on bool) Limit {
		if on {
			return LimitOn
		}
		return LimitOff
	}
	ingress := func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("a", withMode(modeNames[v.Mode]), age(v), func(i *InterfaceInfo) { i.IngressControl = limit(v.Ingress) })
		l.add("b")
		known := mustAddr(v.Known)
		l.path(known, known, 1, "b")
		l.m.paths.get(known).announce = packed(make([]byte, 200))
		a := l.m.interfaces[l.ids["a"]]
		for _, e := range v.Events {
			l.at(e.At)
			now := l.m.clock.at(l.now)
			if e.Event == "job round" {
				a.limitAnnounce(now)
				a.limitRequest(now)
			} else {
				l.m.pending.clear()
				l.in("a", e.Raw)
			}
			got := by(l.take())["b"]
			equal(t, "searched", slices.Compare(got, e.Searched), 0)
			equal(t, "answer", l.m.pending.get(known) != nil, e.Answer)
			equal(t, "burst", a.requestBurst.active, e.Burst)
			if e.Counted != nil {
				equal(t, "counted", int(a.inRequests.n), *e.Counted)
			}
			if t.Failed() {
				t.Fatalf("%s at %v", e.Event, e.At)
			}
			l.m.requests.search.clear()
			l.m.pending.clear()
		}
	}
	egress := func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("a", withMode(ModeGateway))
		ic := DefaultParams().Ingress
		ic.EgressRequests = v.LimitB
		l.add("b", func(i *InterfaceInfo) {
			i.EgressControl, i.Ingress, i.Bitrate, i.AnnounceCap = limit(v.EgressB), &ic, v.BitrateB, v.Cap
		})
		l.add("c")
		b := l.m.interfaces[l.ids["b"]]
		if v.WaitingB {
			b.queue.push(l.m.clock.at(l.now), rns.Addr{1}, queuedAnnounce{emitted: 1}, 10)
		}
		for _, e := range v.Events {
			l.at(e.At)
			l.in("a", e.In)
			got := by(l.take())
			equal(t, "on b", slices.Compare(got["b"], e.OnB), 0)
			equal(t, "on c", len(got["c"]), e.OnC)
			equal(t, "counted", int(b.outRequests.n), e.BCounted)
			if e.BAllowed != 0 {
				equal(t, "allowed", fmt.Sprintf("%.4f", l.m.clock.wall(b.queue.allowedAt).Sub(l.base).Seconds()), fmt.Sprintf("%.4f", e.BAllowed))
			}
			if t.Failed() {
				t.Fatalf("at %v", e.At)
			}
		}
	}
	held := func(t *testing.T, v vector) {
		l := transportLab(t)
		ic := DefaultParams().Ingress
		ic.MaxHeld = v.MaxHeld
		l.add("a", age(v), func(i *InterfaceInfo) { i.IngressControl, i.Ingress = LimitOn, &ic })
		a := l.m.interfaces[l.ids["a"]]
		labels := make(map[rns.Addr]string)
		for _, e := range v.Events {
			if e.Event == "announce" {
				labels[destOf(t, e.Raw)] = e.Label
				if slices.Contains(v.Requested, e.Label) && l.m.requests.sent.get(destOf(t, e.Raw)) == nil {
					l.m.SeedRequest(l.now, RequestRecord{Destination: destOf(t, e.Raw), At: l.now})
				}
			}
		}
		names := func() []string {
			out := []string{}
			type h struct {
				name  string
				since tick
			}
			var hs []h
			for d, e := range a.held.all() {
				hs = append(hs, h{labels[d], e.since})
			}
			slices.SortFunc(hs, func(x, y h) int { return int(clamp(int64(x.since - y.since))) })
			for _, e := range hs {
				out = append(out, e.name)
			}
			return out
		}
		for _, e := range v.Events {
			l.at(e.At)
			switch e.Event {
			case "announce":
				before := len(names())
				verdict := l.in("a", e.Raw)
				_ = before
				want := map[string]rns.Verdict{"held": rns.VerdictHeld, "accepted": rns.VerdictLearned}[e.Result]
				if want != rns.VerdictNone {
					equal(t, e.Label+" "+e.Result, verdict, want)
				} else if verdict != rns.VerdictQueueFull && verdict != rns.VerdictHopLimit {
					t.Errorf("%s: %v, want %s", e.Label, verdict, e.Result)
				}
			case "state":
				equal(t, "held", strings.Join(names(), " "), strings.Join(e.HeldInOrder, " "))
			default:
				l.verdict = rns.VerdictNone
				had := names()
				fx, now := l.m.begin(l.now)
				l.m.interfaceRound(now)
				l.apply(fx)
				var released string
				for _, n := range had {
					if !slices.Contains(names(), n) || len(l.m.fx.Verify) > 0 {
						released = n
					}
				}
				if e.Result == "accepted" {
					equal(t, "released", released, e.Released)
					equal(t, "result", l.verdict, rns.VerdictLearned)
				}
				equal(t, "held", strings.Join(names(), " "), strings.Join(e.Held, " "))
				equal(t, "counted", int(a.inAnnounces.n), e.Announces)
			}
			equal(t, "burst", a.announceBurst.active, e.Burst)
			if e.NextRelease != 0 {
				equal(t, "next release", fmt.Sprintf("%.2f", l.m.clock.wall(a.nextRelease).Sub(l.base).Seconds()), fmt.Sprintf("%.2f", e.NextRelease))
			}
			if t.Failed() {
				t.Fatalf("%s: %s at %v", v.Name, e.Event, e.At)
			}
		}
	}
	vectortest.Each(t, coreVectors, "path_request_limits", func(t *testing.T, v vector) {
		switch v.Kind {
		case "ingress":
			ingress(t, v)
		case "egress":
			egress(t, v)
		default:
			held(t, v)
		}
	})
}

func TestVectorLinkRediscovery(t *testing.T) {
	type failed struct {
		Dest      string   `json:"destination_hash"`
		PathHops  *uint8   `json:"path_hops"`
		Taken     *uint8   `json:"taken_hops"`
		Received  string   `json:"received_on"`
		Mode      string   `json:"received_on_mode"`
		Since     *float64 `json:"seconds_since_own_path_request"`
		Validated bool     `json:"validated"`
		Passed    float64  `json:"proof_timeout_passed_for"`
	}
	type request struct {
		At        float64        `json:"at"`
		Interface string         `json:"interface"`
		Raw       vectortest.Hex `json:"raw"`
	}
	type vector struct {
		Name, Kind   string
		Transport    bool            `json:"transport_enabled"`
		Client       bool            `json:"connected_to_shared_instance"`
		Interfaces   []string        `json:"interfaces"`
		Failed       []failed        `json:"failed"`
		Queue        [][]*string     `json:"queue_after_job_round"`
		Requests     []request       `json:"path_requests"`
		Paths        map[string]bool `json:"paths_after"`
		Unresponsive map[string]bool `json:"unresponsive"`
		Left         int             `json:"entries_left"`
	}
	run := func(t *testing.T, v vector) {
		if strings.Contains(v.Name, "reference defect") {
			// The vector shows how the reference carries the excluded interface over to the next failure.
			none := v.Queue[1]
			none[1] = nil
			v.Requests = append(v.Requests, request{1, "a", slices.Clone(v.Requests[len(v.Requests)-1].Raw)})
		}
		l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: v.Transport})
		modes := make(map[string]string)
		for _, f := range v.Failed {
			if f.Received != "" {
				modes[f.Received] = f.Mode
			}
		}
		for i, name := range v.Interfaces {
			change := []func(*InterfaceInfo){withMode(modeNames[modes[name]])}
			switch {
			case strings.HasPrefix(name, "client"):
				change = append(change, func(i *InterfaceInfo) { i.Role = RoleLocalClient })
			case v.Client && i == 0:
				change = append(change, func(i *InterfaceInfo) { i.Role = RoleSharedInstance })
			}
			l.add(name, change...)
		}
		l.at(100)
		start := l.now
		for i, f := range v.Failed {
			dest := mustAddr(f.Dest)
			if f.PathHops != nil {
				l.path(dest, mustAddr("427f4711bc00022a8f59b2c082dee480"), *f.PathHops, "b")
			}
			if f.Since != nil {
				l.m.SeedRequest(l.now, RequestRecord{Destination: dest, At: l.now.Add(-seconds(*f.Since))})
			}
			if f.Taken == nil {
				if err := l.m.RegisterLink(LocalLink{ID: rns.Addr{byte(i)}, Destination: dest, Role: LinkInitiator}); err != nil {
					t.Fatal(err)
				}
				continue
			}
			l.m.SeedLink(l.now, LinkRecord{
				Link: rns.Addr{byte(i), 1}, Timestamp: l.now.Add(-20 * time.Second), NextInterface: l.ids["b"], Remaining: 2,
				Received: l.ids[f.Received], Taken: *f.Taken, Destination: dest, Validated: f.Validated,
				ProofTimeout: l.now.Add(-seconds(f.Passed)),
			})
		}
		l.expire()
		for i, f := range v.Failed {
			if f.Taken == nil {
				l.apply(l.m.RemoveLink(l.now, rns.Addr{byte(i)}, LinkNeverProved))
			}
		}
		var queue [][]*string
		for r := range l.m.Requests() {
			if r.Kind == RequestQueued {
				dest := r.Destination.Hex()
				entry := []*string{&dest, nil}
				if name, ok := l.names[r.Interface]; ok {
					entry[1] = &name
				}
				queue = append(queue, entry)
			}
		}
		order := func(a, b []*string) int { return strings.Compare(*a[0], *b[0]) } // within one instant it is not defined
		slices.SortFunc(queue, order)
		slices.SortFunc(v.Queue, order)
		if d := cmp.Diff(v.Queue, queue, cmpopts.EquateEmpty()); d != "" {
			t.Error("queue: ", d)
		}
		for dest, want := range v.Paths {
			equal(t, "path "+dest, l.m.HasPath(mustAddr(dest)), want)
		}
		for dest, want := range v.Unresponsive {
			p, _ := l.m.Path(l.now, mustAddr(dest))
			equal(t, "unresponsive "+dest, p.State == PathUnresponsive, want)
		}
		equal(t, "entries left", l.m.links.len(), v.Left)
		l.take()
		for range 200 {
			if v.Failed[0].Passed < 0 {
				break // it passes later
			}
			l.now = l.now.Add(250 * time.Millisecond)
			l.expire()
		}
		// Tags are random, and a shared tag is shared by all requests of one instant.
		cut := func(at float64, name, raw string) string {
			return fmt.Sprintf("%.2f %s %s", at, name, raw[:len(raw)-32])
		}
		var want, got []string
		for _, r := range v.Requests {
			want = append(want, cut(r.At, r.Interface, hex.EncodeToString(r.Raw)))
		}
		for _, f := range l.take() {
			got = append(got, cut(f.At-start.Sub(l.base).Seconds(), f.Interface, f.Raw))
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(v.Name, d)
		}
	}
	f := vectortest.Load(t, coreVectors)
	for n := range f.Len("link_rediscovery") {
		vectortest.Run(t, f, "link_rediscovery", n, func(t *testing.T) {
			raw := f.Raw("link_rediscovery", n)
			var v vector
			if json.Unmarshal(raw, &v) == nil {
				run(t, v)
				return
			}
			rediscoverMany(t, raw)
		})
	}
}

// rediscoverMany runs the vector that gives numbers instead of lists.
func rediscoverMany(t *testing.T, raw []byte) {
	var v struct {
		Failed   int `json:"failed"`
		Queue    int `json:"queue_after_job_round"`
		Requests []struct {
			At float64 `json:"at"`
		} `json:"path_requests"`
	}
	must(t, json.Unmarshal(raw, &v))
	l := transportLab(t)
	l.add("a")
	l.add("b")
	for i := range v.Failed {
		l.m.SeedLink(l.now, LinkRecord{
			Link: rns.Addr{byte(i), 1}, Timestamp: l.now.Add(-20 * time.Second), NextInterface: l.ids["b"], Remaining: 2,
			Received: l.ids["a"], Taken: 1, Destination: rns.Addr{byte(i), 2}, ProofTimeout: l.now.Add(-time.Second),
		})
	}
	l.expire()
	equal(t, "queue", len(l.m.requests.queue), v.Queue)
	l.take()
	for range 200 {
		l.now = l.now.Add(250 * time.Millisecond)
		l.expire()
	}
	var want, got []float64
	for _, r := range v.Requests {
		want = append(want, r.At)
	}
	for _, f := range l.take() {
		if f.Interface == "a" {
			got = append(got, f.At)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
