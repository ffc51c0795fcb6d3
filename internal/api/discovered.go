package api

import (
	"context"

	"meshchatx/internal/interfaces"
)

// DiscoveredView is an interface that another node published. Its texts are a
// stranger's, for people to read: nothing in them is carried out.
type DiscoveredView struct {
	Name        string   `json:"name"`
	Type        string   `json:"type" doc:"Name of the configuration file, as BackboneInterface."`
	Status      string   `json:"status" enum:"available,unknown,stale" doc:"By when it was last heard: within a day, within three days, within a week."`
	Transport   bool     `json:"transport" doc:"True when its node forwards for others."`
	TransportID string   `json:"transport_id" doc:"Transport identity of its node."`
	NetworkID   string   `json:"network_id" doc:"Identity that published it."`
	StampValue  int      `json:"stamp_value"`
	Hops        int      `json:"hops"`
	Latitude    *float64 `json:"latitude,omitempty"`
	Longitude   *float64 `json:"longitude,omitempty"`
	Height      *float64 `json:"height,omitempty" doc:"Metres."`
	Endpoint    string   `json:"endpoint,omitempty" doc:"Host and port, or the address of I2P; absent for radios."`
	Frequency   int64    `json:"frequency,omitempty" format:"int64" doc:"Hz."`
	Bandwidth   int64    `json:"bandwidth,omitempty" format:"int64" doc:"Hz."`
	Spreading   int64    `json:"spreading_factor,omitempty" format:"int64"`
	CodingRate  int64    `json:"coding_rate,omitempty" format:"int64"`
	Modulation  string   `json:"modulation,omitempty"`
	IFAC        bool     `json:"ifac" doc:"True when an access code was published with it."`
	ConfigEntry string   `json:"config_entry" doc:"A block for a configuration file, to be read and copied by people only."`
	FoundAt     int64    `json:"discovered_at" format:"int64"`
	HeardAt     int64    `json:"heard_at" format:"int64"`
	HeardCount  int      `json:"heard_count" doc:"Repetitions since the first."`
	Connected   string   `json:"connected,omitempty" enum:"up,connecting,waiting,error,off" doc:"State of the interface that was connected to it without asking."`
	Decision    string   `json:"decision" enum:"connect,off,full,type,exists,overlay" doc:"Whether it would be connected to without asking now, or why not."`
}

type listDiscoveredOutput struct {
	Body struct {
		Items     []DiscoveredView `json:"items"`
		Listening bool             `json:"listening" doc:"True when the configuration file has discover_interfaces on."`
		Connect   int              `json:"autoconnect" doc:"How many are connected to without asking: autoconnect_discovered_interfaces of the configuration file."`
	}
}

func (s *Server) listDiscovered(ctx context.Context, _ *struct{}) (*listDiscoveredOutput, error) {
	l, err := s.conf.Interfaces.Discovered(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listDiscoveredOutput{}
	out.Body.Items, out.Body.Listening, out.Body.Connect = list(l.Items, discoveredView), l.Listening, l.Connect
	return out, nil
}

func discoveredView(d interfaces.Discovered) DiscoveredView {
	return DiscoveredView{
		Name: d.Name, Type: d.Type, Status: d.Status.String(), Transport: d.Transport, TransportID: hexAddr(d.TransportID),
		NetworkID: hexAddr(d.NetworkID), StampValue: d.Value, Hops: d.Hops, Latitude: d.Latitude, Longitude: d.Longitude, Height: d.Height,
		Endpoint: d.Endpoint, Frequency: d.Frequency, Bandwidth: d.Bandwidth, Spreading: d.Spreading, CodingRate: d.CodingRate,
		Modulation: d.Modulation, IFAC: d.IFAC, ConfigEntry: d.Entry, FoundAt: ms(d.Discovered), HeardAt: ms(d.LastHeard),
		HeardCount: d.HeardCount, Connected: string(d.Connected), Decision: d.WhyConnected,
	}
}
