package control

import (
	"fmt"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// AppendPathTable appends the response to a call for the path table. spec: rns-link §12.6
func AppendPathTable(b []byte, table []PathEntry) []byte {
	b = msgpack.AppendArrayHeader(b, len(table))
	for i := range table {
		e := &table[i]
		b = msgpack.AppendMapHeader(b, 6)
		b = msgpack.AppendBin(msgpack.AppendString(b, "hash"), e.Hash[:])
		b = msgpack.AppendFloat64(msgpack.AppendString(b, "timestamp"), seconds(e.Timestamp))
		b = msgpack.AppendBin(msgpack.AppendString(b, "via"), e.Via[:])
		b = msgpack.AppendInt(msgpack.AppendString(b, "hops"), int64(e.Hops))
		b = msgpack.AppendFloat64(msgpack.AppendString(b, "expires"), seconds(e.Expires))
		b = msgpack.AppendString(msgpack.AppendString(b, "interface"), e.Interface)
	}
	return b
}

// rows reads an array of maps and hands each entry to field, which consumes its value. It needs no memory of its own.
func rows(b []byte, row func(), field func(d *msgpack.Decoder, key string) error) error {
	if isPickle(b) {
		return ErrPickle
	}
	d := msgpack.NewDecoder(b)
	n, err := d.ReadArrayHeader()
	for ; err == nil && n > 0; n-- {
		row()
		var entries int
		entries, err = d.ReadMapHeader()
		for ; err == nil && entries > 0; entries-- {
			var key []byte
			if key, err = d.ReadText(); err == nil {
				err = field(&d, string(key))
			}
		}
	}
	if err == nil && d.More() {
		err = ErrResponse
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrResponse, err)
	}
	return nil
}

// ParsePathTable reads what AppendPathTable wrote, in any order of fields. Unknown fields are skipped.
func ParsePathTable(b []byte) ([]PathEntry, error) {
	table := []PathEntry{}
	err := rows(b, func() { table = append(table, PathEntry{}) }, func(d *msgpack.Decoder, key string) (err error) {
		e := &table[len(table)-1]
		var f float64
		switch key {
		case "hash":
			return readFixed(d, e.Hash[:])
		case "via":
			return readFixed(d, e.Via[:])
		case "timestamp":
			f, err = d.ReadNumber()
			e.Timestamp = unixTime(f)
		case "expires":
			f, err = d.ReadNumber()
			e.Expires = unixTime(f)
		case "hops":
			f, err = d.ReadNumber()
			e.Hops = int(clampHops(f))
		case "interface":
			e.Interface, err = readString(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return table, nil
}

func clampHops(f float64) float64 {
	if !(f > 0) { //nolint:staticcheck // false for NaN, too
		return 0
	}
	return min(f, rns.MaxHops)
}

// readFixed reads a byte string of the length of dst.
func readFixed(d *msgpack.Decoder, dst []byte) error {
	b, err := d.ReadBin()
	if err == nil && len(b) != len(dst) {
		err = ErrResponse
	}
	copy(dst, b)
	return err
}

// readString reads a text; nil is the empty one.
func readString(d *msgpack.Decoder) (string, error) {
	if k, err := d.Kind(); err == nil && k == msgpack.KindNil {
		return "", d.ReadNil()
	}
	b, err := d.ReadText()
	return string(b), err
}

// AppendRateTable appends the response to a call for the announce histories. spec: rns-link §12.6
func AppendRateTable(b []byte, table []RateEntry) []byte {
	b = msgpack.AppendArrayHeader(b, len(table))
	for i := range table {
		e := &table[i]
		b = msgpack.AppendMapHeader(b, 5)
		b = msgpack.AppendBin(msgpack.AppendString(b, "hash"), e.Hash[:])
		b = msgpack.AppendFloat64(msgpack.AppendString(b, "last"), seconds(e.Last))
		b = msgpack.AppendInt(msgpack.AppendString(b, "rate_violations"), int64(e.Violations))
		b = appendTime(msgpack.AppendString(b, "blocked_until"), e.BlockedUntil)
		b = msgpack.AppendArrayHeader(msgpack.AppendString(b, "timestamps"), len(e.Timestamps))
		for _, t := range e.Timestamps {
			b = msgpack.AppendFloat64(b, seconds(t))
		}
	}
	return b
}

// ParseRateTable reads what AppendRateTable wrote, in any order of fields. Unknown fields are skipped.
func ParseRateTable(b []byte) ([]RateEntry, error) {
	table := []RateEntry{}
	err := rows(b, func() { table = append(table, RateEntry{}) }, func(d *msgpack.Decoder, key string) (err error) {
		e := &table[len(table)-1]
		var f float64
		switch key {
		case "hash":
			return readFixed(d, e.Hash[:])
		case "last":
			f, err = d.ReadNumber()
			e.Last = unixTime(f)
		case "rate_violations":
			f, err = d.ReadNumber()
			e.Violations = int(max(0, min(f, 1<<31)))
		case "blocked_until":
			f, err = d.ReadNumber()
			e.BlockedUntil = unixTime(f)
		case "timestamps":
			return e.readTimestamps(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return table, nil
}

func (e *RateEntry) readTimestamps(d *msgpack.Decoder) error {
	n, err := d.ReadArrayHeader()
	for ; err == nil && n > 0; n-- {
		var f float64
		if f, err = d.ReadNumber(); err == nil {
			e.Timestamps = append(e.Timestamps, unixTime(f))
		}
	}
	return err
}

// AppendBlackhole appends the response to a call for the refused identities, which is also what is published.
// spec: rns-core §21.4
func AppendBlackhole(b []byte, list []BlackholeEntry) []byte {
	b = msgpack.AppendMapHeader(b, len(list))
	for i := range list {
		e := &list[i]
		b = msgpack.AppendMapHeader(msgpack.AppendBin(b, e.Identity[:]), 3)
		b = msgpack.AppendBin(msgpack.AppendString(b, "source"), e.Source[:])
		b = appendTimeOrNil(msgpack.AppendString(b, keyUntil), e.Until)
		b = appendTextOrNil(msgpack.AppendString(b, keyReason), e.Reason)
	}
	return b
}

// ParseBlackhole reads what AppendBlackhole wrote. Entries with fields of the wrong kind or size are left out.
func ParseBlackhole(b []byte) ([]BlackholeEntry, error) {
	v, err := parse(b)
	if err != nil {
		return nil, err
	}
	m, ok := v.Map()
	if !ok {
		return nil, ErrResponse
	}
	list := []BlackholeEntry{}
	for key, val := range m.All() {
		var e BlackholeEntry
		fields, ok := val.Map()
		if !ok || !fixed(key, e.Identity[:]) {
			continue
		}
		source, _ := fields.Text("source")
		until, _ := fields.Text(keyUntil)
		reason, _ := fields.Text(keyReason)
		if (source.IsNil() || fixed(source, e.Source[:])) && readTime(until, &e.Until) && readText(reason, &e.Reason) {
			list = append(list, e)
		}
	}
	return list, nil
}
