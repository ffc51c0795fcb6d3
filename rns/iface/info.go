package iface

// MTUClass says how an interface takes part in link MTU discovery. spec: rns-interfaces §1.2
type MTUClass uint8

const (
	// MTUNone takes no part: links through the interface use 500 bytes.
	MTUNone MTUClass = iota
	// MTUAuto sets the MTU from the bitrate. spec: rns-interfaces §1.3
	MTUAuto
	// MTUFixed keeps the MTU of the driver.
	MTUFixed
)

// String returns the class as words.
func (c MTUClass) String() string {
	switch c {
	case MTUAuto:
		return "auto"
	case MTUFixed:
		return "fixed"
	default:
		return "none"
	}
}

// Role says what an interface is to the interfaces around it.
type Role uint8

const (
	// RoleEndpoint sends and receives.
	RoleEndpoint Role = iota
	// RoleListener only creates peers and never transmits itself.
	RoleListener
	// RolePeer was spawned by a listener and ends with its connection.
	RolePeer
)

// Locality says whether an interface joins programs of one machine instead of nodes. spec: rns-link §11
type Locality uint8

const (
	// Network interfaces reach other nodes.
	Network Locality = iota
	// LocalListener accepts programs of this machine.
	LocalListener
	// LocalClient is the connection of a program of this machine to this one, which owns the interfaces.
	LocalClient
	// SharedInstance is the connection of this program to the one that owns the interfaces.
	SharedInstance
)

// Info describes an interface. It is constant during the life of the interface.
type Info struct {
	// Name is the name given by the configuration.
	Name string
	// Label is the display string; its hash identifies the interface in stored tables. spec: rns-interfaces §1.7
	Label string
	// Type is the driver's name in configurations.
	Type string
	// Bitrate is the driver's guess in bit/s, 0 if unknown.
	Bitrate int64
	// MTU is the largest packet the medium carries, in bytes, without access code.
	MTU int
	// MTUClass says whether links may use more than 500 bytes.
	MTUClass MTUClass
	// AccessCodeSize is the default size of an access code in bytes.
	AccessCodeSize int
	// Role is endpoint, listener or peer.
	Role Role
	// Locality tells connections between programs of one machine from those to other nodes.
	Locality Locality
	// Tunnel says that the interface asks for a tunnel after connecting. spec: rns-core §17
	Tunnel bool
	// NeverLimited says that announce ingress limits do not apply. spec: rns-interfaces §17
	NeverLimited bool
}

// Frame limits. spec: rns-interfaces §1.1
const (
	// MinFrameSize is the smallest frame worth delivering, in bytes: frames of 19 bytes or less cannot be packets.
	MinFrameSize = 20
	// MaxAccessCodeSize is the largest access code in bytes, a whole signature.
	MaxAccessCodeSize = 64
)

// mtuStep is one row of the table that gives the MTU of an automatic interface.
type mtuStep struct {
	above int64
	mtu   int
}

// OptimiseMTU returns the hardware MTU in bytes for a bitrate in bit/s, 0 for none.
//
// spec: rns-interfaces §1.3
func OptimiseMTU(bitrate int64) int {
	if bitrate >= 1_000_000_000 {
		return 524_288
	}
	steps := [...]mtuStep{
		{750_000_000, 262_144}, {400_000_000, 131_072}, {200_000_000, 65_536}, {100_000_000, 32_768},
		{10_000_000, 16_384}, {5_000_000, 8_192}, {2_000_000, 4_096}, {1_000_000, 2_048}, {62_500, 1_024},
	}
	for _, s := range steps {
		if bitrate > s.above {
			return s.mtu
		}
	}
	return 0
}
