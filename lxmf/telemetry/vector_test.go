package telemetry_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"meshchatx/lxmf/telemetry"
	"meshchatx/rns/msgpack"
	"meshchatx/spec/vectortest"
)

const file = "telemetry.json"

// value reads a value of the vectors: bytes are {"b": hex}, maps {"m": pairs}, and numbers are floats if they are written like one.
func value(tb testing.TB, raw json.RawMessage) msgpack.Value {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		tb.Fatal(err)
	}
	return convert(tb, v)
}

func convert(tb testing.TB, v any) msgpack.Value {
	tb.Helper()
	switch v := v.(type) {
	case bool:
		return msgpack.Bool(v)
	case string:
		return msgpack.Str(v)
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return msgpack.Float(f)
		}
		i, err := v.Int64()
		if err != nil {
			tb.Fatal(err)
		}
		return msgpack.Int(i)
	case []any:
		items := make([]msgpack.Value, len(v))
		for i, item := range v {
			items[i] = convert(tb, item)
		}
		return msgpack.Array(items...)
	case map[string]any:
		if s, ok := v["b"].(string); ok {
			b, err := hex.DecodeString(s)
			if err != nil {
				tb.Fatal(err)
			}
			return msgpack.Bin(b)
		}
		var pairs []msgpack.Pair
		for _, p := range v["m"].([]any) {
			pair := p.([]any)
			pairs = append(pairs, msgpack.Pair{Key: convert(tb, pair[0]), Value: convert(tb, pair[1])})
		}
		return msgpack.Map(pairs...)
	}
	return msgpack.Nil()
}

// taken is when the readings of the vectors were taken.
var taken = time.Unix(1_754_000_000, 0)

// spec: telemetry §2, §3, §4
func TestVectorSensors(t *testing.T) {
	type vector struct {
		ID        string           `json:"id"`
		Sensor    telemetry.Sensor `json:"sid"`
		Name      string           `json:"name"`
		Data      json.RawMessage  `json:"data"`
		Packed    json.RawMessage  `json:"packed_value"`
		Telemeter vectortest.Hex   `json:"telemeter"`
		Decoded   json.RawMessage  `json:"decoded"`
	}
	vectortest.Each(t, file, "sensors", func(t *testing.T, v vector) {
		if v.Sensor.String() != v.Name || !v.Sensor.Known() {
			t.Errorf("sensor %v", v.Sensor)
		}
		got, err := telemetry.Parse(v.Telemeter)
		if err != nil {
			t.Fatal(err)
		}
		reading, present := got.Get(v.Sensor)
		if want := value(t, v.Decoded); !present || !reading.Equal(want) {
			t.Errorf("reads %v, want %v", reading, want)
		}
		if b := got.Append(nil); !bytes.Equal(b, v.Telemeter) {
			t.Errorf("written again %x, want %x", b, v.Telemeter)
		}
		if v.Sensor == telemetry.Time {
			if !got.Time().Equal(taken) {
				t.Errorf("time %v", got.Time())
			}
			return
		}
		built, err := telemetry.Build(taken, telemetry.Reading{Sensor: v.Sensor, Packed: value(t, v.Data)})
		if err != nil {
			t.Fatal(err)
		}
		if v.ID == "location_accuracy_overflow" {
			// The reference loses the reading; here the accuracy is as large as it can be. spec: telemetry §3
			if p, ok := built.Location(); !ok || p.Accuracy != 655.35 || p.Latitude != 1 {
				t.Errorf("built %+v", p)
			}
			return
		}
		if b := built.Append(nil); !bytes.Equal(b, v.Telemeter) {
			t.Errorf("built %x, want %x", b, v.Telemeter)
		}
	})
}

// spec: telemetry §1
func TestVectorTelemeters(t *testing.T) {
	type vector struct {
		Packed  vectortest.Hex             `json:"packed"`
		Decoded map[string]json.RawMessage `json:"decoded"`
	}
	vectortest.Each(t, file, "telemeters", func(t *testing.T, v vector) {
		got, err := telemetry.Parse(v.Packed)
		if v.Decoded == nil {
			if err == nil {
				t.Errorf("read as %v", got)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for s, reading := range got.All() {
			if !s.Known() {
				continue
			}
			want, ok := v.Decoded[s.String()]
			if seen++; !ok || !reading.Equal(value(t, want)) {
				t.Errorf("%s: %v, want %s", s, reading, want)
			}
		}
		if seen != len(v.Decoded) {
			t.Errorf("%d sensors of %d", seen, len(v.Decoded))
		}
		if b := got.Append(nil); !bytes.Equal(b, v.Packed) {
			t.Errorf("written again %x", b)
		}
	})
}

// spec: telemetry §5
func TestVectorStreams(t *testing.T) {
	type vector struct {
		Value  json.RawMessage `json:"value"`
		Packed vectortest.Hex  `json:"packed"`
	}
	vectortest.Each(t, file, "streams", func(t *testing.T, v vector) {
		packed, _, err := msgpack.Parse(v.Packed, msgpack.DefaultLimits())
		if err != nil || !packed.Equal(value(t, v.Value)) {
			t.Fatalf("%v, %v", packed, err)
		}
		entries, err := telemetry.ParseStream(packed)
		if err != nil {
			t.Fatal(err)
		}
		if got := telemetry.Stream(entries).Append(nil); !bytes.Equal(got, v.Packed) {
			t.Errorf("%x, want %x", got, v.Packed)
		}
		for _, e := range entries {
			if one, err := telemetry.Parse(e.Telemeter); err != nil || !one.Time().Equal(e.At) {
				t.Errorf("telemeter of %v, %v", one.Time(), err)
			}
		}
	})
}

// spec: telemetry §6
func TestVectorCommands(t *testing.T) {
	type vector struct {
		ID     string          `json:"id"`
		Value  json.RawMessage `json:"value"`
		Packed vectortest.Hex  `json:"packed"`
		Fields vectortest.Hex  `json:"fields_packed"`
	}
	vectortest.Each(t, file, "commands", func(t *testing.T, v vector) {
		commands := telemetry.ParseCommands(value(t, v.Value))
		if got := telemetry.Commands(commands...).Append(nil); !bytes.Equal(got, v.Packed) {
			t.Errorf("%x, want %x", got, v.Packed)
		}
		if got := append([]byte{0x81, 0x09}, v.Packed...); !bytes.Equal(got, v.Fields) {
			t.Errorf("field %x, want %x", got, v.Fields)
		}
		switch r, ok := commands[0].Request(); {
		case !strings.HasPrefix(v.ID, "telemetry_request"):
			if ok {
				t.Error("not a telemetry request")
			}
		case !ok || r.Since.Unix() != 1753990000 || r.Collected == (v.ID == "telemetry_request_self_only"):
			t.Errorf("asks for %+v", r)
		}
	})
}

// spec: telemetry §2, §6
func TestVectorConstants(t *testing.T) {
	type vector struct {
		ID     string           `json:"id"`
		Values map[string]int64 `json:"values"`
	}
	commands := map[string]telemetry.CommandID{
		"PLUGIN_COMMAND": telemetry.CommandPlugin, "TELEMETRY_REQUEST": telemetry.CommandTelemetryRequest, "PING": telemetry.CommandPing,
		"ECHO": telemetry.CommandEcho, "SIGNAL_REPORT": telemetry.CommandSignalReport,
	}
	vectortest.Each(t, file, "constants", func(t *testing.T, v vector) {
		for name, n := range v.Values {
			if v.ID == "commands" {
				if id, ok := commands[name]; !ok || int64(id) != n {
					t.Errorf("%s is %d", name, id)
				}
				continue
			}
			if s := telemetry.Sensor(n); n != 0 && !strings.EqualFold("SID_"+s.String(), name) {
				t.Errorf("%s is %v", name, s)
			}
		}
	})
}
