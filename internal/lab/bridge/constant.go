package bridge

import (
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

func constantCommands() map[string]handler {
	return map[string]handler{
		"packet_constants":            pure(packetConstants),
		"packet_context_constants":    pure(contextConstants),
		"announce_queue_constants":    pure(queueConstants),
		"interface_hw_mtu":            pure(interfaceHWMTU),
		"interface_optimise_mtu":      pure(interfaceOptimise),
		"interface_default_ifac_size": pure(interfaceIFACSizes),
	}
}

// packetConstants are in bytes or, where the reference counts so, in bits.
func packetConstants(struct{}) (any, error) {
	return obj{
		"mtu": rns.MTU, "header_minsize": rns.HeaderMinSize, "header_maxsize": rns.HeaderMaxSize, "mdu": rns.PlainMDU,
		"ifac_min_size": rns.IFACMinSize, "packet_mdu": rns.PlainMDU, "packet_plain_mdu": rns.PlainMDU,
		"packet_encrypted_mdu": rns.EncryptedMDU, "link_mdu": link.MDU(rns.MTU), "hashlength": 8 * rns.HashSize,
		"siglength": 8 * rns.SignatureSize, "truncated_hashlength": 8 * rns.AddrSize, "keysize": 8 * rns.PublicKeySize,
		"name_hash_length": 8 * rns.NameHashSize, "token_overhead": rns.TokenOverhead, "aes128_blocksize": rns.TokenSize(0) - rns.TokenOverhead,
	}, nil
}

func contextConstants(struct{}) (any, error) {
	return obj{
		"NONE": rns.ContextNone, "RESOURCE": rns.ContextResource, "RESOURCE_ADV": rns.ContextResourceAdv,
		"RESOURCE_REQ": rns.ContextResourceReq, "RESOURCE_HMU": rns.ContextResourceHMU, "RESOURCE_PRF": rns.ContextResourcePRF,
		"RESOURCE_ICL": rns.ContextResourceICL, "RESOURCE_RCL": rns.ContextResourceRCL, "CACHE_REQUEST": rns.ContextCacheRequest,
		"REQUEST": rns.ContextRequest, "RESPONSE": rns.ContextResponse, "PATH_RESPONSE": rns.ContextPathResponse,
		"COMMAND": rns.ContextCommand, "COMMAND_STATUS": rns.ContextCommandStatus, "CHANNEL": rns.ContextChannel,
		"KEEPALIVE": rns.ContextKeepalive, "LINKIDENTIFY": rns.ContextLinkIdentify, "LINKCLOSE": rns.ContextLinkClose,
		"LINKPROOF": rns.ContextLinkProof, "LRRTT": rns.ContextLRRTT, "LRPROOF": rns.ContextLRProof,
	}, nil
}

func queueConstants(struct{}) (any, error) {
	p := transport.DefaultParams()
	return obj{
		"announce_cap": int(p.AnnounceCap*100 + 0.5), "max_queued_announces": p.MaxQueuedAnnounces,
		"queued_announce_life": int(p.QueuedAnnounceLife / time.Second),
	}, nil
}

// classes are the classes of the reference that have an MTU before they know their bitrate, as kinds and settings of drivers.
var classes = map[string][2]string{
	"TCPInterface": {"TCPClientInterface", blocks["TCPClientInterface"]}, "AutoInterface": {"AutoInterface", ""},
	"BackboneInterface": {"BackboneInterface", "remote = 127.0.0.1\ntarget_port = 4242"},
}

func interfaceHWMTU(p struct{ Type string }) (any, error) {
	c, ok := classes[p.Type]
	if !ok {
		return obj{"error": "no class-level MTU for " + p.Type}, nil
	}
	i, err := fresh(c[0], c[1])
	return obj{"hw_mtu": i.MTU}, err
}

func interfaceOptimise(p struct {
	Bitrate       int64
	Autoconfigure *bool
}) (any, error) {
	if p.Autoconfigure != nil && !*p.Autoconfigure {
		return obj{"hw_mtu": -1, "unchanged": true}, nil
	}
	out := obj{"hw_mtu": nil, "unchanged": false}
	if mtu := iface.OptimiseMTU(p.Bitrate); mtu > 0 {
		out["hw_mtu"] = mtu
	}
	return out, nil
}
