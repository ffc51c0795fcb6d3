package event

import (
	"fmt"
	"net"
)

// ErrClosed: the bus was closed. It matches net.ErrClosed.
var ErrClosed = fmt.Errorf("event bus closed: %w", net.ErrClosed)
