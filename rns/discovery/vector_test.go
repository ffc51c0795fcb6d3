package discovery

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/stamp"
	"meshchatx/spec/vectortest"
)

const core = "rns-core.json"

// networkIdentity is the network identity that the vectors name.
func networkIdentity(tb testing.TB, name string) *rns.Identity {
	tb.Helper()
	type vector struct {
		Name    string         `json:"name"`
		Private vectortest.Hex `json:"private_key"`
	}
	for _, v := range vectortest.Group[vector](tb, vectortest.Load(tb, core), "identities") {
		if v.Name == name {
			id, err := rns.ParseIdentity(v.Private)
			if err != nil {
				tb.Fatal(err)
			}
			return id
		}
	}
	tb.Fatalf("no identity %s", name)
	return nil
}

type announceVector struct {
	Name      string         `json:"name"`
	Encrypted bool           `json:"encrypted"`
	Network   *string        `json:"network_identity"`
	Ephemeral vectortest.Hex `json:"ephemeral_private"`
	IV        vectortest.Hex `json:"iv"`
	AppData   vectortest.Hex `json:"app_data"`
	Packed    vectortest.Hex `json:"packed_info"`
	Stamp     vectortest.Hex `json:"stamp"`
	Required  int            `json:"required_value"`
	Accepted  bool           `json:"accepted"`
	Announce  vectortest.Hex `json:"announce"`
	Result    *struct {
		Type        string         `json:"type"`
		Transport   bool           `json:"transport"`
		Name        string         `json:"name"`
		Value       int            `json:"value"`
		TransportID string         `json:"transport_id"`
		NetworkID   string         `json:"network_id"`
		Latitude    *float64       `json:"latitude"`
		Longitude   *float64       `json:"longitude"`
		Height      *float64       `json:"height"`
		NetworkName string         `json:"ifac_netname"`
		Passphrase  string         `json:"ifac_netkey"`
		ReachableOn string         `json:"reachable_on"`
		Port        int            `json:"port"`
		Frequency   *int64         `json:"frequency"`
		Bandwidth   *int64         `json:"bandwidth"`
		SF          *int64         `json:"sf"`
		CR          *int64         `json:"cr"`
		Modulation  string         `json:"modulation"`
		ConfigEntry string         `json:"config_entry"`
		Hash        vectortest.Hex `json:"discovery_hash"`
	} `json:"result"`
}

// spec: rns-core §22.2, §22.4, §22.5
func TestVectorDiscoveryAnnounces(t *testing.T) {
	id7 := networkIdentity(t, "id7")
	now := time.Unix(1_700_000_000, 0)
	vectortest.Each(t, core, "discovery_announces", func(t *testing.T, v announceVector) {
		r := Receiver{Required: v.Required}
		if v.Network != nil {
			r.Network = networkIdentity(t, *v.Network)
		}
		if len(v.Announce) > 0 {
			checkAnnounce(t, v)
		}
		got, err := r.Receive(Heard{Identity: id7.Hash(), AppData: v.AppData, Hops: 3}, now)
		if (err == nil) != v.Accepted {
			t.Fatalf("accepted %v: %v", err == nil, err)
		}
		if again, err2 := r.Receive(Heard{Identity: id7.Hash(), AppData: v.AppData, Hops: 3}, now); (err2 == nil) != (err == nil) {
			t.Errorf("the second time: %v", err2)
		} else if d := cmp.Diff(got, again); d != "" {
			t.Errorf("the second time: %s", d)
		}
		if v.Accepted {
			checkSealed(t, v, got)
		}
		if v.Result != nil {
			checkRecord(t, v, got)
		}
	})
}

// checkAnnounce: the packet is a valid announce of the discovery destination.
func checkAnnounce(t *testing.T, v announceVector) {
	t.Helper()
	p, err := rns.ParsePacket(v.Announce)
	if err != nil {
		t.Fatal(err)
	}
	a, err := rns.ParseAnnounce(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Verify(); err != nil {
		t.Error(err)
	}
	if a.Name != rns.NameHashOf(Name) || !bytes.Equal(a.AppData, v.AppData) {
		t.Errorf("announces %x with %x", a.Name, a.AppData)
	}
}

// checkSealed: the same bytes come out when the data is made here.
func checkSealed(t *testing.T, v announceVector, got Record) {
	t.Helper()
	var network *rns.Identity
	if v.Encrypted {
		network = networkIdentity(t, *v.Network)
	}
	info, err := ParseInfo(v.Packed)
	if err != nil {
		t.Fatal(err)
	}
	packed := info.Append(nil)
	if !bytes.Equal(packed, v.Packed) {
		t.Errorf("packed as %x", packed)
	}
	data, err := Seal(bytes.NewReader(append(v.Ephemeral, v.IV...)), packed, stamp.Stamp(v.Stamp), network)
	if err != nil {
		t.Fatal(err)
	}
	if b := data.Append(nil); !bytes.Equal(b, v.AppData) {
		t.Errorf("sealed as %x", b)
	}
	if got.Stamp != stamp.Stamp(v.Stamp) {
		t.Errorf("stamp %x", got.Stamp)
	}
}

func checkRecord(t *testing.T, v announceVector, got Record) {
	t.Helper()
	w := v.Result
	want := Record{
		Info: Info{
			Type: Type(w.Type), Transport: w.Transport, Name: w.Name, Latitude: w.Latitude, Longitude: w.Longitude, Height: w.Height,
			ReachableOn: w.ReachableOn, Port: w.Port, Frequency: w.Frequency, Bandwidth: w.Bandwidth, SpreadingFactor: w.SF, CodingRate: w.CR,
			Modulation: Modulation{Text: w.Modulation},
		},
		Value: w.Value, Hops: 3, Stamp: stamp.Stamp(v.Stamp),
	}
	want.TransportID, want.NetworkID = addr(t, w.TransportID), addr(t, w.NetworkID)
	if w.NetworkName != "" || w.Passphrase != "" {
		want.Access = &Access{w.NetworkName, w.Passphrase}
	}
	want.Received, want.Discovered, want.LastHeard = got.Received, got.Discovered, got.LastHeard
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if h := got.Hash(); h.Hex() != hex.EncodeToString(w.Hash) {
		t.Errorf("hash %s", h)
	}
	if d := cmp.Diff(w.ConfigEntry, got.ConfigEntry()); d != "" {
		t.Error(d)
	}
	back, err := ParseRecord(got.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !back.LastHeard.Equal(got.LastHeard) || !back.Received.Equal(got.Received) || !back.Discovered.Equal(got.Discovered) {
		t.Errorf("heard at %v", back.LastHeard)
	}
	back.Received, back.Discovered, back.LastHeard = got.Received, got.Discovered, got.LastHeard
	if d := cmp.Diff(got, back); d != "" {
		t.Errorf("from the file: %s", d)
	}
}

func addr(tb testing.TB, s string) rns.Addr {
	tb.Helper()
	a, err := rns.ParseAddr(s)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// spec: rns-core §22.4
func TestVectorDiscoveryNames(t *testing.T) {
	type vector struct{ Input, Output *string }
	vectortest.Each(t, core, "discovery_names", func(t *testing.T, v vector) {
		want := ""
		if v.Output != nil {
			want = *v.Output
		}
		if got := CleanName(*v.Input); got != want {
			t.Errorf("%q became %q, not %q", *v.Input, got, want)
		}
		shown := want
		if shown == "" {
			shown = "Discovered RNodeInterface"
		}
		if got := displayName(*v.Input, TypeRNode); got != shown {
			t.Errorf("%q is shown as %q", *v.Input, got)
		}
	})
}

// spec: rns-core §22.4, §22.6
func TestVectorDiscoveryHosts(t *testing.T) {
	type vector struct {
		Input     string `json:"input"`
		Address   bool   `json:"is_ip_address"`
		HostName  bool   `json:"is_hostname"`
		Yggdrasil bool   `json:"is_yggdrasil"`
	}
	vectortest.Each(t, core, "discovery_hosts", func(t *testing.T, v vector) {
		got := vector{v.Input, IsAddress(v.Input), IsHostName(v.Input), IsYggdrasil(v.Input)}
		if d := cmp.Diff(v, got); d != "" {
			t.Error(d)
		}
	})
}

// spec: rns-core §22.3
func TestVectorDiscoveryStamps(t *testing.T) {
	type vector struct {
		Packed vectortest.Hex `json:"packed_info"`
		Stamp  vectortest.Hex `json:"stamp"`
	}
	values := vectortest.Group[struct {
		Value int `json:"value"`
	}](t, vectortest.Load(t, core), "discovery_stamps")
	for n, v := range vectortest.Group[vector](t, vectortest.Load(t, core), "discovery_announces")[:len(values)] {
		if got := Work(v.Packed).Value(v.Stamp); got != values[n].Value {
			t.Errorf("%d: value %d, not %d", n, got, values[n].Value)
		}
	}
}
