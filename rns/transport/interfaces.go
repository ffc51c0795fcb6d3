package transport

import (
	"strconv"
	"time"

	"meshchatx/rns"
)

// InterfaceID names an interface inside one Machine. The caller chooses it, never zero, and never uses one twice during
// the life of the machine, so that what a table says about a lost interface cannot be taken for another one.
type InterfaceID uint32

// Mode decides which announces an interface carries and how long paths over it live. spec: rns-core §10.3
type Mode uint8

// The interface modes with their numbers on the control socket. The zero value counts as ModeFull.
const (
	ModeFull         Mode = 1
	ModePointToPoint Mode = 2
	ModeAccessPoint  Mode = 3
	ModeRoaming      Mode = 4
	ModeBoundary     Mode = 5
	ModeGateway      Mode = 6
	ModeInternal     Mode = 7
)

// String returns the first name of the mode in configurations.
func (m Mode) String() string {
	switch m {
	case 0, ModeFull:
		return "full"
	case ModePointToPoint:
		return "pointtopoint"
	case ModeAccessPoint:
		return "access_point"
	case ModeRoaming:
		return "roaming"
	case ModeBoundary:
		return "boundary"
	case ModeGateway:
		return "gateway"
	case ModeInternal:
		return "internal"
	default:
		return "Mode(" + strconv.Itoa(int(m)) + ")"
	}
}

// Role says who is at the other end of an interface. spec: rns-core §20
type Role uint8

// The roles. The zero value is an ordinary network interface.
const (
	// RoleNetwork reaches other nodes.
	RoleNetwork Role = iota
	// RoleLocalClient is the connection of a local program to this shared instance.
	RoleLocalClient
	// RoleSharedInstance is this program's own connection to a shared instance; it then is the only interface.
	RoleSharedInstance
)

// MTUPolicy says whether links over an interface may use more than 500 bytes. spec: rns-core §10.6
type MTUPolicy uint8

// The MTU policies.
const (
	// MTUStandard limits links to 500 bytes.
	MTUStandard MTUPolicy = iota
	// MTUAuto derives the hardware MTU from the bitrate.
	MTUAuto
	// MTUFixed keeps the driver's hardware MTU.
	MTUFixed
)

// Limit switches a rate limit on or off. The zero value takes the protocol's default.
type Limit uint8

// The states of a limit.
const (
	LimitDefault Limit = iota
	LimitOn
	LimitOff
)

// enabled resolves the default.
func (l Limit) enabled(def Limit) bool { return l == LimitOn || l == LimitDefault && def == LimitOn }

// AnnounceRate limits how often announces of one destination are rebroadcast. A zero Target means no limit.
// spec: rns-core §14.7
type AnnounceRate struct {
	// Target is the interval that announces of one destination should keep.
	Target time.Duration
	// Grace is the number of violations that are forgiven.
	Grace int
	// Penalty is added to Target when blocking.
	Penalty time.Duration
}

// InterfaceInfo is what the machine knows of an interface. It is a plain value: the caller describes an interface with
// it in AddInterface and replaces the description by UpdateInterface. spec: rns-core §10.1
type InterfaceInfo struct {
	// ID is chosen by the caller, see InterfaceID.
	ID InterfaceID
	// Parent is the listener that spawned this interface, zero if none. Its frequencies count events of its children.
	Parent InterfaceID
	// Name is the display string, which identifies the interface in stored tables.
	Name string
	// Hash is H(display string), computed by AddInterface when zero.
	Hash rns.Hash
	// Role says who is at the other end.
	Role Role
	// Mode is the propagation mode, zero for ModeFull.
	Mode Mode
	// Offline interfaces get no recursive path requests. Frames for them are still produced: the port decides.
	Offline bool
	// ReceiveOnly interfaces are never used for broadcasts (the configuration's "outgoing = no").
	ReceiveOnly bool
	// Bitrate is in bit/s, zero if unknown.
	Bitrate int64
	// HardwareMTU is the largest packet in bytes, zero for none known.
	HardwareMTU int
	// MTUPolicy says how HardwareMTU came about.
	MTUPolicy MTUPolicy
	// Gravity breaks ties between paths of equal emission, larger wins.
	Gravity int
	// AnnounceCap is the share of the bandwidth for announces, 0 < cap <= 1; zero takes Params.AnnounceCap.
	AnnounceCap float64
	// AnnounceRate limits rebroadcasts of announces received here.
	AnnounceRate AnnounceRate
	// IngressControl limits announces of unknown destinations and recursive searches, on by default.
	IngressControl Limit
	// NeverLimitAnnounces exempts slow media from the announce ingress limit, not from the path request limit.
	NeverLimitAnnounces bool
	// EgressControl limits outgoing recursive path requests, off by default.
	EgressControl Limit
	// Ingress holds the thresholds; nil takes Params.Ingress.
	Ingress *IngressParams
	// RecursiveRequests searches unknown paths for requests received here whatever the mode.
	RecursiveRequests bool
	// BlockInternalAnnounces keeps announces learned on an INTERNAL interface off this one
	// (the configuration's "announces_from_internal = no").
	BlockInternalAnnounces bool
	// AnnouncesToInternal lets announces learned on this BOUNDARY interface pass to INTERNAL ones.
	AnnouncesToInternal bool
	// Created is when the interface came into being, for the thresholds of new interfaces; AddInterface takes now
	// when zero.
	Created time.Time
}

// mode resolves the zero value.
func (i *InterfaceInfo) mode() Mode {
	if i.Mode == 0 {
		return ModeFull
	}
	return i.Mode
}

// Frame is one received packet. Raw has no access code any more. The machine may rewrite Raw in place.
type Frame struct {
	// Interface is where it arrived.
	Interface InterfaceID
	// Raw is the packet from its flags byte on.
	Raw []byte
	// Signal is what a radio measured.
	Signal Signal
}

// Signal is the reception quality of a packet. The zero value means nothing was measured.
type Signal struct {
	// RSSI in dBm, SNR in dB, Quality in percent; each valid only with its flag.
	RSSI, SNR, Quality          float64
	HasRSSI, HasSNR, HasQuality bool
}

// measured tells whether there is anything to remember.
func (s Signal) measured() bool { return s.HasRSSI || s.HasSNR || s.HasQuality }
