package telemetry

import "fmt"

// Sensor says what a reading is of. spec: telemetry §2
type Sensor uint64

// The sensors.
const (
	None             Sensor = 0x00
	Time             Sensor = 0x01
	Location         Sensor = 0x02
	Pressure         Sensor = 0x03
	Battery          Sensor = 0x04
	PhysicalLink     Sensor = 0x05
	Acceleration     Sensor = 0x06
	Temperature      Sensor = 0x07
	Humidity         Sensor = 0x08
	MagneticField    Sensor = 0x09
	AmbientLight     Sensor = 0x0a
	Gravity          Sensor = 0x0b
	AngularVelocity  Sensor = 0x0c
	Proximity        Sensor = 0x0e
	Information      Sensor = 0x0f
	Received         Sensor = 0x10
	PowerConsumption Sensor = 0x11
	PowerProduction  Sensor = 0x12
	Processor        Sensor = 0x13
	RAM              Sensor = 0x14
	NVM              Sensor = 0x15
	Tank             Sensor = 0x16
	Fuel             Sensor = 0x17
	LXMFPropagation  Sensor = 0x18
	RNSTransport     Sensor = 0x19
	ConnectionMap    Sensor = 0x1a
	Custom           Sensor = 0xff
)

// kinds is what is known of each sensor.
var kinds = map[Sensor]kind{
	Time:             {"time", named("utc", integer)},
	Location:         {"location", location{}},
	Pressure:         {"pressure", named("mbar", number)},
	Battery:          {"battery", battery{}},
	PhysicalLink:     {"physical_link", list{names: []string{"rssi", "snr", "q"}, of: orNil(number)}},
	Acceleration:     {"acceleration", vector},
	Temperature:      {"temperature", named("c", number)},
	Humidity:         {"humidity", named("percent_relative", number)},
	MagneticField:    {"magnetic_field", vector},
	AmbientLight:     {"ambient_light", named("lux", number)},
	Gravity:          {"gravity", vector},
	AngularVelocity:  {"angular_velocity", vector},
	Proximity:        {"proximity", plain{boolean}},
	Information:      {"information", information{}},
	Received:         {"received", received{}},
	PowerConsumption: {"power_consumption", labelled{number, icon}},
	PowerProduction:  {"power_production", labelled{number, icon}},
	Processor:        {"processor", labelled{number, loads, orNil(number)}},
	RAM:              {"ram", labelled{number, number}},
	NVM:              {"nvm", labelled{number, number}},
	Tank:             {"tank", labelled{number, number, icon, icon}},
	Fuel:             {"fuel", labelled{number, number, icon, icon}},
	LXMFPropagation:  {"lxmf_propagation", plain{mapping}},
	RNSTransport:     {"rns_transport", plain{mapping}},
	ConnectionMap:    {"connection_map", plain{mapping}},
	Custom:           {"custom", labelled{anything, icon}},
}

// kind is a sensor's name and form.
type kind struct {
	name string
	form form
}

// String returns the name of the sensor, or its number.
func (s Sensor) String() string {
	if k, ok := kinds[s]; ok {
		return k.name
	}
	return fmt.Sprintf("sensor %#02x", uint64(s))
}

// Known reports whether the sensor has a form that is checked.
func (s Sensor) Known() bool {
	_, ok := kinds[s]
	return ok
}
