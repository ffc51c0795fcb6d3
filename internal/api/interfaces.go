package api

// InterfaceView is one configured interface with its live state. "enabled" is
// what the configuration says; "state" is what is so.
type InterfaceView struct {
	Name      string           `json:"name"`
	Type      string           `json:"type" doc:"Name of the configuration file, as TCPClientInterface."`
	Enabled   bool             `json:"enabled"`
	State     string           `json:"state" enum:"up,connecting,waiting,error,off"`
	Code      string           `json:"code,omitempty" doc:"Reason in the states connecting, waiting, error and off." enum:"shared_instance,refused,timeout,dns,unreachable,port_taken,no_device,no_permission,multicast_blocked,unsupported_type,bad_config,closed,no_program,exited,no_i2p,unknown"`
	Detail    string           `json:"detail,omitempty" doc:"Technical text, untranslated."`
	Line      int              `json:"line,omitempty" doc:"code bad_config: line of the configuration file."`
	RetryAt   int64            `json:"retry_at,omitempty" format:"int64"`
	Since     int64            `json:"since,omitempty" format:"int64" doc:"When the state was entered."`
	Mode      string           `json:"mode" enum:"full,gateway,access_point,roaming,boundary,point_to_point,internal"`
	Bitrate   int64            `json:"bitrate" format:"int64"`
	MTU       int              `json:"mtu"`
	IFAC      bool             `json:"ifac" doc:"True when frames carry an access code."`
	Endpoint  string           `json:"endpoint,omitempty" doc:"Where it connects or listens."`
	RxBytes   int64            `json:"rx_bytes" format:"int64"`
	TxBytes   int64            `json:"tx_bytes" format:"int64"`
	RxPackets int64            `json:"rx_packets" format:"int64"`
	TxPackets int64            `json:"tx_packets" format:"int64"`
	RxRate    int64            `json:"rx_rate" format:"int64" doc:"Bytes per second over the last seconds."`
	TxRate    int64            `json:"tx_rate" format:"int64"`
	HeardAt   int64            `json:"heard_at,omitempty" format:"int64" doc:"Last frame in."`
	Dropped   int64            `json:"dropped" format:"int64" doc:"Frames not sent because the queue was full."`
	Refused   int64            `json:"refused" format:"int64" doc:"Frames in that failed the access code."`
	Listens   bool             `json:"listens,omitempty" doc:"True for one that only waits for others."`
	Blocked   int              `json:"blocked,omitempty" doc:"Addresses it refuses because their connections never last."`
	Peers     []InterfacePeer  `json:"peers" doc:"Clients of a server, neighbours of a local network."`
	Config    *InterfaceConfig `json:"config,omitempty" doc:"The editable settings; absent for what this page cannot edit."`
}

// InterfacePeer is a connection that a listener accepted.
type InterfacePeer struct {
	Name    string `json:"name"`
	State   string `json:"state" enum:"up,connecting,waiting,error,off"`
	RxBytes int64  `json:"rx_bytes" format:"int64"`
	TxBytes int64  `json:"tx_bytes" format:"int64"`
	Since   int64  `json:"since,omitempty" format:"int64"`
	Tunnel  string `json:"tunnel,omitempty" enum:"creating,active,unresponsive" doc:"State of a connection through I2P."`
}

// InterfaceConfig is an interface as the wizard edits it. Keys of the file that
// it does not name stay as they are.
type InterfaceConfig struct {
	Name           string   `json:"name" minLength:"1" maxLength:"64" doc:"Unique."`
	Type           string   `json:"type" enum:"TCPClientInterface,TCPServerInterface,UDPInterface,AutoInterface,BackboneInterface,BackboneClientInterface,I2PInterface,WebsocketClientInterface,WebsocketServerInterface,SerialInterface,KISSInterface,AX25KISSInterface,RNodeInterface,RNodeMultiInterface" doc:"What runs a command is not among them: it is set up in the configuration file alone."`
	Enabled        bool     `json:"enabled"`
	Mode           string   `json:"mode,omitempty" enum:"full,gateway,access_point,roaming,boundary,point_to_point,internal" default:"full"`
	TargetHost     string   `json:"target_host,omitempty" maxLength:"253" doc:"TCP client, Backbone; in a Backbone it makes a client of it."`
	TargetPort     int      `json:"target_port,omitempty" minimum:"0" maximum:"65535" doc:"TCP client, Backbone."`
	ListenIP       string   `json:"listen_ip,omitempty" maxLength:"64" doc:"TCP server, UDP, Backbone, WebSocket server."`
	ListenPort     int      `json:"listen_port,omitempty" minimum:"0" maximum:"65535" doc:"TCP server, UDP, Backbone, WebSocket server."`
	Device         string   `json:"device,omitempty" maxLength:"64" doc:"TCP server, UDP, Backbone: network card instead of an address."`
	ForwardIP      string   `json:"forward_ip,omitempty" maxLength:"64" doc:"UDP."`
	ForwardPort    int      `json:"forward_port,omitempty" minimum:"0" maximum:"65535" doc:"UDP."`
	GroupID        string   `json:"group_id,omitempty" maxLength:"128" doc:"Auto."`
	Scope          string   `json:"discovery_scope,omitempty" enum:"link,admin,site,organisation,global" doc:"Auto."`
	Devices        []string `json:"devices,omitempty" maxItems:"64" doc:"Auto: only these network cards."`
	IgnoredDevices []string `json:"ignored_devices,omitempty" maxItems:"64" doc:"Auto."`
	KISSFraming    bool     `json:"kiss_framing,omitempty" doc:"TCP client: for a radio modem behind a TCP port."`
	NetworkName    string   `json:"network_name,omitempty" maxLength:"256" doc:"Access code: name."`
	Passphrase     string   `json:"passphrase,omitempty" maxLength:"256" doc:"Access code: passphrase. Written, never returned; absent in a change: keep."`
	HasPassphrase  bool     `json:"has_passphrase,omitempty" doc:"True when a passphrase is set." readOnly:"true"`
	Bitrate        int64    `json:"bitrate,omitempty" format:"int64" minimum:"0" doc:"Bits per second to assume; 0: default."`
	InterfaceStreams
	InterfaceDevice
}

// InterfaceStreams are the settings of the less usual kinds on networks.
type InterfaceStreams struct {
	PreferIPv6  bool     `json:"prefer_ipv6,omitempty" doc:"Backbone."`
	TargetURL   string   `json:"target_url,omitempty" maxLength:"2048" doc:"WebSocket client."`
	Peers       []string `json:"peers,omitempty" maxItems:"256" doc:"I2P: names that end in .i2p, or destinations in base 64."`
	Connectable bool     `json:"connectable,omitempty" doc:"I2P: offer an endpoint of its own."`
}

// InterfaceDevice is the settings of kinds on serial ports, named as in the configuration file. What is absent has the value
// of the protocol.
type InterfaceDevice struct {
	Port        string `json:"port,omitempty" maxLength:"512" doc:"Serial, KISS, AX.25 KISS, RNode: the device; tcp://host for an RNode."`
	Speed       int    `json:"speed,omitempty" minimum:"0" maximum:"12000000" doc:"Serial, KISS, AX.25 KISS: baud."`
	DataBits    int    `json:"databits,omitempty" minimum:"0" maximum:"8" doc:"Serial, KISS, AX.25 KISS."`
	StopBits    int    `json:"stopbits,omitempty" minimum:"0" maximum:"2" doc:"Serial, KISS, AX.25 KISS."`
	Parity      string `json:"parity,omitempty" enum:"none,even,odd" doc:"Serial, KISS, AX.25 KISS."`
	FlowControl bool   `json:"flow_control,omitempty" doc:"KISS, AX.25 KISS, RNode: wait for the device to be ready."`
	Preamble    *int   `json:"preamble,omitempty" minimum:"0" maximum:"2550" doc:"KISS, AX.25 KISS: milliseconds."`
	Tail        *int   `json:"txtail,omitempty" minimum:"0" maximum:"2550" doc:"KISS, AX.25 KISS: milliseconds."`
	SlotTime    *int   `json:"slottime,omitempty" minimum:"0" maximum:"2550" doc:"KISS, AX.25 KISS: milliseconds."`
	Persistence *int   `json:"persistence,omitempty" minimum:"0" maximum:"255" doc:"KISS, AX.25 KISS."`
	Callsign    string `json:"callsign,omitempty" maxLength:"6" doc:"AX.25 KISS."`
	SSID        *int   `json:"ssid,omitempty" minimum:"0" maximum:"15" doc:"AX.25 KISS."`
	IDInterval  int    `json:"id_interval,omitempty" minimum:"0" maximum:"31536000" doc:"KISS, RNode: seconds between two identifications; counts together with id_callsign."`
	IDCallsign  string `json:"id_callsign,omitempty" maxLength:"64" doc:"KISS, RNode."`
	InterfaceRadio
	Radios []InterfaceTransceiver `json:"radios,omitempty" maxItems:"64" doc:"RNode with several transceivers."`
}

// InterfaceRadio is how an RNode transmits. What is permitted where is up to the person.
type InterfaceRadio struct {
	Frequency       int64    `json:"frequency,omitempty" format:"int64" minimum:"0" doc:"RNode: Hz."`
	Bandwidth       int64    `json:"bandwidth,omitempty" format:"int64" minimum:"0" doc:"RNode: Hz."`
	TXPower         int      `json:"txpower,omitempty" minimum:"-128" maximum:"127" doc:"RNode: dBm."`
	SpreadingFactor int      `json:"spreadingfactor,omitempty" minimum:"0" maximum:"255" doc:"RNode."`
	CodingRate      int      `json:"codingrate,omitempty" minimum:"0" maximum:"255" doc:"RNode."`
	AirtimeShort    *float64 `json:"airtime_limit_short,omitempty" minimum:"0" maximum:"100" doc:"RNode: percent of 15 seconds."`
	AirtimeLong     *float64 `json:"airtime_limit_long,omitempty" minimum:"0" maximum:"100" doc:"RNode: percent of an hour."`
}

// InterfaceTransceiver is one of the radios of a device that has several.
type InterfaceTransceiver struct {
	Name        string `json:"name" minLength:"1" maxLength:"64" doc:"Unique among those of the device."`
	Enabled     bool   `json:"enabled"`
	ReceiveOnly bool   `json:"receive_only,omitempty"`
	FlowControl bool   `json:"flow_control,omitempty"`
	VPort       int    `json:"vport" minimum:"0" maximum:"255" doc:"Number of the transceiver in the device."`
	InterfaceRadio
}

// InterfaceTest is the outcome of a test before saving, step by step.
type InterfaceTest struct {
	OK    bool       `json:"ok"`
	Steps []TestStep `json:"steps"`
}

// TestStep is one step of a test.
type TestStep struct {
	Step   string `json:"step" enum:"settings,name,resolve,connect,listen,device,multicast"`
	State  string `json:"state" enum:"ok,warn,fail,skipped"`
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail,omitempty"`
	Took   int64  `json:"took_ms,omitempty" format:"int64"`
}

type listInterfacesOutput struct {
	Body struct {
		Items   []InterfaceView `json:"items"`
		Path    string          `json:"path" doc:"The configuration file, shared with other Reticulum programs."`
		Changed bool            `json:"changed" doc:"True when another program changed the file since it was read."`
		Code    string          `json:"code,omitempty" doc:"Set when the file could not be read."`
		Detail  string          `json:"detail,omitempty"`
	}
}
type interfaceOutput struct{ Body InterfaceView }

// InterfacePath names an interface.
type InterfacePath struct {
	Name string `path:"name" minLength:"1" maxLength:"200"`
}
type createInterfaceInput struct{ Body InterfaceConfig }
type replaceInterfaceInput struct {
	InterfacePath
	Body InterfaceConfig
}
type updateInterfaceInput struct {
	InterfacePath
	Body struct {
		Enabled *bool `json:"enabled,omitempty"`
	}
}
type testInterfaceInput struct{ Body InterfaceConfig }
type testInterfaceOutput struct{ Body InterfaceTest }
type parseInterfacesInput struct {
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"65536" doc:"Interface blocks as in a configuration file, or host:port."`
	}
}
type parseInterfacesOutput struct {
	Body struct {
		Items    []InterfaceConfig `json:"items"`
		Problems []string          `json:"problems" doc:"Codes of blocks that were left out."`
	}
}
type listDevicesOutput struct {
	Body struct {
		Items []DeviceView `json:"items"`
	}
}

// DeviceView is a network card of this machine.
type DeviceView struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	LinkLocal bool     `json:"link_local" doc:"True when it has an IPv6 link-local address, which the search for neighbours needs."`
	Multicast bool     `json:"multicast"`
}
