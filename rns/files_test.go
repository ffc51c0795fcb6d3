package rns_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// signedRatchets is a ratchet file with the given bytes as its list.
func signedRatchets(id *rns.Identity, packed []byte) []byte {
	sig := id.Sign(packed)
	b := msgpack.AppendMapHeader(nil, 2)
	b = msgpack.AppendString(b, "signature")
	b = msgpack.AppendBin(b, sig[:])
	b = msgpack.AppendString(b, "ratchets")
	return msgpack.AppendBin(b, packed)
}

func TestDamagedRatchetFileIsAnErrorAndNotEmpty(t *testing.T) {
	id, err := rns.NewIdentity(counting(1))
	check(t, err)
	key := msgpack.AppendBin([]byte{0x91}, make([]byte, 31))
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"empty file":       {nil, rns.ErrBadFile},
		"not a map":        {[]byte{0x90}, rns.ErrBadFile},
		"empty map":        {[]byte{0x80}, rns.ErrBadFile},
		"not signed":       {append([]byte{}, 0x82, 0xa9, 's', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', 0xc4, 0, 0xa8, 'r', 'a', 't', 'c', 'h', 'e', 't', 's', 0xc4, 1, 0x90), rns.ErrRatchetFileForged},
		"truncated":        {signedRatchets(id, []byte{0x90})[:60], rns.ErrBadFile},
		"list not a list":  {signedRatchets(id, []byte{0xc0}), rns.ErrBadFile},
		"forged count":     {signedRatchets(id, []byte{0xdd, 0xff, 0xff, 0xff, 0xff}), rns.ErrBadFile},
		"key not binary":   {signedRatchets(id, []byte{0x91, 0x01}), rns.ErrBadFile},
		"key of 31 bytes":  {signedRatchets(id, key), rns.ErrBadRatchetSize},
		"list cut off":     {signedRatchets(id, []byte{0x92, 0xc4, 0x20}), rns.ErrBadFile},
		"bytes after list": {signedRatchets(id, []byte{0x90, 0x00}), nil},
	} {
		if _, err := rns.ParseRatchetFile(c.file, id.Public()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTablesSkipEntriesThatMakeNoSense(t *testing.T) {
	good := rns.PathRecord{Dest: rns.Addr{1}, Hops: 1, Learned: epoch, Expires: epoch, Interface: rns.Hash{2}, Announce: rns.Hash{3}}
	wide := good
	wide.Hops = 200
	file := msgpack.AppendArrayHeader(nil, 4)
	file = msgpack.AppendNil(file)
	file = append(file, rns.AppendPathTable(nil, []rns.PathRecord{wide})[1:]...)
	file = append(file, rns.AppendPathTable(nil, []rns.PathRecord{good})[1:]...)
	file = msgpack.AppendArrayHeader(file, 0)
	list, err := rns.ParsePathTable(file)
	if err != nil || len(list) != 1 || list[0].Dest != good.Dest {
		t.Errorf("%v, %v", list, err)
	}

	tunnels := msgpack.AppendArrayHeader(nil, 2)
	tunnels = msgpack.AppendString(tunnels, "not a tunnel")
	tunnels = append(tunnels, rns.AppendTunnels(nil, []rns.TunnelRecord{{ID: rns.Hash{9}, Expires: epoch}})[1:]...)
	found, err := rns.ParseTunnels(tunnels)
	if err != nil || len(found) != 1 || found[0].ID != (rns.Hash{9}) || !found[0].Interface.IsZero() {
		t.Errorf("%v, %v", found, err)
	}
}

func TestTablesRefuseForgedCounts(t *testing.T) {
	array, table := []byte{0xdd, 0xff, 0xff, 0xff, 0xff}, []byte{0xdf, 0xff, 0xff, 0xff, 0xff}
	_, err1 := rns.ParsePathTable(array)
	_, err2 := rns.ParseTunnels(array)
	_, err3 := rns.ParseKnownDestinations(table)
	_, err4 := rns.ParseBlackholes(table)
	_, err5 := rns.ParseCachedAnnounce(array)
	_, err6 := rns.ParseReceivedRatchet(table)
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if !errors.Is(err, rns.ErrBadFile) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestTunnelFileKeepsTheNewestBlobs(t *testing.T) {
	p := rns.PathRecord{Announce: rns.Hash{1}, Learned: epoch, Expires: epoch}
	for i := range 64 {
		p.Blobs = append(p.Blobs, [rns.RandomBlobSize]byte{byte(i)})
	}
	list, err := rns.ParseTunnels(rns.AppendTunnels(nil, []rns.TunnelRecord{{Paths: []rns.PathRecord{p}, Expires: epoch}}))
	check(t, err)
	got := list[0].Paths[0].Blobs
	if len(got) != rns.PersistRandomBlobs || got[0][0] != 32 || got[31][0] != 63 {
		t.Errorf("%d blobs, %v", len(got), got)
	}
}

func TestBlackholeFieldsAreValidated(t *testing.T) {
	entry := func(key []byte, pairs ...msgpack.Pair) []byte {
		return msgpack.Map(msgpack.Pair{Key: msgpack.Bin(key), Value: msgpack.Map(pairs...)}).Append(nil)
	}
	source := msgpack.Pair{Key: msgpack.Str("source"), Value: msgpack.Bin(make([]byte, 16))}
	long := msgpack.Pair{Key: msgpack.Str("reason"), Value: msgpack.Str(string(bytes.Repeat([]byte("ä"), 2000)))}
	until := func(v msgpack.Value) msgpack.Pair { return msgpack.Pair{Key: msgpack.Str("until"), Value: v} }
	for name, c := range map[string]struct {
		file []byte
		want int
	}{
		"complete":                {entry(make([]byte, 16), source, until(msgpack.Int(1780000000)), long), 1},
		"bare":                    {entry(make([]byte, 16)), 1},
		"key of another length":   {entry(make([]byte, 15), source), 0},
		"source of wrong length":  {entry(make([]byte, 16), msgpack.Pair{Key: msgpack.Str("source"), Value: msgpack.Bin([]byte{1})}), 0},
		"end that is text":        {entry(make([]byte, 16), until(msgpack.Str("soon"))), 0},
		"end no clock can show":   {entry(make([]byte, 16), until(msgpack.Float(1e300))), 0},
		"end in the distant past": {entry(make([]byte, 16), until(msgpack.Float(-5))), 0},
	} {
		list, err := rns.ParseBlackholes(c.file)
		if err != nil || len(list) != c.want {
			t.Errorf("%s: %v, %v", name, list, err)
		}
		if len(list) > 0 && len(list[0].Reason) > 1024 {
			t.Errorf("%s: reason of %d bytes", name, len(list[0].Reason))
		}
	}
}

func TestReceivedRatchetLifetime(t *testing.T) {
	r := rns.ReceivedRatchet{Received: epoch}
	for after, want := range map[time.Duration]bool{0: true, rns.RatchetExpiry - 1: true, rns.RatchetExpiry: false} {
		if got := r.Usable(epoch.Add(after)); got != want {
			t.Errorf("usable after %v: %t", after, got)
		}
	}
}

func TestDestinationsLingerBeforeTheyAreForgotten(t *testing.T) {
	never := rns.KnownDestination{LastAnnounce: epoch}
	used := rns.KnownDestination{LastAnnounce: epoch.Add(-1e6 * time.Second), LastUsed: epoch}
	kept := rns.KnownDestination{Retained: true}
	for i, c := range []struct {
		k     rns.KnownDestination
		after time.Duration
		want  bool
	}{
		{never, 360 * time.Second, false}, {never, 361 * time.Second, true},
		{used, 756_000 * time.Second, false}, {used, 756_001 * time.Second, true},
		{kept, 1e9 * time.Second, false},
	} {
		if got := c.k.Forgettable(epoch.Add(c.after)); got != c.want {
			t.Errorf("%d: forgettable %t", i, got)
		}
	}
}
