package interfaces

import (
	"context"
)

// Probe is one way into a network with what is known about it, for the welcome
// page.
type Probe struct {
	Kind      string // shared, nearby, hubs, later
	Available bool
	Suggested bool
	State     string // probing, found, none, blocked, unsupported
	Code      string
	Interface string // name of the configured interface behind it
	Devices   []string
	Peers     int
	// Interfaces and Paths are those of the program that owns the interfaces.
	Interfaces, Paths int
}

// Probes looks at the ways into a network. It answers at once.
func (s *Service) Probes(ctx context.Context) ([]Probe, error) {
	l, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	shared := s.probeShared(ctx)
	near := probeNearby(l)
	near.Suggested = near.Available
	hubs := Probe{Kind: "hubs", Available: true, State: "none"}
	for _, st := range l.Items {
		if st.Type == string(TypeTCPClient) && st.Enabled {
			hubs.Interface, hubs.State = st.Name, "probing"
			if st.State == StateUp {
				hubs.State = "found"
				hubs.Peers++
			}
		}
	}
	return []Probe{shared, near, hubs, {Kind: "later", Available: true, State: "none"}}, nil
}

func probeNearby(l Listing) Probe {
	p := Probe{Kind: "nearby", State: "blocked", Code: "multicast_blocked"}
	devices, err := Devices()
	if err == nil {
		for _, d := range devices {
			if d.LinkLocal && d.Multicast {
				p.Devices = append(p.Devices, d.Name)
			}
		}
	}
	if p.Available = len(p.Devices) > 0; p.Available {
		p.State, p.Code = "none", ""
	}
	for _, st := range l.Items {
		if st.Type != string(TypeAuto) || !st.Enabled {
			continue
		}
		p.Interface, p.Peers = st.Name, p.Peers+len(st.Peers)
		switch {
		case len(st.Peers) > 0:
			p.State = "found"
		case st.State == StateError:
			p.State, p.Code = "blocked", st.Code
		case p.Available:
			p.State = "probing"
		}
	}
	return p
}

const nearbyName = "Default Interface"

// SetNearby switches the search for neighbours in the local network on or off,
// writing its block if there is none.
func (s *Service) SetNearby(ctx context.Context, on bool) error {
	for _, c := range s.configs() {
		if c.Type == TypeAuto {
			_, err := s.SetEnabled(ctx, c.Name, on)
			return err
		}
	}
	if !on {
		return nil
	}
	_, err := s.Add(ctx, Config{Name: nearbyName, Type: TypeAuto, Enabled: true, Mode: "full"})
	return err
}
