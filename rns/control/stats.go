package control

import (
	"time"

	"meshchatx/rns"
)

// Stats is the state of all interfaces of a node. spec: rns-core §21.1
type Stats struct {
	Interfaces []InterfaceStats
	// RxBytes and TxBytes are the traffic of all interfaces since the start, RxRate and TxRate the present one in bit/s.
	RxBytes, TxBytes uint64
	RxRate, TxRate   float64
	// RSS is the memory of the process in bytes, 0 if unknown.
	RSS int64
	// Transport is set if the node forwards for others.
	Transport *TransportStats
}

// TransportStats describes a transport node.
type TransportStats struct {
	ID rns.Addr
	// Network is the network identity, Probe the address of the probe responder; zero without one.
	Network, Probe rns.Addr
	Uptime         time.Duration
}

// InterfaceStats is the state of one interface. Pointers are nil for what an interface does not have.
type InterfaceStats struct {
	// Name is the display string, ShortName the configured name, Type the kind in configurations.
	Name, ShortName, Type string
	// Hash is H(Name).
	Hash rns.Hash
	// Parent is the display string of the listener that made the interface, empty if none.
	Parent     string
	ParentHash rns.Hash
	// Clients counts the connections of a listener, Peers the neighbours of a local network.
	Clients, Peers *int
	// Online is whether frames can be sent.
	Online bool
	// Mode is the number of the propagation mode. spec: rns-core §10.3
	Mode    int
	Gravity int
	// Bitrate is in bit/s, 0 if unknown.
	Bitrate int64
	// RxBytes and TxBytes count since the start, RxRate and TxRate are the present traffic in bit/s.
	RxBytes, TxBytes uint64
	RxRate, TxRate   float64
	// AccessCode is nil on open interfaces.
	AccessCode *AccessCode
	// AutoconnectSource is the identity that published an interface connected by discovery, empty otherwise.
	AutoconnectSource string
	// AnnounceQueue counts announces that wait for bandwidth, HeldAnnounces those kept back by ingress control.
	AnnounceQueue *int
	HeldAnnounces int
	// BlockedIPs counts addresses a listener refuses, BlockedIPList names them.
	BlockedIPs    *int
	BlockedIPList []string
	// Announces and path requests per second, in and out.
	IncomingAnnounces, OutgoingAnnounces, IncomingRequests, OutgoingRequests float64
	// AnnounceRateTarget and AnnounceRatePenalty are in seconds; nil without a limit.
	AnnounceRateTarget, AnnounceRatePenalty, AnnounceRateGrace *int
	// AnnounceBurst and RequestBurst tell whether ingress limits are in force, and since when.
	AnnounceBurst, RequestBurst Burst
	// AnnouncesToInternal is nil if not set.
	AnnouncesToInternal *bool
	// Device is what the driver knows of its medium.
	Device DeviceStats
}

// AccessCode describes the protection of an interface. The passphrase is not part of it.
type AccessCode struct {
	// Signature identifies the code without revealing it.
	Signature []byte
	// Size is in bytes.
	Size int
	// Network is the network name, empty if none.
	Network string
}

// Burst is the state of an ingress limit.
type Burst struct {
	Active bool
	// Since is zero if there was no burst yet.
	Since time.Time
}

// DeviceStats are the values of particular drivers. Nil means that the interface has no such value.
type DeviceStats struct {
	// AirtimeShort and AirtimeLong are the own use of the channel in percent over 15 s and 1 h, ChannelLoadShort and
	// ChannelLoadLong that of everybody.
	AirtimeShort, AirtimeLong, ChannelLoadShort, ChannelLoadLong *float64
	// NoiseFloor and Interference are in dBm.
	NoiseFloor, Interference *float64
	// InterferenceLast is the last interference in dBm, InterferenceLastAt when it was.
	InterferenceLast   *float64
	InterferenceLastAt time.Time
	// CPUTemp is in °C, CPULoad and MemLoad are in percent.
	CPUTemp, CPULoad, MemLoad *float64
	// BatteryState is a word, BatteryPercent its charge.
	BatteryState   *string
	BatteryPercent *int
	// SwitchID, ViaSwitchID and EndpointID are those of a Weave interface, in hex.
	SwitchID, ViaSwitchID, EndpointID *string
	// I2PAddress is the address of an I2P interface with its suffix, I2PConnectable whether others can connect,
	// TunnelState its tunnel in words.
	I2PAddress     *string
	I2PConnectable *bool
	TunnelState    *string
}
