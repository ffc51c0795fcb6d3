package settings

// CategoryPropagation groups what concerns propagation nodes: the one in use, and our own.
const CategoryPropagation Category = "propagation"

// Keys of the propagation node that this program can be for others.
const (
	KeyHostNode          Key = "host_node"
	KeyHostName          Key = "host_name"
	KeyHostStorage       Key = "host_storage_bytes"
	KeyHostMessageLimit  Key = "host_message_limit_bytes"
	KeyHostSyncLimit     Key = "host_sync_limit_bytes"
	KeyHostStampCost     Key = "host_stamp_cost"
	KeyHostFlexibility   Key = "host_stamp_flexibility"
	KeyHostPeeringCost   Key = "host_peering_cost"
	KeyHostMaxPeering    Key = "host_max_peering_cost"
	KeyHostAutoPeer      Key = "host_autopeer"
	KeyHostAutoPeerHops  Key = "host_autopeer_hops"
	KeyHostMaxPeers      Key = "host_max_peers"
	KeyHostStaticPeers   Key = "host_static_peers"
	KeyHostStaticOnly    Key = "host_static_only"
	KeyHostAnnounceHours Key = "host_announce_hours"
)

// Keys of an identity that uses a propagation node.
const (
	KeyNodeMode     Key = "propagation_mode"
	KeyNode         Key = "propagation_node"
	KeyFallback     Key = "delivery_fallback"
	KeySyncInterval Key = "sync_interval_s"
	KeySyncMax      Key = "sync_max_messages"
	KeySyncLeave    Key = "sync_leave"
)

// Choices of these settings that code asks about.
const (
	NodeAuto  = "auto"
	NodeFixed = "fixed"
	NodeNone  = "none"

	FallbackNode   = "node"
	FallbackDirect = "direct"
	FallbackNever  = "never"
)

// maxStaticPeers is room for a list of addresses with their separators.
const maxStaticPeers = 64 * 33

// hostTable are the settings of our own propagation node. spec of the defaults: lxmf §15
func hostTable() []Setting {
	set := func(s Setting) Setting {
		s.Scope, s.Category = Server, CategoryPropagation
		return s
	}
	return []Setting{
		set(Setting{Key: KeyHostNode, Kind: Bool, Default: BoolValue(false),
			Doc: "Keep messages for people who are away, and exchange them with other propagation nodes. Costs storage and traffic; the messages are encrypted for their recipients."}),
		set(Setting{Key: KeyHostName, Kind: String, Default: StringValue(""), Max: 64,
			Doc: "How the propagation node is called in its announces; empty announces no name."}),
		set(Setting{Key: KeyHostStorage, Kind: Int, Default: IntValue(500 * megabyte), Min: megabyte, Max: 1_000_000 * megabyte, Unit: "bytes",
			Doc: "The most the stored messages take. When it is full, large and old messages go first."}),
		set(Setting{Key: KeyHostMessageLimit, Kind: Int, Default: IntValue(256_000), Min: 1_000, Max: 1000 * megabyte, Unit: "bytes",
			Doc: "The largest message that is kept for others."}),
		set(Setting{Key: KeyHostSyncLimit, Kind: Int, Default: IntValue(10_240_000), Min: 1_000, Max: 10_000 * megabyte, Unit: "bytes",
			Doc: "The most another node may hand over at once."}),
		set(Setting{Key: KeyHostStampCost, Kind: Int, Default: IntValue(16), Min: 13, Max: 26, Unit: "bits",
			Doc: "Work a sender's computer must do for each message left here. Each step doubles it."}),
		set(Setting{Key: KeyHostFlexibility, Kind: Int, Default: IntValue(3), Max: 26, Unit: "bits",
			Doc: "How much less work is accepted from messages that come by way of other nodes."}),
		set(Setting{Key: KeyHostPeeringCost, Kind: Int, Default: IntValue(18), Max: 26, Unit: "bits",
			Doc: "Work another node must do once before it may hand messages over."}),
		set(Setting{Key: KeyHostMaxPeering, Kind: Int, Default: IntValue(26), Max: 30, Unit: "bits",
			Doc: "The most work this node does to be accepted by another one."}),
		set(Setting{Key: KeyHostAutoPeer, Kind: Bool, Default: BoolValue(true),
			Doc: "Exchange messages with other propagation nodes that are heard nearby."}),
		set(Setting{Key: KeyHostAutoPeerHops, Kind: Int, Default: IntValue(4), Max: 128, Unit: "hops",
			Doc: "How far away such nodes may be."}),
		set(Setting{Key: KeyHostMaxPeers, Kind: Int, Default: IntValue(20), Max: 1024, Unit: "nodes",
			Doc: "The most nodes with which messages are exchanged."}),
		set(Setting{Key: KeyHostStaticPeers, Kind: String, Default: StringValue(""), Max: maxStaticPeers,
			Doc: "Addresses of propagation nodes that are always peers, with spaces or commas between them."}),
		set(Setting{Key: KeyHostStaticOnly, Kind: Bool, Default: BoolValue(false),
			Doc: "Take messages from the listed nodes only, and from no other."}),
		set(Setting{Key: KeyHostAnnounceHours, Kind: Int, Default: IntValue(6), Max: 168, Unit: "hours", Effect: Restart,
			Doc: "Time between announces of the propagation node; 0 announces only at the start and after changes."}),
	}
}

// nodeTable are the settings of an identity that uses propagation nodes.
func nodeTable() []Setting {
	set := func(s Setting) Setting {
		s.Scope, s.Category = Identity, CategoryPropagation
		return s
	}
	return []Setting{
		set(Setting{Key: KeyNodeMode, Kind: Enum, Default: StringValue(NodeAuto), Choices: []string{NodeAuto, NodeFixed, NodeNone},
			Doc: "Which propagation node keeps messages for you and takes those to people who are away: the best one heard, one that you choose, or none."}),
		set(Setting{Key: KeyNode, Kind: String, Default: StringValue(""), Max: 32,
			Doc: "Address of the chosen propagation node."}),
		set(Setting{Key: KeyFallback, Kind: Enum, Default: StringValue(FallbackNode), Choices: []string{FallbackNode, FallbackDirect, FallbackNever},
			Doc: "What happens when a message cannot be delivered directly: it is left in the propagation node, it is only tried directly in every way, or only in the way that was asked for."}),
		set(Setting{Key: KeySyncInterval, Kind: Int, Default: IntValue(0), Max: 7 * 86400, Unit: "s",
			Doc: "How often messages are fetched from the propagation node by themselves; 0 fetches only when asked. Each interval varies a little."}),
		set(Setting{Key: KeySyncMax, Kind: Int, Default: IntValue(0), Max: 10_000, Unit: "messages",
			Doc: "The most messages fetched at once; 0 fetches all. What is left stays on the node for the next time."}),
		set(Setting{Key: KeySyncLeave, Kind: Bool, Default: BoolValue(false),
			Doc: "Leave fetched messages on the propagation node, for another device with the same identity; they are removed there when they expire."}),
	}
}
