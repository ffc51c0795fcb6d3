package interfaces

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/control"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
)

// stack is a node that only keeps count.
type stack struct {
	mu    sync.Mutex
	next  node.InterfaceID
	live  map[node.InterfaceID]node.InterfaceStatus
	moves []string
	paths []node.Path

	shared node.SharedStatus
	calls  control.Service
}

func (s *stack) AddInterface(d iface.Interface, c node.InterfaceConfig) (node.InterfaceID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared.Role == node.RoleClient {
		return 0, node.ErrClientRole
	}
	s.next++
	s.live[s.next] = node.InterfaceStatus{ID: s.next, Info: d.Info(), Config: c, State: node.InterfaceState{Word: node.StateUp}}
	s.moves = append(s.moves, "+"+d.Info().Name)
	return s.next, nil
}

func (s *stack) RemoveInterface(_ context.Context, id node.InterfaceID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moves = append(s.moves, "-"+s.live[id].Info.Name)
	delete(s.live, id)
	return nil
}

func (s *stack) Interfaces(context.Context) ([]node.InterfaceStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []node.InterfaceStatus
	for _, st := range s.live {
		out = append(out, st)
	}
	return out, nil
}

func (s *stack) Counts(context.Context) (node.Counts, error) {
	return node.Counts{Paths: len(s.paths)}, nil
}
func (s *stack) Paths(context.Context) ([]node.Path, error)                    { return slices.Clone(s.paths), nil }
func (s *stack) RequestPath(context.Context, rns.Addr, node.InterfaceID) error { return nil }
func (s *stack) DropPath(context.Context, rns.Addr) error                      { return node.ErrNoPath }
func (s *stack) OnEvent(func(node.Event)) func()                               { return func() {} }
func (s *stack) TransportID() rns.Addr                                         { return rns.Addr{1} }
func (s *stack) SharedStatus(context.Context) (node.SharedStatus, error)       { return s.shared, nil }
func (s *stack) Service() control.Service                                      { return s.calls }
func (s *stack) Config() node.Config                                           { return node.DefaultConfig() }

func (s *stack) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.moves
	s.moves = nil
	return out
}

const sample = `# a file that belongs to its user
[reticulum]
  share_instance = No   # mine
[interfaces]
  # the hub of a friend
  [[Hub]]
    type = TCPClientInterface
    enabled = yes          # keep
    target_host = hub.example.org
    target_port = 4242
    some_option = of another program
    passphrase = secret
  [[Radio]]
    type = WeaveInterface
    enabled = yes
    port = /dev/ttyUSB0
  [[Broken]]
    type = TCPClientInterface
    enabled = yes
    target_port = many
`

func service(t *testing.T, text string) (*Service, *stack) {
	t.Helper()
	dir := t.TempDir()
	if text != "" {
		if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	db, _, err := store.OpenServer(t.Context(), filepath.Join(t.TempDir(), "db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	n := &stack{live: make(map[node.InterfaceID]node.InterfaceStatus)}
	s := New(Options{
		Dir: dir, Node: n, Build: Drivers, Bus: event.New(time.Now(), event.DefaultParams()), Events: db.InterfaceEvents,
		Now: time.Now, Params: DefaultParams(),
	})
	s.Start(t.Context())
	return s, n
}

func (s *Service) text(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A broken block and a kind without a driver show their reason; the rest runs.
func TestBrokenBlockStopsNothing(t *testing.T) {
	s, n := service(t, sample)
	if diff := cmp.Diff([]string{"+Hub"}, n.took()); diff != "" {
		t.Fatal(diff)
	}
	l, err := s.List(t.Context())
	if err != nil || l.Err != nil || l.Changed {
		t.Fatalf("%+v, %v", l, err)
	}
	type row struct {
		Name, Code string
		State      State
		Line       int
		Editable   bool
	}
	var got []row
	for _, st := range l.Items {
		got = append(got, row{st.Name, st.Code, st.State, st.Line, st.Config != nil})
	}
	want := []row{
		{"Hub", "", StateUp, 0, true}, {"Radio", "unsupported_type", StateError, 13, false}, {"Broken", "bad_config", StateError, 20, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if c := l.Items[0].Config; !c.HasPassphrase || c.Passphrase != "" || !l.Items[0].IFAC {
		t.Fatalf("passphrase shown or lost: %+v", c)
	}
}

// TestUnreadableSwitchIsTold: a block that says neither yes nor no is not taken for one that is off.
func TestUnreadableSwitchIsTold(t *testing.T) {
	s, n := service(t, "[interfaces]\n[[A]]\ntype = AutoInterface\nenabled = maybe\n[[B]]\ntype = AutoInterface\nenabled = no\nmode = fast\n")
	if moves := n.took(); len(moves) != 0 {
		t.Error(moves)
	}
	st, err := s.Get(t.Context(), "A")
	if err != nil || st.State != StateError || st.Code != "bad_config" || st.Line != 4 {
		t.Errorf("%+v, %v", st, err)
	}
	if st, err = s.Get(t.Context(), "B"); err != nil || st.State != StateOff {
		t.Errorf("%+v, %v", st, err)
	}
	if st, err = s.SetEnabled(t.Context(), "A", false); err != nil || st.State != StateOff {
		t.Errorf("%+v, %v", st, err)
	}
}

// While it is tried again, an interface shows why it failed the last time.
func TestReasonStaysWhileConnecting(t *testing.T) {
	s, n := service(t, sample)
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		word  node.StateWord
		err   error
		state State
		code  string
	}{
		{node.StateConnecting, nil, StateConnecting, ""},
		{node.StateError, refused, StateError, "refused"},
		{node.StateConnecting, nil, StateConnecting, "refused"},
		{node.StateUp, nil, StateUp, ""},
		{node.StateConnecting, nil, StateConnecting, ""},
	} {
		state := node.InterfaceState{Word: c.word, Err: c.err}
		st := n.live[1]
		st.State = state
		n.live[1] = st
		s.happened(t.Context(), node.Event{Kind: node.EventInterfaceState, Interface: 1, Name: "Hub", State: state, Err: c.err})
		hub, err := s.Get(t.Context(), "Hub")
		if err != nil || hub.State != c.state || hub.Code != c.code {
			t.Errorf("%v: %s, %q, %v", c.word, hub.State, hub.Code, err)
		}
	}
}

// An unreadable file is told, and never overwritten.
func TestUnreadableFile(t *testing.T) {
	s, n := service(t, "[interfaces\n")
	l, err := s.List(t.Context())
	if err != nil || !errors.Is(l.Err, ErrBadFile) || len(n.took()) != 0 {
		t.Fatalf("%+v, %v", l, err)
	}
	if _, err := s.Add(t.Context(), Config{Name: "x", Type: TypeAuto, Enabled: true}); !errors.Is(err, ErrBadFile) {
		t.Fatal(err)
	}
	if s.text(t) != "[interfaces\n" {
		t.Fatal("the file was changed")
	}
}

func TestNoFileMeansTheDefault(t *testing.T) {
	s, n := service(t, "")
	if s.text(t) != string(config.DefaultText()) {
		t.Fatal("not the default file")
	}
	if diff := cmp.Diff([]string{"+Default Interface"}, n.took()); diff != "" {
		t.Fatal(diff)
	}
}

// Adding and removing an interface leaves the file byte for byte as it was.
func TestAddAndRemoveRoundTrip(t *testing.T) {
	s, n := service(t, sample)
	n.took()
	st, err := s.Add(t.Context(), Config{Name: "Shed", Type: TypeTCPServer, Enabled: true, ListenIP: "127.0.0.1", ListenPort: 4343})
	if err != nil || st.State != StateUp || st.Endpoint != "127.0.0.1:4343" {
		t.Fatalf("%+v, %v", st, err)
	}
	if _, err := s.Add(t.Context(), *st.Config); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"+Shed"}, n.took()); diff != "" {
		t.Fatalf("others were touched: %s", diff)
	}
	before, err := os.ReadFile(s.Path() + ".bak")
	if err != nil || string(before) != sample {
		t.Fatal("no backup of the file before", err)
	}
	if info, err := os.Stat(s.Path()); err != nil || info.Mode().Perm() != 0o640 {
		t.Fatal("mode of the file changed", err)
	}
	if err := s.Remove(t.Context(), "Shed"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, s.text(t)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"-Shed"}, n.took()); diff != "" {
		t.Fatal(diff)
	}
	if err := s.Remove(t.Context(), "Shed"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	again, err := s.Add(t.Context(), *st.Config)
	if err != nil || s.Remove(t.Context(), again.Name) != nil || s.text(t) != sample {
		t.Fatalf("the file grows: %q, %v", s.text(t), err)
	}
}

// A change touches its lines and restarts its interface, and nothing else.
func TestReplaceKeepsWhatItDoesNotKnow(t *testing.T) {
	s, n := service(t, sample)
	n.took()
	hub, err := s.Get(t.Context(), "Hub")
	if err != nil {
		t.Fatal(err)
	}
	c := *hub.Config
	c.TargetPort = 4243
	if _, err := s.Replace(t.Context(), "Hub", c); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(sample, "target_port = 4242", "target_port = 4243", 1)
	if diff := cmp.Diff(want, s.text(t)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"-Hub", "+Hub"}, n.took()); diff != "" {
		t.Fatal(diff)
	}
	c.Name, c.HasPassphrase = "Friend", false
	st, err := s.Replace(t.Context(), "Hub", c)
	if err != nil || st.IFAC || !strings.Contains(s.text(t), "some_option = of another program") || strings.Contains(s.text(t), "secret") {
		t.Fatalf("%+v, %v\n%s", st, err, s.text(t))
	}
	if _, err := s.Replace(t.Context(), "Radio", c); !errors.Is(err, ErrForeign) {
		t.Fatal(err)
	}
}

func TestSwitchOffAndOn(t *testing.T) {
	s, n := service(t, sample)
	n.took()
	st, err := s.SetEnabled(t.Context(), "Hub", false)
	if err != nil || st.State != StateOff || st.Enabled {
		t.Fatalf("%+v, %v", st, err)
	}
	if !strings.Contains(s.text(t), "enabled = No          # keep") {
		t.Fatal(s.text(t))
	}
	if st, err = s.SetEnabled(t.Context(), "Hub", true); err != nil || st.State != StateUp {
		t.Fatalf("%+v, %v", st, err)
	}
	if diff := cmp.Diff([]string{"-Hub", "+Hub"}, n.took()); diff != "" {
		t.Fatal(diff)
	}
	// What this program cannot run it can still switch off.
	if st, err := s.SetEnabled(t.Context(), "Radio", false); err != nil || st.Enabled {
		t.Fatalf("%+v, %v", st, err)
	}
}

// What another program wrote meanwhile stays, and is seen.
func TestForeignEditsStay(t *testing.T) {
	s, _ := service(t, sample)
	other := sample + "  [[Theirs]]\n    type = UDPInterface\n    enabled = no\n"
	if err := os.WriteFile(s.Path(), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := s.List(t.Context()); err != nil || !l.Changed {
		t.Fatal("the change is not seen", err)
	}
	if _, err := s.SetEnabled(t.Context(), "Hub", false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.text(t), "[[Theirs]]") {
		t.Fatal("their block is gone")
	}
}

func TestValidate(t *testing.T) {
	ok := Config{Name: "x", Type: TypeTCPClient, TargetHost: "example.org", TargetPort: 4242}
	if err := ok.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"name":            func(c *Config) { c.Name = "a]b" },
		"target_host":     func(c *Config) { c.TargetHost = "a b" },
		"target_port":     func(c *Config) { c.TargetPort = 70000 },
		"mode":            func(c *Config) { c.Mode = "fast" },
		"passphrase":      func(c *Config) { c.Passphrase = "a\nenabled = yes" },
		"type":            func(c *Config) { c.Type = "PipeInterface" },
		"listen_ip":       func(c *Config) { c.Type, c.ListenIP = TypeTCPServer, "nowhere" },
		"discovery_scope": func(c *Config) { c.Type, c.Scope = TypeAuto, "galaxy" },
	} {
		c := ok
		change(&c)
		var field *FieldError
		if err := c.Validate(); !errors.As(err, &field) || field.Field != name || !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePasted(t *testing.T) {
	s, _ := service(t, sample)
	found, problems := s.Parse("[[Hub 2]]\ntype = TCPClientInterface\nenabled = yes\ntarget_host = h\ntarget_port = 1\npassphrase = p\n[[R]]\ntype = WeaveInterface\nenabled = yes\n")
	if len(found) != 1 || found[0].Passphrase != "p" || len(problems) != 1 || problems[0] != "unsupported_type" {
		t.Fatalf("%+v, %v", found, problems)
	}
	found, _ = s.Parse("a.example.org:4242\n\n[2001:db8::1]:4243\n")
	if len(found) != 2 || found[1].TargetHost != "2001:db8::1" || found[1].TargetPort != 4243 {
		t.Fatalf("%+v", found)
	}
	for _, bad := range []string{"hello", "[[x", "a:b:c"} {
		if found, problems := s.Parse(bad); len(found) != 0 || len(problems) == 0 {
			t.Errorf("%q: %v, %v", bad, found, problems)
		}
	}
}

func TestTestBeforeSave(t *testing.T) {
	s, _ := service(t, sample)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, portText, _ := net.SplitHostPort(l.Addr().String())
	port, _ := strconv.Atoi(portText)
	client := Config{Name: "x", Type: TypeTCPClient, TargetHost: "127.0.0.1", TargetPort: port}
	server := Config{Name: "x", Type: TypeTCPServer, ListenIP: "127.0.0.1", ListenPort: port}
	last := func(c Config) Step {
		steps := s.Test(t.Context(), c)
		return steps[len(steps)-1]
	}
	if st := last(client); st.Step != "connect" || st.State != StepOK {
		t.Errorf("reachable: %+v", st)
	}
	if st := last(server); st.State != StepFail || st.Code != "port_taken" {
		t.Errorf("taken: %+v", st)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if st := last(client); st.State != StepFail || st.Code != "refused" {
		t.Errorf("refused: %+v", st)
	}
	if st := last(server); st.State != StepOK {
		t.Errorf("free: %+v", st)
	}
	client.TargetPort = 0
	if st := last(client); st.Step != "settings" || st.Code != "bad_config" {
		t.Errorf("settings: %+v", st)
	}
	client.Name, client.TargetPort = "Hub", port
	if st := s.Test(t.Context(), client)[1]; st.Step != "name" || st.State != StepWarn {
		t.Errorf("name: %+v", st)
	}
}

func TestReasonOfALostConnection(t *testing.T) {
	for _, err := range []error{net.ErrClosed, tcp.ErrClosedByPeer, syscall.ECONNRESET} {
		if got := Reason(fmt.Errorf("interface: %w", err)); got != "closed" {
			t.Errorf("%v is %q", err, got)
		}
	}
}

func TestConfiguredNames(t *testing.T) {
	s, _ := service(t, sample+"  [[Shed]]\n    type = TCPServerInterface\n    enabled = yes\n    listen_ip = 127.0.0.1\n    listen_port = 4343\n"+
		"  [[Near]]\n    type = AutoInterface\n    enabled = yes\n")
	for in, want := range map[string]string{
		"Hub": "Hub", "Client on Shed": "Shed", "AutoInterfacePeer[eth0/fe80::1]": "Near", "else": "else",
	} {
		if got := s.Configured(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestPathsPage(t *testing.T) {
	s, n := service(t, sample)
	for i := range 5 {
		n.paths = append(n.paths, node.Path{Destination: rns.Addr{byte(i)}, Hops: 5 - i, InterfaceName: "Hub"})
	}
	page, next, total, err := s.Paths(t.Context(), PathQuery{Limit: 2})
	if err != nil || total != 5 || next != "2" || page[0].Hops != 1 {
		t.Fatalf("%+v %q %d %v", page, next, total, err)
	}
	page, next, total, err = s.Paths(t.Context(), PathQuery{Limit: 2, MaxHops: 3, Cursor: "2"})
	if err != nil || total != 3 || next != "" || len(page) != 1 {
		t.Fatalf("%+v %q %d %v", page, next, total, err)
	}
	if _, _, _, err := s.Paths(t.Context(), PathQuery{Limit: 2, Cursor: "-1"}); !errors.Is(err, ErrCursor) {
		t.Fatal(err)
	}
	if err := s.DropPath(t.Context(), rns.Addr{9}); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

// "Can I be reached?" is answered by facts.
func TestOverview(t *testing.T) {
	s, n := service(t, sample)
	now := time.Now()
	announced := Evidence{Announced: []Announced{{Identity: rns.Addr{1}, At: now}}}
	for _, tt := range []struct {
		name string
		up   node.StateWord
		e    Evidence
		want string
	}{
		{"up and announced", node.StateUp, announced, "yes"},
		{"up", node.StateUp, Evidence{Announced: []Announced{{Identity: rns.Addr{1}}}}, "waiting"},
		{"still connecting", node.StateConnecting, announced, "waiting"},
		{"down", node.StateError, announced, "no"},
	} {
		for id, st := range n.live {
			st.State.Word = tt.up
			n.live[id] = st
		}
		o, err := s.Overview(t.Context(), tt.e)
		if err != nil || o.Reachable != tt.want || o.Enabled != 3 {
			t.Errorf("%s: %s, %d enabled, %v", tt.name, o.Reachable, o.Enabled, err)
		}
	}
}

func TestRates(t *testing.T) {
	m := &meter{}
	start := time.Now()
	for i := range 6 {
		m.add(reading{at: start.Add(time.Duration(i) * time.Second), rx: uint64(i * 1000), tx: 7}, 4)
	}
	if rx, tx := m.rates(); rx != 1000 || tx != 0 {
		t.Fatal(rx, tx)
	}
	if m.add(reading{at: start.Add(7 * time.Second), rx: 5000, tx: 7}, 4) || !m.heardAt.Equal(start.Add(5*time.Second)) {
		t.Fatal("moved without traffic", m.heardAt)
	}
}

func TestHubsAreMarked(t *testing.T) {
	list, err := readHubs()
	if err != nil || len(list.Hubs) < 5 || list.AsOf == "" {
		t.Fatal(len(list.Hubs), err)
	}
	h := list.Hubs[0]
	s, _ := service(t, "[interfaces]\n[[Hub]]\ntype = TCPClientInterface\nenabled = no\ntarget_host = "+h.Host+"\ntarget_port = "+strconv.Itoa(h.Port)+"\n")
	marked, err := s.Hubs()
	if err != nil || !marked.Hubs[0].Used || marked.Hubs[1].Used {
		t.Fatal(marked.Hubs[:2], err)
	}
}
