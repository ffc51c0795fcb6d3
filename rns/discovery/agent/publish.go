package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/discovery"
	"meshchatx/rns/node"
	"meshchatx/rns/stamp"
)

// publisher is the state of the goroutine that publishes.
type publisher struct {
	*Agent
	schedule discovery.Schedule
	dest     *node.Destination // once there was something to publish
	stamps   map[rns.Hash]stamp.Found
}

// publish announces what is due, one interface a round. spec: rns-core §22.1
func (a *Agent) publish(ctx context.Context) {
	p := publisher{Agent: a, stamps: make(map[rns.Hash]stamp.Found)}
	tick := time.NewTicker(a.conf.Params.Publish)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		offer, due := p.schedule.Next(a.conf.Interfaces.Offers(ctx), a.conf.Node.Now())
		if !due {
			continue
		}
		if err := p.announce(ctx, offer); err != nil && ctx.Err() == nil {
			a.log.Warn("interface is not published", slog.String("interface", offer.Name), slog.Any("error", err))
		}
	}
}

// errNoNetwork means that an interface is to be published encrypted, and nobody could read it.
var errNoNetwork = errors.New("encrypted publication needs a network identity")

// announce publishes one interface. spec: rns-core §22.2
func (p *publisher) announce(ctx context.Context, o discovery.Offer) error {
	if o.Secrecy == discovery.Encrypted && p.conf.Network == nil {
		return errNoNetwork
	}
	info, err := p.describe(ctx, o)
	if err != nil {
		return err
	}
	packed := info.Append(nil)
	if _, err := discovery.ParseInfo(packed); err != nil {
		return err // nobody would take it
	}
	found, err := p.work(ctx, packed, o.Cost)
	if err != nil {
		return err
	}
	var network *rns.Identity
	if o.Secrecy == discovery.Encrypted {
		network = p.conf.Network
	}
	data, err := discovery.Seal(p.conf.Node.Random(), packed, found.Stamp, network)
	if err != nil {
		return err
	}
	if err := p.register(); err != nil {
		return err
	}
	return p.dest.Announce(ctx, node.AnnounceOptions{AppData: data.Append(nil)})
}

// describe completes the description of an interface.
func (p *publisher) describe(ctx context.Context, o discovery.Offer) (discovery.Info, error) {
	i := o.Info
	i.Transport, i.TransportID = bool(p.conf.Node.Config().Transport), p.conf.Node.TransportID()
	i.Name, i.ReachableOn = discovery.CleanText(i.Name), discovery.CleanText(i.ReachableOn)
	run := command{timeout: p.conf.Params.Command, output: p.conf.Params.Output}
	if o.LocationCommand != "" {
		text, err := run.run(ctx, o.LocationCommand)
		if err != nil {
			return i, err
		}
		lat, lon, height, err := discovery.ParseLocation(text)
		if err != nil {
			return i, fmt.Errorf("%s: %w", o.LocationCommand, err)
		}
		i.Latitude, i.Longitude, i.Height = &lat, &lon, &height
	}
	if discovery.IsCommand(i.ReachableOn) {
		text, err := run.run(ctx, i.ReachableOn)
		if err != nil {
			return i, err
		}
		i.ReachableOn = discovery.CleanText(text)
	}
	return i, nil
}

// work finds the stamp, or remembers it: the same description needs no new one.
// spec: rns-core §22.3
func (p *publisher) work(ctx context.Context, packed []byte, cost int) (stamp.Found, error) {
	if cost <= 0 {
		cost = discovery.DefaultCost
	}
	key := rns.FullHash(packed)
	if found, known := p.stamps[key]; known && found.Value >= cost {
		return found, nil
	}
	found, err := discovery.Work(packed).Search(ctx, cost, stamp.Options{Workers: 1, Rand: p.conf.Node.Random()})
	if err != nil {
		return found, err
	}
	if len(p.stamps) >= p.conf.Params.Stamps {
		clear(p.stamps)
	}
	p.stamps[key] = found
	return found, nil
}

// register makes the destination when it is first needed. spec: rns-core §22.1
func (p *publisher) register() (err error) {
	if p.dest != nil {
		return nil
	}
	owner := p.conf.Network
	if owner == nil {
		owner = p.conf.Node.NetworkIdentity()
	}
	p.dest, err = p.conf.Node.Register(node.DestinationConfig{Identity: owner, Name: discovery.Name, Links: node.RefuseLinks})
	return err
}
