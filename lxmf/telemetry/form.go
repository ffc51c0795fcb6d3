package telemetry

import (
	"math"
	"strconv"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Limits on reading. spec: telemetry §8
const (
	maxSensors = 64
	maxLabels  = 64
	maxText    = 1024
	maxStream  = 4096
	maxDepth   = 8
	maxValues  = 1 << 14 // of one telemeter: connection maps and path tables are long
)

// form turns the packed form of a reading into one with names and back; false means
// that a value is not of the form.
type form interface {
	open(packed msgpack.Value) (msgpack.Value, bool)
	pack(named msgpack.Value) (msgpack.Value, bool)
}

// check says whether a value may stand somewhere.
type check func(msgpack.Value) bool

func number(v msgpack.Value) bool {
	n, ok := v.Number()
	return ok && !math.IsNaN(n) && !math.IsInf(n, 0)
}

func integer(v msgpack.Value) bool {
	_, ok := v.Int()
	return ok
}

func boolean(v msgpack.Value) bool {
	_, ok := v.Bool()
	return ok
}

func short(v msgpack.Value) bool {
	s, ok := v.BytesOrText()
	return ok && len(s) <= maxText
}

func mapping(v msgpack.Value) bool {
	_, ok := v.Map()
	return ok && sane(v, maxDepth)
}

func anything(v msgpack.Value) bool { return sane(v, maxDepth) }

func orNil(c check) check {
	return func(v msgpack.Value) bool { return v.IsNil() || c(v) }
}

func icon(v msgpack.Value) bool {
	_, ok := v.Text()
	return v.IsNil() || ok && short(v)
}

// loads are those of 1, 5 and 15 minutes.
func loads(v msgpack.Value) bool {
	a, ok := v.Array()
	return v.IsNil() || ok && len(a) == 3 && number(a[0]) && number(a[1]) && number(a[2])
}

// sane reports whether a value of any form is within bounds.
func sane(v msgpack.Value, depth int) bool {
	if depth < 0 {
		return false
	}
	switch v.Kind() {
	case msgpack.KindFloat:
		return number(v)
	case msgpack.KindString, msgpack.KindBin:
		return short(v)
	case msgpack.KindArray:
		a, _ := v.Array()
		for _, item := range a {
			if !sane(item, depth-1) {
				return false
			}
		}
	case msgpack.KindMap:
		m, _ := v.Map()
		for k, item := range m.All() {
			if !sane(k, 0) || !sane(item, depth-1) {
				return false
			}
		}
	default:
	}
	return true
}

// plain is a reading that is its own form.
type plain struct{ check }

func (p plain) open(v msgpack.Value) (msgpack.Value, bool) { return v, p.check(v) }
func (p plain) pack(v msgpack.Value) (msgpack.Value, bool) { return v, p.check(v) }

// single is one value that has a name.
type single struct {
	name string
	of   check
}

func named(name string, of check) form { return single{name, of} }

func (s single) open(v msgpack.Value) (msgpack.Value, bool) {
	return msgpack.Map(pair(s.name, v)), s.of(v)
}

func (s single) pack(v msgpack.Value) (msgpack.Value, bool) {
	m, _ := v.Map()
	inner, ok := m.Text(s.name)
	return inner, ok && s.of(inner)
}

func pair(name string, v msgpack.Value) msgpack.Pair {
	return msgpack.Pair{Key: msgpack.Str(name), Value: v}
}

// list is an array whose places have names. What is missing at its end is nil if it
// may be.
type list struct {
	names []string
	of    check
}

var vector = list{names: []string{"x", "y", "z"}, of: number}

func (l list) open(v msgpack.Value) (msgpack.Value, bool) {
	a, ok := v.Array()
	if !ok {
		return v, false
	}
	pairs := make([]msgpack.Pair, len(l.names))
	for i, name := range l.names {
		var item msgpack.Value
		if i < len(a) {
			item = a[i]
		}
		if !l.of(item) {
			return v, false
		}
		pairs[i] = pair(name, item)
	}
	return msgpack.Map(pairs...), true
}

func (l list) pack(v msgpack.Value) (msgpack.Value, bool) {
	m, ok := v.Map()
	items := make([]msgpack.Value, len(l.names))
	for i, name := range l.names {
		items[i], _ = m.Text(name)
		ok = ok && l.of(items[i])
	}
	return msgpack.Array(items...), ok
}

// labelled is a list of entries with labels; named it is a map. The label is text, or
// the number 0 for the one without. spec: telemetry §2.1
type labelled []check

func (l labelled) open(v msgpack.Value) (msgpack.Value, bool) {
	a, ok := v.Array()
	if !ok || len(a) > maxLabels {
		return v, false
	}
	pairs := make([]msgpack.Pair, 0, len(a))
	for _, one := range a {
		p, ok := one.Array()
		if !ok || len(p) < 2 || !label(p[0]) || !l.entry(p[1]) {
			return v, false
		}
		pairs = append(pairs, msgpack.Pair{Key: p[0], Value: p[1]})
	}
	return msgpack.Map(pairs...), true
}

func (l labelled) pack(v msgpack.Value) (msgpack.Value, bool) {
	m, ok := v.Map()
	if !ok || m.Len() > maxLabels {
		return v, false
	}
	var items []msgpack.Value
	for k, entry := range m.All() {
		if !label(k) || !l.entry(entry) {
			return v, false
		}
		items = append(items, msgpack.Array(k, entry))
	}
	return msgpack.Array(items...), true
}

func (l labelled) entry(v msgpack.Value) bool {
	a, ok := v.Array()
	if !ok || len(a) > len(l) {
		return false
	}
	for i, c := range l {
		var item msgpack.Value
		if i < len(a) {
			item = a[i]
		}
		if !c(item) {
			return false
		}
	}
	return true
}

func label(v msgpack.Value) bool {
	if n, ok := v.Int(); ok {
		return n == 0
	}
	_, ok := v.Text()
	return ok && short(v)
}

// battery has two elements in older programs. spec: telemetry §2.2
type battery struct{}

var batteryList = list{names: []string{"charge_percent", "charging", "temperature"}, of: anything}

func (battery) open(v msgpack.Value) (msgpack.Value, bool) {
	a, ok := v.Array()
	if !ok || len(a) < 2 || !number(a[0]) || !boolean(a[1]) || len(a) > 2 && !orNil(number)(a[2]) {
		return v, false
	}
	return batteryList.open(v)
}

func (battery) pack(v msgpack.Value) (msgpack.Value, bool) {
	packed, ok := batteryList.pack(v)
	a, _ := packed.Array()
	if !ok || !number(a[0]) || !boolean(a[1]) || !orNil(number)(a[2]) {
		return v, false
	}
	if charge, isFloat := a[0].Float(); isFloat {
		a[0] = msgpack.Float(rounded(charge, 1))
	}
	return packed, true
}

// rounded rounds to decimals as they are written.
func rounded(f float64, decimals int) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', decimals, 64), 64) // it has just been formatted
	return r
}

// information is text, whatever was sent. spec: telemetry §2.4
type information struct{}

func (information) open(v msgpack.Value) (msgpack.Value, bool) {
	s, ok := v.Text()
	if !ok {
		if v.IsNil() {
			return v, false
		}
		s = v.String()
	}
	if len(s) > maxText {
		return v, false
	}
	return msgpack.Map(pair("contents", msgpack.Str(s))), true
}

func (information) pack(v msgpack.Value) (msgpack.Value, bool) {
	m, _ := v.Map()
	s, ok := m.Text("contents")
	return s, ok && icon(s) && !s.IsNil()
}

// received is what the one that passes a reading on knows of its way. Distances are
// in metres. spec: telemetry §2.3
type received struct{}

func address(v msgpack.Value) bool {
	b, ok := v.Bytes()
	return v.IsNil() || ok && len(b) == rns.AddrSize
}

func (received) open(v msgpack.Value) (msgpack.Value, bool) {
	a, ok := v.Array()
	if !ok || len(a) < 4 || !address(a[0]) || !address(a[1]) || !orNil(number)(a[2]) || !orNil(number)(a[3]) {
		return v, false
	}
	return msgpack.Map(pair("by", a[0]), pair("via", a[1]),
		pair("distance", msgpack.Map(pair("geodesic", a[2]), pair("euclidian", a[3])))), true
}

func (r received) pack(v msgpack.Value) (msgpack.Value, bool) {
	m, _ := v.Map()
	by, _ := m.Text("by")
	via, _ := m.Text("via")
	d, _ := m.Text("distance")
	distance, _ := d.Map()
	geodesic, _ := distance.Text("geodesic")
	euclidian, _ := distance.Text("euclidian")
	packed := msgpack.Array(by, via, geodesic, euclidian)
	_, ok := r.open(packed)
	return packed, ok
}
