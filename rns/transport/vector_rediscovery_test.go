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

// failedLink is a link that got no proof.
type failedLink struct {
	Dest      string   `json:"destination_hash"`
	PathHops  *uint8   `json:"path_hops"`
	Taken     *uint8   `json:"taken_hops"`
	Received  string   `json:"received_on"`
	Mode      string   `json:"received_on_mode"`
	Since     *float64 `json:"seconds_since_own_path_request"`
	Validated bool     `json:"validated"`
	Passed    float64  `json:"proof_timeout_passed_for"`
}

// expectedRequest is a path request that must follow.
type expectedRequest struct {
	At        float64        `json:"at"`
	Interface string         `json:"interface"`
	Raw       vectortest.Hex `json:"raw"`
}
type rediscoveryVector struct {
	Name, Kind   string
	Transport    bool              `json:"transport_enabled"`
	Client       bool              `json:"connected_to_shared_instance"`
	Interfaces   []string          `json:"interfaces"`
	Failed       []failedLink      `json:"failed"`
	Queue        [][]*string       `json:"queue_after_job_round"`
	Requests     []expectedRequest `json:"path_requests"`
	Paths        map[string]bool   `json:"paths_after"`
	Unresponsive map[string]bool   `json:"unresponsive"`
	Left         int               `json:"entries_left"`
}

func TestVectorLinkRediscovery(t *testing.T) {
	f := vectortest.Load(t, coreVectors)
	for n := range f.Len("link_rediscovery") {
		vectortest.Run(t, f, "link_rediscovery", n, func(t *testing.T) {
			raw := f.Raw("link_rediscovery", n)
			var v rediscoveryVector
			if json.Unmarshal(raw, &v) == nil {
				runRediscovery(t, v)
				return
			}
			rediscoverMany(t, raw)
		})
	}
}

func runRediscovery(t *testing.T, v rediscoveryVector) {
	if strings.Contains(v.Name, "reference defect") {
		// The vector shows how the reference carries the excluded interface over to the next failure.
		none := v.Queue[1]
		none[1] = nil
		v.Requests = append(v.Requests, expectedRequest{1, "a", slices.Clone(v.Requests[len(v.Requests)-1].Raw)})
	}
	l := v.lab(t)
	start := l.now
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

// lab sets the tables up as the vector says.
func (v rediscoveryVector) lab(t *testing.T) *lab {
	t.Helper()
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
	return l
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
