package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/discovery"
	"meshchatx/rns/node"
)

// Interfaces is what the agent needs of whoever runs the interfaces of the
// node. Methods are called from the goroutines of Run, one at a time.
type Interfaces interface {
	// Connect attaches an interface that leads to a record's endpoint.
	Connect(context.Context, discovery.Record) (node.InterfaceID, error)
	// Endpoints lists where the configured interfaces lead.
	Endpoints(context.Context) []discovery.Endpoint
	// Offers lists the interfaces to publish. Whether and as whom the node forwards is filled in by the agent.
	Offers(context.Context) []discovery.Offer
	// Bootstrap counts the running interfaces that only help to find others.
	Bootstrap(context.Context) int
	// StartBootstrap and StopBootstrap start and stop them.
	StartBootstrap(context.Context)
	StopBootstrap(context.Context)
}

// Config says what an agent does.
type Config struct {
	Node *node.Node
	// Listen makes it collect what others publish.
	Listen node.Switch
	// Required is the value their stamps must have, 0 for the default; Sources are the identities listened to, none for all.
	Required int
	Sources  discovery.Sources
	// Network is the identity that published data is encrypted for, and that publishes; nil for none.
	Network *rns.Identity
	// Connect is the number of interfaces it may connect by itself, 0 for none.
	Connect int
	// Interfaces may be nil: then nothing is published or connected.
	Interfaces Interfaces
	// OnRecord is told of every interface that was heard. It must not block. It may be nil.
	OnRecord func(discovery.Record)
	// Params are times and limits.
	Params Params
}

// Params are the times and limits of an agent. DefaultParams fills them; a zero
// value is not valid.
type Params struct {
	// Publish is the time between two looks at what is due for publication. spec: rns-core §22.1
	Publish time.Duration
	// Monitor is the time between two looks at what was connected. spec: rns-core §22.6
	Monitor time.Duration
	// Command bounds the run of a program that tells a host or a place, Output what it may print, in bytes.
	Command time.Duration
	Output  int
	// Waiting is the number of announces that may wait for their check.
	Waiting int
	// MaxRecords bounds the number of records; the worst make room.
	MaxRecords int
	// Stamps is how many stamps of own interfaces are kept for the next publication.
	Stamps int
}

// DefaultParams returns the times of the protocol and the limits of this
// implementation.
func DefaultParams() Params {
	return Params{
		Publish: discovery.PublishInterval, Monitor: discovery.MonitorInterval, Command: 10 * time.Second, Output: 4096,
		Waiting: 16, MaxRecords: 4096, Stamps: 64,
	}
}

// Agent publishes, discovers and connects for one node. It is safe for
// concurrent use. Use New.
type Agent struct {
	conf  Config
	log   *slog.Logger
	heard chan discovery.Heard

	mu        sync.Mutex
	loaded    bool
	records   map[rns.Hash]discovery.Record
	connected map[rns.Hash]connection // by endpoint
	dropped   int
}

// connection is an interface the agent connected.
type connection struct {
	id node.InterfaceID
	at discovery.Endpoint
}

// New makes an agent. It does nothing before Run.
func New(conf Config) *Agent {
	if conf.Params == (Params{}) {
		conf.Params = DefaultParams()
	}
	return &Agent{
		conf: conf, log: conf.Node.Logger(), heard: make(chan discovery.Heard, conf.Params.Waiting),
		records: make(map[rns.Hash]discovery.Record), connected: make(map[rns.Hash]connection),
	}
}

// Run works until ctx ends, and returns its cause. The node must have been
// started; what Run connected stays connected. It is called once.
func (a *Agent) Run(ctx context.Context) error {
	a.load()
	if a.conf.Listen {
		defer a.conf.Node.OnAnnounce(node.AnnounceHandler{Name: discovery.Name, Handle: a.hear})()
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	if a.conf.Interfaces != nil {
		parts.Go(func() { a.publish(ctx) })
	}
	a.listen(ctx)
	return context.Cause(ctx)
}

// hear puts an announce in the queue of the one who checks.
//
// differs: the reference drops what is heard while it checks another stamp;
// here some wait, which loses less when several nodes publish at once.
// spec: rns-core §22.4
func (a *Agent) hear(n node.Announced) {
	select {
	case a.heard <- discovery.Heard{Identity: n.Identity.Hash(), AppData: n.AppData, Hops: n.Hops}:
	default:
		a.mu.Lock()
		a.dropped++
		a.mu.Unlock()
	}
}

// listen is the goroutine that receives, connects and monitors.
func (a *Agent) listen(ctx context.Context) {
	receiver := discovery.Receiver{Required: a.conf.Required, Sources: a.conf.Sources, Network: a.conf.Network}
	var monitor discovery.Monitor
	tick := time.NewTicker(a.conf.Params.Monitor)
	defer tick.Stop()
	if a.connects() {
		a.connectStored(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-a.heard:
			a.receive(ctx, &receiver, h)
		case <-tick.C:
			if a.connects() {
				a.watch(ctx, &monitor)
			}
		}
	}
}

// receive checks one announce, keeps its record, and connects if there is room.
// Whether the publisher forwards is not asked here. spec: rns-core §22.4, §22.6
func (a *Agent) receive(ctx context.Context, receiver *discovery.Receiver, h discovery.Heard) {
	r, err := receiver.Receive(h, a.conf.Node.Now())
	if err != nil {
		a.log.Debug("announced interface is ignored", slog.Any("identity", h.Identity), slog.Any("reason", err))
		return
	}
	if r, err = a.keep(r); err != nil {
		a.log.Warn("discovered interface is not stored", slog.Any("error", err))
	}
	if a.connects() {
		a.connect(ctx, r)
	}
	if a.conf.OnRecord != nil {
		a.conf.OnRecord(r)
	}
}
