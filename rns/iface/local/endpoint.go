package local

import (
	"net"
	"runtime"
	"strconv"
)

// Kind is the family of the sockets.
type Kind uint8

// The families. The zero value is what the platform uses without a setting.
const (
	// KindDefault is KindUnix where there are abstract names, else KindTCP.
	KindDefault Kind = iota
	// KindUnix are abstract socket names: Linux and Android only.
	KindUnix
	// KindTCP are ports of 127.0.0.1.
	KindTCP
)

// Defaults of the addresses. spec: rns-link §11.1
const (
	DefaultName        = "default"
	DefaultPort        = 37428
	DefaultControlPort = 37429
)

// Endpoint names the two sockets of a shared instance. The zero value is the platform's default. spec: rns-link §11.1
type Endpoint struct {
	// Kind chooses between names and ports.
	Kind Kind
	// Name is the instance name, which has an effect on abstract names only; empty for DefaultName.
	Name string
	// Port carries packets, ControlPort the control calls; 0 for the defaults.
	Port, ControlPort int
}

// Address is where a socket listens, in the terms of package net.
type Address struct{ Network, Address string }

// String is the address in words.
func (a Address) String() string { return a.Address }

// Unix reports whether the endpoint uses abstract names.
func (e Endpoint) Unix() bool {
	return e.Kind == KindUnix || e.Kind == KindDefault && (runtime.GOOS == "linux" || runtime.GOOS == "android")
}

func (e Endpoint) name() string {
	if e.Name == "" {
		return DefaultName
	}
	return e.Name
}

func (e Endpoint) port() int { return orDefault(e.Port, DefaultPort) }

// Packets is the address of the packet socket.
func (e Endpoint) Packets() Address {
	if e.Unix() {
		return Address{Network: "unix", Address: "@rns/" + e.name()}
	}
	return loopback(e.port())
}

// Control is the address of the control socket.
func (e Endpoint) Control() Address {
	if e.Unix() {
		return Address{Network: "unix", Address: "@rns/" + e.name() + "/rpc"}
	}
	return loopback(orDefault(e.ControlPort, DefaultControlPort))
}

// String is what stands in display strings: the port or the name of the packet socket. spec: rns-link §11.3
func (e Endpoint) String() string {
	if e.Unix() {
		return "rns/" + e.name()
	}
	return strconv.Itoa(e.port())
}

// loopback is a port that other machines cannot reach.
func loopback(port int) Address {
	return Address{Network: "tcp", Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
}

func orDefault(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}
