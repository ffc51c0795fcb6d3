package bridge

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/discovery"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/stamp"
)

func discoveryCommands() map[string]handler {
	return map[string]handler{
		"discovery_build_announce_appdata": command(discoveryBuild),
		"discovery_receive_announce":       command(discoveryReceive),
		"discovery_stamp":                  command(discoveryStamp),
		"discovery_validate_address":       pure(discoveryAddress),
		"discovery_sanitize_name":          pure(discoveryName),
		"discovery_announce_identity":      pure(discoveryIdentity),
		"discovery_feature_defaults":       pure(discoveryDefaults),
	}
}

// discoveryRounds expand the material of a stamp to its workblock. spec: rns-core §22.3
const discoveryRounds = 20

type offerParams struct {
	Type      string `json:"interface_type"`
	Cost      *int   `json:"stamp_value"`
	Encrypt   bool
	Transport bool  `json:"transport_enabled"`
	Identity  hexed `json:"transport_identity_priv"`
	Network   hexed `json:"network_identity_priv"`
	Fields    struct {
		Name                        *string
		Latitude, Longitude, Height coordinate
		PublishIFAC                 bool    `json:"publish_ifac"`
		NetworkName                 *string `json:"ifac_netname"`
		NetworkKey                  *string `json:"ifac_netkey"`
		KISS                        bool    `json:"kiss_framing"`
		ReachableOn                 *string `json:"reachable_on"`
		Port                        int
		Connectable                 bool
		B32                         *string
		Frequency, Bandwidth        *int64
		SF, CR                      *int64
		Channel                     *int64
		Modulation                  any
	}
}

var errNotPublished = errors.New("not published")

// info is what would be published of an interface, or why nothing is.
func (p offerParams) info(transport rns.Addr) (i discovery.Info, err error) {
	f := &p.Fields
	i = discovery.Info{
		Type: discovery.Type(p.Type), Transport: p.Transport, TransportID: transport, Name: discovery.CleanText(value(f.Name)),
		Latitude: f.Latitude.number, Longitude: f.Longitude.number, Height: f.Height.number, Frequency: f.Frequency, Bandwidth: f.Bandwidth,
		SpreadingFactor: f.SF, CodingRate: f.CR, Channel: f.Channel,
	}
	if text, ok := f.Modulation.(string); ok {
		i.Modulation.Text = text
	}
	if p.Type == "TCPClientInterface" && f.KISS {
		i.Type = discovery.TypeKISS
	}
	if !i.Type.Valid() {
		return i, errNotPublished
	}
	switch i.Type {
	case discovery.TypeBackbone, discovery.TypeTCPServer:
		i.ReachableOn, i.Port = discovery.CleanText(value(f.ReachableOn)), f.Port
		if !discovery.IsHost(i.ReachableOn) {
			return i, errNotPublished
		}
	case discovery.TypeI2P:
		if f.Connectable {
			i.ReachableOn = value(f.B32)
		}
	}
	if f.PublishIFAC && (f.NetworkName != nil || f.NetworkKey != nil) {
		i.Access = &discovery.Access{NetworkName: value(f.NetworkName), Passphrase: value(f.NetworkKey)}
	}
	return i, nil
}

func discoveryBuild(ctx context.Context, s *session, p offerParams) (any, error) {
	id, err := rns.NewIdentity(s.rand)
	if p.Identity != nil {
		id, err = rns.ParseIdentity(p.Identity)
	}
	if err != nil {
		return nil, err
	}
	var network *rns.Identity
	if p.Network != nil {
		if network, err = rns.ParseIdentity(p.Network); err != nil {
			return nil, err
		}
	}
	i, err := p.info(id.Hash())
	if err != nil || p.Encrypt && network == nil {
		return obj{"aborted": true, "app_data": nil}, nil //nolint:nilerr // the answer says it
	}
	cost := 14
	if p.Cost != nil {
		cost = *p.Cost
	}
	packed, err := p.spoil(i.Append(nil))
	if err != nil {
		return nil, err
	}
	found, err := discovery.Work(packed).Search(ctx, cost, stamp.Options{Workers: runtime.GOMAXPROCS(0)})
	if err != nil {
		return nil, err
	}
	if !p.Encrypt {
		network = nil
	}
	sealed, err := discovery.Seal(s.rand, packed, found.Stamp, network)
	if err != nil {
		return nil, err
	}
	data := sealed.Append(nil)
	hash := rns.FullHash(packed)
	return obj{
		"aborted": false, "app_data": hexed(data), "flags": data[0], "packed_info": hexed(data[1 : len(data)-stamp.Size]),
		"stamp": hexed(data[len(data)-stamp.Size:]), "infohash": hash.Hex(), "stamp_size": stamp.Size, "transport_id": id.Hash().Hex(),
		"transport_enabled": p.Transport, "default_stamp_value": discovery.DefaultCost,
	}, nil
}

func discoveryReceive(_ context.Context, s *session, p struct {
	AppData  hexed   `json:"app_data"`
	Required *int    `json:"required_value"`
	Default  bool    `json:"default_required_value"`
	Sources  []hexed `json:"discovery_sources"`
	Network  hexed   `json:"network_identity_priv"`
	Announce hexed   `json:"announce_identity_priv"`
}) (any, error) {
	announced, err := rns.NewIdentity(s.rand)
	if p.Announce != nil {
		announced, err = rns.ParseIdentity(p.Announce)
	}
	if err != nil {
		return nil, err
	}
	r := discovery.Receiver{Required: 14}
	if p.Required != nil {
		r.Required = *p.Required
	}
	if p.Default {
		r.Required = discovery.DefaultCost
	}
	for _, b := range p.Sources {
		a, err := address(b)
		if err != nil {
			return nil, err
		}
		r.Sources = append(r.Sources, a)
	}
	if p.Network != nil {
		if r.Network, err = rns.ParseIdentity(p.Network); err != nil {
			return nil, err
		}
	}
	rec, err := r.Receive(discovery.Heard{Identity: announced.Hash(), AppData: p.AppData, Hops: 1}, time.Now())
	out := obj{
		"callback_invoked": err == nil, "callback_info_none": false, "info_present": err == nil, "accepted": err == nil,
		"announce_identity_hash": announced.Hash().Hex(), "aspect_filter": discovery.Name, "required_value": r.Required,
		"default_stamp_value": discovery.DefaultCost,
	}
	if err == nil {
		out["info"] = describeRecord(rec)
	}
	return out, nil
}

// describeRecord shows a record with the keys of the reference.
func describeRecord(r discovery.Record) obj {
	hash := r.Hash()
	out := obj{
		"type": r.Type, "transport": r.Transport, "name": r.Name, "received": epoch(r.Received), "stamp": hexed(r.Stamp[:]),
		"value": r.Value, "transport_id": r.TransportID.Hex(), "network_id": r.NetworkID.Hex(), "hops": r.Hops,
		"latitude": r.Latitude, "longitude": r.Longitude, "height": r.Height, "discovery_hash": hash.Hex(), "config_entry": r.ConfigEntry(),
	}
	if r.Access != nil {
		out["ifac_netname"], out["ifac_netkey"] = r.Access.NetworkName, r.Access.Passphrase
	}
	switch r.Type {
	case discovery.TypeBackbone, discovery.TypeTCPServer:
		out["reachable_on"], out["port"] = r.ReachableOn, r.Port
	case discovery.TypeI2P:
		out["reachable_on"] = r.ReachableOn
	case discovery.TypeRNode:
		out["frequency"], out["bandwidth"], out["sf"], out["cr"] = r.Frequency, r.Bandwidth, r.SpreadingFactor, r.CodingRate
	case discovery.TypeWeave:
		out["frequency"], out["bandwidth"], out["channel"], out["modulation"] = r.Frequency, r.Bandwidth, r.Channel, r.Modulation.String()
	case discovery.TypeKISS:
		out["frequency"], out["bandwidth"], out["modulation"] = r.Frequency, r.Bandwidth, r.Modulation.String()
	}
	return out
}

func discoveryStamp(ctx context.Context, _ *session, p struct {
	Op        string
	Material  hexed
	Workblock hexed
	Stamp     hexed
	Cost      int
	Rounds    *int `json:"expand_rounds"`
}) (any, error) {
	rounds := discoveryRounds
	if p.Rounds != nil {
		rounds = *p.Rounds
	}
	workers := runtime.GOMAXPROCS(0)
	switch p.Op {
	case "workblock":
		w := stamp.Workblock(p.Material, rounds, workers)
		return obj{"workblock": hexed(w), "length": len(w)}, nil
	case "generate":
		w := stamp.NewWork(p.Material, rounds, workers)
		found, err := w.Search(ctx, p.Cost, stamp.Options{Workers: workers})
		return obj{"stamp": hexed(found.Stamp[:]), "value": w.Value(found.Stamp[:]), "stamp_size": stamp.Size}, err
	case "default_cost":
		return obj{"default_stamp_value": discovery.DefaultCost, "handler_default_required_value": discovery.DefaultCost}, nil
	}
	// The work of a given block cannot be had: works are made of their material.
	return nil, fmt.Errorf("%w: discovery_stamp %s", ErrUnknownCommand, p.Op)
}

func discoveryAddress(p struct{ Address string }) (any, error) {
	return obj{
		"is_ip_address": discovery.IsAddress(p.Address), "is_ygg_ipv6": discovery.IsYggdrasil(p.Address),
		"is_hostname": discovery.IsHostName(p.Address),
	}, nil
}

func discoveryName(p struct{ Name *string }) (any, error) {
	if p.Name == nil {
		return obj{"sanitize_name": nil, "sanitize": nil}, nil
	}
	return obj{"sanitize_name": discovery.CleanName(*p.Name), "sanitize": discovery.CleanText(*p.Name)}, nil
}

func discoveryIdentity(p struct {
	HasNetwork bool  `json:"has_network_identity"`
	Network    hexed `json:"network_identity_priv"`
	Identity   hexed `json:"identity_priv"`
}) (any, error) {
	out := obj{"network_identity_hash": nil, "identity_hash": nil, "app_name": "rnstransport"}
	var chosen *rns.Identity
	for _, c := range []struct {
		key  hexed
		name string
		use  bool
	}{{p.Network, "network_identity_hash", p.HasNetwork}, {p.Identity, "identity_hash", !p.HasNetwork}} {
		if c.key == nil {
			continue
		}
		id, err := rns.ParseIdentity(c.key)
		if err != nil {
			return nil, err
		}
		out[c.name] = id.Hash().Hex()
		if c.use {
			chosen = id
		}
	}
	if chosen == nil {
		return nil, fmt.Errorf("%w: no identity", errParam)
	}
	out["chosen_identity_hash"] = chosen.Hash().Hex()
	out["discovery_destination_hash"] = rns.DestinationHash(discovery.Name, chosen.Hash()).Hex()
	return out, nil
}

// discoveryDefaults are those of the configuration.
func discoveryDefaults(struct{}) (any, error) {
	c, err := defaultConfig()
	if err != nil {
		return nil, err
	}
	i := c.Interfaces[0]
	bare := discovery.Type(mem.New("probe").Info().Type)
	return obj{
		"interface_discoverable": i.Discovery.Enabled, "interface_supports_discovery": bare.Valid(),
		"discover_interfaces":                      c.Reticulum.DiscoverInterfaces,
		"should_autoconnect_discovered_interfaces": c.Reticulum.AutoconnectDiscovered > 0,
		"max_autoconnected_interfaces":             c.Reticulum.AutoconnectDiscovered,
	}, nil
}
