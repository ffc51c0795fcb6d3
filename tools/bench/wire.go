package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/iface/framing"
)

// announce builds a valid announce of a new identity, framed.
func announce(name string, data []byte) (frame []byte, dest rns.Addr, err error) {
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		return nil, dest, err
	}
	var public rns.RatchetPublic // any 32 bytes will do
	_, _ = rand.Read(public[:])
	a, err := rns.NewAnnounce(rand.Reader, id, rns.NameHashOf(name), &public, data, time.Now())
	if err != nil {
		return nil, dest, err
	}
	p, err := a.Packet(rns.ContextNone).Pack(rns.MTU)
	return framing.AppendHDLC(nil, p), a.Dest, err
}

// crowd builds announces of n people.
func crowd(n int) ([]byte, error) {
	const workers = 2
	parts, errs := make([][]byte, workers), make([]error, workers)
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for i := w; i < n; i += workers {
				info := lxmf.DeliveryInfo{Name: fmt.Sprintf("Bench peer %d", i), Named: true}
				f, _, err := announce(lxmf.DeliveryName, info.Append(nil))
				if err != nil {
					errs[w] = err
					return
				}
				parts[w] = append(parts[w], f...)
			}
		})
	}
	done.Wait()
	return append(parts[0], parts[1]...), errors.Join(errs...)
}

// frames calls f with every frame until it returns false or the connection ends.
func frames(c net.Conn, f func([]byte) bool) {
	d := framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: 1100})
	buf := make([]byte, 256<<10)
	for more := true; more; {
		n, err := c.Read(buf)
		d.Feed(buf[:n], func(p []byte) { more = more && f(p) })
		if err != nil {
			return
		}
	}
}

const payload = 200 // bytes in a forwarded packet

// forward sends n packets through a transport node from one of its neighbours to another as fast as it takes them.
func forward(port, n int) (received int, took time.Duration, err error) {
	in, err := dial(port)
	if err != nil {
		return 0, 0, err
	}
	defer in.Close()
	out, err := dial(port)
	if err != nil {
		return 0, 0, err
	}
	defer out.Close()
	time.Sleep(500 * time.Millisecond)
	ann, dest, err := announce("bench.relay", nil)
	if err != nil {
		return 0, 0, err
	}
	via := make(chan rns.Addr, 1)
	go frames(in, func(raw []byte) bool {
		p, err := rns.ParsePacket(raw)
		if err != nil || p.Type != rns.PacketAnnounce || p.Dest != dest || p.HeaderType != rns.HeaderType2 {
			return true
		}
		select {
		case via <- p.TransportID:
		default: // announced again
		}
		return true
	})
	if _, err := out.Write(ann); err != nil {
		return 0, 0, err
	}
	var through rns.Addr
	select {
	case through = <-via:
	case <-time.After(30 * time.Second):
		return 0, 0, errors.New("announce was not passed on")
	}
	blob, err := packets(through, dest, n)
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	go func() { _, _ = in.Write(blob) }()
	last := begin
	done := make(chan struct{})
	_ = out.SetReadDeadline(begin.Add(time.Minute))
	go func() {
		defer close(done)
		frames(out, func(p []byte) bool {
			if p[0]&3 == byte(rns.PacketData) {
				received++
				if received == n || received%256 == 0 {
					last = time.Now()
					_ = out.SetReadDeadline(last.Add(5 * time.Second))
				}
			}
			return received < n
		})
	}()
	<-done
	return received, last.Sub(begin), nil
}

func packets(via, dest rns.Addr, n int) ([]byte, error) {
	var blob []byte
	data := make([]byte, payload)
	for range n {
		_, _ = rand.Read(data)
		p, err := rns.Packet{
			HeaderType: rns.HeaderType2, TransportType: rns.TransportTransport, TransportID: via, Dest: dest, Data: data,
		}.Pack(rns.MTU)
		if err != nil {
			return nil, err
		}
		blob = framing.AppendHDLC(blob, p)
	}
	return blob, nil
}
