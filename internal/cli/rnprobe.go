package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"meshchatx/internal/tools/rnprobe"
	"meshchatx/rns"
	"meshchatx/rns/iface"
)

type rnprobeCommand struct {
	toolFlags
	JSON bool `name:"json" help:"Print the result as JSON."`

	Name        string  `arg:"" name:"full-name" help:"Full name of the destination, such as rnstransport.probe."`
	Destination string  `arg:"" help:"Address of the destination."`
	Size        int     `short:"s" help:"Size of a probe in bytes." default:"16"`
	Probes      int     `short:"n" help:"Number of probes." default:"1"`
	Timeout     float64 `short:"t" help:"How long to wait for the path and for each answer; without it 12 seconds and what the first hop takes." placeholder:"SECONDS" default:"0"`
	Wait        float64 `short:"w" help:"Time between two probes." placeholder:"SECONDS" default:"0"`
}

// Exit codes of rnprobe. spec: rns-link §13.1
const (
	probeNoPath   = 1
	probeLoss     = 2
	probeTooLarge = 3
)

// Run probes.
func (c rnprobeCommand) Run(env *Environment) error {
	to, err := parseHash(c.Destination)
	if err != nil {
		return err
	}
	s, err := c.open(env, 0, nil)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	line := newStatusLine(env.Stdout, !c.JSON)
	defer line.end()
	conf := rnprobe.Config{
		Addr: to, Name: c.Name, Size: c.Size, Count: c.Probes, Wait: seconds(c.Wait), Timeout: seconds(c.Timeout),
		OnStep: line.steps(to, ""),
	}
	if !c.JSON {
		conf.OnSent = func(p rnprobe.Probe) { line.say("%s", c.sent(p, to)) }
		conf.OnResult = func(p rnprobe.Probe) {
			line.end()
			c.print(env, p, to)
		}
	}
	r, err := rnprobe.Run(env.Context, s.Node, conf)
	line.end()
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, rnprobe.ErrSize):
		return &failure{probeTooLarge, err}
	case err != nil:
		return &failure{probeNoPath, reachable(err, to)}
	}
	if c.JSON {
		err = printJSON(env.Stdout, probeReport(c, to, r))
	} else {
		_, err = fmt.Fprintf(env.Stdout, "Sent %d, received %d, packet loss %s%%\n", r.Sent, r.Received, trimmed(r.Loss()))
	}
	if err == nil && r.Received < r.Sent {
		return &failure{code: probeLoss}
	}
	return err
}

// trimmed prints a number with at most two decimals, and at least one.
func trimmed(f float64) string {
	f = math.Round(f*100) / 100
	if f == math.Trunc(f) {
		return fmt.Sprintf("%.1f", f)
	}
	return strings.TrimRight(fmt.Sprintf("%.2f", f), "0")
}

func (c rnprobeCommand) sent(p rnprobe.Probe, to rns.Addr) string {
	text := fmt.Sprintf("Sent probe %d (%d bytes) to %s", p.Number, p.Size, pretty(to))
	if c.Verbose > 0 && !p.Via.IsZero() {
		text += fmt.Sprintf(" via %s on %s", pretty(p.Via), p.Interface)
	}
	return text
}

func (c rnprobeCommand) print(env *Environment, p rnprobe.Probe, to rns.Addr) {
	_, _ = fmt.Fprintln(env.Stdout, c.sent(p, to))
	if !p.Proved {
		_, _ = fmt.Fprintln(env.Stdout, "Probe timed out")
		return
	}
	rtt := fmt.Sprintf("%.3f milliseconds", float64(p.RTT)/float64(time.Millisecond))
	if p.RTT >= time.Second {
		rtt = fmt.Sprintf("%.3f seconds", p.RTT.Seconds())
	}
	_, _ = fmt.Fprintf(env.Stdout, "Valid reply from %s\nRound-trip time is %s over %s%s\n\n", pretty(to), rtt, plural(p.Hops, "hop", "hops"), signalText(p.Signal))
}

func signalText(s iface.Signal) string {
	text := ""
	if s.HasRSSI {
		text += fmt.Sprintf(" [RSSI %v dBm]", s.RSSI)
	}
	if s.HasSNR {
		text += fmt.Sprintf(" [SNR %v dB]", s.SNR)
	}
	if s.HasQuality {
		text += fmt.Sprintf(" [Link Quality %v%%]", s.Quality)
	}
	return text
}

// probeResult is the JSON of a probe, probeJSON that of all.
type probeResult struct {
	Number    int      `json:"number"`
	Proved    bool     `json:"proved"`
	RTT       *float64 `json:"rtt_seconds"`
	Hops      int      `json:"hops,omitempty"`
	Via       string   `json:"via,omitempty"`
	Interface string   `json:"interface,omitempty"`
	RSSI      *float64 `json:"rssi,omitempty"`
	SNR       *float64 `json:"snr,omitempty"`
	Quality   *float64 `json:"quality,omitempty"`
}

type probeJSON struct {
	Destination rns.Addr      `json:"destination"`
	Name        string        `json:"name"`
	Size        int           `json:"size"`
	Sent        int           `json:"sent"`
	Received    int           `json:"received"`
	Loss        float64       `json:"loss_percent"`
	Probes      []probeResult `json:"probes"`
}

func probeReport(c rnprobeCommand, to rns.Addr, r rnprobe.Report) probeJSON {
	v := probeJSON{Destination: to, Name: c.Name, Size: c.Size, Sent: r.Sent, Received: r.Received, Loss: r.Loss(), Probes: []probeResult{}}
	given := func(f float64, has bool) *float64 {
		if has {
			return &f
		}
		return nil
	}
	for _, p := range r.Probes {
		q := probeResult{Number: p.Number, Proved: p.Proved, RTT: given(p.RTT.Seconds(), p.Proved), Hops: p.Hops, Interface: p.Interface}
		if !p.Via.IsZero() {
			q.Via = digits(p.Via)
		}
		q.RSSI, q.SNR, q.Quality = given(p.Signal.RSSI, p.Signal.HasRSSI), given(p.Signal.SNR, p.Signal.HasSNR), given(p.Signal.Quality, p.Signal.HasQuality)
		v.Probes = append(v.Probes, q)
	}
	return v
}
