package rns

import (
	"slices"
	"time"

	"meshchatx/rns/msgpack"
)

// KnownDestination is what a node remembers of a destination it heard an
// announce of. spec: rns-core §3.5
type KnownDestination struct {
	Dest         Addr
	LastAnnounce time.Time // of the newest valid announce
	PacketHash   Hash      // of that announce
	Public       PublicKey
	AppData      []byte    // nil and empty differ, see [ParseAnnounce]
	LastUsed     time.Time // zero if never used
	Retained     bool      // never cleaned away; LastUsed is then not kept
}

const usedRetained = -1

// How long a destination without path is remembered. spec: rns-core §3.7
const (
	UnusedDestinationLinger = 360 * time.Second     // after its last announce, if never used
	UsedDestinationLinger   = 756_000 * time.Second // after its last use
)

// Forgettable reports whether a destination to which no path is known may be
// removed at now. One with a path is always kept, which is for the caller to
// see to. spec: rns-core §3.7
//
// differs: the reference removes one that was never used at once when its
// path is gone; here it lingers, as the specification asks.
func (k KnownDestination) Forgettable(now time.Time) bool {
	switch {
	case k.Retained:
		return false
	case k.LastUsed.IsZero():
		return now.After(k.LastAnnounce.Add(UnusedDestinationLinger))
	}
	return now.After(k.LastUsed.Add(UsedDestinationLinger))
}

// ParseKnownDestinations reads the file of known destinations in its order.
// Entries that make no sense are skipped; those of older versions without the
// time of use count as never used. The error is [ErrBadFile].
// spec: rns-core §3.6
func ParseKnownDestinations(b []byte) ([]KnownDestination, error) {
	var list []KnownDestination
	err := eachPair(b, func(key, v msgpack.Value) {
		if k, ok := knownDestination(key, v); ok {
			list = append(list, k)
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func knownDestination(key, v msgpack.Value) (k KnownDestination, ok bool) {
	f, _ := v.Array()
	if len(f) < 4 || !fill(k.Dest[:], key) || !fill(k.Public[:], f[2]) {
		return k, false
	}
	seconds, ok := f[0].Number()
	if !ok {
		return k, false
	}
	k.LastAnnounce = unixTime(seconds)
	if !fill(k.PacketHash[:], f[1]) && !f[1].IsNil() {
		return k, false
	}
	if data, ok := f[3].Bytes(); ok {
		k.AppData = append(make([]byte, 0, len(data)), data...)
	} else if !f[3].IsNil() {
		return k, false
	}
	if len(f) > 4 {
		used, _ := f[4].Number()
		k.Retained = used < 0
		k.LastUsed = unixTime(used)
	}
	return k, true
}

// AppendKnownDestinations appends the file of known destinations.
func AppendKnownDestinations(b []byte, list []KnownDestination) []byte {
	const typical = 200
	b = slices.Grow(b, typical*len(list))
	b = msgpack.AppendMapHeader(b, len(list))
	for _, k := range list {
		b = msgpack.AppendBin(b, k.Dest[:])
		b = msgpack.AppendArrayHeader(b, 5)
		b = msgpack.AppendFloat64(b, unixSeconds(k.LastAnnounce))
		b = appendHash(b, k.PacketHash)
		b = msgpack.AppendBin(b, k.Public[:])
		if k.AppData == nil {
			b = msgpack.AppendNil(b)
		} else {
			b = msgpack.AppendBin(b, k.AppData)
		}
		switch {
		case k.Retained:
			b = msgpack.AppendInt(b, usedRetained)
		case k.LastUsed.IsZero():
			b = msgpack.AppendInt(b, 0)
		default:
			b = msgpack.AppendFloat64(b, unixSeconds(k.LastUsed))
		}
	}
	return b
}
