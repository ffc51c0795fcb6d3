package api

// Setup is the state of the welcome page. The server moves from identity_ready
// to done; each step may be skipped.
type Setup struct {
	Step          string         `json:"step" enum:"identity_ready,name_set,network_chosen,done" doc:"Furthest step that holds."`
	Done          bool           `json:"done" doc:"True once the welcome page was finished or left."`
	Identity      string         `json:"identity" doc:"Identity made or chosen on the first start."`
	NameSet       bool           `json:"name_set"`
	NetworkChosen bool           `json:"network_chosen"`
	Network       []NetworkProbe `json:"network" doc:"Ways into a network, in the order to offer them."`
}

// NetworkProbe is one row of the Network card with what was found so far.
type NetworkProbe struct {
	Kind       string   `json:"kind" enum:"shared,nearby,hubs,later"`
	Available  bool     `json:"available"`
	Suggested  bool     `json:"suggested" doc:"Pre-select this row."`
	State      string   `json:"state" enum:"probing,found,none,blocked,unsupported"`
	Code       string   `json:"code,omitempty" doc:"Why it is not available."`
	Interface  string   `json:"interface,omitempty" doc:"Name of the configured interface behind the row."`
	Devices    []string `json:"devices" doc:"Network cards that would be used."`
	Peers      int      `json:"peers" doc:"Peers found so far."`
	Interfaces int      `json:"interfaces" doc:"kind shared: interfaces of the instance found."`
	Paths      int      `json:"paths" doc:"kind shared: paths of the instance found."`
}

type setupOutput struct{ Body Setup }
type updateSetupInput struct {
	Body struct {
		Done   *bool `json:"done,omitempty" doc:"True: the welcome page was finished or left. False: show it again."`
		Nearby *bool `json:"nearby,omitempty" doc:"Switch the search for neighbours in the local network on or off."`
	}
}
