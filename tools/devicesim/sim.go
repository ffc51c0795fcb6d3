package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/rnode"
)

var (
	errUsage  = errors.New("say what to simulate: rnode, kiss or serial")
	errNumber = errors.New("between 1 and 64 devices can be simulated")
)

// simulation is the row of devices and their terminals.
type simulation struct {
	ports []*devicetest.Port
	// rnodes and modems are those of the devices that are such, at the index of their port.
	rnodes map[int]*devicetest.RNode
	modems map[int]*devicetest.TNC
	cable  *devicetest.Cable
	faults map[int]devicetest.RNodeFaults
}

type options struct {
	number   int
	link     string
	firmware string
	power    int
	chips    string
	bitrate  int
}

// run simulates until ctx ends.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	var o options
	f := flag.NewFlagSet("devicesim "+args[0], flag.ContinueOnError)
	f.SetOutput(errs)
	f.IntVar(&o.number, "n", 2, "how many devices")
	f.StringVar(&o.link, "link", "", "prefix of the paths")
	f.StringVar(&o.firmware, "firmware", "1.82", "version of RNodes")
	f.IntVar(&o.power, "max-power", 22, "power that RNodes have, in dBm")
	f.StringVar(&o.chips, "chips", "", "codes of the transceivers of RNodes with several, in hexadecimal")
	f.IntVar(&o.bitrate, "bitrate", 1200, "rate of modems on the air, in bit/s")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	s := &simulation{
		rnodes: make(map[int]*devicetest.RNode), modems: make(map[int]*devicetest.TNC), faults: make(map[int]devicetest.RNodeFaults),
	}
	devices, err := s.devices(args[0], o)
	if err != nil {
		return err
	}
	defer s.close()
	for i, d := range devices {
		link := ""
		if o.link != "" {
			link = o.link + strconv.Itoa(i)
		}
		p, err := devicetest.NewTerminalPort(d, link)
		if err != nil {
			return err
		}
		s.ports = append(s.ports, p)
		fmt.Fprintln(out, p.Path())
	}
	go s.listen(in, errs) // it ends with the input, at the latest with the program
	<-ctx.Done()
	return nil
}

func (s *simulation) close() {
	for _, p := range s.ports {
		p.Close()
	}
}

func (s *simulation) devices(kind string, o options) (out []devicetest.Device, err error) {
	if o.number < 1 || o.number > 64 {
		return nil, errNumber
	}
	air := devicetest.NewAir()
	switch kind {
	case "rnode":
		p, err := o.rnode()
		if err != nil {
			return nil, err
		}
		for i := range o.number {
			s.rnodes[i] = devicetest.NewRNode(air, p)
			out = append(out, s.rnodes[i])
		}
	case "kiss":
		p := devicetest.DefaultTNCParams()
		p.Bitrate = o.bitrate
		for i := range o.number {
			s.modems[i] = devicetest.NewTNC(air, p)
			out = append(out, s.modems[i])
		}
	case "serial":
		s.cable = devicetest.NewCable()
		a, b := s.cable.Ends()
		out = []devicetest.Device{a, b}
	default:
		return nil, errUsage
	}
	return out, nil
}

func (o options) rnode() (devicetest.RNodeParams, error) {
	p := devicetest.DefaultRNodeParams()
	if _, err := fmt.Sscanf(o.firmware, "%d.%d", &p.Major, &p.Minor); err != nil {
		return p, fmt.Errorf("firmware %q: %w", o.firmware, err)
	}
	p.MaxTXPower = int8(min(max(o.power, -128), 127))
	if o.chips == "" {
		return p, nil
	}
	for c := range strings.SplitSeq(o.chips, ",") {
		code, err := strconv.ParseUint(strings.TrimSpace(c), 16, 8)
		if err != nil {
			return p, fmt.Errorf("chips: %w", err)
		}
		p.Chips = append(p.Chips, uint8(code))
	}
	return p, nil
}

// listen carries out what the person at the terminal says.
func (s *simulation) listen(in io.Reader, errs io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if err := s.act(words); err != nil {
			fmt.Fprintln(errs, "devicesim:", err)
		}
	}
}

var errCommand = errors.New("not a command of this device")

// act carries out one command.
func (s *simulation) act(words []string) error {
	if len(words) < 2 {
		return errCommand
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 0 || n >= len(s.ports) {
		return fmt.Errorf("%w: no device %q", errCommand, words[1])
	}
	value := 0.0
	if len(words) > 2 {
		if value, err = strconv.ParseFloat(words[2], 64); err != nil {
			return err
		}
	}
	switch words[0] {
	case "unplug":
		s.ports[n].Unplug()
		return nil
	case "plug":
		return s.ports[n].Plug()
	case "noise":
		s.noise(n, value)
		return nil
	}
	d := s.rnodes[n]
	if d == nil {
		return errCommand
	}
	switch f := s.faults[n]; words[0] {
	case "silent":
		f.Silent = true
		s.faults[n] = f
		d.SetFaults(f)
	case "repair":
		delete(s.faults, n)
		d.SetFaults(devicetest.RNodeFaults{})
	case "fail":
		d.Fail(rnode.DeviceError(value))
	case "restart":
		d.Restart()
	default:
		return errCommand
	}
	return nil
}

func (s *simulation) noise(n int, share float64) {
	switch {
	case s.rnodes[n] != nil:
		f := s.faults[n]
		f.Noise = share
		s.faults[n] = f
		s.rnodes[n].SetFaults(f)
	case s.modems[n] != nil:
		s.modems[n].SetFaults(devicetest.TNCFaults{Noise: share})
	case s.cable != nil:
		s.cable.Noise(share)
	}
}
