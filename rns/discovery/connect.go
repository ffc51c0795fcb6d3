package discovery

import (
	"strconv"

	"meshchatx/rns"
)

// Endpoint is where an interface leads: a host with a port, or a b32 address
// of I2P without.
type Endpoint struct {
	Host string
	Port int
}

// Hash identifies the endpoint. spec: rns-core §22.6
func (e Endpoint) Hash() rns.Hash {
	s := e.Host
	if e.Port != 0 {
		s += ":" + strconv.Itoa(e.Port)
	}
	return rns.FullHash([]byte(s))
}

// Decision says whether a discovered interface is connected to, or why not.
// spec: rns-core §22.6
type Decision uint8

// The decisions.
const (
	// DecisionConnect: connect now.
	DecisionConnect Decision = iota
	// DecisionOff: connecting by itself is not configured.
	DecisionOff
	// DecisionFull: as many as wanted are connected.
	DecisionFull
	// DecisionType: this kind is not connected to by itself.
	DecisionType
	// DecisionExists: an interface leads there already.
	DecisionExists
	// DecisionOverlay: the address is of a network that may not be there.
	DecisionOverlay
)

var decisionNames = [...]string{"connect", "off", "full", "type", "exists", "overlay"}

// String is the decision as a word.
func (d Decision) String() string {
	if int(d) < len(decisionNames) {
		return decisionNames[d]
	}
	return "unknown"
}

// Connectivity is what a decision depends on.
type Connectivity struct {
	Max       int        // most interfaces connected by themselves, 0 for off
	Connected int        // how many there are
	Endpoints []Endpoint // where all interfaces lead
}

// Decide says whether to connect to r. Only backbone interfaces are.
// spec: rns-core §22.6
func (c Connectivity) Decide(r Record) Decision {
	switch {
	case c.Max <= 0:
		return DecisionOff
	case c.Connected >= c.Max:
		return DecisionFull
	case r.Type != TypeBackbone:
		return DecisionType
	case c.leads(r.Endpoint()):
		return DecisionExists
	case IsYggdrasil(r.ReachableOn):
		return DecisionOverlay
	}
	return DecisionConnect
}

// leads: an endpoint without port matches by its host alone.
func (c Connectivity) leads(to Endpoint) bool {
	for _, e := range c.Endpoints {
		if e.Host == to.Host && (to.Port == 0 || e.Port == to.Port) {
			return true
		}
	}
	return false
}
