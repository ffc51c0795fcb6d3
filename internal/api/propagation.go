package api

// NodeView is a propagation node that was heard.
type NodeView struct {
	Address      string         `json:"address"`
	Identity     string         `json:"identity"`
	Name         string         `json:"name" doc:"Announced name; may be empty."`
	Hops         *int           `json:"hops,omitempty"`
	Interface    string         `json:"interface"`
	HeardAt      int64          `json:"heard_at" format:"int64"`
	Active       bool           `json:"active" doc:"True when it takes messages of everybody."`
	MessageLimit int64          `json:"message_limit" format:"int64" doc:"Largest message it keeps, in bytes."`
	SyncLimit    int64          `json:"sync_limit" format:"int64" doc:"Most bytes it takes at once."`
	StampCost    int            `json:"stamp_cost" doc:"Work for each message left there, in bits."`
	StampLeast   int            `json:"stamp_least" doc:"Least work it accepts, in bits."`
	PeeringCost  int            `json:"peering_cost" doc:"Work another node does once to be its peer, in bits."`
	Own          bool           `json:"own" doc:"True when it is the node of this program."`
	Chosen       bool           `json:"chosen" doc:"True when this identity uses it."`
	Experience   NodeExperience `json:"experience" doc:"What this identity has experienced with it."`
	RestingUntil int64          `json:"resting_until,omitempty" format:"int64" doc:"After failures it is not chosen automatically before this time."`
	Unsuitable   string         `json:"unsuitable,omitempty" enum:"inactive,too_old,too_dear" doc:"Why it is never chosen automatically."`
}

// NodeExperience counts connections to a node.
type NodeExperience struct {
	Successes   int   `json:"successes"`
	Failures    int   `json:"failures"`
	Streak      int   `json:"streak" doc:"Failures since the last success."`
	LastSuccess int64 `json:"last_success,omitempty" format:"int64"`
	LastFailure int64 `json:"last_failure,omitempty" format:"int64"`
	Latency     int64 `json:"latency_ms,omitempty" format:"int64" doc:"How long the last connection took to come up."`
}

// NodeChoice is the propagation node in use and why.
type NodeChoice struct {
	Mode    string `json:"mode" enum:"auto,fixed,none"`
	Address string `json:"address,omitempty" doc:"Absent: no node is in use."`
	Name    string `json:"name,omitempty"`
	Reason  string `json:"reason" enum:"none,fixed,only,proven,nearest,fresh,cheapest,fastest,kept,failover,resting"`
	Hops    *int   `json:"hops,omitempty"`
	HeardAt int64  `json:"heard_at,omitempty" format:"int64"`
	Cost    int    `json:"cost" doc:"Work for each message, in bits."`
	Heard   int    `json:"heard" doc:"Nodes that are known."`
	Usable  int    `json:"usable" doc:"Nodes among which was chosen."`
	Resting int    `json:"resting" doc:"Nodes left out after failures."`
	Until   int64  `json:"until,omitempty" format:"int64" doc:"reason resting: when it is tried again."`
}

// SyncView is fetching messages from the propagation node: the one under way,
// or the last one.
type SyncView struct {
	State      string `json:"state" enum:"idle,path_requested,link_establishing,link_established,request_sent,receiving,response_received,complete,no_path,link_failed,transfer_failed,no_identity,no_access,failed"`
	Number     int    `json:"number" doc:"The state in the numbers of the protocol: 0 to 7, 240 to 244, 254."`
	Active     bool   `json:"active"`
	Failed     bool   `json:"failed"`
	Code       string `json:"code,omitempty" doc:"Reason of a failure, as of messages."`
	Detail     string `json:"detail,omitempty" doc:"Technical text, untranslated."`
	Node       string `json:"node,omitempty"`
	Name       string `json:"name,omitempty"`
	Listed     int    `json:"listed" doc:"Messages the node had for us."`
	Wanted     int    `json:"wanted" doc:"Messages asked for: the others are here already, or wait for the next time."`
	Received   int    `json:"received"`
	Stored     int    `json:"stored" doc:"New messages."`
	Duplicates int    `json:"duplicates"`
	Unreadable int    `json:"unreadable"`
	Unstored   int    `json:"unstored" doc:"Could not be stored now and stay on the node."`
	Left       int    `json:"left" doc:"Stay on the node because of a limit."`
	Percent    *int   `json:"percent,omitempty" doc:"How much of the present answer has come."`
	Size       int64  `json:"size,omitempty" format:"int64"`
	StartedAt  int64  `json:"started_at,omitempty" format:"int64"`
	EndedAt    int64  `json:"ended_at,omitempty" format:"int64"`
	Every      int64  `json:"every_s" format:"int64" doc:"Seconds between fetches that happen by themselves; 0: only when asked."`
}

// PropagationView is how an identity stands to propagation nodes.
type PropagationView struct {
	Choice NodeChoice `json:"choice"`
	Sync   SyncView   `json:"sync"`
}

type propagationOutput struct{ Body PropagationView }

type chooseNodeInput struct {
	IdentityPath
	Body struct {
		Mode string `json:"mode" enum:"auto,fixed,none"`
		Node string `json:"node,omitempty" pattern:"^([0-9a-f]{32})?$" doc:"mode fixed: its address, heard or not."`
	}
}

type syncInput struct {
	IdentityPath
	Body struct {
		Max int `json:"max,omitempty" minimum:"0" maximum:"10000" doc:"Most messages to fetch; 0: as the settings say."`
	}
}

type listNodesInput struct {
	IdentityPath
	Query string `query:"q" maxLength:"200" doc:"Part of a name or an address."`
}

type listNodesOutput struct {
	Body struct {
		Items []NodeView `json:"items" doc:"The one in use first, then those that can be used, nearest first."`
		Total int        `json:"total"`
	}
}

// HostView is the propagation node that this program is for others. Its
// settings are those of the server in the category propagation.
type HostView struct {
	State         string         `json:"state" enum:"off,starting,on,failed"`
	Detail        string         `json:"detail,omitempty" doc:"state failed: technical text."`
	Address       string         `json:"address,omitempty"`
	Name          string         `json:"name,omitempty"`
	StartedAt     int64          `json:"started_at,omitempty" format:"int64"`
	Messages      int            `json:"messages"`
	Bytes         int64          `json:"bytes" format:"int64"`
	StorageLimit  int64          `json:"storage_limit" format:"int64" doc:"0: none."`
	MessageLimit  int64          `json:"message_limit" format:"int64"`
	StampCost     int            `json:"stamp_cost"`
	PeeringCost   int            `json:"peering_cost"`
	MaxPeers      int            `json:"max_peers"`
	FromClients   int64          `json:"from_clients" format:"int64" doc:"Messages people have left here, ever."`
	ToClients     int64          `json:"to_clients" format:"int64" doc:"Messages people have fetched, ever."`
	FromStrangers int64          `json:"from_strangers" format:"int64" doc:"Messages from nodes that are not peers, ever."`
	Peers         []HostPeerView `json:"peers"`
}

// HostPeerView is another propagation node with which messages are exchanged.
type HostPeerView struct {
	Address     string   `json:"address"`
	Name        string   `json:"name"`
	Static      bool     `json:"static" doc:"True when it is listed in the settings."`
	Alive       bool     `json:"alive"`
	State       string   `json:"state" enum:"idle,connecting,connected,offering,answered,transferring"`
	Ready       bool     `json:"ready" doc:"False while the work to be accepted by it is not done."`
	Hops        *int     `json:"hops,omitempty"`
	HeardAt     int64    `json:"heard_at,omitempty" format:"int64"`
	SyncedAt    int64    `json:"synced_at,omitempty" format:"int64" doc:"Last attempt."`
	NextAt      int64    `json:"next_at,omitempty" format:"int64" doc:"No attempt before."`
	Offered     int64    `json:"offered" format:"int64"`
	Sent        int64    `json:"sent" format:"int64"`
	Received    int64    `json:"received" format:"int64"`
	SentBytes   int64    `json:"sent_bytes" format:"int64"`
	TakenBytes  int64    `json:"received_bytes" format:"int64"`
	Outstanding int      `json:"outstanding" doc:"Messages it is still to get."`
	Acceptance  *float64 `json:"acceptance,omitempty" doc:"Share of offered messages that it took."`
	Rate        int64    `json:"rate,omitempty" format:"int64" doc:"Bits per second of the last transfer."`
	LastError   string   `json:"last_error,omitempty" doc:"Technical text of the last synchronisation, if it failed."`
}

type hostOutput struct{ Body HostView }

// HostPeerPath names a peer of the hosted node.
type HostPeerPath struct {
	Peer string `path:"peer" pattern:"^[0-9a-f]{32}$" doc:"Address of the other propagation node."`
}
