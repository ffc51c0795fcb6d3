package node

import (
	"context"
	"log/slog"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/transport"
)

// serveBlackhole answers with the whole list. spec: rns-core §21.4
func (n *Node) serveBlackhole(*Request) (*Response, error) {
	all, err := n.Blackholed(context.Background())
	if err != nil {
		return nil, err
	}
	list := make([]rns.Blackhole, 0, len(all))
	for _, b := range all {
		list = append(list, rns.Blackhole{Identity: b.Identity, Source: b.Source, Until: b.Until, Reason: b.Reason})
	}
	return encodedResponse(rns.AppendBlackholes(nil, list))
}

// FetchBlackhole asks the node with a transport identity for the list it publishes. Entries that make no sense are left out,
// and the source of all others is that node, whatever it says. spec: rns-core §21.4
func (n *Node) FetchBlackhole(ctx context.Context, source rns.Addr) ([]transport.Blackhole, error) {
	v, err := n.askService(ctx, nameBlackhole, source, nil, pathList, msgpack.Nil())
	if err != nil {
		return nil, err
	}
	list, err := rns.ParseBlackholes(v.Append(nil))
	if err != nil {
		return nil, err
	}
	all := make([]transport.Blackhole, 0, len(list))
	for _, b := range list {
		all = append(all, transport.Blackhole{Identity: b.Identity, Source: source, Until: b.Until, Reason: b.Reason})
	}
	return all, nil
}

// defaultBlackholeInterval is how often a source is asked unless the configuration says otherwise. spec: rns-core §23.5
const defaultBlackholeInterval = time.Hour

// updateBlackhole takes over the lists of the configured sources until ctx ends. spec: rns-core §21.4
func (n *Node) updateBlackhole(ctx context.Context) {
	interval := n.cfg.Management.BlackholeInterval
	if interval <= 0 {
		interval = defaultBlackholeInterval
	}
	asked := make(map[rns.Addr]time.Time)
	timer := time.NewTimer(n.cfg.Params.BlackholeFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for _, source := range n.cfg.Management.BlackholeSources {
			if at, ok := asked[source]; ok && n.env.now().Sub(at) < interval {
				continue
			}
			if err := n.takeOver(ctx, source); err != nil {
				if ctx.Err() == nil {
					n.env.log.Info("blackhole source", slog.Any("source", source), slog.Any("error", err))
				}
				continue // tried again in the next round
			}
			asked[source] = n.env.now()
		}
		timer.Reset(n.cfg.Params.BlackholeRound)
	}
}

// takeOver asks a source and adds what is new. spec: rns-core §21.4
//
// differs: the reference waits for the whole interval after an attempt that opened a link and got no list; here the next
// round tries again.
func (n *Node) takeOver(ctx context.Context, source rns.Addr) error {
	ctx, cancel := context.WithTimeout(ctx, 4*n.cfg.Params.AwaitPath)
	defer cancel()
	list, err := n.FetchBlackhole(ctx, source)
	if err != nil {
		return err
	}
	added, err := n.addBlackholed(ctx, list)
	if err != nil || added == 0 {
		return err
	}
	n.env.log.Info("blackhole source", slog.Any("source", source), slog.Int("added", added))
	file := make([]rns.Blackhole, 0, len(list))
	for _, b := range list {
		file = append(file, rns.Blackhole{Identity: b.Identity, Source: b.Source, Until: b.Until, Reason: b.Reason})
	}
	name := dirBlackhole + "/" + source.Hex()
	if err := n.env.storage.Write(name, rns.AppendBlackholes(nil, file)); err != nil {
		n.storageProblem(name, err)
	}
	return nil
}

// addBlackholed adds the entries that are not on the list yet and forgets their paths, in portions. It returns how many it
// added.
func (n *Node) addBlackholed(ctx context.Context, list []transport.Blackhole) (int, error) {
	added := 0
	own := n.TransportID()
	for most := max(n.cfg.Params.SavePortion, 1); len(list) > 0; {
		step := list[:min(most, len(list))]
		list = list[len(step):]
		more, err := ask(ctx, n, func(now time.Time) int {
			count := 0
			for _, b := range step {
				if b.Identity != own && n.m.SeedBlackhole(now, b) {
					count++
				}
			}
			return count
		})
		if err != nil {
			return added, err
		}
		added += more
	}
	if added == 0 {
		return 0, nil
	}
	type place struct {
		next transport.PathCursor
		more bool
	}
	for at := (place{more: true}); at.more; {
		var err error
		from := at.next
		if at, err = ask(ctx, n, func(now time.Time) place {
			fx, next, more := n.m.DropBlackholed(now, from, n.cfg.Params.SavePortion)
			n.apply(now, fx, nil)
			if !more {
				n.noteBlackholed()
			}
			return place{next, more}
		}); err != nil {
			return added, err
		}
	}
	return added, nil
}
