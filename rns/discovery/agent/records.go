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
)

// Directory holds the records in a node's storage, each under the hash of its
// interface. spec: rns-core §22.5
const Directory = "discovery/interfaces"

func fileOf(h rns.Hash) string { return Directory + "/" + h.Hex() }

// ReadRecords reads the records of a storage, and deletes those that nobody can
// use. Files that cannot be read are skipped: another program may be writing
// them. The error joins what went wrong; the records are good all the same.
func ReadRecords(s node.Storage) ([]discovery.Record, error) {
	names, err := s.List(Directory)
	errs := []error{err}
	var all []discovery.Record
	for _, name := range names {
		if _, err := rns.ParseHash(name); err != nil {
			continue // not a record
		}
		b, err := s.Read(Directory + "/" + name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r, err := discovery.ParseRecord(b)
		switch {
		case errors.Is(err, discovery.ErrUseless) || err == nil && r.Hash().Hex() != name:
			errs = append(errs, s.Remove(Directory+"/"+name))
		case err != nil:
			errs = append(errs, fmt.Errorf("%s/%s: %w", Directory, name, err))
		default:
			all = append(all, r)
		}
	}
	return all, errors.Join(errs...)
}

// List makes the list of records at now, the best first, and reports which are
// no longer worth keeping. spec: rns-core §22.5
func List(records []discovery.Record, f discovery.Filter, now time.Time) (list []discovery.Entry, gone []rns.Hash) {
	for _, r := range records {
		status, err := f.Check(r, now)
		if err != nil {
			gone = append(gone, r.Hash())
			continue
		}
		list = append(list, discovery.Entry{Record: r, Status: status})
	}
	discovery.Sort(list)
	return list, gone
}

// Found is a discovered interface as it is shown.
type Found struct {
	discovery.Entry
	// Interface is the interface connected to it by the agent, 0 for none.
	Interface node.InterfaceID
	// Decision says whether the agent would connect to it now, or why not.
	Decision discovery.Decision
}

// List returns the discovered interfaces, the best first, and deletes those
// whose time has passed. Before Run it reads them from the storage.
func (a *Agent) List(ctx context.Context) ([]Found, error) {
	a.load()
	list, err := a.entries(ctx)
	if err != nil {
		return nil, err
	}
	c := a.connectivity(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Found, len(list))
	for i, e := range list {
		all[i] = Found{Entry: e, Interface: a.connected[e.Endpoint().Hash()].id, Decision: c.Decide(e.Record)}
	}
	return all, nil
}

// Dropped counts the announces that found the queue full.
func (a *Agent) Dropped() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dropped
}

// load reads the stored records once.
func (a *Agent) load() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.loaded {
		return
	}
	a.loaded = true
	all, err := ReadRecords(a.conf.Node.Storage())
	if err != nil {
		a.log.Warn("some discovered interfaces cannot be read", slog.Any("error", err))
	}
	for _, r := range all {
		a.records[r.Hash()] = r
	}
}

// entries is the list without what is deleted meanwhile.
func (a *Agent) entries(ctx context.Context) ([]discovery.Entry, error) {
	refused, err := a.conf.Node.Blackholed(ctx)
	if err != nil {
		return nil, err
	}
	f := discovery.Filter{Sources: a.conf.Sources, Blackholed: func(id rns.Addr) bool {
		for _, b := range refused {
			if b.Identity == id {
				return true
			}
		}
		return false
	}}
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]discovery.Record, 0, len(a.records))
	for _, r := range a.records {
		all = append(all, r)
	}
	list, gone := List(all, f, a.conf.Node.Now())
	for _, h := range gone {
		a.remove(h)
	}
	return list, nil
}

// remove forgets a record. The caller holds the lock.
func (a *Agent) remove(h rns.Hash) {
	delete(a.records, h)
	if err := a.conf.Node.Storage().Remove(fileOf(h)); err != nil {
		a.log.Warn("discovered interface is not deleted", slog.Any("error", err))
	}
}

// keep stores a record, as a repetition if the interface is known. When there
// are too many, the worst goes, which may be the new one.
func (a *Agent) keep(r discovery.Record) (discovery.Record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := r.Hash()
	if old, known := a.records[h]; known {
		r = r.Repeats(old)
	} else if len(a.records) >= a.conf.Params.MaxRecords && !a.makeRoom(r) {
		return r, nil
	}
	a.records[h] = r
	return r, a.conf.Node.Storage().Write(fileOf(h), r.Append(nil))
}

// makeRoom removes the worst record, unless it is r. The caller holds the lock.
func (a *Agent) makeRoom(r discovery.Record) bool {
	all := []discovery.Record{r}
	for _, other := range a.records {
		all = append(all, other)
	}
	list, gone := List(all, discovery.Filter{}, a.conf.Node.Now())
	if len(gone) > 0 {
		for _, h := range gone {
			a.remove(h)
		}
		return true
	}
	worst := list[len(list)-1].Hash()
	if worst == r.Hash() {
		return false
	}
	a.remove(worst)
	return true
}
