package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// group is a set of figures measured together.
type group struct {
	name    string
	run     func(*session) error
	ownOnly bool // the reference has nothing of the kind
	once    bool // not worth repeating
	asked   bool // takes long: measured only when named
}

var groups = []group{
	{name: "limits", run: (*session).limits, ownOnly: true},
	{name: "idle", run: (*session).idle},
	{name: "announces", run: (*session).announces},
	{name: "links", run: func(s *session) error { return s.links(false) }},
	{name: "links-hop", run: func(s *session) error { return s.links(true) }},
	{name: "relay", run: (*session).relay},
	{name: "resources", run: func(s *session) error { return s.resources(false) }},
	{name: "resources-hop", run: func(s *session) error { return s.resources(true) }},
	{name: "lxmf", run: (*session).lxmf},
	{name: "durable", run: (*session).durable, ownOnly: true},
	{name: "stamps", run: (*session).stamps},
	{name: "service", run: (*session).service, ownOnly: true},
	{name: "filled", run: (*session).filled, ownOnly: true},
	{name: "store", run: (*session).store, ownOnly: true, once: true},
	{name: "million", run: (*session).million, ownOnly: true, once: true, asked: true},
	{name: "size", run: (*session).size, ownOnly: true, once: true},
}

func names() (out []string) {
	for _, g := range groups {
		out = append(out, g.name)
	}
	return out
}

func (s *session) idle() error {
	begin, port := time.Now(), freePort()
	n, err := s.node(port, true, false, "")
	if err != nil {
		return err
	}
	defer n.close()
	s.record("start", time.Since(begin).Seconds())
	if _, err := n.do("serve", nil); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	cpu, begin := n.cpu(), time.Now()
	time.Sleep(5 * time.Second)
	s.record("idle-cpu", (n.cpu()-cpu).Seconds()/time.Since(begin).Seconds()*100)
	s.record("idle-memory", n.memory()/mib)
	return nil
}

// announces measures the intake until the last announce is in the path table, and the memory of a destination.
func (s *session) announces() error {
	count := 100_000
	if s.reference {
		count = 5_000
	}
	raw, err := crowd(count)
	if err != nil {
		return err
	}
	port := freePort()
	n, err := s.node(port, true, false, "")
	if err != nil {
		return err
	}
	defer n.close()
	var before, after answer
	memory := n.memory()
	if !s.reference {
		if before, err = n.do("stats", nil); err != nil {
			return err
		}
	}
	c, err := dial(port)
	if err != nil {
		return err
	}
	defer c.Close()
	time.Sleep(time.Second)
	cpu := n.cpu()
	begin := float64(time.Now().UnixNano()) / 1e9
	go func() { _, _ = c.Write(raw) }()
	a, err := n.do("wait_paths", order{"n": count, "timeout": 200, "stall": 10})
	if err != nil {
		return err
	}
	s.record("announces", float64(a.Paths)/(a.T-begin))
	s.record("announces-cpu", (n.cpu()-cpu).Seconds()*1e6/float64(a.Paths))
	s.record("announces-lost", float64(count-a.Paths))
	if s.reference {
		s.record("known-memory", (n.memory()-memory)/float64(count))
		return nil
	}
	if after, err = n.do("stats", nil); err != nil {
		return err
	}
	s.record("known-memory", (after.Heap-before.Heap)/float64(count))
	return nil
}

// pair is a client and a server who know each other, through a transport node if hop is true.
type pair struct {
	client, server, hub *process
	echo, mail          string
}

func (p *pair) close() {
	for _, n := range []*process{p.client, p.server, p.hub} {
		if n != nil {
			n.close()
		}
	}
}

func (s *session) pair(hop bool, durable string) (p *pair, err error) {
	p = new(pair)
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	port := freePort()
	if hop {
		if p.hub, err = s.node(port, true, true, ""); err != nil {
			return p, err
		}
	}
	if p.server, err = s.node(port, !hop, false, ""); err != nil {
		return p, err
	}
	if p.client, err = s.node(port, false, false, ""); err != nil {
		return p, err
	}
	disk := func(name string) order {
		if durable == "" {
			return order{}
		}
		return order{"durable": filepath.Join(durable, name)}
	}
	a, err := p.server.do("serve", disk("server.db"))
	if err != nil {
		return p, err
	}
	if _, err := p.client.do("serve", disk("client.db")); err != nil { // so that both can be heard
		return p, err
	}
	p.echo, p.mail = a.Echo, a.LXMF
	time.Sleep(time.Second)
	for range 10 {
		for _, n := range []*process{p.server, p.client} {
			if _, err := n.do("announce", nil); err != nil {
				return p, err
			}
		}
		echo, err1 := p.client.do("has_path", order{"dest": p.echo, "timeout": 3})
		mail, err2 := p.client.do("has_path", order{"dest": p.mail, "timeout": 3})
		if err := errors.Join(err1, err2); err != nil {
			return p, err
		}
		if echo.Has && mail.Has {
			return p, nil
		}
	}
	return p, errors.New("no path")
}

func suffix(key string, hop bool) string {
	if hop {
		return key + "-hop"
	}
	return key
}

func (s *session) links(hop bool) error {
	p, err := s.pair(hop, "")
	if err != nil {
		return err
	}
	defer p.close()
	if _, err := p.client.do("link_rate", order{"dest": p.echo, "n": 5}); err != nil { // warm
		return err
	}
	n := 1000
	if s.reference {
		n = 100
	}
	a, err := p.client.do("link_rate", order{"dest": p.echo, "n": n})
	if err != nil {
		return err
	}
	s.record(suffix("links", hop), 1/median(a.Seconds))
	if a, err = p.client.do("rtt", order{"dest": p.echo, "n": 3 * n}); err != nil {
		return err
	}
	s.record(suffix("rtt", hop), median(a.Seconds)*1e3)
	return nil
}

func (s *session) relay() error {
	port, count := freePort(), 300_000
	if s.reference {
		count = 20_000
	}
	n, err := s.node(port, true, true, "")
	if err != nil {
		return err
	}
	defer n.close()
	var before, after answer
	if !s.reference {
		if before, err = n.do("stats", nil); err != nil {
			return err
		}
	}
	cpu := n.cpu()
	received, took, err := forward(port, count)
	if err != nil {
		return err
	}
	cpu = n.cpu() - cpu
	s.record("relay", float64(received)/took.Seconds())
	s.record("relay-cpu", cpu.Seconds()*1e6/float64(received))
	s.record("relay-lost", float64(count-received))
	if s.reference {
		return nil
	}
	if after, err = n.do("stats", nil); err != nil {
		return err
	}
	s.record("relay-allocs", (after.Mallocs-before.Mallocs)/float64(received))
	return nil
}

func (s *session) resources(hop bool) error {
	for _, mb := range []int{1, 10, 50} {
		if err := s.resource(hop, mb); err != nil {
			return fmt.Errorf("%d MB: %w", mb, err)
		}
	}
	return nil
}

func (s *session) resource(hop bool, mb int) error {
	p, err := s.pair(hop, "")
	if err != nil {
		return err
	}
	defer p.close()
	repeat := map[int]int{1: 10, 10: 4, 50: 2}[mb]
	if s.reference {
		repeat = map[int]int{1: 3, 10: 2, 50: 1}[mb]
	}
	idle := max(p.client.memory(), p.server.memory())
	p.client.resetPeak()
	p.server.resetPeak()
	a, err := p.client.do("resource", order{"dest": p.echo, "size": mb * 1e6, "n": repeat, "timeout": 150})
	if err != nil {
		return err
	}
	s.record(suffix(fmt.Sprintf("resource-%d", mb), hop), float64(mb)/median(a.Seconds))
	if mb == 50 {
		s.record(suffix("resource-memory", hop), (max(p.client.peak(), p.server.peak())-idle)/mib)
	}
	return nil
}

func (s *session) lxmf() error {
	return s.messages("")
}

func (s *session) durable() error {
	return s.messages("-durable")
}

func (s *session) messages(kind string) error {
	for _, method := range []string{"direct", "opportunistic"} {
		for _, window := range []int{1, 16} {
			if err := s.flood(method, window, kind); err != nil {
				return fmt.Errorf("%s, %d in flight: %w", method, window, err)
			}
		}
	}
	return nil
}

func (s *session) flood(method string, window int, kind string) error {
	dir := ""
	if kind != "" {
		var err error
		if dir, err = mkdir(s.dir); err != nil {
			return err
		}
	}
	p, err := s.pair(false, dir)
	if err != nil {
		return err
	}
	defer p.close()
	n := 3000
	if s.reference {
		n = map[int]int{1: 4, 16: 60}[window]
	}
	cpu := p.client.cpu() + p.server.cpu()
	a, err := p.client.do("lxmf", order{"dest": p.mail, "method": method, "n": n, "window": window})
	if err != nil {
		return err
	}
	if cpu = p.client.cpu() + p.server.cpu() - cpu; window == 16 {
		s.record(fmt.Sprintf("%s-cpu%s", method, kind), cpu.Seconds()*1e6/float64(n))
	}
	s.record(fmt.Sprintf("%s-%d%s", method, window, kind), float64(a.Delivered)/a.Seconds[0])
	return nil
}

func (s *session) stamps() error {
	n, err := s.node(freePort(), true, false, "")
	if err != nil {
		return err
	}
	defer n.close()
	for _, c := range []struct{ cost, ours, ref int }{{8, 101, 9}, {12, 101, 5}, {16, 101, 2}} {
		k := c.ours
		if s.reference {
			k = c.ref
		}
		a, err := n.do("stamp", order{"cost": c.cost, "n": k})
		if err != nil {
			return err
		}
		s.record(fmt.Sprintf("stamp-%d", c.cost), median(a.Seconds)*1e3)
	}
	a, err := n.do("workblock", order{"n": 25})
	if err != nil {
		return err
	}
	s.record("workblock", median(a.Seconds)*1e3)
	if s.reference {
		return nil
	}
	cpu := n.cpu()
	if a, err = n.do("attempts", nil); err != nil {
		return err
	}
	s.record("attempts", a.PerS/1e6)
	s.record("attempts-cpu", (n.cpu()-cpu).Seconds()*1e9/a.PerS)
	return nil
}
