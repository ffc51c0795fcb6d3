package telemetry

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"meshchatx/rns/msgpack"
)

// Reasons for refusing telemetry.
var (
	ErrTelemeter = errors.New("telemetry: not a telemeter")
	ErrReading   = errors.New("telemetry: reading is not of its sensor's form")
	ErrStream    = errors.New("telemetry: not a stream of telemeters")
)

// Reading is what one sensor says.
type Reading struct {
	Sensor Sensor
	// Packed is the value as it travels; nil for an enabled sensor without a reading, and for one of another form than it
	// should have.
	Packed msgpack.Value
}

// Telemeter is the readings of one object, in the order of their sender. The zero
// value has none. It is immutable.
type Telemeter struct{ readings []Reading }

// Parse reads a telemeter. It aliases b. spec: telemetry §1, §8
func Parse(b []byte) (Telemeter, error) {
	const above = 8 // levels of the telemeter and of readings around values of any form
	v, _, err := msgpack.Parse(b, msgpack.Limits{Depth: maxDepth + above, Values: maxValues})
	if err != nil {
		return Telemeter{}, fmt.Errorf("%w: %w", ErrTelemeter, err)
	}
	m, ok := v.Map()
	if !ok || m.Len() > maxSensors {
		return Telemeter{}, ErrTelemeter
	}
	var t Telemeter
	for k, packed := range m.All() {
		id, ok := k.Uint()
		if !ok {
			continue
		}
		r := Reading{Sensor: Sensor(id), Packed: packed}
		if kind, known := kinds[r.Sensor]; known {
			if _, ok := kind.form.open(packed); !ok {
				r.Packed = msgpack.Nil()
			}
		} else if !sane(packed, maxDepth) {
			r.Packed = msgpack.Nil()
		}
		t.readings = append(t.readings, r)
	}
	return t, nil
}

// Build makes a telemeter of readings by name, as [Telemeter.Get] returns them. The
// time is put first. What is not of its sensor's form is an [ErrReading].
// spec: telemetry §1
func Build(at time.Time, readings ...Reading) (Telemeter, error) {
	t := Telemeter{readings: []Reading{{Time, msgpack.Int(at.Unix())}}}
	for _, r := range readings {
		kind, known := kinds[r.Sensor]
		if !known || r.Sensor == Time {
			return Telemeter{}, fmt.Errorf("%s: %w", r.Sensor, ErrReading)
		}
		if !r.Packed.IsNil() {
			packed, ok := kind.form.pack(r.Packed)
			if !ok {
				return Telemeter{}, fmt.Errorf("%s: %w", r.Sensor, ErrReading)
			}
			r.Packed = packed
		}
		t.readings = append(t.readings, r)
	}
	if len(t.readings) > maxSensors {
		return Telemeter{}, ErrTelemeter
	}
	return t, nil
}

// Append appends the encoded telemeter: the content of field 0x02.
func (t Telemeter) Append(b []byte) []byte {
	b = msgpack.AppendMapHeader(b, len(t.readings))
	for _, r := range t.readings {
		b = r.Packed.Append(msgpack.AppendUint(b, uint64(r.Sensor)))
	}
	return b
}

// Len is the number of readings.
func (t Telemeter) Len() int { return len(t.readings) }

// All iterates over the sensors and their readings by name, nil for none. Those of
// unknown sensors are as they came.
func (t Telemeter) All() iter.Seq2[Sensor, msgpack.Value] {
	return func(yield func(Sensor, msgpack.Value) bool) {
		for _, r := range t.readings {
			v, _ := t.Get(r.Sensor)
			if !yield(r.Sensor, v) {
				return
			}
		}
	}
}

// Get returns a reading by the names of its parts, nil for none; false if the sensor
// is not in the telemeter.
func (t Telemeter) Get(s Sensor) (msgpack.Value, bool) {
	for _, r := range t.readings {
		if r.Sensor != s {
			continue
		}
		kind, known := kinds[s]
		if !known || r.Packed.IsNil() {
			return r.Packed, true
		}
		v, ok := kind.form.open(r.Packed)
		if !ok {
			return msgpack.Nil(), true
		}
		return v, true
	}
	return msgpack.Nil(), false
}

// Time is when the readings were taken, by the sender's clock; zero if not told.
func (t Telemeter) Time() time.Time {
	v, _ := t.Get(Time)
	m, _ := v.Map()
	utc, _ := m.Text("utc")
	seconds, _ := utc.Number()
	return timeOf(seconds)
}

// Plausible reports whether the readings are not of the future, by more than a day
// of wrong clocks. spec: telemetry §8
func (t Telemeter) Plausible(now time.Time) bool {
	const tolerance = 24 * time.Hour
	return !t.Time().After(now.Add(tolerance))
}

// Location returns the position, false for none.
func (t Telemeter) Location() (Position, bool) {
	v, _ := t.Get(Location)
	return positionOf(v)
}

// Charge is a reading of a battery.
type Charge struct {
	Percent        float64
	Charging       bool
	Temperature    float64 // °C
	HasTemperature bool
}

// Battery returns the charge, false for none.
func (t Telemeter) Battery() (c Charge, ok bool) {
	v, _ := t.Get(Battery)
	m, ok := v.Map()
	if !ok {
		return Charge{}, false
	}
	percent, _ := m.Text("charge_percent")
	charging, _ := m.Text("charging")
	temperature, _ := m.Text("temperature")
	c.Percent, _ = percent.Number()
	c.Charging, _ = charging.Bool()
	c.Temperature, c.HasTemperature = temperature.Number()
	return c, true
}

// Information returns the text, false for none.
func (t Telemeter) Information() (string, bool) {
	v, _ := t.Get(Information)
	m, _ := v.Map()
	contents, _ := m.Text("contents")
	return contents.Text()
}
