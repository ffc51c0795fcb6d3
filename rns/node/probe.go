package node

import "meshchatx/rns"

// probeResponder is a destination that proves whatever arrives and does nothing else. spec: rns-core §21.2
func probeResponder(own *rns.Identity) DestinationConfig {
	return DestinationConfig{Identity: own, Name: nameProbe, Proofs: ProveAll, Links: RefuseLinks}
}
