package config

import (
	"fmt"
	"strings"
)

// Mode is the mode of an interface, by its number in the protocol. The zero Mode
// means that none is set. spec: rns-core §10.3
type Mode uint8

// The modes. spec: rns-core §10.3
const (
	ModeFull         Mode = 1
	ModePointToPoint Mode = 2
	ModeAccessPoint  Mode = 3
	ModeRoaming      Mode = 4
	ModeBoundary     Mode = 5
	ModeGateway      Mode = 6
	ModeInternal     Mode = 7
)

// String returns the first name of the mode in configuration files.
func (m Mode) String() string {
	names := [...]string{"", "full", "pointtopoint", "access_point", "roaming", "boundary", "gateway", "internal"}
	if int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode returns the mode of a name, in any case.
func ParseMode(name string) (Mode, bool) {
	switch strings.ToLower(name) {
	case "full":
		return ModeFull, true
	case "pointtopoint", "ptp":
		return ModePointToPoint, true
	case "access_point", "accesspoint", "ap":
		return ModeAccessPoint, true
	case "roaming":
		return ModeRoaming, true
	case "boundary":
		return ModeBoundary, true
	case "gateway", "gw":
		return ModeGateway, true
	case "internal":
		return ModeInternal, true
	}
	return 0, false
}
