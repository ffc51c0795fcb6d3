//go:build !linux

package local_test

import (
	"errors"
	"net"
	"testing"

	"meshchatx/rns/iface/local"
)

func listenAs(*testing.T, local.Endpoint, int) (net.Listener, error) {
	return nil, errors.New("sockets of this system do not tell their owner")
}
