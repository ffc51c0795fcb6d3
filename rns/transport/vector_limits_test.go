package transport

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// limitEvent is one moment of a vector of path_request_limits.
type limitEvent struct {
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

// limitVector is a vector of path_request_limits, of any of its kinds.
type limitVector struct {
	Kind, Name string
	New        bool         `json:"interface_is_new"`
	Ingress    bool         `json:"ingress_control"`
	Mode       string       `json:"requesting_interface_mode"`
	Known      string       `json:"known_destination"`
	EgressB    bool         `json:"egress_control_on_b"`
	LimitB     float64      `json:"limit_on_b"`
	BitrateB   int64        `json:"bitrate_of_b"`
	Cap        float64      `json:"announce_cap"`
	WaitingB   bool         `json:"announce_waiting_on_b"`
	MaxHeld    int          `json:"max_held"`
	Requested  []string     `json:"paths_requested_before"`
	Events     []limitEvent `json:"events"`
}

func TestVectorPathRequestLimits(t *testing.T) {
	vectortest.Each(t, coreVectors, "path_request_limits", func(t *testing.T, v limitVector) {
		switch v.Kind {
		case "ingress":
			runIngress(t, v)
		case "egress":
			runEgress(t, v)
		default:
			runHeld(t, v)
		}
	})
}

// age makes an interface new where the vector says so.
func (v limitVector) age() func(*InterfaceInfo) {
	return func(i *InterfaceInfo) {
		if v.New {
			i.Created = clockBase
		}
	}
}

func limitIf(on bool) Limit {
	if on {
		return LimitOn
	}
	return LimitOff
}

func runIngress(t *testing.T, v limitVector) {
	l := transportLab(t)
	l.add("a", withMode(modeNames[v.Mode]), v.age(), func(i *InterfaceInfo) { i.IngressControl = limitIf(v.Ingress) })
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

func runEgress(t *testing.T, v limitVector) {
	l := transportLab(t)
	l.add("a", withMode(ModeGateway))
	ic := DefaultParams().Ingress
	ic.EgressRequests = v.LimitB
	l.add("b", func(i *InterfaceInfo) {
		i.EgressControl, i.Ingress, i.Bitrate, i.AnnounceCap = limitIf(v.EgressB), &ic, v.BitrateB, v.Cap
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

func runHeld(t *testing.T, v limitVector) {
	l := transportLab(t)
	ic := DefaultParams().Ingress
	ic.MaxHeld = v.MaxHeld
	l.add("a", v.age(), func(i *InterfaceInfo) { i.IngressControl, i.Ingress = LimitOn, &ic })
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
