package interfaces

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns/config"
	"meshchatx/rns/discovery"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

const published = `[reticulum]
  enable_transport = yes
[interfaces]
  [[Door]]
    type = BackboneInterface
    enabled = yes
    listen_on = 127.0.0.1
    port = 4242
    discoverable = yes
    discovery_name = The door
    announce_interval = 5
    discovery_stamp_value = 9
    reachable_on = door.example.org
    network_name = club
    passphrase = "open, sesame"
    publish_ifac = yes
    latitude = 47.5
  [[Back door]]
    type = TCPServerInterface
    enabled = yes
    listen_ip = 127.0.0.1
    listen_port = 4243
    discoverable = yes
    discovery_encrypt = yes
    reachable_on = 192.0.2.7
  [[Modem]]
    type = TCPClientInterface
    enabled = yes
    target_host = modem.example.org
    target_port = 8001
    kiss_framing = yes
    discoverable = yes
    discovery_frequency = 144800000
  [[Hub]]
    type = TCPClientInterface
    enabled = yes
    target_host = hub.example.org
    target_port = 4242
    discoverable = yes
  [[Start]]
    type = BackboneInterface
    enabled = yes
    remote = start.example.org
    target_port = 4244
    bootstrap_only = yes
    discoverable = yes
  [[Hidden]]
    type = TCPServerInterface
    enabled = yes
    listen_ip = 127.0.0.1
    listen_port = 4245
  [[Off]]
    type = TCPServerInterface
    listen_ip = 127.0.0.1
    listen_port = 4246
    discoverable = yes
`

// TestOffers: what the file says of an interface is what is published. spec: rns-core §22.1, §22.2, §23.6
func TestOffers(t *testing.T) {
	s, n := service(t, published)
	n.took()
	h := discoveryHost{s}
	latitude, frequency := 47.5, int64(144_800_000)
	want := []discovery.Offer{
		{
			Name: "Door", Interval: 5 * time.Minute, Cost: 9,
			Info: discovery.Info{
				Type: discovery.TypeBackbone, Name: "The door", ReachableOn: "door.example.org", Port: 4242, Latitude: &latitude,
				Access: &discovery.Access{NetworkName: "club", Passphrase: "open, sesame"},
			},
		},
		{
			Name: "Back door", Interval: 6 * time.Hour, Cost: 16, Secrecy: discovery.Encrypted,
			Info: discovery.Info{Type: discovery.TypeTCPServer, ReachableOn: "192.0.2.7", Port: 4243},
		},
		{Name: "Modem", Interval: 6 * time.Hour, Cost: 16, Info: discovery.Info{Type: discovery.TypeKISS, Frequency: &frequency}},
	}
	if d := cmp.Diff(want, h.Offers(t.Context())); d != "" {
		t.Error(d)
	}
	ends := []discovery.Endpoint{{Host: "modem.example.org", Port: 8001}, {Host: "hub.example.org", Port: 4242}, {Host: "start.example.org", Port: 4244}}
	if d := cmp.Diff(ends, h.Endpoints(t.Context())); d != "" {
		t.Error(d)
	}
}

// TestBootstrapOnly: such interfaces stop and start without a change of the file, and nothing else does. spec: rns-core §22.6
func TestBootstrapOnly(t *testing.T) {
	s, n := service(t, published)
	n.took()
	h := discoveryHost{s}
	if got := h.Bootstrap(t.Context()); got != 1 {
		t.Errorf("%d bootstrap interfaces", got)
	}
	h.StopBootstrap(t.Context())
	h.StopBootstrap(t.Context())
	if st, err := s.Get(t.Context(), "Start"); err != nil || st.State != StateOff || !st.Enabled || h.Bootstrap(t.Context()) != 0 {
		t.Errorf("%+v, %v", st, err)
	}
	h.StartBootstrap(t.Context())
	h.StartBootstrap(t.Context())
	if d := cmp.Diff([]string{"-Start", "+Start"}, n.took()); d != "" {
		t.Error(d)
	}
	if s.text(t) != published {
		t.Error("the file changed")
	}
}

// TestConnectConfig: what an interface gets that was connected to by itself. spec: rns-core §22.6
func TestConnectConfig(t *testing.T) {
	conf := config.Default().Reticulum
	r := discovery.Record{Info: discovery.Info{Access: &discovery.Access{NetworkName: "club", Passphrase: "x"}}}
	c := connectConfig(conf, r)
	if c.Mode != transport.ModeFull || c.Bitrate != 5_000_000 || c.NetworkName != "club" || c.Passphrase != "x" || c.Gravity != 0 ||
		bool(c.ReceiveOnly) || bool(c.AnnouncesToInternal) || c.AnnounceRate != (transport.AnnounceRate{}) {
		t.Errorf("%+v", c)
	}
	conf.EnableTransport, conf.AutoconnectGravity, conf.AutoconnectAnnouncesToInternal = true, 3, true
	c = connectConfig(conf, discovery.Record{})
	if c.Mode != transport.ModeGateway || c.Gravity != 3 || !bool(c.AnnouncesToInternal) || c.AnnounceRate.Target != conf.DefaultAnnounceRate.Target ||
		c.NetworkName != "" {
		t.Errorf("%+v", c)
	}
	conf.AutoconnectMode = config.ModeBoundary
	if c = connectConfig(conf, discovery.Record{}); c.Mode != transport.ModeBoundary {
		t.Errorf("mode %v", c.Mode)
	}
}

// TestDiscovered goes from one configuration file to the list of another node. spec: rns-core §22, §23.5
func TestDiscovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 1)
		gate, reader := w.Transport("gate"), w.Node("reader")
		w.Connect(gate, reader, mem.Conditions{})
		start := func(n *rnstest.Node, text string) *Service {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			db, _, err := store.OpenServer(t.Context(), filepath.Join(dir, "db"), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := New(Options{
				Dir: dir, Node: n.Node, Bus: event.New(time.Now(), event.DefaultParams()), Events: db.InterfaceEvents, Now: time.Now, Params: DefaultParams(),
				Build: func(c config.Interface) (iface.Interface, node.InterfaceConfig, error) {
					return mem.New(c.Name), rnstest.Open(), nil
				},
				Reach: func(r discovery.Record) (iface.Interface, error) { return mem.New("to " + r.ReachableOn), nil },
			})
			ctx, cancel := context.WithCancelCause(context.WithoutCancel(t.Context()))
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(ctx) }()
			s.Start(ctx)
			t.Cleanup(func() {
				cancel(errOver)
				if err := <-ended; !errors.Is(err, errOver) {
					t.Error(err)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		}
		start(gate, published)
		silent := start(w.Node("silent"), sample)
		s := start(reader, "[reticulum]\n discover_interfaces = yes\n required_discovery_value = 8\n autoconnect_discovered_interfaces = 3\n")
		w.Run(61 * time.Second)
		l, err := s.Discovered(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		latitude := 47.5
		want := DiscoveredListing{Listening: true, Connect: 3, Items: []Discovered{{
			Name: "The door", Type: "BackboneInterface", Status: discovery.StatusAvailable, Transport: true, TransportID: gate.TransportID(),
			NetworkID: gate.TransportID(), Hops: 1, Latitude: &latitude, Endpoint: "door.example.org:4242", IFAC: true, Connected: StateUp,
			WhyConnected: "exists",
		}}}
		if d := cmp.Diff(want, l, cmpopts.IgnoreFields(Discovered{}, "Value", "Entry", "Discovered", "LastHeard")); d != "" {
			t.Fatal(d)
		}
		entry := "[[The door]]\n  type = BackboneInterface\n  enabled = yes\n  remote = door.example.org\n  target_port = 4242\n  transport_identity = " +
			gate.TransportID().Hex() + "\n  network_name = club\n  passphrase = \"open, sesame\""
		if d := cmp.Diff(entry, l.Items[0].Entry); d != "" {
			t.Error(d)
		}
		stats, err := reader.InterfaceStats(t.Context())
		if n := len(stats.Interfaces); err != nil || n != 2 || stats.Interfaces[n-1].AutoconnectSource != gate.TransportID().Hex() ||
			stats.Interfaces[0].AutoconnectSource != "" {
			t.Errorf("%+v, %v", stats, err)
		}
		if l, err := silent.Discovered(t.Context()); err != nil || l.Listening || l.Items != nil {
			t.Errorf("%+v, %v", l, err)
		}
		w.Run(3 * time.Minute) // the other interfaces are due by then: the modem is heard, the encrypted one is not sent
		if l, err = s.Discovered(t.Context()); err != nil || len(l.Items) != 2 || l.Items[0].Type != "KISSInterface" {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

var errOver = errors.New("over")
