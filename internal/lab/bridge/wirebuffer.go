package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"meshchatx/rns/bzip2"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
)

func bufferCommands() map[string]handler {
	return map[string]handler{
		"wire_buffer_pack":     pure(bufferPack),
		"wire_buffer_stream":   onPeer(bufferStream),
		"wire_buffer_received": onPeer(bufferReceived),
	}
}

// stream collects what a listener reads from one stream of one link.
type stream struct {
	data  []byte
	ended bool
	err   error
}

// read collects a stream until its link ends or it breaks. The suite writes on after the end of a stream.
func (l *listener) read(k *node.Link, s *node.Stream, into *stream) {
	buf := make([]byte, 32<<10)
	for {
		n, err := s.Read(buf)
		ended := errors.Is(err, io.EOF)
		l.mu.Lock()
		into.data = append(into.data, buf[:n]...)
		into.ended = into.ended || ended
		if err != nil && !ended && !errors.Is(err, node.ErrLinkClosed) {
			into.err = err
		}
		l.mu.Unlock()
		switch {
		case err != nil && !ended:
			return
		case ended:
			select {
			case <-k.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

func bufferPack(p struct {
	Unpack     hexed `json:"unpack_raw"`
	Stream     int   `json:"stream_id"`
	Data       hexed
	EOF        bool
	Compressed bool
}) (any, error) {
	if p.Unpack != nil {
		s, err := link.ParseStreamData(p.Unpack)
		if err != nil {
			return obj{"error": err.Error()}, nil
		}
		data := s.Data
		if s.Flag&link.StreamCompressed != 0 {
			if data, err = bzip2.Decompress(data, link.StreamInput); err != nil {
				return obj{"error": err.Error()}, nil
			}
		}
		return obj{
			"stream_id": s.ID, "eof": s.Flag&link.StreamEOF != 0, "compressed": s.Flag&link.StreamCompressed != 0, "data": bin(data),
		}, nil
	}
	if p.Stream < 0 || p.Stream > link.MaxStreamID {
		return obj{"error": fmt.Sprintf("stream id must be between 0 and %d", link.MaxStreamID)}, nil
	}
	s := link.StreamData{ID: uint16(p.Stream), Data: p.Data}
	if p.EOF {
		s.Flag |= link.StreamEOF
	}
	if p.Compressed {
		s.Flag |= link.StreamCompressed
	}
	return obj{"raw": hexed(s.Append(nil)), "msgtype": link.StreamDataType}, nil
}

type streamRequest struct {
	linkParam
	Bomb    bool     `json:"bomb"`
	BombLen *int     `json:"bomb_decompressed_len"`
	Stream  uint16   `json:"stream_id"`
	Joined  bool     `json:"eof_with_data"`
	Close   bool     `json:"use_close"`
	Timeout *float64 `json:"timeout_ms"`
}

// bufferStream writes a stream piece by piece, so that every message can be listed: the pieces are those that a stream of the
// node makes, from the same function.
func bufferStream(ctx context.Context, n *peer, p streamRequest) (any, error) {
	l, err := n.channel(ctx, p.Link)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, within(p.Timeout, 30*time.Second))
	defer cancel()
	w := writer{link: l, manifest: []obj{}}
	if p.Bomb {
		return w.bomb(ctx, p)
	}
	chunk := 0
	err = l.Drive(ctx, func(_ time.Time, m *link.Link) (*link.Effects, error) {
		chunk = m.StreamMDU()
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	returns, rest, ended := []int{}, []byte(p.Data), false
	for len(rest) > 0 {
		s, took := link.NextStreamData(p.Stream, rest, chunk, compressed)
		if rest = rest[took:]; p.Joined && len(rest) == 0 {
			s.Flag |= link.StreamEOF
			ended = true
		}
		if err := w.send(ctx, s); err != nil {
			return nil, err
		}
		returns = append(returns, took)
	}
	if !ended {
		if err := w.send(ctx, link.StreamData{ID: p.Stream, Flag: link.StreamEOF}); err != nil {
			return nil, err
		}
	}
	var c link.ChannelSnapshot
	wait(within(p.Timeout, 30*time.Second), func() bool {
		c, _, err = window(context.WithoutCancel(ctx), l)
		return err != nil || len(c.Ring) == 0
	})
	return obj{
		"written": len(p.Data), "eof": true, "manifest": w.manifest, "write_returns": returns, "max_data_len": link.StreamChunk,
		"max_chunk_len": link.StreamInput, "compression_tries": link.StreamTries + 1, // the reference counts to below it
		"tx_ring_after": len(c.Ring),
	}, err
}

func compressed(b []byte) []byte { return bzip2.Compress(nil, b) }

// writer sends pieces and lists them.
type writer struct {
	link     *node.Link
	manifest []obj
}

func (w *writer) send(ctx context.Context, s link.StreamData) error {
	before, _, err := window(ctx, w.link)
	if err != nil {
		return err
	}
	if _, err := w.link.SendMessage(ctx, node.ChannelMessage{Type: link.StreamDataType, Data: s.Append(nil)}); err != nil {
		return err
	}
	w.manifest = append(w.manifest, obj{
		"bytes": len(s.Data), "compressed": s.Flag&link.StreamCompressed != 0, "eof": s.Flag&link.StreamEOF != 0, "sequence": before.NextTx,
	})
	return nil
}

// bomb sends a small piece that expands to more than a piece may.
func (w *writer) bomb(ctx context.Context, p streamRequest) (any, error) {
	size := 4 * link.StreamInput
	if p.BombLen != nil {
		size = *p.BombLen
	}
	s := link.StreamData{ID: p.Stream, Flag: link.StreamEOF | link.StreamCompressed, Data: bzip2.Compress(nil, make([]byte, size))}
	if err := w.send(ctx, s); err != nil {
		return nil, err
	}
	return obj{
		"written": 0, "eof": true, "bomb": true, "decompressed_len": size, "sequence": w.manifest[0]["sequence"], "manifest": w.manifest,
		"max_chunk_len": link.StreamInput,
	}, nil
}

func bufferReceived(_ context.Context, n *peer, p struct {
	destParam
	Stream *uint16 `json:"stream_id"`
}) (any, error) {
	l, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	var s stream
	wait(p.within(30*time.Second), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if r := l.inbox.streams[value(p.Stream)]; r != nil {
			s.data = append(s.data, r.data...)
			r.data, s.ended, s.err = nil, r.ended, r.err
		}
		return s.ended || s.err != nil
	})
	out := obj{"data": bin(s.data), "eof": s.ended, "aborted": s.err != nil, "error": nil}
	if s.err != nil {
		out["error"] = s.err.Error()
	}
	return out, nil
}
