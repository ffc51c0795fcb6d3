package interfaces

import (
	"errors"
	"path/filepath"
	"strings"

	"meshchatx/internal/wsiface"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/i2p"
	"meshchatx/rns/iface/pipe"
	"meshchatx/rns/node"
)

// where is where an interface leads or listens, for people: never a secret, and of a command its program only.
func where(c config.Interface) string {
	if conf, ok := editable(c); ok && endpoint(conf) != "" {
		return endpoint(conf)
	}
	r := options{c.Options, nil}
	switch Type(c.Type) {
	case TypeBackbone, TypeBackboneClient:
		if host := r.text(keyRemote, keyTargetHost); host != "" {
			return place(host, r.number(keyPort, keyTargetPort))
		}
		host := r.text(keyListenOn, keyListenIP)
		if host == "" {
			host = r.text(keyDevice)
		}
		return place(host, r.number(keyPort, keyListenPort))
	case TypeI2P:
		return strings.Join(r.list(keyPeers), ", ")
	case TypePipe:
		if words, err := pipe.Split(r.text(keyCommand)); err == nil && len(words) > 0 {
			return filepath.Base(words[0])
		}
	case TypeWebSocketClient:
		if url := r.webSocketURL(); wsiface.CheckURL(url) == nil {
			return url
		}
	case TypeWebSocketServer:
		return place(r.text(keyListenIP), r.number(keyListenPort, keyPort))
	case TypeSerial, TypeKISS, TypeAX25KISS, TypeRNode, TypeRNodeMulti:
		return r.text(keyPort)
	}
	return ""
}

// place is a host with its port. A block without a usable port shows its host alone; its error tells the rest.
func place(host string, port int) string {
	if port == 0 {
		return host
	}
	return hostPort(host, port)
}

// waits tells whether an interface only waits for others: by itself it reaches nobody.
func waits(st Status) bool {
	switch Type(st.Type) {
	case TypeTCPServer, TypeAuto, TypeI2P, TypeWebSocketServer:
		return true
	case TypeBackbone:
		return st.Listens
	}
	return false
}

// abilities adds what the driver of some kinds can tell.
func (st *Status) abilities(l node.InterfaceStatus) {
	st.Listens = l.Info.Role == iface.RoleListener
	if b, ok := l.Driver.(iface.Blocker); ok {
		st.Blocked = len(b.Blocked())
	}
	if e, ok := l.Driver.(iface.Reachable); ok && e.Endpoint().Address != "" {
		st.Endpoint = e.Endpoint().Address
	}
}

// tunnelOf is the state of the tunnel of a peer, empty where there is none.
func tunnelOf(l node.InterfaceStatus) string {
	if t, ok := l.Driver.(iface.Tunnelled); ok {
		return t.TunnelState().String()
	}
	return ""
}

// streamReason is the code for what happens with programs and with I2P, or empty.
func streamReason(err error) string {
	switch {
	case errors.Is(err, pipe.ErrNotStarted):
		return "no_program"
	case errors.Is(err, pipe.ErrExited):
		return "exited"
	case errors.Is(err, i2p.ErrNoRouter), errors.Is(err, i2p.ErrReply), errors.Is(err, i2p.ErrNoVersion):
		return "no_i2p"
	case errors.Is(err, i2p.ErrCantReachPeer), errors.Is(err, i2p.ErrPeerNotFound), errors.Is(err, i2p.ErrKeyNotFound):
		return "unreachable"
	case errors.Is(err, i2p.ErrTimeout):
		return "timeout"
	case errors.Is(err, i2p.ErrSilent), errors.Is(err, i2p.ErrInvalidID), errors.Is(err, wsiface.ErrClosedByPeer), errors.Is(err, wsiface.ErrSilent):
		return "closed"
	case errors.Is(err, i2p.ErrKey):
		return "bad_config"
	}
	return ""
}
