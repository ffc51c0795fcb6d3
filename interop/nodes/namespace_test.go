package nodes

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
)

// namespacePrefix begins the names of our network namespaces; the process id and a number follow.
const namespacePrefix = "meshchatx-test-"

// cable is two network namespaces joined by a pair of virtual Ethernet devices.
type cable struct {
	names  [2]string
	device string // the same name in both
	noIPv6 error  // why there are no link-local addresses
}

// ip runs the program ip.
func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// sweep removes namespaces of test runs that were killed.
var sweep = sync.OnceFunc(func() {
	left, _ := filepath.Glob("/run/netns/" + namespacePrefix + "*") // the pattern is valid
	for _, path := range left {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, namespacePrefix), "-")
		if _, err := os.Stat("/proc/" + pid); err != nil {
			_ = ip("netns", "del", name) // another run may have been quicker
		}
	}
})

// cables counts them, for unique names.
var cables struct {
	mu sync.Mutex
	n  int
}

// newCable makes two namespaces and joins them. Each end has a link-local IPv6 address at once, and an IPv4 address. It skips
// the test where that cannot be done.
func newCable(t *testing.T) *cable {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root: run as root to test AutoInterface and UDP between two hosts")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need the program ip: install iproute2 to test AutoInterface and UDP between two hosts")
	}
	sweep()
	cables.mu.Lock()
	cables.n++
	id := fmt.Sprintf("%d-%d", os.Getpid(), cables.n)
	cables.mu.Unlock()
	c := &cable{device: "cable"}
	for i := range c.names {
		c.names[i] = namespacePrefix + id + "-" + strconv.Itoa(i)
		if err := ip("netns", "add", c.names[i]); err != nil {
			t.Skipf("network namespaces are not allowed here: %v", err)
		}
		t.Cleanup(func() {
			if err := ip("netns", "del", c.names[i]); err != nil {
				t.Error(err)
			}
		})
	}
	err := ip("link", "add", c.device, "netns", c.names[0], "type", "veth", "peer", "name", c.device, "netns", c.names[1])
	if err != nil {
		t.Skipf("virtual Ethernet devices are not allowed here: %v", err)
	}
	for i := range c.names {
		c.run(t, i, "link set lo up")
		c.run(t, i, "link set "+c.device+" addrgenmode none") // with duplicate address detection it would take seconds
		c.plugIn(t, i)
		if err := c.address(i); err != nil {
			c.noIPv6 = err
		}
		c.run(t, i, fmt.Sprintf("addr add 10.99.0.%d/24 broadcast 10.99.0.255 dev %s", i+1, c.device))
	}
	return c
}

// run runs ip in one of the namespaces.
func (c *cable) run(t *testing.T, end int, command string) {
	t.Helper()
	if err := ip(append([]string{"-n", c.names[end]}, strings.Fields(command)...)...); err != nil {
		t.Fatal(err)
	}
}

// plugIn brings one end up.
func (c *cable) plugIn(t *testing.T, end int) {
	t.Helper()
	c.run(t, end, "link set "+c.device+" up")
}

// address gives one end its link-local address, which does not survive pullOut.
func (c *cable) address(end int) error {
	return ip("-n", c.names[end], "addr", "add", fmt.Sprintf("fe80::%d/64", end+1), "dev", c.device, "nodad")
}

// needsIPv6 skips the test where there is none.
func (c *cable) needsIPv6(t *testing.T) {
	t.Helper()
	if c.noIPv6 != nil {
		t.Skipf("AutoInterface needs IPv6: %v", c.noIPv6)
	}
}

// pullOut takes one end down.
func (c *cable) pullOut(t *testing.T, end int) {
	t.Helper()
	c.run(t, end, "link set "+c.device+" down")
}

// start runs a node in one of the namespaces.
func (c *cable) start(ctx context.Context, t *testing.T, end int, conf childConfig) *child {
	t.Helper()
	conf.Name, conf.TCPPort = []string{"left", "right"}[end], -1
	return startChild(ctx, t, conf, "ip", "netns", "exec", c.names[end])
}

// meet announces both nodes until each has heard the other, one hop away.
func meet(ctx context.Context, t *testing.T, ends [2]*child) {
	t.Helper()
	for i, who := range ends {
		by := ends[1-i]
		mark := by.says.mark()
		for {
			who.order(t, order{Announce: true})
			try, cancel := context.WithTimeout(ctx, 2*time.Second)
			r, err := by.says.wait(try, mark, func(r report) bool { return r.Event == "heard" && r.Addr == who.addr })
			cancel()
			if err == nil {
				if r.Hops != 1 || r.Name != who.name {
					t.Errorf("%s heard %q, %d hops away, by %s", by.name, r.Name, r.Hops, r.Interface)
				}
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("%s did not hear %s", by.name, who.name)
			}
		}
	}
}

// exchange sends a small message and a file of this size both ways and checks that each arrives once.
func exchange(ctx context.Context, t *testing.T, ends [2]*child, size int) {
	t.Helper()
	for i, from := range ends {
		to := ends[1-i]
		for _, p := range []parcel{
			{Content: "hello " + to.name, Method: lxmf.MethodOpportunistic},
			{Content: "file for " + to.name, Method: lxmf.MethodDirect, Size: size},
		} {
			p.To = to.addr
			mark, arrival := from.says.mark(), to.says.mark()
			from.order(t, order{Send: &p})
			end := from.expect(ctx, t, mark, func(r report) bool { return r.Event == "step" && r.Kind.Final() })
			if end.Kind != router.KindDelivered {
				t.Fatalf("%s: %q was %s, %s", from.name, p.Content, end.Kind, end.Code)
			}
			is := func(r report) bool { return r.Event == "message" && r.Hash == end.Hash }
			in := to.expect(ctx, t, arrival, is)
			if in.Name != p.Content || in.Addr != from.addr || in.Hops != 1 {
				t.Errorf("%q arrived from %s after %d hops", in.Name, in.Addr, in.Hops)
			}
			if p.Size > 0 && in.Digest != digest(noise(p.Size, uint64(p.Size))) {
				t.Errorf("%q arrived with another file", in.Name)
			}
			if n := to.says.count(is); n != 1 {
				t.Errorf("%q arrived %d times", p.Content, n)
			}
		}
	}
}

// TestAuto: two nodes on one network segment find each other without configuration.
func TestAuto(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 50*time.Second)
	c := newCable(t)
	c.needsIPv6(t)
	ends := [2]*child{
		c.start(ctx, t, 0, childConfig{AutoDevice: c.device}), c.start(ctx, t, 1, childConfig{AutoDevice: c.device}),
	}
	for i := range ends {
		c.found(ctx, t, ends, i, 0)
	}
	meet(ctx, t, ends)
	exchange(ctx, t, ends, 500_000)
}

// found waits until one end has found the other.
func (c *cable) found(ctx context.Context, t *testing.T, ends [2]*child, end, mark int) {
	t.Helper()
	name := fmt.Sprintf("AutoInterfacePeer[%s/fe80::%d]", c.device, 2-end)
	ends[end].expect(ctx, t, mark, func(r report) bool { return r.Event == "peer" && r.Name == name })
}

// TestAutoCablePulled: a peer that falls silent leaves, and both are back when the cable is.
func TestAutoCablePulled(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 50*time.Second)
	c := newCable(t)
	c.needsIPv6(t)
	conf := childConfig{AutoDevice: c.device, Quick: true}
	ends := [2]*child{c.start(ctx, t, 0, conf), c.start(ctx, t, 1, conf)}
	for i := range ends {
		c.found(ctx, t, ends, i, 0)
	}
	meet(ctx, t, ends)
	c.pullOut(t, 0)
	for _, e := range ends {
		e.expect(ctx, t, 0, func(r report) bool {
			return r.Event == "gone" && strings.HasPrefix(r.Name, "AutoInterfacePeer")
		})
	}
	marks := [2]int{ends[0].says.mark(), ends[1].says.mark()}
	c.plugIn(t, 0)
	if err := c.address(0); err != nil {
		t.Fatal(err)
	}
	for i := range ends {
		c.found(ctx, t, ends, i, marks[i])
	}
	exchange(ctx, t, ends, 50_000)
}

// TestUDP: two nodes broadcast to each other.
func TestUDP(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 50*time.Second)
	c := newCable(t)
	conf := childConfig{UDPDevice: c.device}
	ends := [2]*child{c.start(ctx, t, 0, conf), c.start(ctx, t, 1, conf)}
	meet(ctx, t, ends)
	exchange(ctx, t, ends, 500_000)
}
