package discovery

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// PublishInterval is the time between two looks at what is due, and before the
// first. spec: rns-core §22.1
const PublishInterval = 60 * time.Second

// Offer is an interface to publish.
type Offer struct {
	Name     string // of the interface, unique
	Info     Info   // Transport and TransportID are those of the node
	Interval time.Duration
	Cost     int // of the stamp, 0 for the default
	Secrecy  Secrecy
	// LocationCommand is a program that tells the place, see ParseLocation; empty for none. Info.ReachableOn may name one that
	// tells the host, see IsCommand. Both come from the configuration file of the machine and from nowhere else.
	LocationCommand string
}

// IsCommand reports whether a configured "reachable_on" names a program instead
// of a host: it is written as a path. spec: rns-core §22.2
//
// differs: the reference also takes a program of that name in its working
// directory.
func IsCommand(reachableOn string) bool {
	return strings.HasPrefix(reachableOn, "~") || strings.ContainsAny(reachableOn, `/\`)
}

// Schedule says which interface to publish next. The zero value has published
// none.
type Schedule struct {
	last map[string]time.Time
}

// Next returns the offer that is due and was published longest ago, and notes
// it as published now: one that fails waits for its interval too.
// spec: rns-core §22.1
func (s *Schedule) Next(offers []Offer, now time.Time) (Offer, bool) {
	last := make(map[string]time.Time, len(offers)) // of those that still exist
	best, found := 0, false
	for i, o := range offers {
		t, known := s.last[o.Name]
		if known {
			last[o.Name] = t
			if !now.After(t.Add(o.Interval)) {
				continue
			}
		}
		if !found || t.Before(s.last[offers[best].Name]) {
			best, found = i, true
		}
	}
	s.last = last
	if !found {
		return Offer{}, false
	}
	last[offers[best].Name] = now
	return offers[best], true
}

// Heights a place may have, in metres. spec: rns-core §22.2
const (
	minHeight = -4000
	maxHeight = 1e6
)

// ParseLocation reads what a location program printed: latitude, longitude and
// height with commas between. The error is ErrPosition. spec: rns-core §22.2
func ParseLocation(text string) (latitude, longitude, height float64, err error) {
	var place [3]float64
	limits := [3][2]float64{{-90, 90}, {-180, 180}, {minHeight, maxHeight}}
	parts := strings.Split(strings.ReplaceAll(CleanText(text), " ", ""), ",")
	if len(parts) != len(place) {
		return 0, 0, 0, fmt.Errorf("%w: %d numbers", ErrPosition, len(parts))
	}
	for i, p := range parts {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil || math.IsNaN(f) || f < limits[i][0] || f > limits[i][1] {
			return 0, 0, 0, fmt.Errorf("%w: %q", ErrPosition, p)
		}
		place[i] = f
	}
	return place[0], place[1], place[2], nil
}
