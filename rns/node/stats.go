package node

import (
	"context"

	"meshchatx/rns/control"
)

// InterfaceStats returns the state of all interfaces as control connections and remote management show it.
// spec: rns-core §21.1
func (n *Node) InterfaceStats(ctx context.Context) (control.Stats, error) {
	var s control.Stats
	all, err := n.Interfaces(ctx)
	if err != nil {
		return s, err
	}
	for i := range all {
		s.Interfaces = append(s.Interfaces, control.InterfaceStats{Name: all[i].Info.Label, ShortName: all[i].Info.Name})
	}
	return s, nil
}
