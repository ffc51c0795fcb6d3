package interfaces

import (
	"errors"
	"slices"
	"time"

	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/ax25"
	"meshchatx/rns/iface/kiss"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/rnodemulti"
	"meshchatx/rns/iface/serial"
	"meshchatx/rns/iface/serialport"
)

// The kinds on serial ports.
const (
	TypeSerial     Type = "SerialInterface"
	TypeKISS       Type = "KISSInterface"
	TypeAX25KISS   Type = "AX25KISSInterface"
	TypeRNode      Type = "RNodeInterface"
	TypeRNodeMulti Type = "RNodeMultiInterface"
)

const (
	keySpeed, keyDataBits, keyParity, keyStopBits     = "speed", "databits", "parity", "stopbits"
	keyPreamble, keyTail, keyPersistence, keySlotTime = "preamble", "txtail", "persistence", "slottime"
	keyFlow, keyIDInterval, keyIDCallsign             = "flow_control", "id_interval", "id_callsign"
	keyBeaconInterval, keyBeaconData                  = "beacon_interval", "beacon_data"
	keyCallsign, keySSID, keyVPort, keyOutgoing       = "callsign", "ssid", "vport", "outgoing"
	keyFrequency, keyBandwidth, keyTXPower            = "frequency", "bandwidth", "txpower"
	keySF, keyCR, keyAirtimeShort, keyAirtimeLong     = "spreadingfactor", "codingrate", "airtime_limit_short", "airtime_limit_long"
)

const (
	maxPersistence           = 255
	maxChannelTime           = time.Hour
	maxBeaconInterval        = 365 * 24 * time.Hour
	minDataBits, maxDataBits = 5, 8
	minStopBits, maxStopBits = 1, 2
	minSpeed, maxSpeed       = 1, 12_000_000 // baud
)

// serialKind makes the driver of a kind on a serial port.
func serialKind(c config.Interface, r *options) (iface.Interface, error) {
	switch Type(c.Type) {
	case TypeSerial:
		return serial.New(serial.Config{Name: c.Name, Settings: r.serial()})
	case TypeKISS:
		m := r.modem(c.Name)
		m.BeaconInterval, m.Callsign = r.beacon()
		return kiss.New(m)
	case TypeAX25KISS:
		d, err := ax25.New(ax25.Config{Modem: r.modem(c.Name), Callsign: r.needed(keyCallsign), SSID: r.neededNumber(keySSID)})
		return d, r.at(err)
	case TypeRNode:
		return rnodeInterface(c.Name, r)
	default:
		return rnodeMulti(c.Name, r)
	}
}

// serial reads how a port is opened. spec: rns-interfaces §7
func (o *options) serial() serialport.Settings {
	return serialport.Settings{
		Port: o.needed(keyPort), Speed: o.within(keySpeed, minSpeed, maxSpeed), DataBits: o.within(keyDataBits, minDataBits, maxDataBits),
		StopBits: o.within(keyStopBits, minStopBits, maxStopBits), Parity: serialport.ParityOf(o.text(keyParity)),
	}
}

// modem reads what is common to modems. spec: rns-interfaces §10
func (o *options) modem(name string) kiss.Config {
	c := kiss.DefaultConfig(name, "")
	c.Settings, c.Flow = o.serial(), o.flow()
	c.Channel.Preamble = o.milliseconds(keyPreamble, c.Channel.Preamble)
	c.Channel.Tail = o.milliseconds(keyTail, c.Channel.Tail)
	c.Channel.SlotTime = o.milliseconds(keySlotTime, c.Channel.SlotTime)
	if v, has := o.present(keyPersistence); has {
		c.Channel.Persistence = min(max(v, 0), maxPersistence)
	}
	return c
}

// rnodeInterface reads the options of a radio. spec: rns-interfaces §12.1
func rnodeInterface(name string, r *options) (iface.Interface, error) {
	c := rnode.Config{
		Name: name, Port: r.needed(keyPort), Frequency: r.hertz(keyFrequency), Bandwidth: r.hertz(keyBandwidth),
		TXPower: r.number(keyTXPower), SpreadingFactor: r.neededNumber(keySF), CodingRate: r.neededNumber(keyCR),
		ShortLimit: r.percent(keyAirtimeShort), LongLimit: r.percent(keyAirtimeLong), Flow: r.flow(),
	}
	c.BeaconInterval, c.Callsign = r.beacon()
	if r.err != nil {
		return nil, r.err
	}
	d, err := rnode.New(c)
	return d, r.at(err)
}

// rnodeMulti reads the options of a device and of its transceivers. spec: rns-interfaces §13
func rnodeMulti(name string, r *options) (iface.Interface, error) {
	c := rnodemulti.Config{Name: name, Port: r.needed(keyPort)}
	c.BeaconInterval, c.Callsign = r.beacon()
	on, _, err := r.Bool(keyEnabled)
	r.note(err)
	for _, sub := range r.Subsections() {
		o := &options{Options: sub}
		if o.enabled(on) {
			c.Radios = append(c.Radios, o.transceiver())
		}
		r.note(o.err)
	}
	if r.err != nil {
		return nil, r.err
	}
	d, err := rnodemulti.New(c)
	return d, r.at(err)
}

// enabled tells whether a transceiver is used: as it says itself, else as the device says under "enabled".
//
// differs: in the reference "enabled = yes" of the device switches all transceivers on, whatever they say.
func (o *options) enabled(device bool) bool {
	said, on := false, false
	for _, key := range []string{keyEnabled, keyOldEnabled} {
		v, has, err := o.Bool(key)
		o.note(err)
		said, on = said || has, on || v
	}
	return on || !said && device
}

func (o *options) transceiver() rnodemulti.Radio {
	r := rnodemulti.Radio{
		Name: o.Name(), VPort: o.neededNumber(keyVPort), Frequency: o.hertz(keyFrequency), Bandwidth: o.hertz(keyBandwidth),
		TXPower: o.number(keyTXPower), SpreadingFactor: o.neededNumber(keySF), CodingRate: o.neededNumber(keyCR),
		ShortLimit: o.percent(keyAirtimeShort), LongLimit: o.percent(keyAirtimeLong), Flow: o.flow(),
	}
	if v, has, err := o.Bool(keyOutgoing); has {
		o.note(err)
		if !v {
			r.Receives = rnodemulti.ReceiveOnly
		}
	}
	return r
}

// needed reads a text that must be there.
func (o *options) needed(key string) string {
	v := o.text(key)
	if v == "" {
		o.note(o.Error(key, config.ErrMissing))
	}
	return v
}

// neededNumber reads a number that must be there.
func (o *options) neededNumber(key string) int {
	v, has := o.present(key)
	if !has {
		o.note(o.Error(key, config.ErrMissing))
	}
	return v
}

// hertz reads a frequency, which is more than a number of 32 bits with a sign.
func (o *options) hertz(key string) int64 {
	v, has, err := o.Int(key)
	o.note(err)
	if !has {
		o.note(o.Error(key, config.ErrMissing))
	}
	return v
}

// within reads a number between bounds, 0 if there is none.
func (o *options) within(key string, least, most int) int {
	v, has := o.present(key)
	if has && (v < least || v > most) {
		o.note(o.Error(key, config.ErrOutOfRange))
	}
	return v
}

// milliseconds reads a time that the modem clamps.
func (o *options) milliseconds(key string, without time.Duration) time.Duration {
	v, has := o.present(key)
	if !has {
		return without
	}
	return min(max(time.Duration(v)*time.Millisecond, 0), maxChannelTime)
}

func (o *options) percent(key string) iface.Measure {
	v, has, err := o.Float(key)
	o.note(err)
	m := iface.Measure{Value: v, Known: has && err == nil}
	if err := rnode.ValidateLimits(m); err != nil {
		o.note(o.Error(key, err))
	}
	return m
}

func (o *options) flow() serialport.Flow {
	if o.flag(keyFlow) {
		return serialport.FlowReady
	}
	return serialport.FlowNone
}

// beacon reads the two options that only count together. The other names are those of Android. spec: rns-interfaces §1.6, §10
func (o *options) beacon() (interval time.Duration, callsign string) {
	seconds, has := o.present(keyIDInterval, keyBeaconInterval)
	callsign = o.text(keyIDCallsign, keyBeaconData)
	if !has || callsign == "" {
		return 0, ""
	}
	if seconds < 1 {
		o.note(o.Error(o.first([]string{keyIDInterval, keyBeaconInterval}), config.ErrOutOfRange))
	}
	return min(time.Duration(seconds)*time.Second, maxBeaconInterval), callsign
}

// at adds the line of the option that an error of a driver is about.
func (o *options) at(err error) error {
	for key, reasons := range optionErrors {
		if slices.ContainsFunc(reasons, func(r error) bool { return errors.Is(err, r) }) && o.has(key) {
			return o.Error(key, err)
		}
	}
	return err
}

var optionErrors = map[string][]error{
	keyPort:      {rnode.ErrBluetooth, rnode.ErrHost, rnodemulti.ErrNotSerial},
	keyFrequency: {rnode.ErrFrequency}, keyBandwidth: {rnode.ErrBandwidth}, keyTXPower: {rnode.ErrTXPower},
	keySF: {rnode.ErrSpreadingFactor}, keyCR: {rnode.ErrCodingRate},
	keyIDCallsign: {rnode.ErrCallsign}, keyCallsign: {ax25.ErrCallsign}, keySSID: {ax25.ErrSSID},
}

// deviceReason is the code for what happens with serial devices, or empty.
func deviceReason(err error) string {
	switch {
	case errors.Is(err, serialport.ErrNotFound), errors.Is(err, serialport.ErrUnplugged):
		return "no_device"
	case errors.Is(err, serialport.ErrBusy):
		return "port_taken"
	case errors.Is(err, serialport.ErrPermission):
		return "no_permission"
	case errors.Is(err, rnode.ErrNotDetected), errors.Is(err, rnode.ErrSilent):
		return "timeout"
	}
	return ""
}
