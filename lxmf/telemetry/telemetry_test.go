package telemetry_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meshchatx/lxmf/telemetry"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

func telemeter(sensor telemetry.Sensor, packed msgpack.Value) []byte {
	return msgpack.Map(
		msgpack.Pair{Key: msgpack.Uint(1), Value: msgpack.Int(taken.Unix())},
		msgpack.Pair{Key: msgpack.Uint(uint64(sensor)), Value: packed},
	).Append(nil)
}

// What has not the form of its sensor, or is out of bounds, is no reading and spoils nothing else. spec: telemetry §1, §8
func TestMalformedReadings(t *testing.T) {
	bin := func(n int) msgpack.Value { return msgpack.Bin(make([]byte, n)) }
	long := msgpack.Str(strings.Repeat("x", 1025))
	deep := msgpack.Int(1)
	for range 9 {
		deep = msgpack.Array(deep)
	}
	north := msgpack.Bin([]byte{0x7f, 0xff, 0xff, 0xff})
	var labels []msgpack.Value
	for range 65 {
		labels = append(labels, msgpack.Array(msgpack.Int(0), msgpack.Array(msgpack.Int(1), msgpack.Nil())))
	}
	for name, c := range map[string]struct {
		sensor telemetry.Sensor
		packed msgpack.Value
	}{
		"pressure is text":   {telemetry.Pressure, msgpack.Str("high")},
		"temperature is NaN": {telemetry.Temperature, msgpack.Float(math.NaN())},
		"light is infinite":  {telemetry.AmbientLight, msgpack.Float(math.Inf(1))},
		"short location":     {telemetry.Location, msgpack.Array(bin(4), bin(4))},
		"location of numbers": {telemetry.Location, msgpack.Array(msgpack.Int(1), msgpack.Int(1), msgpack.Int(1), msgpack.Int(1), msgpack.Int(1),
			msgpack.Int(1), msgpack.Int(1))},
		"beyond the pole":  {telemetry.Location, msgpack.Array(north, bin(4), bin(4), bin(4), bin(4), bin(2), msgpack.Int(1))},
		"empty battery":    {telemetry.Battery, msgpack.Array()},
		"two axes":         {telemetry.Acceleration, msgpack.Array(msgpack.Int(1), msgpack.Int(2))},
		"long text":        {telemetry.Information, long},
		"bad address":      {telemetry.Received, msgpack.Array(bin(3), msgpack.Nil(), msgpack.Nil(), msgpack.Nil())},
		"label is a list":  {telemetry.Tank, msgpack.Array(msgpack.Array(msgpack.Array(), msgpack.Array()))},
		"too many labels":  {telemetry.PowerConsumption, msgpack.Array(labels...)},
		"too deep":         {telemetry.Custom, msgpack.Array(msgpack.Array(msgpack.Int(0), msgpack.Array(deep, msgpack.Nil())))},
		"map is a list":    {telemetry.RNSTransport, msgpack.Array()},
		"long text in map": {telemetry.ConnectionMap, msgpack.Map(msgpack.Pair{Key: msgpack.Str("a"), Value: long})},
	} {
		b := append(telemeter(c.sensor, c.packed), 0) // what follows is ignored
		got, err := telemetry.Parse(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v, present := got.Get(c.sensor); !present || !v.IsNil() {
			t.Errorf("%s: reads %v, present %v", name, v, present)
		}
		if !got.Time().Equal(taken) {
			t.Errorf("%s: the time is spoiled", name)
		}
	}
}

// Older batteries have two elements; texts that are none become text. spec: telemetry §2.2, §2.4
func TestLenientReadings(t *testing.T) {
	got, err := telemetry.Parse(telemeter(telemetry.Battery, msgpack.Array(msgpack.Int(80), msgpack.Bool(true))))
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := got.Battery(); !ok || c != (telemetry.Charge{Percent: 80, Charging: true}) {
		t.Errorf("%+v", c)
	}
	if got, err = telemetry.Parse(telemeter(telemetry.Information, msgpack.Int(7))); err != nil {
		t.Fatal(err)
	}
	if s, ok := got.Information(); !ok || s != "7" {
		t.Errorf("%q", s)
	}
}

func TestParseRefuses(t *testing.T) {
	var many []msgpack.Pair
	for i := range 65 {
		many = append(many, msgpack.Pair{Key: msgpack.Int(int64(i)), Value: msgpack.Nil()})
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "cut": {0x81}, "a list": {0x90}, "too many sensors": msgpack.Map(many...).Append(nil),
	} {
		if _, err := telemetry.Parse(b); !errors.Is(err, telemetry.ErrTelemeter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := telemetry.Build(taken, telemetry.Reading{Sensor: telemetry.Pressure, Packed: msgpack.Str("x")}); !errors.Is(err, telemetry.ErrReading) {
		t.Errorf("built: %v", err)
	}
	late, err := telemetry.Build(taken.Add(25 * time.Hour))
	if err != nil || late.Plausible(taken) || !late.Plausible(taken.Add(2*time.Hour)) {
		t.Errorf("the future is plausible: %v", err)
	}
}

// A position survives the way there and back to a hundred-millionth of the circumference and a centimetre. spec: telemetry §3
func TestPositionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := telemetry.Position{
			Latitude: rapid.Float64Range(-90, 90).Draw(t, "lat"), Longitude: rapid.Float64Range(-180, 180).Draw(t, "lon"),
			Altitude: rapid.Float64Range(-1e4, 1e5).Draw(t, "alt"), Speed: rapid.Float64Range(0, 4e4).Draw(t, "speed"),
			Bearing: rapid.Float64Range(-360, 360).Draw(t, "bearing"), Accuracy: rapid.Float64Range(0, 1e4).Draw(t, "accuracy"), At: taken.UTC(),
		}
		b, err := telemetry.Build(taken, telemetry.Reading{Sensor: telemetry.Location, Packed: p.Value()})
		if err != nil {
			t.Fatal(err)
		}
		again, err := telemetry.Parse(b.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := again.Location()
		near := func(a, b, by float64) bool { return math.Abs(a-b) <= by }
		if !ok || !near(got.Latitude, p.Latitude, 2e-6) || !near(got.Longitude, p.Longitude, 2e-6) || !near(got.Altitude, p.Altitude, 0.02) ||
			!near(got.Speed, p.Speed, 0.02) || !near(got.Bearing, p.Bearing, 0.02) || !near(got.Accuracy, min(p.Accuracy, 655.35), 0.02) || !got.At.Equal(p.At) {
			t.Fatalf("%+v becomes %+v", p, got)
		}
	})
}

// Entries of other programs: three elements, sources as text. spec: telemetry §7
func TestLenientStream(t *testing.T) {
	source := rns.Addr{1, 2}
	entries, err := telemetry.ParseStream(msgpack.Array(
		msgpack.Array(msgpack.Str(source.Hex()), msgpack.Float(5.5), msgpack.Bin([]byte{0x80})),
		msgpack.Array(msgpack.Bin([]byte{1}), msgpack.Int(5), msgpack.Bin(nil)), msgpack.Int(1),
		msgpack.Array(msgpack.Bin(source[:]), msgpack.Str("now"), msgpack.Bin(nil)),
	))
	if err != nil || len(entries) != 1 || entries[0].Source != source || entries[0].At.Unix() != 5 {
		t.Errorf("%+v, %v", entries, err)
	}
	if _, err := telemetry.ParseStream(msgpack.Map()); !errors.Is(err, telemetry.ErrStream) {
		t.Errorf("a map: %v", err)
	}
}

// spec: telemetry §6, §6.3, §7
func TestCommands(t *testing.T) {
	pair := func(k, v msgpack.Value) msgpack.Pair { return msgpack.Pair{Key: k, Value: v} }
	for _, c := range []struct {
		value msgpack.Value
		want  []telemetry.CommandID
	}{
		{msgpack.Nil(), nil},
		{msgpack.Map(pair(msgpack.Str("0x01"), msgpack.Int(5))), []telemetry.CommandID{1}},
		{msgpack.Array(msgpack.Map(pair(msgpack.Str("1"), msgpack.Int(5))), msgpack.Int(3), msgpack.Map()), []telemetry.CommandID{1}},
		{msgpack.Array(msgpack.Map(pair(msgpack.Int(0), msgpack.Str("x")), pair(msgpack.Int(2), msgpack.Bool(true)))), []telemetry.CommandID{2}},
		{msgpack.Array(msgpack.Map(pair(msgpack.Int(9), msgpack.Nil()))), nil},
	} {
		var got []telemetry.CommandID
		for _, one := range telemetry.ParseCommands(c.value) {
			got = append(got, one.ID)
		}
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%v: %v, want %v", c.value, got, c.want)
		}
	}
	for line, want := range map[string]telemetry.CommandID{"ping": 2, "PING!": 2, "echo  hi ": 3, "signal": 4, "sig": 4, "reboot now": 0} {
		got := telemetry.Typed(line)
		if got.ID != want {
			t.Errorf("%q is %d", line, got.ID)
		}
		if s, ok := got.Text(); want == 3 && (!ok || s != "hi") {
			t.Errorf("echo of %q", s)
		}
	}
	r, ok := telemetry.Request{Since: taken, Collected: true}.Command().Request()
	if !ok || !r.Since.Equal(taken) || !r.Collected {
		t.Errorf("%+v", r)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(telemeter(telemetry.Pressure, msgpack.Float(1013)))
	f.Add([]byte{0x81, 0x02, 0x97})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := telemetry.Parse(b)
		if err != nil {
			return
		}
		got.Location()
		got.Battery()
		got.Information()
		encoded := got.Append(nil)
		again, err := telemetry.Parse(encoded)
		if err != nil || !bytes.Equal(again.Append(nil), encoded) {
			t.Fatalf("%x becomes %x: %v", b, encoded, err)
		}
		for s, v := range got.All() {
			if w, _ := again.Get(s); !w.Equal(v) {
				t.Fatalf("%s: %v becomes %v", s, v, w)
			}
		}
	})
}

func FuzzParseFields(f *testing.F) {
	f.Add(telemetry.Commands(telemetry.Typed("ping")).Append(nil))
	f.Add(msgpack.Array(msgpack.Array(msgpack.Bin(make([]byte, 16)), msgpack.Int(1), msgpack.Bin(nil), msgpack.Nil())).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _, err := msgpack.Parse(b, msgpack.DefaultLimits())
		if err != nil {
			return
		}
		for _, c := range telemetry.ParseCommands(v) {
			c.Request()
			c.Text()
		}
		if entries, err := telemetry.ParseStream(v); err == nil {
			if again, err := telemetry.ParseStream(telemetry.Stream(entries)); err != nil || len(again) != len(entries) {
				t.Fatalf("%d entries become %d: %v", len(entries), len(again), err)
			}
		}
	})
}
