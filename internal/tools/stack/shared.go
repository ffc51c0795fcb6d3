package stack

import (
	"meshchatx/internal/interfaces"
	"meshchatx/rns/config"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/node"
)

// NodeConfig is what the file says about the node and the shared instance of the machine. spec: rns-core §23.5, rns-link §11.2
func NodeConfig(c config.Config) node.Config {
	n := interfaces.NodeConfig(c)
	if n.Shared.Mode == node.SharedOff && c.Reticulum.ShareInstance {
		n.Shared = node.Shared{
			Mode: node.SharedAuto, Endpoint: Endpoint(c), Key: c.Reticulum.RPCKey, Bitrate: c.Reticulum.ForceSharedInstanceBitrate,
		}
	}
	return n
}

// Endpoint is where the shared instance of the file listens. spec: rns-link §11.1
func Endpoint(c config.Config) local.Endpoint {
	r := c.Reticulum
	e := local.Endpoint{Name: r.InstanceName, Port: r.SharedInstancePort, ControlPort: r.InstanceControlPort}
	switch r.SharedInstanceType {
	case config.SharedByUnix:
		e.Kind = local.KindUnix
	case config.SharedByTCP:
		e.Kind = local.KindTCP
	case config.SharedByPlatform:
	}
	return e
}
