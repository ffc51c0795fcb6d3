package node

import (
	"errors"
	"time"

	"meshchatx/rns/iface/local"
)

// SharedMode says what a node does about the shared instance of its machine. spec: rns-link §11.2
type SharedMode uint8

// The modes.
const (
	// SharedOff stands alone: no socket is opened or looked for.
	SharedOff SharedMode = iota
	// SharedAuto becomes the shared instance, or a client of the one that runs; if neither is possible it stands alone.
	SharedAuto
	// SharedServe becomes the shared instance. Start fails if another one runs.
	SharedServe
	// SharedAttach becomes a client. Start fails with ErrNoInstance if no shared instance runs.
	SharedAttach
)

// Shared configures the shared instance. The zero value is off.
type Shared struct {
	Mode SharedMode
	// Endpoint is where the shared instance listens.
	Endpoint local.Endpoint
	// Key authenticates control calls. Nil derives it from the persistent transport identity. spec: rns-link §12.2
	Key []byte
	// RefuseMD5 speaks no control connection with programs that can only authenticate by MD5: Python up to 3.11.
	RefuseMD5 Switch
	// AnyOwner joins a shared instance of another user, too. Otherwise only one of the same user or of root is joined.
	AnyOwner Switch
	// Bitrate simulates a slow connection, in bit/s; 0 for none.
	Bitrate int64
}

// Role is what a node is to the other programs of its machine. spec: rns-link §11.2
type Role uint8

// The roles.
const (
	// RoleStandalone has interfaces of its own and no local clients.
	RoleStandalone Role = iota
	// RoleInstance has interfaces of its own and shares them with local clients.
	RoleInstance
	// RoleClient has one interface, the connection to the shared instance.
	RoleClient
)

// String returns the role in words.
func (r Role) String() string {
	return [...]string{"standalone", "shared instance", "client"}[min(r, RoleClient)]
}

// ErrNoInstance means that no shared instance runs.
var ErrNoInstance = errors.New("no shared instance is running")

// SharedStatus is the state of the connection between the programs of this machine.
type SharedStatus struct {
	Role Role
	// Address is the packet socket in the form of display strings; empty for a node that stands alone.
	Address string
	// Clients counts the connected programs at a shared instance.
	Clients int
	// Connected is whether a client reaches its shared instance, Since when that changed, Err why it does not.
	Connected bool
	Since     time.Time
	Err       error
	// ControlErr is why control calls do not work, nil if they do. Packets are not affected.
	ControlErr error
}

// Role is what the node became at its start.
func (n *Node) Role() Role { return n.shared.role }

// shared is what a node knows of the shared instance.
type shared struct {
	role Role
}
