package interfaces

import (
	"slices"
	"strconv"
	"strings"

	"meshchatx/rns/iface/serialport"
)

// blockReader reads options for a form: what cannot be read is left empty, and shown as the error of the block.
type blockReader struct{ options }

func (r blockReader) text(keys ...string) string {
	v, _, err := r.Text(keys...)
	if err != nil {
		return ""
	}
	return v
}

func (r blockReader) long(keys ...string) int64 {
	for _, key := range keys {
		if n, has, err := r.Int(key); has && err == nil {
			return n
		}
	}
	return 0
}

func (r blockReader) number(keys ...string) int { return int(r.long(keys...)) }

func (r blockReader) optional(key string) *int {
	if n, has, err := r.Int(key); has && err == nil {
		v := int(n)
		return &v
	}
	return nil
}

func (r blockReader) fraction(key string) *float64 {
	if v, has, err := r.Float(key); has && err == nil {
		return &v
	}
	return nil
}

func (r blockReader) flag(key string) bool {
	v, _, err := r.Bool(key)
	return v && err == nil
}

func (r blockReader) words(key string) []string {
	v, _, err := r.List(key)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(v, func(s string) bool { return s == "" })
}

// kind reads what only some kinds have. It reports false for kinds that are set up in the file alone.
func (r blockReader) kind(c *Config) bool {
	switch c.Type {
	case TypeBackbone, TypeBackboneClient:
		c.PreferIPv6 = r.flag(keyPreferIPv6)
		if c.Type == TypeBackboneClient || r.has(keyRemote) || r.has(keyTargetHost) {
			c.TargetHost, c.TargetPort = r.text(keyRemote, keyTargetHost), r.number(keyPort, keyTargetPort)
			break
		}
		c.ListenIP, c.ListenPort, c.Device = r.text(keyListenOn, keyListenIP), r.number(keyPort, keyListenPort), r.text(keyDevice)
	case TypeI2P:
		c.Peers, c.Connectable = r.words(keyPeers), r.flag(keyConnectable)
	case TypeWebSocketClient:
		c.TargetURL = r.webSocketURL()
	case TypeWebSocketServer:
		c.ListenIP, c.ListenPort = r.text(keyListenIP), r.number(keyListenPort, keyPort)
	case TypeSerial:
		c.Line = r.line()
	case TypeKISS, TypeAX25KISS:
		c.Line, c.FlowControl = r.line(), r.flag(keyFlow)
		c.Modem = Modem{
			Preamble: r.optional(keyPreamble), Tail: r.optional(keyTail), SlotTime: r.optional(keySlotTime),
			Persistence: r.optional(keyPersistence),
		}
		if c.Type == TypeKISS {
			c.Beacon = r.beacon()
			break
		}
		c.Modem.Callsign, c.Modem.SSID = r.text(keyCallsign), r.optional(keySSID)
	case TypeRNode:
		c.Line.Port, c.FlowControl, c.Beacon, c.Radio = r.text(keyPort), r.flag(keyFlow), r.beacon(), r.radio()
	case TypeRNodeMulti:
		c.Line.Port, c.Beacon = r.text(keyPort), r.beacon()
		c.Radios = r.transceivers()
	default:
		return false
	}
	return true
}

func (r blockReader) line() Line {
	return Line{
		Port: r.text(keyPort), Speed: r.number(keySpeed), DataBits: r.number(keyDataBits), StopBits: r.number(keyStopBits),
		Parity: parityName(r.text(keyParity)),
	}
}

// parityName is what forms call the parity that an option means, empty for none.
func parityName(option string) string {
	switch serialport.ParityOf(option) {
	case serialport.ParityEven:
		return "even"
	case serialport.ParityOdd:
		return "odd"
	}
	return ""
}

func (r blockReader) beacon() Beacon {
	return Beacon{Interval: r.number(keyIDInterval, keyBeaconInterval), Callsign: r.text(keyIDCallsign, keyBeaconData)}
}

func (r blockReader) radio() Radio {
	return Radio{
		Frequency: r.long(keyFrequency), Bandwidth: r.long(keyBandwidth), TXPower: r.number(keyTXPower),
		SpreadingFactor: r.number(keySF), CodingRate: r.number(keyCR),
		AirtimeShort: r.fraction(keyAirtimeShort), AirtimeLong: r.fraction(keyAirtimeLong),
	}
}

func (r blockReader) transceivers() (out []Transceiver) {
	on := r.flag(keyEnabled)
	for _, sub := range r.Subsections() {
		o := blockReader{options{Options: sub}}
		out = append(out, Transceiver{
			Name: sub.Name(), Enabled: o.enabled(on), ReceiveOnly: o.receiveOnly(), FlowControl: o.flag(keyFlow),
			VPort: o.number(keyVPort), Radio: o.radio(),
		})
	}
	return out
}

func (r blockReader) receiveOnly() bool {
	v, has, err := r.Bool(keyOutgoing)
	return has && err == nil && !v
}

// kind writes what only some kinds have.
func (w *writer) kind(c Config) {
	switch c.Type {
	case TypeBackbone, TypeBackboneClient:
		w.backbone(c)
	case TypeI2P:
		w.list(keyPeers, c.Peers)
		w.flag(keyConnectable, c.Connectable)
	case TypeWebSocketClient:
		w.dropAll(keyTargetType, keyTargetHost, keyTargetPort)
		w.text(keyTargetURL, c.TargetURL)
	case TypeWebSocketServer:
		w.drop(keyPort)
		w.optional(keyListenIP, c.ListenIP)
		w.number(keyListenPort, c.ListenPort)
	case TypeSerial:
		w.line(c.Line)
	case TypeKISS, TypeAX25KISS:
		w.line(c.Line)
		w.modem(c)
	case TypeRNode:
		w.text(keyPort, c.Line.Port)
		w.radio(c.Radio)
		w.switched(keyFlow, c.FlowControl)
		w.beacon(c.Beacon)
	case TypeRNodeMulti:
		w.text(keyPort, c.Line.Port)
		w.beacon(c.Beacon)
		w.transceivers(c.Radios)
	}
}

// backbone writes a client or a listener. What would make it the other goes.
func (w *writer) backbone(c Config) {
	w.switched(keyPreferIPv6, c.PreferIPv6)
	w.dropAll(keyRemote, keyListenOn, keyPort)
	if c.Type == TypeBackboneClient || c.TargetHost != "" {
		w.dropAll(keyListenIP, keyListenPort, keyDevice)
		w.text(keyTargetHost, c.TargetHost)
		w.number(keyTargetPort, c.TargetPort)
		return
	}
	w.dropAll(keyTargetHost, keyTargetPort)
	w.optional(keyDevice, c.Device)
	w.optional(keyListenIP, c.ListenIP)
	w.number(keyListenPort, c.ListenPort)
}

func (w *writer) line(l Line) {
	w.text(keyPort, l.Port)
	w.positive(keySpeed, int64(l.Speed))
	w.positive(keyDataBits, int64(l.DataBits))
	w.positive(keyStopBits, int64(l.StopBits))
	before := ""
	if v, has := w.s.Raw(keyParity); has {
		before, _ = v.Text()
	}
	if parity := strings.TrimPrefix(l.Parity, "none"); parity != parityName(before) {
		w.optional(keyParity, parity)
	}
}

func (w *writer) modem(c Config) {
	m := c.Modem
	w.pointer(keyPreamble, m.Preamble)
	w.pointer(keyTail, m.Tail)
	w.pointer(keySlotTime, m.SlotTime)
	w.pointer(keyPersistence, m.Persistence)
	w.switched(keyFlow, c.FlowControl)
	if c.Type == TypeKISS {
		w.beacon(c.Beacon)
		return
	}
	w.optional(keyCallsign, m.Callsign)
	w.pointer(keySSID, m.SSID)
}

func (w *writer) beacon(b Beacon) {
	w.dropAll(keyBeaconInterval, keyBeaconData)
	w.positive(keyIDInterval, int64(b.Interval))
	w.optional(keyIDCallsign, b.Callsign)
}

func (w *writer) radio(r Radio) {
	w.positive(keyFrequency, r.Frequency)
	w.positive(keyBandwidth, r.Bandwidth)
	w.number(keyTXPower, r.TXPower)
	w.number(keySF, r.SpreadingFactor)
	w.number(keyCR, r.CodingRate)
	w.fraction(keyAirtimeShort, r.AirtimeShort)
	w.fraction(keyAirtimeLong, r.AirtimeLong)
}

// transceivers writes one section for each, and takes out those that are no longer there.
func (w *writer) transceivers(radios []Transceiver) {
	for _, sub := range slices.Clone(w.s.Sections()) {
		if !slices.ContainsFunc(radios, func(r Transceiver) bool { return r.Name == sub.Name() }) {
			w.s.RemoveSection(sub.Name())
		}
	}
	for _, r := range radios {
		sub := w.s.Section(r.Name)
		if sub == nil && w.err == nil {
			sub, w.err = w.f.AddSection(w.s, r.Name)
		}
		if w.err != nil {
			return
		}
		o := writer{f: w.f, s: sub}
		o.drop(keyOldEnabled)
		o.flag(keyEnabled, r.Enabled)
		o.number(keyVPort, r.VPort)
		o.radio(r.Radio)
		o.switched(keyFlow, r.FlowControl)
		if r.ReceiveOnly || sub.Has(keyOutgoing) {
			o.flag(keyOutgoing, !r.ReceiveOnly)
		}
		w.err = o.err
	}
}

func (w *writer) dropAll(keys ...string) {
	for _, key := range keys {
		w.drop(key)
	}
}

// positive writes a number that is left out where it is 0.
func (w *writer) positive(key string, n int64) {
	if n == 0 {
		w.drop(key)
		return
	}
	w.text(key, strconv.FormatInt(n, 10))
}

func (w *writer) pointer(key string, n *int) {
	if n == nil {
		w.drop(key)
		return
	}
	w.number(key, *n)
}

func (w *writer) fraction(key string, v *float64) {
	if v == nil {
		w.drop(key)
		return
	}
	w.text(key, strconv.FormatFloat(*v, 'f', -1, 64))
}

// switched writes a flag that is off where it is missing.
func (w *writer) switched(key string, on bool) {
	if on || w.s.Has(key) {
		w.flag(key, on)
	}
}
