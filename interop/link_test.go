package interop

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

const (
	// bigSize is the size of answers that need a resource, in bytes.
	bigSize = 200_000
	// messageType is the type of channel messages that both sides know.
	messageType = 0x0101
	// streamSize is what goes through streams, in bytes.
	streamSize = 60_000
)

// linkOut: everything a link does, over one that we open.
func linkOut(ctx context.Context, t *testing.T, l *lab) []string {
	mark := l.peer.Mark()
	link, err := l.ours.node.OpenLink(ctx, l.echo, l.ours.handler(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := link.Identify(ctx, l.ours.id); err != nil {
		t.Fatal(err)
	}
	on := func(e peer.Event) bool { return e.Link == link.ID().Hex() }
	if e := l.wait(ctx, t, "link_identified", mark, on); e.Identity != l.ours.id.Hash().Hex() {
		t.Errorf("we identified as %s, want %s", e.Identity, l.ours.id.Hash())
	}
	l.ourPackets(ctx, t, link)
	l.theirPackets(ctx, t, link)
	l.ourRequests(ctx, t, link)
	l.smallResources(ctx, t, link)
	l.channel(ctx, t, link, true)
	l.stream(ctx, t, link)
	mark = l.peer.Mark()
	link.Close()
	l.wait(ctx, t, "link_closed", mark, on)
	return []string{fmt.Sprintf("MTU %d", link.MTU()), fmt.Sprintf("RTT %.1f ms", link.RTT().Seconds()*1e3)}
}

// linkIn: the same over a link that the partner opens.
func linkIn(ctx context.Context, t *testing.T, l *lab) []string {
	link, mtu := l.openFromPartner(ctx, t, l.ours.echo, peer.Args{
		"name": echoName, "identify": true, "channel": true, "msgtypes": []int{messageType}, "buffer": true,
	})
	id := expect(ctx, t, &l.ours.seen.identified, 0, func(a arrival) bool { return a.link == link.ID() })
	if id.identity.Hash().Hex() != l.info.Identity {
		t.Errorf("the partner identified as %s, want %s", id.identity.Hash(), l.info.Identity)
	}
	if link.MTU() != mtu {
		t.Errorf("MTU is %d here and %d there", link.MTU(), mtu)
	}
	l.ourPackets(ctx, t, link)
	l.theirPackets(ctx, t, link)
	l.theirRequests(ctx, t, link)
	l.smallResources(ctx, t, link)
	l.channel(ctx, t, link, false)
	l.theirStream(ctx, t, link)
	mark := l.ours.seen.closed.mark()
	l.call(ctx, t, "link_close", peer.Args{"link": link.ID().Hex()}, nil)
	closed := expect(ctx, t, &l.ours.seen.closed, mark, func(a arrival) bool { return a.link == link.ID() })
	if closed.err != nil {
		t.Errorf("the link the partner closed ended with %v", closed.err)
	}
	return []string{fmt.Sprintf("MTU %d", mtu)}
}

// openFromPartner makes the partner open a link to a destination of ours.
func (l *lab) openFromPartner(ctx context.Context, t *testing.T, to *node.Destination, args peer.Args) (*node.Link, int) {
	t.Helper()
	args["hash"], args["timeout"] = to.Addr().Hex(), 60
	var r struct {
		Link string `json:"link"`
		MTU  int    `json:"mtu"`
	}
	l.call(ctx, t, "link_open", args, &r)
	id := addr(t, r.Link)
	return expect(ctx, t, &l.ours.links, 0, func(k *node.Link) bool { return k.ID() == id }), r.MTU
}

// ourPackets: packets of ours arrive and are proved.
func (l *lab) ourPackets(ctx context.Context, t *testing.T, link *node.Link) {
	t.Helper()
	for _, size := range []int{1, 200, link.MDU()} {
		data := peer.Generate(size, "ours", peer.Random)
		mark := l.peer.Mark()
		receipt, err := link.Send(ctx, data, node.SendOptions{Timeout: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if err := receipt.Wait(ctx); err != nil {
			t.Errorf("our packet of %d bytes: %v", size, err)
		}
		e := l.wait(ctx, t, "link_data", mark, func(e peer.Event) bool { return e.Link == link.ID().Hex() })
		if e.Data.Hex != hex.EncodeToString(data) && e.Data.Digest != peer.Digest(data) {
			t.Errorf("our packet of %d bytes arrived as %+v", size, e.Data)
		}
	}
}

// theirPackets: packets of the partner arrive and are proved.
func (l *lab) theirPackets(ctx context.Context, t *testing.T, link *node.Link) {
	t.Helper()
	for _, size := range []int{1, 200, link.MDU()} {
		data := peer.Generate(size, "theirs", peer.Random)
		mark := l.ours.seen.packets.mark()
		var r struct {
			Proved bool `json:"proved"`
		}
		l.call(ctx, t, "link_send", peer.Args{"link": link.ID().Hex(), "size": size, "seed": "theirs"}, &r)
		if !r.Proved {
			t.Errorf("the partner's packet of %d bytes was not proved", size)
		}
		a := expect(ctx, t, &l.ours.seen.packets, mark, func(a arrival) bool { return a.link == link.ID() })
		same(t, "the partner's packet", a.data, data)
		if a.err != nil {
			t.Error(a.err)
		}
	}
}

// ourRequests: small and large requests and answers, and one that is not answered.
func (l *lab) ourRequests(ctx context.Context, t *testing.T, link *node.Link) {
	t.Helper()
	for _, size := range []int{0, 100, bigSize} {
		data := peer.Generate(size, "request", peer.Random)
		v, err := link.RequestValue(ctx, "/echo", msgpack.Bin(data), node.RequestOptions{Timeout: time.Minute})
		if err != nil {
			t.Fatalf("request of %d bytes: %v", size, err)
		}
		got, _ := v.Bytes()
		same(t, "echo of our request", got, data)
	}
	v, err := link.RequestValue(ctx, "/big", msgpack.Nil(), node.RequestOptions{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := v.Bytes()
	same(t, "large answer", got, peer.Generate(bigSize, "big", peer.Random))
	if _, err := link.RequestValue(ctx, "/nothing", msgpack.Nil(), node.RequestOptions{Timeout: time.Second}); err == nil {
		t.Error("a path nobody serves was answered")
	}
}

// theirRequests: the same from the partner, with a file answer.
func (l *lab) theirRequests(ctx context.Context, t *testing.T, link *node.Link) {
	t.Helper()
	type answer struct {
		Length int    `json:"len"`
		Digest string `json:"sha256"`
		IsFile bool   `json:"is_file"`
	}
	ask := func(path string, args peer.Args) (answer, error) {
		var r answer
		args["link"], args["path"] = link.ID().Hex(), path
		return r, l.peer.Call(ctx, "request", args, &r)
	}
	for _, size := range []int{0, 100, bigSize} {
		r, err := ask("/echo", peer.Args{"data": peer.Args{"gen": size, "seed": "request"}, "timeout": 60})
		if err != nil {
			t.Fatalf("the partner's request of %d bytes: %v", size, err)
		}
		sameDigest(t, "echo of the partner's request", r.Length, r.Digest, peer.Generate(size, "request", peer.Random))
	}
	for _, path := range []string{"/big", "/file"} {
		r, err := ask(path, peer.Args{"timeout": 60})
		if err != nil {
			t.Fatal(err)
		}
		sameDigest(t, path, r.Length, r.Digest, peer.Generate(bigSize, "big", peer.Random))
		if r.IsFile != (path == "/file") {
			t.Errorf("%s: answer is a file: %v", path, r.IsFile)
		}
	}
	for _, path := range []string{"/list", "/nothing"} {
		if _, err := ask(path, peer.Args{"timeout": 1}); err == nil {
			t.Errorf("%s was answered", path)
		}
	}
}

// smallResources: resources of a few parts in both directions, with metadata.
func (l *lab) smallResources(ctx context.Context, t *testing.T, link *node.Link) {
	t.Helper()
	for _, size := range []int{1, 3000, 50_000} {
		for _, kind := range []peer.Kind{peer.Random, peer.Text} {
			l.sendResource(ctx, t, link, size, kind)
			l.receiveResource(ctx, t, link, size, kind)
		}
	}
}

// sendResource sends a resource to the partner and returns how long that took.
func (l *lab) sendResource(ctx context.Context, t *testing.T, link *node.Link, size int, kind peer.Kind) time.Duration {
	t.Helper()
	data := peer.Generate(size, "ours", kind)
	mark := l.peer.Mark()
	start := time.Now()
	transfer, err := link.SendResource(ctx, bytes.NewReader(data), int64(size), node.ResourceOptions{
		Metadata: msgpack.Map(msgpack.Pair{Key: msgpack.Str("n"), Value: msgpack.Int(int64(size))}), HasMetadata: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := transfer.Wait(ctx); err != nil {
		t.Fatalf("our resource of %d bytes: %v", size, err)
	}
	took := time.Since(start)
	e := l.wait(ctx, t, "resource", mark, func(e peer.Event) bool { return e.Link == link.ID().Hex() })
	sameDigest(t, "our resource", e.Length, e.Digest, data)
	if want := fmt.Sprintf(`{"n":%d}`, size); string(e.Metadata) != want {
		t.Errorf("metadata arrived as %s, want %s", e.Metadata, want)
	}
	return took
}

// receiveResource takes a resource of the partner and returns how long that took.
func (l *lab) receiveResource(ctx context.Context, t *testing.T, link *node.Link, size int, kind peer.Kind) time.Duration {
	t.Helper()
	mark := l.ours.seen.resources.mark()
	start := time.Now()
	l.call(ctx, t, "link_resource", peer.Args{
		"link": link.ID().Hex(), "size": size, "seed": "theirs", "kind": kind, "metadata": peer.Args{"n": size},
	}, nil)
	took := time.Since(start)
	a := expect(ctx, t, &l.ours.seen.resources, mark, func(a arrival) bool { return a.link == link.ID() })
	if a.err != nil {
		t.Fatalf("the partner's resource of %d bytes: %v", size, a.err)
	}
	same(t, "the partner's resource", a.data, peer.Generate(size, "theirs", kind))
	want := msgpack.Map(msgpack.Pair{Key: msgpack.Str("n"), Value: msgpack.Int(int64(size))})
	if !a.metadata.Equal(want) {
		t.Errorf("metadata arrived as %s, want %s", a.metadata, want)
	}
	return took
}

// channel: messages both ways; a destination of the partner echoes them, a link it opened does not.
func (l *lab) channel(ctx context.Context, t *testing.T, link *node.Link, echoes bool) {
	t.Helper()
	if err := link.OpenChannel(ctx); err != nil {
		t.Fatal(err)
	}
	const count = 20
	for i := range count {
		data := peer.Generate(10+i, "channel", peer.Random)
		mark, back := l.peer.Mark(), l.ours.seen.messages.mark()
		delivered, err := link.SendMessage(ctx, node.ChannelMessage{Type: messageType, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		e := l.wait(ctx, t, "channel", mark, func(e peer.Event) bool { return e.Link == link.ID().Hex() })
		if e.Data.Hex != hex.EncodeToString(data) || e.MsgType != messageType {
			t.Errorf("message %d arrived as %s", i, e.Raw)
		}
		if !echoes {
			l.call(ctx, t, "channel_send", peer.Args{
				"link": link.ID().Hex(), "msgtype": messageType, "data_hex": hex.EncodeToString(data),
			}, nil)
		}
		m := expect(ctx, t, &l.ours.seen.messages, back, func(a arrival) bool { return a.link == link.ID() })
		same(t, "channel message", m.data, data)
		select {
		case <-delivered:
		case <-ctx.Done():
			t.Fatalf("message %d was not proved", i)
		}
	}
}

// stream: what goes through the buffer of the partner comes back.
func (l *lab) stream(ctx context.Context, t *testing.T, link *node.Link) {
	t.Helper()
	s, err := link.OpenStream(ctx, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	data := peer.Generate(streamSize, "stream", peer.Random)
	sent := make(chan error, 1)
	go func() {
		_, err := s.WriteContext(ctx, data)
		sent <- err
	}()
	got := make([]byte, 0, len(data))
	for len(got) < len(data) {
		n, err := s.ReadContext(ctx, got[len(got):cap(got)])
		got = got[:len(got)+n]
		if err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("stream after %d of %d bytes: %v", len(got), len(data), err)
			break
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	same(t, "echo of the stream", got, data)
}

// theirStream: what the partner writes into its buffer arrives, and the other way.
func (l *lab) theirStream(ctx context.Context, t *testing.T, link *node.Link) {
	t.Helper()
	s, err := link.OpenStream(ctx, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	data := peer.Generate(streamSize/3, "stream", peer.Random)
	l.call(ctx, t, "buffer_send", peer.Args{"link": link.ID().Hex(), "size": len(data), "seed": "stream"}, nil)
	got := make([]byte, len(data))
	for n := 0; n < len(got); {
		k, err := s.ReadContext(ctx, got[n:])
		if n += k; err != nil {
			t.Fatalf("stream after %d of %d bytes: %v", n, len(data), err)
		}
	}
	same(t, "the partner's stream", got, data)
	mark := l.peer.Mark()
	if _, err := s.WriteContext(ctx, data[:1000]); err != nil {
		t.Fatal(err)
	}
	var arrived string
	for len(arrived) < 2000 {
		l.wait(ctx, t, "buffer", mark, nil)
		arrived = ""
		for _, e := range l.peer.Events("buffer", mark) {
			arrived += e.Data.Hex
		}
	}
	if arrived != hex.EncodeToString(data[:1000]) {
		t.Error("our stream arrived wrong")
	}
}

// largeResources: 5 MB in both directions on a link of each side, once compressible.
func largeResources(ctx context.Context, t *testing.T, l *lab) []string {
	const size = 5_000_000
	link, err := l.ours.node.OpenLink(ctx, l.echo, l.ours.handler(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	out := l.sendResource(ctx, t, link, size, peer.Random)
	in := l.receiveResource(ctx, t, link, size, peer.Random)
	back, _ := l.openFromPartner(ctx, t, l.ours.echo, peer.Args{"name": echoName})
	defer back.Close()
	outText := l.sendResource(ctx, t, back, size, peer.Text)
	inText := l.receiveResource(ctx, t, back, size, peer.Text)
	return []string{
		"sent " + rate(size, out), "received " + rate(size, in),
		"text sent " + rate(size, outText), "text received " + rate(size, inText),
	}
}
