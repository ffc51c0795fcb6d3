package discovery

import (
	"errors"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// CacheSize is how many announces with good stamps, and how many with bad ones,
// are remembered. spec: rns-core §22.4
const CacheSize = 2048

// Reasons for ignoring an announce, beside those of its data and its info.
var (
	ErrStamp        = errors.New("discovery: stamp of too little value")
	ErrKnownInvalid = errors.New("discovery: was refused before")
)

// Heard is a discovery announce.
type Heard struct {
	Identity rns.Addr // who announced
	AppData  []byte
	Hops     int
}

// Receiver turns announces into records. Its fields are set before use.
// spec: rns-core §22.4
type Receiver struct {
	Required int // value of stamps, 0 for the default
	Sources  Sources
	Network  *rns.Identity // nil: nothing encrypted is understood

	valid   cache[opened]
	invalid cache[struct{}]
}

// opened is an announce whose stamp was checked.
type opened struct {
	packed []byte
	stamp  stamp.Stamp
	value  int
}

// Receive checks an announce, cheap things first; the stamp takes about 0.1 ms.
// The errors are the reasons named in this package. spec: rns-core §22.4
func (r *Receiver) Receive(h Heard, now time.Time) (Record, error) {
	if !r.Sources.Allow(h.Identity) {
		return Record{}, ErrSource
	}
	data, err := ParseAppData(h.AppData)
	if err != nil {
		return Record{}, err
	}
	key := rns.FullHash(data.Payload)
	if _, known := r.invalid.get(key); known {
		return Record{}, ErrKnownInvalid
	}
	o, known := r.valid.get(key)
	if !known {
		if o, err = r.check(data); errors.Is(err, ErrStamp) {
			r.invalid.put(key, struct{}{})
		}
		if err != nil {
			return Record{}, err
		}
		r.valid.put(key, o)
	}
	info, err := ParseInfo(o.packed)
	if err != nil {
		return Record{}, err
	}
	return NewRecord(info, h.Identity, o.stamp, o.value, h.Hops, now), nil
}

func (r *Receiver) check(data AppData) (opened, error) {
	packed, s, err := data.Open(r.Network)
	if err != nil {
		return opened{}, err
	}
	required := r.Required
	if required <= 0 {
		required = DefaultCost
	}
	work := Work(packed)
	o := opened{packed: packed, stamp: s, value: work.Value(s[:])}
	if !work.Valid(s[:], required) || o.value < required {
		return opened{}, ErrStamp
	}
	o.packed = append([]byte(nil), packed...) // the announce is not kept
	return o, nil
}

// cache keeps the newest CacheSize entries. The zero value is empty.
type cache[T any] struct {
	entries map[rns.Hash]T
	order   []rns.Hash // a ring once it is full
	next    int
}

func (c *cache[T]) get(k rns.Hash) (T, bool) {
	v, ok := c.entries[k]
	return v, ok
}

// put adds an entry that is not there.
func (c *cache[T]) put(k rns.Hash, v T) {
	if c.entries == nil {
		c.entries = make(map[rns.Hash]T)
	}
	c.entries[k] = v
	if len(c.order) < CacheSize {
		c.order = append(c.order, k)
		return
	}
	delete(c.entries, c.order[c.next])
	c.order[c.next] = k
	c.next = (c.next + 1) % CacheSize
}
