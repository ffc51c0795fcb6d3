package auto

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// errPeerGone ends the interface of a peer that has fallen silent.
var errPeerGone = errors.New("peer was not heard any more")

// peer is another node on a local link. Its times belong to the AutoInterface and its lock.
type peer struct {
	auto   *Interface
	addr   netip.Addr
	device string
	info   iface.Info
	heard  time.Time
	told   time.Time
	ended  <-chan struct{}

	once sync.Once
	gone chan struct{}

	mu   sync.Mutex
	host iface.Host
}

func newPeer(a *Interface, addr netip.Addr, device string, now time.Time) *peer {
	return &peer{
		auto: a, addr: addr, device: device, heard: now, gone: make(chan struct{}),
		info: iface.Info{
			Name:  fmt.Sprintf("AutoInterfacePeer[%s/%s]", device, addr),
			Label: fmt.Sprintf("AutoInterfacePeer[%s/%s]", device, addr), Type: "AutoInterfacePeer",
			Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUFixed, AccessCodeSize: accessCodeSize,
			Role: iface.RolePeer,
		},
	}
}

// Info describes the interface of the peer.
func (p *peer) Info() iface.Info { return p.info }

// Serve waits until the peer leaves; the sockets belong to the AutoInterface.
func (p *peer) Serve(ctx context.Context, h iface.Host) error {
	p.setHost(h)
	defer p.setHost(nil)
	h.Up()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.gone:
		return errPeerGone
	}
}

func (p *peer) setHost(h iface.Host) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.host = h
}

// deliver hands a packet over, one at a time.
func (p *peer) deliver(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.host != nil {
		p.host.Receive([]iface.Frame{{Data: b}})
	}
}

// Send sends one packet.
func (p *peer) Send(frame []byte) error {
	if len(frame) > hardwareMTU+iface.MaxAccessCodeSize {
		return iface.ErrFrameSize
	}
	return p.auto.sendData(p, frame)
}

// leave ends the interface.
func (p *peer) leave() { p.once.Do(func() { close(p.gone) }) }

// over tells whether the node has ended the interface.
func (p *peer) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// recent remembers the hashes of the newest datagrams: one packet may arrive over two links. spec: rns-interfaces §5.8
type recent struct {
	span time.Duration
	ring []arrival
	next int
}

type arrival struct {
	hash [sha256.Size]byte
	at   time.Time
}

func newRecent(n int, span time.Duration) *recent {
	return &recent{span: span, ring: make([]arrival, n)}
}

// has tells whether a datagram was seen within the span, and remembers it.
func (r *recent) has(now time.Time, b []byte) bool {
	h := sha256.Sum256(b)
	for i := range r.ring {
		if r.ring[i].hash == h && now.Sub(r.ring[i].at) < r.span {
			return true
		}
	}
	r.ring[r.next] = arrival{hash: h, at: now}
	r.next = (r.next + 1) % len(r.ring)
	return false
}
