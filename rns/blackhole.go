package rns

import (
	"strings"
	"time"

	"meshchatx/rns/msgpack"
)

// Blackhole is an identity whose announces are ignored. spec: rns-core §19.6, §21.4
type Blackhole struct {
	Identity Addr
	Source   Addr      // who said so: a transport identity
	Until    time.Time // zero for no end
	Reason   string    // may be empty
}

// ParseBlackholes reads a blackhole list, from a file or from a response of
// another node. Entries that make no sense are skipped, reasons are cut to
// 1024 bytes. The error is [ErrBadFile].
func ParseBlackholes(b []byte) ([]Blackhole, error) {
	var list []Blackhole
	err := eachPair(b, func(key, v msgpack.Value) {
		if e, ok := blackhole(key, v); ok {
			list = append(list, e)
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func blackhole(key, v msgpack.Value) (e Blackhole, ok bool) {
	fields, ok := v.Map()
	if !ok || !fill(e.Identity[:], key) {
		return e, false
	}
	source, _ := fields.Text("source")
	if !fill(e.Source[:], source) && !source.IsNil() {
		return e, false
	}
	until, _ := fields.Text("until")
	if seconds, ok := until.Number(); ok {
		e.Until = unixTime(seconds)
		if e.Until.IsZero() {
			return e, false // an end that no clock shows must not become "no end"
		}
	} else if !until.IsNil() {
		return e, false
	}
	reason, _ := fields.Text("reason")
	e.Reason, _ = reason.Text()
	if len(e.Reason) > maxReasonLength {
		e.Reason = strings.ToValidUTF8(e.Reason[:maxReasonLength], "")
	}
	return e, true
}

// AppendBlackholes appends a blackhole list.
func AppendBlackholes(b []byte, list []Blackhole) []byte {
	b = msgpack.AppendMapHeader(b, len(list))
	for _, e := range list {
		b = msgpack.AppendBin(b, e.Identity[:])
		b = msgpack.AppendMapHeader(b, 3)
		b = msgpack.AppendString(b, "source")
		b = msgpack.AppendBin(b, e.Source[:])
		b = msgpack.AppendString(b, "until")
		if e.Until.IsZero() {
			b = msgpack.AppendNil(b)
		} else {
			b = msgpack.AppendFloat64(b, unixSeconds(e.Until))
		}
		b = msgpack.AppendString(b, "reason")
		if e.Reason == "" {
			b = msgpack.AppendNil(b)
		} else {
			b = msgpack.AppendString(b, e.Reason)
		}
	}
	return b
}
