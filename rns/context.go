package rns

// Context says what the data of a packet is for. Unknown values are legal and
// are forwarded unchanged. spec: rns-core §7.2
type Context uint8

// Contexts.
const (
	ContextNone          Context = 0x00
	ContextResource      Context = 0x01 // part of a resource
	ContextResourceAdv   Context = 0x02 // resource advertisement
	ContextResourceReq   Context = 0x03 // request for parts
	ContextResourceHMU   Context = 0x04 // hash map update
	ContextResourcePRF   Context = 0x05 // proof of a resource
	ContextResourceICL   Context = 0x06 // cancelled by the sender
	ContextResourceRCL   Context = 0x07 // rejected by the receiver
	ContextCacheRequest  Context = 0x08
	ContextRequest       Context = 0x09
	ContextResponse      Context = 0x0A
	ContextPathResponse  Context = 0x0B // announce that answers a path request
	ContextCommand       Context = 0x0C
	ContextCommandStatus Context = 0x0D
	ContextChannel       Context = 0x0E
	ContextKeepalive     Context = 0xFA
	ContextLinkIdentify  Context = 0xFB
	ContextLinkClose     Context = 0xFC
	ContextLinkProof     Context = 0xFD
	ContextLRRTT         Context = 0xFE // round trip time of a link request
	ContextLRProof       Context = 0xFF // proof of a link request
)

// String is the name of the context in the protocol documents.
func (c Context) String() string {
	if c >= ContextKeepalive {
		return linkContextNames[c-ContextKeepalive]
	}
	return enumName(contextNames[:], int(c), "Context")
}

var contextNames = [...]string{
	"NONE", "RESOURCE", "RESOURCE_ADV", "RESOURCE_REQ", "RESOURCE_HMU", "RESOURCE_PRF", "RESOURCE_ICL",
	"RESOURCE_RCL", "CACHE_REQUEST", "REQUEST", "RESPONSE", "PATH_RESPONSE", "COMMAND", "COMMAND_STATUS", "CHANNEL",
}

var linkContextNames = [...]string{"KEEPALIVE", "LINKIDENTIFY", "LINKCLOSE", "LINKPROOF", "LRRTT", "LRPROOF"}
