package api

// Status is the public answer for probes: it says nothing about identities,
// interfaces or traffic.
type Status struct {
	Product   string `json:"product" example:"meshchatx"`
	Version   string `json:"version"`
	API       int    `json:"api" doc:"Version of this API."`
	Ready     bool   `json:"ready" doc:"True when the node and the enabled identities are running."`
	StartedAt int64  `json:"started_at" format:"int64"`
	Instance  string `json:"instance" doc:"Short stable name of this installation, to tell several on one machine apart."`
	Access    string `json:"access" enum:"token,password,proxy" doc:"How a session is obtained here."`
}

type statusOutput struct{ Body Status }
