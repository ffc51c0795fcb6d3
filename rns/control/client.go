package control

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/msgpack"
)

// CallTimeout bounds a call whose context has no earlier deadline.
const CallTimeout = 2 * time.Second

// defaultHop is the time allowed for the first hop when nothing is known. spec: rns-core §8.2
const defaultHop = 6 * time.Second

// Client calls another program. The zero value is not usable; use Dial or NewClient. It is safe for concurrent use: each
// call is a connection of its own, which authenticates, asks and is closed. A call never takes longer than Timeout.
type Client struct {
	endpoint local.Endpoint
	key      atomic.Pointer[[]byte]
	// Policy says which digests authenticate.
	Policy Policy
	// Timeout bounds a call, CallTimeout for zero.
	Timeout time.Duration
	// Dialer replaces the socket, for simulations.
	Dialer func(ctx context.Context, a local.Address) (net.Conn, error)
}

var _ Service = (*Client)(nil)

// NewClient returns a client of the shared instance at an endpoint. It does not connect.
func NewClient(e local.Endpoint, key []byte) *Client {
	c := &Client{endpoint: e}
	c.SetKey(key)
	return c
}

// SetKey changes the key from the next call on.
func (c *Client) SetKey(key []byte) { c.key.Store(&key) }

// HasKey tells whether a key is the present one.
func (c *Client) HasKey(key []byte) bool { return bytes.Equal(*c.key.Load(), key) }

// Dial returns a client after one call has worked. The error Is ErrAuth if the key is not that of the instance, and a net
// error if none runs.
func Dial(ctx context.Context, e local.Endpoint, key []byte) (*Client, error) {
	c := NewClient(e, key)
	if _, err := c.LinkCount(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Call makes one call and returns the bytes of the response.
func (c *Client) Call(ctx context.Context, r Request) ([]byte, error) {
	limit := c.Timeout
	if limit <= 0 {
		limit = CallTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b, err := c.call(ctx, r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, ErrAuth) {
			err = cause
		}
		return nil, fmt.Errorf("control call %s: %w", r.Op, err)
	}
	return b, nil
}

func (c *Client) call(ctx context.Context, r Request) ([]byte, error) {
	dial := c.Dialer
	if dial == nil {
		dial = func(ctx context.Context, a local.Address) (net.Conn, error) { return local.Dial(ctx, a, local.AnyUser) }
	}
	conn, err := dial(ctx, c.endpoint.Control())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.authenticate(conn); err != nil {
		return nil, err
	}
	if _, err := conn.Write(AppendMessage(nil, r.Append(nil))); err != nil {
		return nil, err
	}
	return ReadMessage(conn, MaxResponse)
}

func (c *Client) authenticate(conn net.Conn) error {
	h, err := NewDialer(*c.key.Load(), c.Policy, rand.Reader)
	if err != nil {
		return err
	}
	return Authenticate(conn, h)
}

// Authenticate runs a handshake over a connection, whose deadlines the caller sets. A listener sends its first message
// before.
func Authenticate(conn net.Conn, h *Handshake) error {
	for !h.Done() {
		message, err := ReadMessage(conn, MaxAuthMessage)
		if err != nil {
			return err
		}
		send, herr := h.Next(message)
		for _, m := range send {
			if _, err := conn.Write(AppendMessage(nil, m)); err != nil {
				return errors.Join(herr, err)
			}
		}
		if herr != nil {
			return herr
		}
	}
	return nil
}

// InterfaceStats returns the state of the interfaces of the instance.
func (c *Client) InterfaceStats(ctx context.Context) (Stats, error) {
	return call(ctx, c, Request{Op: OpInterfaceStats}, ParseStats)
}

// PathTable returns the paths of at most maxHops hops, AnyHops for all.
func (c *Client) PathTable(ctx context.Context, maxHops int) ([]PathEntry, error) {
	return call(ctx, c, Request{Op: OpPathTable, MaxHops: maxHops}, ParsePathTable)
}

// RateTable returns the announce histories.
func (c *Client) RateTable(ctx context.Context) ([]RateEntry, error) {
	return call(ctx, c, Request{Op: OpRateTable}, ParseRateTable)
}

// BlackholedIdentities lists the refused identities.
func (c *Client) BlackholedIdentities(ctx context.Context) ([]BlackholeEntry, error) {
	return call(ctx, c, Request{Op: OpBlackholedIdentities}, ParseBlackhole)
}

// call makes a call and reads its response.
func call[T any](ctx context.Context, c *Client, r Request, parse func([]byte) (T, error)) (T, error) {
	var zero T
	b, err := c.Call(ctx, r)
	if err != nil {
		return zero, err
	}
	v, err := parse(b)
	if err != nil {
		return zero, fmt.Errorf("control call %s: %w", r.Op, err)
	}
	return v, nil
}

// NextHopInterface returns the display string of the interface towards a destination, empty without a path.
func (c *Client) NextHopInterface(ctx context.Context, dest rns.Addr) (string, error) {
	v, err := call(ctx, c, Request{Op: OpNextHopInterface, Hash: dest}, parse)
	if err != nil {
		return "", err
	}
	name, _ := v.Text()
	if name == noInterface {
		name = ""
	}
	return name, nil
}

// NextHop returns the next hop towards a destination; false without a path.
func (c *Client) NextHop(ctx context.Context, dest rns.Addr) (rns.Addr, bool, error) {
	var hop rns.Addr
	v, err := call(ctx, c, Request{Op: OpNextHop, Hash: dest}, parse)
	return hop, err == nil && fixed(v, hop[:]), err
}

// FirstHopTimeout returns the time allowed for a packet to leave towards a destination.
func (c *Client) FirstHopTimeout(ctx context.Context, dest rns.Addr) (time.Duration, error) {
	s, ok, err := c.number(ctx, Request{Op: OpFirstHopTimeout, Hash: dest})
	if err != nil || !ok || !(s > 0) { //nolint:staticcheck // false for NaN, too
		return defaultHop, err
	}
	return time.Duration(min(s, maxHopSeconds) * float64(time.Second)), nil
}

// maxHopSeconds is more than the slowest interface needs for a packet.
const maxHopSeconds = 3600

// LinkCount returns the number of links of others that run through the instance.
func (c *Client) LinkCount(ctx context.Context) (int, error) {
	return c.count(ctx, Request{Op: OpLinkCount})
}

// PacketRSSI returns the reception strength of a packet in dBm; false if it was not measured.
func (c *Client) PacketRSSI(ctx context.Context, packet rns.Hash) (float64, bool, error) {
	return c.number(ctx, Request{Op: OpPacketRSSI, Packet: packet})
}

// PacketSNR returns the signal to noise ratio of a packet in dB; false if it was not measured.
func (c *Client) PacketSNR(ctx context.Context, packet rns.Hash) (float64, bool, error) {
	return c.number(ctx, Request{Op: OpPacketSNR, Packet: packet})
}

// PacketQuality returns the reception quality of a packet in percent; false if it was not measured.
func (c *Client) PacketQuality(ctx context.Context, packet rns.Hash) (float64, bool, error) {
	return c.number(ctx, Request{Op: OpPacketQuality, Packet: packet})
}

// DropPath forgets a path and reports whether there was one.
func (c *Client) DropPath(ctx context.Context, dest rns.Addr) (bool, error) {
	return c.flag(ctx, Request{Op: OpDropPath, Hash: dest})
}

// DropAllVia forgets all paths through a transport node and returns how many.
func (c *Client) DropAllVia(ctx context.Context, via rns.Addr) (int, error) {
	return c.count(ctx, Request{Op: OpDropAllVia, Hash: via})
}

// DropAnnounceQueues empties the announce queues of all interfaces.
func (c *Client) DropAnnounceQueues(ctx context.Context) error {
	_, err := call(ctx, c, Request{Op: OpDropAnnounceQueues}, parse)
	return err
}

// IsBlackholed tells whether an identity is refused.
func (c *Client) IsBlackholed(ctx context.Context, id rns.Addr) (bool, error) {
	return c.flag(ctx, Request{Op: OpIsBlackholed, Hash: id})
}

// ErrRefused means that the instance could not do what was asked.
var ErrRefused = errors.New("control: the instance could not do it")

// BlackholeIdentity refuses an identity until a time, zero for ever. It reports false if it was listed already.
func (c *Client) BlackholeIdentity(ctx context.Context, id rns.Addr, until time.Time, reason string) (bool, error) {
	return c.change(ctx, Request{Op: OpBlackhole, Hash: id, Until: until, Reason: reason})
}

// UnblackholeIdentity accepts an identity again. It reports false if it was not listed.
func (c *Client) UnblackholeIdentity(ctx context.Context, id rns.Addr) (bool, error) {
	return c.change(ctx, Request{Op: OpUnblackhole, Hash: id})
}

// UseDestination marks a destination as used; false if it is unknown.
func (c *Client) UseDestination(ctx context.Context, dest rns.Addr) (bool, error) {
	return c.flag(ctx, Request{Op: OpUseDestination, Hash: dest})
}

// RetainDestination keeps a destination for ever; false if it is unknown.
func (c *Client) RetainDestination(ctx context.Context, dest rns.Addr) (bool, error) {
	return c.flag(ctx, Request{Op: OpRetainDestination, Hash: dest})
}

// UnretainDestination ends RetainDestination; false if it is unknown.
func (c *Client) UnretainDestination(ctx context.Context, dest rns.Addr) (bool, error) {
	return c.flag(ctx, Request{Op: OpUnretainDestination, Hash: dest})
}

// RetainIdentity keeps the destinations of an identity for ever; false if none is known.
func (c *Client) RetainIdentity(ctx context.Context, id rns.Addr) (bool, error) {
	return c.flag(ctx, Request{Op: OpRetainIdentity, Hash: id})
}

func (c *Client) flag(ctx context.Context, r Request) (bool, error) {
	return call(ctx, c, r, parseBool)
}

// change is a call that answers true, nil if there was nothing to do, or false if it failed.
func (c *Client) change(ctx context.Context, r Request) (bool, error) {
	v, err := call(ctx, c, r, parse)
	if err != nil || v.IsNil() {
		return false, err
	}
	if done, _ := v.Bool(); !done {
		return false, fmt.Errorf("control call %s: %w", r.Op, ErrRefused)
	}
	return true, nil
}

func (c *Client) count(ctx context.Context, r Request) (int, error) {
	v, err := call(ctx, c, r, func(b []byte) (msgpack.Value, error) { return parse(b) })
	if err != nil {
		return 0, err
	}
	f, ok := v.Number()
	if !ok || !(f >= 0) { //nolint:staticcheck // false for NaN, too
		return 0, fmt.Errorf("control call %s: %w", r.Op, ErrResponse)
	}
	return int(min(f, 1<<31)), nil
}

func (c *Client) number(ctx context.Context, r Request) (float64, bool, error) {
	b, err := c.Call(ctx, r)
	if err != nil {
		return 0, false, err
	}
	return parseNumber(b)
}
