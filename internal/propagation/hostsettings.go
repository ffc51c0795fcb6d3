package propagation

import (
	"errors"
	"strings"

	"meshchatx/internal/settings"
	pn "meshchatx/lxmf/propagation"
	"meshchatx/rns"
)

// hostKeys are the settings of the hosted node.
var hostKeys = [...]settings.Key{
	settings.KeyHostNode, settings.KeyHostName, settings.KeyHostStorage, settings.KeyHostMessageLimit, settings.KeyHostSyncLimit,
	settings.KeyHostStampCost, settings.KeyHostFlexibility, settings.KeyHostPeeringCost, settings.KeyHostMaxPeering,
	settings.KeyHostAutoPeer, settings.KeyHostAutoPeerHops, settings.KeyHostMaxPeers, settings.KeyHostStaticPeers,
	settings.KeyHostStaticOnly,
}

func concernsHost(old, now settings.Values) bool {
	for _, k := range hostKeys {
		if old.Get(k) != now.Get(k) {
			return true
		}
	}
	return false
}

// kilo is the unit of limits on the air: thousands of bytes.
const kilo = 1000

// HostSettings are the operator's settings in the form the node takes.
func HostSettings(v settings.Values) pn.Settings {
	s := pn.DefaultSettings()
	number := func(k settings.Key) int { return int(v.Get(k).Int()) }
	s.Name = v.Get(settings.KeyHostName).Text()
	s.StorageLimit = v.Get(settings.KeyHostStorage).Int()
	s.TransferLimit = float64(v.Get(settings.KeyHostMessageLimit).Int()) / kilo
	s.SyncLimit = float64(v.Get(settings.KeyHostSyncLimit).Int()) / kilo
	s.StampCost, s.Flexibility = number(settings.KeyHostStampCost), number(settings.KeyHostFlexibility)
	s.PeeringCost, s.MaxPeeringCost = number(settings.KeyHostPeeringCost), number(settings.KeyHostMaxPeering)
	s.AutoPeer = pn.Choice(v.Get(settings.KeyHostAutoPeer).Bool())
	s.AutoPeerDepth, s.MaxPeers = number(settings.KeyHostAutoPeerHops), number(settings.KeyHostMaxPeers)
	s.StaticPeers, _ = addresses(v.Get(settings.KeyHostStaticPeers).Text()) // checked when it was stored
	s.StaticOnly = pn.Choice(v.Get(settings.KeyHostStaticOnly).Bool())
	return s
}

// errAddresses means that a list has something else in it than addresses.
var errAddresses = errors.New("not a list of addresses")

// addresses reads a list with spaces or commas between its entries.
func addresses(list string) ([]rns.Addr, error) {
	var out []rns.Addr
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		a, err := rns.ParseAddr(word)
		if err != nil {
			return nil, errAddresses
		}
		out = append(out, a)
	}
	return out, nil
}

func verifyHost(v settings.Values) error {
	if _, err := addresses(v.Get(settings.KeyHostStaticPeers).Text()); err != nil {
		return &settings.KeyError{Key: settings.KeyHostStaticPeers, Err: settings.ErrAddress}
	}
	return nil
}
