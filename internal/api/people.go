package api

// HeardView is one destination that announced itself.
type HeardView struct {
	Address   string   `json:"address"`
	Identity  string   `json:"identity"`
	Kind      string   `json:"kind" enum:"person,propagation,page,phone,other"`
	Aspect    string   `json:"aspect,omitempty" doc:"Name of the destination where known, as lxmf.delivery."`
	Name      string   `json:"name" doc:"Announced name; empty: anonymous."`
	Contact   string   `json:"contact,omitempty" doc:"Name in the address book of this identity."`
	Hops      int      `json:"hops"`
	Interface string   `json:"interface"`
	FirstAt   int64    `json:"first_at" format:"int64"`
	LastAt    int64    `json:"last_at" format:"int64"`
	Count     int64    `json:"count" format:"int64" doc:"Announces heard."`
	StampCost int      `json:"stamp_cost"`
	RSSI      *float64 `json:"rssi,omitempty"`
	SNR       *float64 `json:"snr,omitempty"`
	Quality   *float64 `json:"quality,omitempty"`
	Own       bool     `json:"own" doc:"True when it is an identity of this installation."`
	Blocked   bool     `json:"blocked"`
	Lookalike bool     `json:"lookalike" doc:"True when another destination of this kind has the same name."`
}

// HeardCounts are the figures beside the filters.
type HeardCounts struct {
	All         int `json:"all"`
	Person      int `json:"person"`
	Propagation int `json:"propagation"`
	Page        int `json:"page"`
	Phone       int `json:"phone"`
	Other       int `json:"other"`
}

type listHeardInput struct {
	IdentityPath
	Page
	Kind      string `query:"kind" enum:"all,person,propagation,page,phone,other" default:"all"`
	Query     string `query:"q" maxLength:"200" doc:"Part of a name or an address."`
	Hops      int    `query:"hops" minimum:"0" maximum:"128" doc:"At most this many hops; 0: any."`
	Interface string `query:"interface" maxLength:"200"`
	Within    int64  `query:"within_s" format:"int64" minimum:"0" doc:"Heard in the last seconds; 0: any time."`
	Named     bool   `query:"named" doc:"Only with a name."`
	Sort      string `query:"sort" enum:"recent,name,hops,first,count" default:"recent"`
}
type listHeardOutput struct {
	Body struct {
		Items      []HeardView `json:"items"`
		NextCursor string      `json:"next_cursor,omitempty"`
		Counts     HeardCounts `json:"counts"`
	}
}

// PersonView is everything known about one destination.
type PersonView struct {
	Address      string            `json:"address"`
	Identity     string            `json:"identity,omitempty"`
	PublicKey    string            `json:"public_key,omitempty"`
	Name         string            `json:"name"`
	Contact      *ContactView      `json:"contact,omitempty"`
	Heard        *HeardView        `json:"heard,omitempty"`
	Others       []HeardView       `json:"others" doc:"Other destinations of the same identity."`
	Route        RouteView         `json:"route"`
	Conversation *ConversationView `json:"conversation,omitempty"`
	Blocked      bool              `json:"blocked"`
	Own          bool              `json:"own"`
}
type personOutput struct{ Body PersonView }
