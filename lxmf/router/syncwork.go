package router

import (
	"context"
	"errors"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

// Sync begins to fetch messages from the propagation node in use. What becomes of it is told by SyncChanged. One that is under
// way goes on. The error is ErrNoNode if no node is in use. spec: lxmf §11.6
func (r *Router) Sync(ctx context.Context, o SyncOptions) error {
	l := r.syncLimits()
	refused, err := ask(ctx, r, func(m *machine, now time.Time) error { return m.startSync(now, o, l) })
	return firstOf(err, refused)
}

// CancelSync stops fetching. Messages that are not stored yet stay on the node.
func (r *Router) CancelSync() {
	r.box.post(func(m *machine, now time.Time) { m.cancelSync(now) })
}

// AcknowledgeSync forgets the result of the last fetch: its state becomes idle.
func (r *Router) AcknowledgeSync() {
	r.box.post(func(m *machine, now time.Time) { m.acknowledgeSync(now) })
}

// SyncEvery sets the time between fetches that happen by themselves, each a little earlier or later; 0 for none.
func (r *Router) SyncEvery(interval time.Duration) {
	r.box.post(func(m *machine, now time.Time) { m.syncEvery(now, interval) })
}

// SyncStatus returns the fetch under way, or the last one.
func (r *Router) SyncStatus(ctx context.Context) (SyncStatus, error) {
	return ask(ctx, r, func(m *machine, _ time.Time) SyncStatus { return m.sync.status })
}

func (r *Router) syncLimits() syncLimits {
	l := syncLimits{limit: r.deliveryLimit()}
	if r.cfg.LeaveOnNode != nil {
		l.leave = r.cfg.LeaveOnNode()
	}
	return l
}

// askNode sends a request to the node.
func (r *Router) askNode(ctx context.Context, now time.Time, a askNode) {
	n := a.n
	answer := r.syncAnswer(n, a.get)
	l, ok := r.links[a.ref]
	if !ok {
		answer(r.m, now, node.RequestStatus{Err: node.ErrLinkClosed})
		return
	}
	data, _, err := msgpack.Parse(a.get.Append(nil), msgpack.Limits{})
	if err == nil {
		var told time.Time // belongs to the callbacks of the request
		_, err = l.Request(ctx, lxmf.PathGet, data, node.RequestOptions{
			MaxResponseSize: a.limit,
			OnProgress: func(s node.RequestStatus) {
				at := r.cfg.Node.Now()
				if s.Progress <= 0 || at.Sub(told) < r.cfg.Params.ProgressEvery {
					return
				}
				told = at
				r.box.post(func(m *machine, now time.Time) { m.fetching(now, n, s.Progress, s.Size) })
			},
			OnConclude: func(s node.RequestStatus) {
				r.box.post(func(m *machine, now time.Time) { answer(m, now, s) })
			},
		})
	}
	if err != nil && ctx.Err() == nil {
		answer(r.m, now, node.RequestStatus{Err: err})
	}
}

// syncAnswer returns what takes the answer to a request.
func (r *Router) syncAnswer(n uint64, get lxmf.Get) func(*machine, time.Time, node.RequestStatus) {
	return func(m *machine, now time.Time, s node.RequestStatus) {
		switch {
		case get.IsList():
			var ids []rns.Hash
			err := s.Err
			if err == nil {
				ids, err = lxmf.ParseIDs(s.Response.Append(nil))
			}
			m.listed(now, n, ids, err)
		case get.Wants != nil:
			var sealed [][]byte
			err := s.Err
			if err == nil {
				sealed, err = lxmf.ParseSealed(s.Response.Append(nil))
			}
			m.fetched(now, n, sealed, err)
		default:
			m.deleted(now, n, s.Err)
		}
	}
}

// fetcher looks up ids and stores fetched messages on a goroutine of its own. It is safe for concurrent use.
type fetcher struct {
	r    *Router
	jobs chan action
}

func (f *fetcher) init(r *Router) { f.r, f.jobs = r, make(chan action, 4) }

// start begins a job. The machine never waits for more than one, so there is room but for answers nobody waits for.
func (f *fetcher) start(job action) {
	select {
	case f.jobs <- job:
	default:
		f.r.cfg.Node.Logger().Warn("fetching messages is behind")
	}
}

// run works until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-f.jobs:
			switch job := job.(type) {
			case sortIDs:
				f.sort(ctx, job)
			case takeIn:
				t := f.takeIn(ctx, job.sealed)
				f.r.box.post(func(m *machine, now time.Time) { m.tookIn(now, job.n, t) })
			}
		}
	}
}

// sort looks which of the listed messages are known.
func (f *fetcher) sort(ctx context.Context, job sortIDs) {
	var wants, haves []rns.Hash
	var err error
	seen := make(map[rns.Hash]bool, len(job.ids))
	for _, id := range job.ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		var known bool
		if known, err = f.r.known(ctx, id); err != nil {
			break
		}
		if known {
			haves = append(haves, id)
		} else {
			wants = append(wants, id)
		}
	}
	f.r.box.post(func(m *machine, now time.Time) { m.sorted(now, job.n, wants, haves, err) })
}

// takeInAtOnce is how many fetched messages are checked and stored together.
const takeInAtOnce = 32

// takeIn stores fetched messages and waits for the last of them.
func (f *fetcher) takeIn(ctx context.Context, sealed [][]byte) takenIn {
	var mu sync.Mutex
	var t takenIn
	var wg sync.WaitGroup
	room := make(chan struct{}, takeInAtOnce)
	for i, s := range sealed {
		room <- struct{}{}
		mu.Lock()
		enough := t.unreadable >= f.r.cfg.Params.MaxUnreadable
		if enough {
			t.unstored += len(sealed) - i
		}
		mu.Unlock()
		if enough {
			break
		}
		wg.Go(func() {
			defer func() { <-room }()
			what, err := f.r.Ingest(ctx, s, lxmf.MethodPropagated)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.unstored++
				return
			case what == IngestStored:
				t.stored++
			case what == IngestDuplicate:
				t.duplicates++
			default:
				t.unreadable++
			}
			t.done = append(t.done, lxmf.TransientID(s))
		})
	}
	wg.Wait()
	return t
}

// Ingested is what became of a sealed message that came by another way than a link or a packet.
type Ingested uint8

// The outcomes.
const (
	IngestNone       Ingested = iota
	IngestStored              // it is kept, or policy discarded it
	IngestDuplicate           // it was received before
	IngestForeign             // it is for somebody else
	IngestUnreadable          // it cannot be decrypted, or is no message
)

// String returns the outcome as a word.
func (i Ingested) String() string {
	return [...]string{"none", "stored", "duplicate", "foreign", "unreadable"}[min(i, IngestUnreadable)]
}

// Ingest takes a sealed message, as propagation nodes and paper carry it: it is decrypted and passes the same checks and the same
// inbox as others. An error means that it could not be stored now and may be given again. Its transient id is remembered when
// it is settled for good. spec: lxmf §9.7
func (r *Router) Ingest(ctx context.Context, sealed []byte, method lxmf.Method) (Ingested, error) {
	if len(sealed) < lxmf.MinSealed {
		return IngestUnreadable, nil
	}
	id := lxmf.TransientID(sealed)
	if known, err := r.known(ctx, id); err != nil {
		return IngestNone, err
	} else if known {
		return IngestDuplicate, nil
	}
	if rns.Addr(sealed[:rns.AddrSize]) != r.addr {
		return IngestForeign, nil
	}
	r.life.Lock()
	dest := r.life.dest
	r.life.Unlock()
	if dest == nil {
		return IngestNone, ErrClosed
	}
	opened, err := dest.Decrypt(sealed[rns.AddrSize:])
	if err != nil {
		r.processed(id)
		return IngestUnreadable, nil //nolint:nilerr // said by the outcome
	}
	packed := append(append(make([]byte, 0, rns.AddrSize+len(opened.Plaintext)), r.addr[:]...), opened.Plaintext...)
	if _, err := lxmf.Parse(packed); err != nil {
		r.processed(id)
		return IngestUnreadable, nil //nolint:nilerr // said by the outcome
	}
	settled := make(chan error, 1)
	a := &arrival{
		packed: packed, method: method, ratchet: opened.Ratchet, hops: -1, received: r.cfg.Node.Now(),
		settled: func(err error) { settled <- err },
	}
	r.in.put(a)
	if err := <-settled; err != nil {
		return IngestNone, errors.Join(errUnstored, err)
	}
	if a.known {
		r.processed(id)
		return IngestDuplicate, nil
	}
	r.processed(id)
	return IngestStored, nil
}

// errUnstored means that a message could not be stored now.
var errUnstored = errors.New("message is not stored yet")

// processed remembers the transient id of a message. spec: lxmf §9.7, §14
func (r *Router) processed(id rns.Hash) {
	r.in.mu.Lock()
	r.in.recent.add(id)
	r.in.mu.Unlock()
	r.keep.received(id)
}
