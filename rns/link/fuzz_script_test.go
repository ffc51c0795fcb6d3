package link

import (
	"testing"
	"time"

	"meshchatx/rns"
)

var scriptContexts = []rns.Context{
	rns.ContextNone, rns.ContextResource, rns.ContextResourceAdv, rns.ContextResourceReq, rns.ContextResourceHMU,
	rns.ContextResourcePRF, rns.ContextResourceICL, rns.ContextResourceRCL, rns.ContextCacheRequest, rns.ContextRequest,
	rns.ContextResponse, rns.ContextChannel, rns.ContextKeepalive, rns.ContextLinkIdentify, rns.ContextLRRTT, rns.ContextLRProof,
}

// FuzzLinkScript runs a script of packets, lies of a peer that has the keys, repetitions of what it sent before, waits and
// calls of the application against a pair of links. Whatever comes, tables keep their bounds and every transfer ends.
func FuzzLinkScript(f *testing.F) {
	f.Add([]byte{0, 0, 5, 'h', 'e', 'l', 'l', 'o', 2, 1, 3, 0, 4, 1})
	f.Add([]byte{3, 0, 1, 2, 60, 0x8b, 2, 0, 9, 1, 5, 0, 6, 7, 1, 40})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 400 {
			return
		}
		w := established(t, options{wire: quick})
		app := newAcceptAll()
		app.answer = func(RequestReceived) []byte { return bin(700) }
		w.ends[1].react, w.ends[0].react = app.react, newAcceptAll().react
		w.talk()
		for len(script) > 2 {
			op, arg := script[0], script[1]
			script = script[2:]
			end := int(op>>3) & 1
			from, to := w.ends[1-end].link, w.ends[end].link
			switch op & 7 {
			case 0, 1: // a packet made with the keys of the link
				n := min(int(script[0]), len(script)-1)
				body := script[1 : 1+n]
				script = script[1+n:]
				if fx, err := from.SendContext(w.now, scriptContexts[int(arg)%len(scriptContexts)], body); err == nil {
					w.apply(1-end, fx)
				}
			case 2: // a packet made without
				n := min(int(script[0]), len(script)-1)
				raw := append(from.header(nil, flagsData|arg>>4&3, scriptContexts[int(arg)%len(scriptContexts)]), script[1:1+n]...)
				script = script[1+n:]
				w.apply(end, to.Receive(w.now, raw, parse(t, raw), to.iface))
			case 3:
				w.settle(time.Duration(arg) * 300 * time.Millisecond)
			case 4:
				w.give(randomBytes(uint64(arg), 1+int(arg)*100), ResourceOptions{})
			case 5:
				w.ask(RequestOptions{})
			case 6: // once more what was sent long ago
				if sent := w.ends[1-end].frames; len(sent) > 0 {
					raw := sent[int(arg)%len(sent)].Raw
					w.apply(end, to.Receive(w.now, raw, parse(t, raw), to.iface))
				}
			case 7:
				if s := to.Snapshot(); len(s.Transfers) > 0 {
					if fx, err := to.CancelResource(w.now, s.Transfers[int(arg)%len(s.Transfers)].ID); err == nil {
						w.apply(end, fx)
					}
				}
			}
			checkTables(t, w)
		}
		w.settle(2 * time.Hour)
		for _, e := range w.ends {
			if s := e.link.Snapshot(); len(s.Transfers) > 0 || s.Serving > 0 {
				t.Fatalf("left behind: %+v", s)
			}
		}
	})
}

// checkTables holds both ends to their limits.
func checkTables(t *testing.T, w *world) {
	t.Helper()
	for _, e := range w.ends {
		l, p := e.link, e.link.params
		s := l.Snapshot()
		if len(s.Transfers) > p.MaxIncoming+p.MaxOutgoing || s.Serving > p.MaxRequests || s.Unproved > p.MaxUnproved {
			t.Fatalf("tables grew: %+v", s)
		}
	}
}
