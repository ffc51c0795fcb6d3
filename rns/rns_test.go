package rns_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
)

var epoch = time.Unix(1780000000, 0)

// counter is deterministic randomness.
type counter struct{ next byte }

func counting(seed byte) *counter { return &counter{seed} }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = c.next
		c.next = c.next*5 + 7
	}
	return len(b), nil
}

func TestParseAddr(t *testing.T) {
	want := rns.Addr{0: 0xAB, 15: 0x01}
	for _, s := range []string{
		"ab000000000000000000000000000001", "AB000000000000000000000000000001", "<ab000000000000000000000000000001>",
		"  <ab00 0000 0000 0000 0000 0000 0000 0001>\n",
	} {
		got, err := rns.ParseAddr(s)
		if err != nil || got != want {
			t.Errorf("ParseAddr(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "<>", "ab", "ab0000000000000000000000000000011", "ab00000000000000000000000000000", "zb000000000000000000000000000001",
		"0xab0000000000000000000000000000", strings.Repeat("a", 1<<16), "ａb000000000000000000000000000001",
	} {
		if got, err := rns.ParseAddr(s); !errors.Is(err, rns.ErrBadAddr) || !got.IsZero() {
			t.Errorf("ParseAddr(%.40q) = %v, %v", s, got, err)
		} else if len(err.Error()) > 1000 {
			t.Errorf("error of %d bytes", len(err.Error()))
		}
	}
	if _, err := rns.ParseHash(want.Hex()); !errors.Is(err, rns.ErrBadHash) {
		t.Errorf("short hash: %v", err)
	}
}

func TestTextForms(t *testing.T) {
	h := rns.FullHash([]byte("x"))
	var back rns.Hash
	var addr rns.Addr
	text, err := h.MarshalText()
	check(t, err)
	check(t, back.UnmarshalText(text))
	check(t, addr.UnmarshalText([]byte(h.Addr().String())))
	if back != h || addr != h.Addr() {
		t.Errorf("%v, %v", back, addr)
	}
	if got := h.Addr().LogValue().String(); got != "<2d711642…>" {
		t.Errorf("log value %q", got)
	}
}

func TestEnumNames(t *testing.T) {
	for got, want := range map[string]string{
		rns.ContextNone.String():               "NONE",
		rns.ContextLRProof.String():            "LRPROOF",
		rns.Context(0x7F).String():             "Context(0x7f)",
		rns.DestLink.String():                  "LINK",
		rns.PacketLinkRequest.String():         "LINKREQUEST",
		rns.PacketType(9).String():             "PacketType(0x9)",
		rns.HeaderType2.String():               "HEADER_2",
		rns.TransportTransport.String():        "TRANSPORT",
		rns.VerdictDuplicate.String():          "duplicate",
		rns.Verdict(rns.VerdictCount).String(): "Verdict(" + itoa(rns.VerdictCount) + ")",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// Verdicts are counted by number and shown by text: every one needs its own.
func TestVerdictTextsAreComplete(t *testing.T) {
	seen := make(map[string]rns.Verdict)
	for i := range rns.VerdictCount {
		v := rns.Verdict(i)
		if v.String() == "" {
			t.Errorf("verdict %d has no text", i)
		}
		if other, ok := seen[v.Error()]; ok {
			t.Errorf("verdicts %d and %d are both %q", i, other, v)
		}
		seen[v.Error()] = v
		if v.Accepted() != (v <= rns.VerdictHeld) {
			t.Errorf("%v accepted %t", v, v.Accepted())
		}
	}
	if err := error(rns.VerdictDuplicate); !errors.Is(err, rns.VerdictDuplicate) || errors.Is(err, rns.VerdictNoPath) {
		t.Error("errors.Is does not tell verdicts apart")
	}
}

func TestWellKnownDestinations(t *testing.T) {
	if got := rns.PlainHash(rns.NamePathRequest); got != rns.PathRequestDest() {
		t.Errorf("path request %v", got)
	}
	if got := rns.PlainHash(rns.NameTunnelSynthesis); got != rns.TunnelSynthesisDest() {
		t.Errorf("tunnel synthesis %v", got)
	}
}

func TestJoinName(t *testing.T) {
	if got, err := rns.JoinName("lxmf", "delivery"); got != "lxmf.delivery" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, parts := range [][]string{{""}, {"a.b"}, {"a", ""}, {"a", "b.c"}, {"a", "\xff"}} {
		if got, err := rns.JoinName(parts[0], parts[1:]...); !errors.Is(err, rns.ErrBadName) {
			t.Errorf("JoinName(%q) = %q, %v", parts, got, err)
		}
	}
}

// spec: rns-core §1.1
func TestSizeConstantsFollowFromEachOther(t *testing.T) {
	if rns.PlainMDU != rns.MTU-rns.HeaderMaxSize-rns.IFACMinSize {
		t.Error("PlainMDU")
	}
	if rns.EncryptedMDU != (rns.PlainMDU-rns.TokenOverhead-rns.KeySize)/16*16-1 {
		t.Error("EncryptedMDU")
	}
	longest := rns.Announce{AppData: make([]byte, rns.MaxAppData)}
	keyed := rns.Announce{AppData: make([]byte, rns.MaxAppDataKeyed), Ratchet: new(rns.RatchetPublic)}
	for _, a := range []rns.Announce{longest, keyed} {
		if a.Size()+rns.HeaderMaxSize != rns.MTU {
			t.Errorf("announce of %d bytes", a.Size())
		}
	}
	if rns.TokenSize(rns.EncryptedMDU)+rns.KeySize > rns.PlainMDU || rns.TokenSize(rns.EncryptedMDU+1)+rns.KeySize <= rns.PlainMDU {
		t.Error("EncryptedMDU is not the largest that fits")
	}
}

// spec: rns-core §7.4
func TestPackRefusesWhatCannotBeSent(t *testing.T) {
	for name, c := range map[string]struct {
		p    rns.Packet
		mtu  int
		want error
	}{
		"fits exactly":    {rns.Packet{Data: make([]byte, 481)}, rns.MTU, nil},
		"one over":        {rns.Packet{Data: make([]byte, 482)}, rns.MTU, rns.VerdictTooLong},
		"long header":     {rns.Packet{HeaderType: rns.HeaderType2, Data: make([]byte, 466)}, rns.MTU, rns.VerdictTooLong},
		"link MTU":        {rns.Packet{DestType: rns.DestLink, Data: make([]byte, 8000)}, 8192, nil},
		"hop limit":       {rns.Packet{Hops: rns.MaxHops}, rns.MTU, rns.VerdictHopLimit},
		"last legal hops": {rns.Packet{Hops: rns.MaxHops - 1}, rns.MTU, nil},
	} {
		if _, err := c.p.Pack(c.mtu); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePacketVerdicts(t *testing.T) {
	long := make([]byte, rns.HeaderMaxSize)
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"nothing":                 {nil, rns.VerdictTooShort},
		"one byte under HEADER_1": {long[:18], rns.VerdictTooShort},
		"HEADER_1":                {long[:19], nil},
		"one byte under HEADER_2": {append([]byte{0x40}, long[:33]...), rns.VerdictTooShort},
		"HEADER_2":                {append([]byte{0x40}, long[:34]...), nil},
		"hops 128":                {append([]byte{0, 128}, long[:17]...), rns.VerdictHopLimit},
		"access code left on":     {append([]byte{0x80}, long[:18]...), rns.VerdictAccessCodeUnexpected},
	} {
		if _, err := rns.ParsePacket(c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spec: rns-core §7.5
func TestLinkIDIgnoresSignalling(t *testing.T) {
	request := rns.Packet{Type: rns.PacketLinkRequest, Data: bytes.Repeat([]byte{9}, 64)}
	bare, err := rns.LinkID(request.Append(nil))
	check(t, err)
	request.Data = append(request.Data, 1, 2, 3)
	request.HeaderType, request.Hops, request.TransportID = rns.HeaderType2, 5, rns.Addr{1}
	signalled, err := rns.LinkID(request.Append(nil))
	check(t, err)
	if bare != signalled {
		t.Errorf("%v and %v", bare, signalled)
	}
	request.Data = request.Data[:63]
	if _, err := request.LinkID(); !errors.Is(err, rns.VerdictWrongSize) {
		t.Errorf("short request: %v", err)
	}
	if _, err := (rns.Packet{Data: make([]byte, 64)}).LinkID(); !errors.Is(err, rns.VerdictWrongType) {
		t.Errorf("data packet: %v", err)
	}
}

func TestAnnounceSharesNoMemoryWithItsPacket(t *testing.T) {
	id, err := rns.NewIdentity(counting(1))
	check(t, err)
	ratchet := rns.RatchetPublic{1}
	a, err := rns.NewAnnounce(counting(2), id, rns.NameHashOf("a.b"), &ratchet, []byte("name"), epoch)
	check(t, err)
	raw := a.Packet(rns.ContextNone).Append(nil)
	p, err := rns.ParsePacket(raw)
	check(t, err)
	got, err := rns.ParseAnnounce(p)
	check(t, err)
	clear(raw)
	if diff := cmp.Diff(a, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	check(t, got.Verify())
	check(t, got.VerifyHash())
}

func TestAnnounceEmissionTimeIsClamped(t *testing.T) {
	id, err := rns.NewIdentity(counting(1))
	check(t, err)
	for _, c := range []struct {
		now  time.Time
		want int64
	}{{epoch, epoch.Unix()}, {time.Time{}, 0}, {time.Unix(1<<41, 0), 1<<40 - 1}} {
		a, err := rns.NewAnnounce(counting(1), id, rns.NameHash{}, nil, nil, c.now)
		check(t, err)
		if a.Emitted() != c.want {
			t.Errorf("%v: emitted %d, want %d", c.now, a.Emitted(), c.want)
		}
	}
}

func TestNewIFACRefuses(t *testing.T) {
	for _, c := range []struct {
		name, pass string
		size       int
		want       error
	}{
		{"", "", 16, rns.ErrIFACEmpty}, {"n", "", 0, rns.ErrIFACSize}, {"n", "", 65, rns.ErrIFACSize}, {"n", "", 64, nil}, {"", "p", 1, nil},
	} {
		if _, err := rns.NewIFAC(c.name, c.pass, c.size); !errors.Is(err, c.want) {
			t.Errorf("NewIFAC(%q, %q, %d): %v", c.name, c.pass, c.size, err)
		}
	}
}

func TestOpenInterfacePassesFramesThrough(t *testing.T) {
	var open *rns.IFAC
	raw := make([]byte, 30)
	frame := open.Seal(nil, raw)
	back, err := open.Open(nil, frame)
	check(t, err)
	equal(t, "raw", back, raw)
	if open.Size() != 0 {
		t.Errorf("size %d", open.Size())
	}
	if _, err := open.Open(nil, raw[:2]); !errors.Is(err, rns.VerdictTooShort) {
		t.Errorf("two bytes: %v", err)
	}
}

// Tokens and access codes are shared by goroutines; run with -race.
func TestTokenAndIFACAreSafeForConcurrentUse(t *testing.T) {
	token, err := rns.NewToken(make([]byte, 64))
	check(t, err)
	access, err := rns.NewIFAC("n", "p", 8)
	check(t, err)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			message := bytes.Repeat([]byte{byte(i)}, 100+i)
			for range 50 {
				sealed, err := token.Encrypt(counting(byte(i)), nil, message)
				if err != nil {
					t.Error(err)
					return
				}
				opened, err := access.Open(nil, access.Seal(nil, sealed))
				if err != nil {
					t.Error(err)
					return
				}
				opened[0] = sealed[0] // the first bit of a frame belongs to the access code
				back, err := token.Decrypt(nil, opened)
				if err != nil || !bytes.Equal(back, message) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wait.Wait()
}

func TestTokenDecryptsInPlace(t *testing.T) {
	token, err := rns.NewToken(make([]byte, 32))
	check(t, err)
	sealed, err := token.Encrypt(zeros{}, nil, []byte("some text that is longer than a block"))
	check(t, err)
	back, err := token.Decrypt(sealed[16:16], sealed)
	check(t, err)
	if string(back) != "some text that is longer than a block" || &back[0] != &sealed[16] {
		t.Errorf("%q", back)
	}
}

func TestTokenRefusesBadKeys(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 48, 63, 65, 128} {
		if _, err := rns.NewToken(make([]byte, n)); !errors.Is(err, rns.ErrBadTokenKey) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestEncryptRefusesWeakKeys(t *testing.T) {
	var zero rns.PublicKey
	if _, err := zero.Encrypt(counting(1), nil, nil); !errors.Is(err, rns.ErrBadKey) {
		t.Errorf("zero key: %v", err)
	}
	id, err := rns.NewIdentity(counting(1))
	check(t, err)
	if _, err := id.Public().Encrypt(counting(1), nil, new(rns.RatchetPublic)); !errors.Is(err, rns.ErrBadKey) {
		t.Errorf("zero ratchet: %v", err)
	}
}

// spec: rns-core §7.3
func TestWhichPacketsAreEncrypted(t *testing.T) {
	for name, c := range map[string]struct {
		p    rns.Packet
		want bool
	}{
		"to an identity":  {rns.Packet{}, true},
		"to a group":      {rns.Packet{DestType: rns.DestGroup}, true},
		"plain":           {rns.Packet{DestType: rns.DestPlain}, false},
		"link data":       {rns.Packet{DestType: rns.DestLink}, true},
		"link close":      {rns.Packet{DestType: rns.DestLink, Context: rns.ContextLinkClose}, true},
		"link keepalive":  {rns.Packet{DestType: rns.DestLink, Context: rns.ContextKeepalive}, false},
		"resource part":   {rns.Packet{DestType: rns.DestLink, Context: rns.ContextResource}, false},
		"resource advert": {rns.Packet{DestType: rns.DestLink, Context: rns.ContextResourceAdv}, true},
		"cache request":   {rns.Packet{Context: rns.ContextCacheRequest}, false},
		"announce":        {rns.Packet{Type: rns.PacketAnnounce}, false},
		"link request":    {rns.Packet{Type: rns.PacketLinkRequest}, false},
		"proof":           {rns.Packet{Type: rns.PacketProof}, false},
		"link proof":      {rns.Packet{Type: rns.PacketProof, DestType: rns.DestLink, Context: rns.ContextLRProof}, false},
	} {
		if got := c.p.Encrypted(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestPathRequestCarriesItsTag(t *testing.T) {
	for _, requestor := range []rns.Addr{{}, {7}} {
		r, err := rns.NewPathRequest(counting(1), rns.Addr{1}, requestor)
		check(t, err)
		back, err := rns.ParsePathRequest(r.Append(nil))
		check(t, err)
		if diff := cmp.Diff(r, back); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
