package control_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the dialect of old partners
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meshchatx/rns"
	"meshchatx/rns/control"
)

func TestRequestsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := control.Request{Op: control.Operation(rapid.IntRange(1, 21).Draw(t, "op"))}
		switch r.Op {
		case control.OpPathTable:
			r.MaxHops = rapid.IntRange(control.AnyHops, 128).Draw(t, "hops")
		case control.OpPacketRSSI, control.OpPacketSNR, control.OpPacketQuality:
			copy(r.Packet[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "packet"))
		case control.OpBlackhole:
			r.Until = time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "until"), 0)
			if r.Until.Unix() == 0 {
				r.Until = time.Time{}
			}
			r.Reason = rapid.String().Draw(t, "reason")
			copy(r.Hash[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "hash"))
		case control.OpInterfaceStats, control.OpRateTable, control.OpLinkCount, control.OpBlackholedIdentities, control.OpDropAnnounceQueues:
		default:
			copy(r.Hash[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "hash"))
		}
		got, err := control.ParseRequest(r.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got); d != "" {
			t.Error(d)
		}
	})
}

// TestBadRequests: spec: rns-link §12.4, §12.5
func TestBadRequests(t *testing.T) {
	good := control.Request{Op: control.OpNextHop}.Append(nil)
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":             {nil, control.ErrRequest},
		"pickle":            {[]byte("\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x03get\x94."), control.ErrPickle},
		"old pickle":        {[]byte("\x80\x03}q\x00X\x03\x00\x00\x00getq\x01."), control.ErrPickle},
		"no map":            {[]byte{0x93, 1, 2, 3}, control.ErrRequest},
		"empty map":         {[]byte{0x80}, control.ErrOperation},
		"trailing":          {append(bytes.Clone(good), 0), control.ErrRequest},
		"cut":               {good[:len(good)-1], control.ErrRequest},
		"without parameter": {[]byte("\x81\xa3get\xa8next_hop"), control.ErrRequest},
		"no max_hops":       {[]byte("\x81\xa3get\xaapath_table"), control.ErrRequest},
		"short hash":        {[]byte("\x82\xa3get\xa8next_hop\xb0destination_hash\xc4\x01x"), control.ErrRequest},
		"two operations":    {[]byte("\x82\xa3get\xaalink_count\xa4drop\xafannounce_queues"), control.ErrOperation},
		"of no text":        {[]byte("\x81\xa3get\x01"), control.ErrOperation},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := control.ParseRequest(c.b); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestDowngradeCanBeRefused: spec: rns-link §12.3
func TestDowngradeCanBeRefused(t *testing.T) {
	key, old := []byte("key"), bytes.Repeat([]byte{7}, 20)
	if _, err := control.Respond(key, old, control.RefuseMD5); !errors.Is(err, control.ErrDigest) {
		t.Errorf("old challenge: %v", err)
	}
	challenge := append([]byte("{sha256}"), bytes.Repeat([]byte{7}, 40)...)
	sum := hmac.New(md5.New, key)
	sum.Write(challenge)
	for _, response := range [][]byte{sum.Sum(nil), append([]byte("{md5}"), sum.Sum(nil)...)} {
		if err := control.Verify(key, challenge, response, control.AllowMD5); err != nil {
			t.Errorf("old response: %v", err)
		}
		if err := control.Verify(key, challenge, response, control.RefuseMD5); !errors.Is(err, control.ErrDigest) {
			t.Errorf("old response refused as %v", err)
		}
	}
	for name, challenge := range map[string]string{
		"short": "{sha256}123", "unknown": "{sha1}aaaaaaaaaaaaaaaaaaaaaaaaa", "unnamed": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"md5": "{md5}aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "open brace": "{sha256aaaaaaaaaaaaaaaaaaaaaaaaa",
	} {
		if got, err := control.Respond(key, []byte(challenge), control.RefuseMD5); err == nil {
			t.Errorf("%s challenge answered with %x", name, got)
		}
	}
}

// TestHandshakeFails shows each way in which a side is refused.
func TestHandshakeFails(t *testing.T) {
	random := func() io.Reader { return bytes.NewReader(bytes.Repeat([]byte{3}, 64)) }
	listener, first, err := control.NewListener([]byte("one"), control.AllowMD5, random())
	if err != nil {
		t.Fatal(err)
	}
	dialer, err := control.NewDialer([]byte("two"), control.AllowMD5, random())
	if err != nil {
		t.Fatal(err)
	}
	response, err := dialer.Next(first)
	if err != nil {
		t.Fatal(err)
	}
	said, err := listener.Next(response[0])
	if !errors.Is(err, control.ErrAuth) || len(said) != 1 || string(said[0]) != "#FAILURE#" {
		t.Errorf("listener said %q, %v", said, err)
	}
	if _, err := dialer.Next(said[0]); !errors.Is(err, control.ErrAuth) {
		t.Errorf("dialer: %v", err)
	}
	for _, h := range []*control.Handshake{listener, dialer} {
		if _, err := h.Next([]byte("#WELCOME#")); !errors.Is(err, control.ErrHandshake) || h.Done() {
			t.Errorf("after a refusal: %v", err)
		}
	}
	if _, err := control.NewDialer(nil, control.AllowMD5, bytes.NewReader(nil)); err == nil {
		t.Error("no randomness, no error")
	}
	silent, _ := control.NewDialer([]byte("two"), control.AllowMD5, random())
	if _, err := silent.Next([]byte("hello")); !errors.Is(err, control.ErrHandshake) {
		t.Errorf("no challenge: %v", err)
	}
}

// TestMessageSizes: spec: rns-link §12.1
func TestMessageSizes(t *testing.T) {
	for name, c := range map[string]struct {
		b    string
		want error
	}{
		"nothing":         {"", io.EOF},
		"half a length":   {"\x00\x00", io.ErrUnexpectedEOF},
		"cut":             {"\x00\x00\x00\x04abc", io.ErrUnexpectedEOF},
		"too long":        {"\x00\x00\x01\x01", control.ErrMessageSize},
		"negative":        {"\xff\xff\xff\xfe", control.ErrMessageSize},
		"long and cut":    {"\xff\xff\xff\xff\x00\x00", io.ErrUnexpectedEOF},
		"long too long":   {"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x01\x01", control.ErrMessageSize},
		"long negative":   {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", control.ErrMessageSize},
		"long, fits":      {"\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x02ab", nil},
		"length only":     {"\x00\x00\x00\x10", io.ErrUnexpectedEOF},
		"the empty one":   {"\x00\x00\x00\x00", nil},
		"exactly at most": {"\x00\x00\x01\x00" + string(make([]byte, 256)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := control.ReadMessage(bytes.NewReader([]byte(c.b)), control.MaxAuthMessage); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestStatsSurvive fills every field.
func TestStatsSurvive(t *testing.T) {
	at := time.Unix(1_700_000_000, 500_000_000)
	f := func(v float64) *float64 { return &v }
	i := func(v int) *int { return &v }
	s := func(v string) *string { return &v }
	yes := true
	want := control.Stats{
		RxBytes: 1, TxBytes: 1 << 60, RxRate: 0.5, TxRate: 1e9, RSS: 5,
		Transport: &control.TransportStats{ID: rns.Addr{1}, Network: rns.Addr{2}, Probe: rns.Addr{3}, Uptime: 90 * time.Second},
		Interfaces: []control.InterfaceStats{{
			Name: "X[y]", ShortName: "y", Type: "X", Hash: rns.Hash{1}, Parent: "p", ParentHash: rns.Hash{2}, Clients: i(0), Peers: i(3),
			Online: true, Mode: 7, Gravity: -3, Bitrate: 1200, RxBytes: 7, TxBytes: 8, RxRate: 1.5, TxRate: 2.5,
			AccessCode: &control.AccessCode{Signature: []byte{1, 2}, Size: 16, Network: "n"}, AutoconnectSource: "abc",
			AnnounceQueue: i(4), HeldAnnounces: 5, BlockedIPs: i(1), BlockedIPList: []string{"192.0.2.1"},
			IncomingAnnounces: 0.1, OutgoingAnnounces: 0.2, IncomingRequests: 0.3, OutgoingRequests: 0.4,
			AnnounceRateTarget: i(3600), AnnounceRatePenalty: i(60), AnnounceRateGrace: i(2),
			AnnounceBurst: control.Burst{Active: true, Since: at}, RequestBurst: control.Burst{Since: at}, AnnouncesToInternal: &yes,
			Device: control.DeviceStats{
				AirtimeShort: f(1), AirtimeLong: f(2), ChannelLoadShort: f(3), ChannelLoadLong: f(4), NoiseFloor: f(-110), Interference: f(-90),
				InterferenceLast: f(-80), InterferenceLastAt: at, CPUTemp: f(40), CPULoad: f(5), MemLoad: f(6), BatteryState: s("charging"),
				BatteryPercent: i(99), SwitchID: s("a"), ViaSwitchID: s("b"), EndpointID: s("c"), I2PAddress: s("d"), I2PConnectable: &yes,
				TunnelState: s("e"),
			},
		}, {Name: "empty"}},
	}
	got, err := control.ParseStats(want.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzParseRequest(f *testing.F) {
	for op := control.OpNone + 1; op.String() != ""; op++ {
		f.Add(control.Request{Op: op}.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := control.ParseRequest(b)
		if err != nil {
			return
		}
		again, err := control.ParseRequest(r.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, again); d != "" {
			t.Error(d)
		}
	})
}

func FuzzParseResponses(f *testing.F) {
	f.Add([]byte{0x90})
	f.Add(new(control.Stats).Append(nil))
	f.Add(control.AppendPathTable(nil, []control.PathEntry{{Hops: 3}}))
	f.Add(control.AppendRateTable(nil, []control.RateEntry{{Timestamps: []time.Time{time.Unix(5, 0)}}}))
	f.Add(control.AppendBlackhole(nil, []control.BlackholeEntry{{Reason: "x"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := control.ParseStats(b); err == nil {
			if _, err := control.ParseStats(s.Append(nil)); err != nil {
				t.Error(err)
			}
		}
		if p, err := control.ParsePathTable(b); err == nil {
			if _, err := control.ParsePathTable(control.AppendPathTable(nil, p)); err != nil {
				t.Error(err)
			}
		}
		if r, err := control.ParseRateTable(b); err == nil {
			if _, err := control.ParseRateTable(control.AppendRateTable(nil, r)); err != nil {
				t.Error(err)
			}
		}
		if l, err := control.ParseBlackhole(b); err == nil {
			if _, err := control.ParseBlackhole(control.AppendBlackhole(nil, l)); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	f.Add(control.AppendMessage(nil, []byte("#WELCOME#")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := control.ReadMessage(bytes.NewReader(b), 1<<20)
		if err == nil && !bytes.Contains(b, m) {
			t.Error("message is not part of the stream")
		}
	})
}

func FuzzHandshake(f *testing.F) {
	f.Add([]byte("#CHALLENGE#{sha256}aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), []byte("#WELCOME#"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		random := bytes.Repeat([]byte{9}, 64)
		dialer, _ := control.NewDialer([]byte("key"), control.AllowMD5, bytes.NewReader(random))
		listener, _, _ := control.NewListener([]byte("key"), control.AllowMD5, bytes.NewReader(random))
		for _, h := range []*control.Handshake{dialer, listener} {
			for _, m := range [][]byte{a, b, a, b} {
				_, _ = h.Next(m)
			}
			if h.Done() {
				t.Error("authenticated without the key")
			}
		}
	})
}
