package api

import (
	"time"

	"meshchatx/rns"
)

// ms is a time as this API writes it; the zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func hopsOf(hops int) *int {
	if hops < 0 {
		return nil
	}
	return &hops
}

// hexAddr writes an address; none is empty.
func hexAddr(a rns.Addr) string {
	if a.IsZero() {
		return ""
	}
	return a.Hex()
}

// hexHash writes a hash; none is empty.
func hexHash(h rns.Hash) string {
	if h.IsZero() {
		return ""
	}
	return h.Hex()
}

// addr reads an address whose form the framework has checked.
func addr(s string) rns.Addr {
	a, err := rns.ParseAddr(s)
	if err != nil {
		return rns.Addr{}
	}
	return a
}

// hash reads a hash whose form the framework has checked; empty is none.
func hash(s string) rns.Hash {
	h, err := rns.ParseHash(s)
	if err != nil {
		return rns.Hash{}
	}
	return h
}

// list maps a slice; the result is never nil, so that JSON has a list.
func list[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

func (p PeerPath) peer() rns.Addr       { return addr(p.Peer) }
func (p MessagePath) message() rns.Hash { return hash(p.Message) }
