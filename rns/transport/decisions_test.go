package transport

import (
	"testing"

	"meshchatx/rns"
)

func TestDecisionsAgreeWithDeeds(t *testing.T) {
	l := transportLab(t)
	l.add("in")
	l.add("out")
	l.add("ap", withMode(ModeAccessPoint))
	dest := rns.Addr{1}
	raw := benchPacket(dest, 60)
	p, err := rns.ParsePacket(raw)
	must(t, err)
	_, v := l.m.WouldForward(p)
	equal(t, "no path", v, rns.VerdictNoPath)
	l.path(dest, rns.Addr{2}, 3, "out")
	next, v := l.m.WouldForward(p)
	equal(t, "forward", v, rns.VerdictForwarded)
	equal(t, "where", next.Interface, l.ids["out"])
	equal(t, "done", l.in("in", raw), v)
	equal(t, "sent", l.take()[0].Interface, "out")
	p.Hops = 127
	_, v = l.m.WouldForward(p)
	equal(t, "too far", v, rns.VerdictHopLimit)
	p.TransportID[0] ^= 1
	_, v = l.m.WouldForward(p)
	equal(t, "other node", v, rns.VerdictOtherInstance)

	announced, a := announceOf(t, testIdentity(t, 1), l.now)
	equal(t, "unknown", l.m.WouldPropagate(announced, l.ids["out"]), rns.VerdictNoPath)
	equal(t, "would replace", l.m.WouldReplacePath(announced, l.ids["in"], 1, blobAt(5, 1)), rns.VerdictLearned)
	l.in("in", a)
	equal(t, "capped", l.m.WouldPropagate(announced, l.ids["out"]), rns.VerdictQueued)
	equal(t, "mode", l.m.WouldPropagate(announced, l.ids["ap"]), rns.VerdictInterfaceMode)
	equal(t, "older", l.m.WouldReplacePath(announced, l.ids["in"], 1, blobAt(5, 1)), rns.VerdictNotBetter)
	equal(t, "gone", l.m.WouldReplacePath(announced, 99, 1, blobAt(5, 1)), rns.VerdictInterfaceGone)
	l.run(1)
	equal(t, "sent by mode", len(by(l.take())["ap"]), 0)
}
