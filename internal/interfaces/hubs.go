package interfaces

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed hubs.json
var hubsFile []byte

// Hub is a public entry point run by a volunteer.
type Hub struct {
	Name string `json:"name"`
	Host string `json:"host"`
	Port int    `json:"port"`
	Used bool   `json:"-"` // an interface to it is configured
}

// HubList is the bundled list with the month it was taken. Nothing of it is
// used unless a person asks.
type HubList struct {
	AsOf string `json:"as_of"`
	Hubs []Hub  `json:"hubs"`
}

func readHubs() (HubList, error) {
	var l HubList
	if err := json.Unmarshal(hubsFile, &l); err != nil {
		return HubList{}, fmt.Errorf("bundled list of hubs: %w", err)
	}
	return l, nil
}

// Hubs returns the bundled list, marking those that are configured.
func (s *Service) Hubs() (HubList, error) {
	l, err := readHubs()
	if err != nil {
		return l, err
	}
	used := make(map[string]bool)
	for _, c := range s.configs() {
		if c.Type == TypeTCPClient {
			used[fmt.Sprintf("%s:%d", c.TargetHost, c.TargetPort)] = true
		}
	}
	for i, h := range l.Hubs {
		l.Hubs[i].Used = used[fmt.Sprintf("%s:%d", h.Host, h.Port)]
	}
	return l, nil
}
