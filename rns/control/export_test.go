package control

import (
	"context"
	"time"

	"meshchatx/rns"
)

// recorded answers one operation with what a client makes of a response.
type recorded struct {
	*Client
	op       Operation
	response []byte
}

// Recorded returns a service that answers an operation from the bytes of a response.
func Recorded(op Operation, response []byte) Service { return recorded{op: op, response: response} }

func (r recorded) InterfaceStats(context.Context) (Stats, error) { return ParseStats(r.response) }
func (r recorded) PathTable(context.Context, int) ([]PathEntry, error) {
	return ParsePathTable(r.response)
}
func (r recorded) RateTable(context.Context) ([]RateEntry, error) { return ParseRateTable(r.response) }
func (r recorded) BlackholedIdentities(context.Context) ([]BlackholeEntry, error) {
	return ParseBlackhole(r.response)
}

func (r recorded) NextHopInterface(context.Context, rns.Addr) (string, error) {
	v, err := parse(r.response)
	name, _ := v.Text()
	if name == noInterface {
		name = ""
	}
	return name, err
}

func (r recorded) NextHop(context.Context, rns.Addr) (rns.Addr, bool, error) {
	var hop rns.Addr
	v, err := parse(r.response)
	return hop, fixed(v, hop[:]), err
}

func (r recorded) FirstHopTimeout(context.Context, rns.Addr) (time.Duration, error) {
	f, _, err := parseNumber(r.response)
	return time.Duration(f * float64(time.Second)), err
}

func (r recorded) number() (float64, bool, error) { return parseNumber(r.response) }

func (r recorded) LinkCount(context.Context) (int, error) {
	f, _, err := r.number()
	return int(f), err
}

func (r recorded) PacketRSSI(context.Context, rns.Hash) (float64, bool, error)    { return r.number() }
func (r recorded) PacketSNR(context.Context, rns.Hash) (float64, bool, error)     { return r.number() }
func (r recorded) PacketQuality(context.Context, rns.Hash) (float64, bool, error) { return r.number() }
func (r recorded) DropPath(context.Context, rns.Addr) (bool, error)               { return parseBool(r.response) }
func (r recorded) IsBlackholed(context.Context, rns.Addr) (bool, error)           { return parseBool(r.response) }
func (r recorded) UnblackholeIdentity(context.Context, rns.Addr) (bool, error) {
	return parseBool(r.response)
}
func (r recorded) UseDestination(context.Context, rns.Addr) (bool, error) {
	return parseBool(r.response)
}
func (r recorded) RetainIdentity(context.Context, rns.Addr) (bool, error) {
	return parseBool(r.response)
}
func (r recorded) DropAnnounceQueues(context.Context) error { return nil }

func (r recorded) DropAllVia(context.Context, rns.Addr) (int, error) {
	f, _, err := r.number()
	return int(f), err
}
