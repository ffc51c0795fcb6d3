package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	"meshchatx/rns/iface/auto"
	"meshchatx/rns/iface/framing"
)

func framingCommands() map[string]handler {
	return map[string]handler{
		"hdlc_frame": pure(func(p dataParam) (any, error) {
			return obj{"framed": hexed(framing.AppendHDLC(nil, p.Data))}, nil
		}),
		"hdlc_escape": pure(func(p dataParam) (any, error) {
			framed := framing.AppendHDLC(nil, p.Data)
			return obj{"escaped": hexed(framed[1 : len(framed)-1])}, nil
		}),
		"kiss_frame": pure(func(p dataParam) (any, error) {
			return obj{"framed": hexed(framing.AppendKISS(nil, framing.KISSData, p.Data))}, nil
		}),
		"hdlc_deframe":        pure(hdlcDeframe),
		"kiss_deframe":        pure(kissDeframe),
		"hdlc_deframe_stream": pure(hdlcStream),
		"kiss_deframe_stream": pure(kissStream),
		"auto_discovery_token": pure(func(p struct {
			GroupID hexed  `json:"group_id"`
			Addr    string `json:"link_local_addr"`
		}) (any, error) {
			addr, err := netip.ParseAddr(p.Addr)
			if err != nil {
				return nil, err
			}
			t := auto.Token(string(p.GroupID), addr)
			return obj{"token": hexed(t[:])}, nil
		}),
	}
}

var errNoFrame = errors.New("no complete frame")

// anySize takes frames of every length, for commands that want one frame and not what an interface delivers.
var anySize = framing.Limits{Min: 0, Max: 1 << 20}

type framedParam struct{ Framed hexed }

func hdlcDeframe(p framedParam) (any, error) {
	var out []byte
	framing.NewHDLC(anySize).Feed(p.Framed, func(b []byte) {
		if out == nil {
			out = bytes.Clone(b)
		}
	})
	if out == nil {
		return nil, errNoFrame
	}
	return obj{"data": hexed(out)}, nil
}

func kissDeframe(p framedParam) (any, error) {
	var out []byte
	command := byte(framing.KISSData)
	framing.NewKISS(anySize).Feed(p.Framed, func(c byte, b []byte) {
		if out == nil {
			command, out = c, append([]byte{}, b...)
		}
	})
	switch {
	case out == nil:
		return nil, errNoFrame
	case command != framing.KISSData:
		return nil, fmt.Errorf("unexpected KISS command byte %#02x", command)
	}
	return obj{"data": hexed(out)}, nil
}

type streamParams struct {
	Stream hexed
	HWMTU  *int `json:"hw_mtu"`
}

func (p streamParams) limits(least int) framing.Limits {
	l := framing.Limits{Min: least, Max: 262_144}
	if p.HWMTU != nil {
		l.Max = *p.HWMTU
	}
	return l
}

// hdlcStream delivers what a TCP interface would.
func hdlcStream(p streamParams) (any, error) {
	frames := []hexed{}
	framing.NewHDLC(p.limits(framing.MinFrame)).Feed(p.Stream, func(b []byte) { frames = append(frames, bytes.Clone(b)) })
	return obj{"frames": frames}, nil
}

// kissStream is the same in KISS mode. The port of a modem is masked, as drivers of modems do.
func kissStream(p streamParams) (any, error) {
	frames := []hexed{}
	framing.NewKISS(p.limits(0)).Feed(p.Stream, func(c byte, b []byte) {
		if c&0x0f == framing.KISSData {
			frames = append(frames, bytes.Clone(b))
		}
	})
	return obj{"frames": frames}, nil
}
