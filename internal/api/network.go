package api

// NetworkView answers "can I be reached?" with facts.
type NetworkView struct {
	Reachable   string         `json:"reachable" enum:"yes,waiting,no" doc:"yes: an interface is up and an announce went out on it. waiting: an interface is up. no: none is."`
	Facts       []NetworkFact  `json:"facts"`
	Interfaces  NetworkClasses `json:"interfaces"`
	Paths       int            `json:"paths"`
	HeardHour   int            `json:"heard_hour" doc:"Destinations heard in the last hour."`
	HeardAt     int64          `json:"heard_at,omitempty" format:"int64" doc:"Last announce heard."`
	Links       int            `json:"links" doc:"Links open now."`
	Transport   bool           `json:"transport" doc:"True when this node forwards for others."`
	TransportID string         `json:"transport_id,omitempty"`
	RxRate      int64          `json:"rx_rate" format:"int64"`
	TxRate      int64          `json:"tx_rate" format:"int64"`
	StartedAt   int64          `json:"started_at" format:"int64"`
	ClockCode   string         `json:"clock_code,omitempty" doc:"Set when this computer's clock looks wrong."`
	Shared      *SharedView    `json:"shared,omitempty" doc:"Set when other programs of this computer are involved."`
	Code        string         `json:"code,omitempty" doc:"Set when the node itself could not start."`
	Detail      string         `json:"detail,omitempty"`
}

// SharedView says how this program stands to the other Reticulum programs of
// the computer.
type SharedView struct {
	Role       string `json:"role" enum:"instance,client" doc:"instance: other programs use the interfaces of this one. client: another program owns the interfaces, and this one uses them."`
	Address    string `json:"address" doc:"The socket, as rnstatus shows it."`
	Clients    int    `json:"clients" doc:"role instance: programs that are connected."`
	Connected  bool   `json:"connected" doc:"role client: false while the other program is away. The connection comes back by itself."`
	Statistics bool   `json:"statistics" doc:"role client: false when the other program does not answer questions about its interfaces. Messages are not affected."`
	Since      int64  `json:"since,omitempty" format:"int64" doc:"role client: when connected last changed."`
	Code       string `json:"code,omitempty" enum:"instance_lost,instance_foreign,statistics_locked,statistics_silent"`
	Detail     string `json:"detail,omitempty" doc:"Technical text, untranslated."`
}

// NetworkFact is one line with a tick, a cross or a clock.
type NetworkFact struct {
	Fact     string `json:"fact" enum:"interface_up,announce_heard,announce_sent,path_known,clock"`
	State    string `json:"state" enum:"ok,waiting,fail"`
	Identity string `json:"identity,omitempty"`
	Name     string `json:"name,omitempty"`
	Count    int    `json:"count,omitempty"`
	At       int64  `json:"at,omitempty" format:"int64"`
}

// NetworkClasses counts interfaces by class for the chip of the rail.
type NetworkClasses struct {
	Up      int            `json:"up"`
	Enabled int            `json:"enabled"`
	Errors  int            `json:"errors"`
	Classes []NetworkClass `json:"classes"`
}

// NetworkClass is a class of interfaces that is up.
type NetworkClass struct {
	Class  string `json:"class" enum:"lan,internet,radio,shared,other"`
	Up     int    `json:"up"`
	Total  int    `json:"total"`
	RxRate int64  `json:"rx_rate" format:"int64"`
	TxRate int64  `json:"tx_rate" format:"int64"`
}

// HubView is a public entry point of the bundled, dated list.
type HubView struct {
	Name string `json:"name"`
	Host string `json:"host"`
	Port int    `json:"port"`
	Used bool   `json:"used" doc:"True when an interface to it is configured."`
}

type networkOutput struct{ Body NetworkView }
type listHubsOutput struct {
	Body struct {
		Items []HubView `json:"items"`
		AsOf  string    `json:"as_of" doc:"Month the list was taken."`
	}
}
