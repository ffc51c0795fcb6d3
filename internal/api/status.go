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

	Problems []StatusProblem `json:"problems" doc:"What the owner should know, in the order in which it was found."`
}

// StatusProblem is something that has gone wrong and does not pass by itself.
type StatusProblem struct {
	Code   string `json:"code" enum:"database_set_aside" doc:"database_set_aside: a database was damaged. It was kept under the name in detail, and an empty one begun."`
	Detail string `json:"detail" doc:"Name of a file, without its directory."`
}

type statusOutput struct{ Body Status }
