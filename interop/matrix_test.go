package interop

import (
	"context"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

// scenario is a row of the matrix. It may rely on both sides knowing each other, and on nothing else.
type scenario struct {
	name string
	run  func(ctx context.Context, t *testing.T, l *lab) []string
}

var scenarios = []scenario{
	{"announces", announces},
	{"paths", paths},
	{"single packets", singlePackets},
	{"link opened by us", linkOut},
	{"link opened by partner", linkIn},
	{"resources 5 MB", largeResources},
	{"LXMF opportunistic", opportunistic},
	{"LXMF direct packet", directPacket},
	{"LXMF direct resource 5 MB", directResource},
	{"LXMF stamps of cost 8", stamps},
	{"LXMF tickets", tickets},
}

// scenarioLimit is the time limit of one scenario on a busy machine.
const scenarioLimit = 2 * time.Minute

// tapSize is how many of the last frames a failed scenario shows.
const tapSize = 60

func notKeepalive(r *node.TapRecord) bool {
	return r.ParseErr != nil || r.Packet.Context != rns.ContextKeepalive
}

// explain shows the last frames of our node if the scenario failed.
func (l *lab) explain(t *testing.T, tap *node.Tap) {
	t.Helper()
	tap.Close()
	if !t.Failed() {
		return
	}
	records, _ := tap.Since(0)
	showFrames(t, records)
}

func showFrames(t *testing.T, records []node.TapRecord) {
	t.Helper()
	for _, r := range records {
		p := r.Packet
		t.Logf("%s %-3v %s %v/%v dest %s context %02x hops %d, %d bytes: %v %v", r.At.Format("05.000000"),
			[...]string{"in", "out"}[r.Direction], r.Name, p.Type, p.DestType, p.Dest, uint8(p.Context), p.Hops, len(r.Raw),
			r.Verdict, r.ParseErr)
	}
}

func TestLiveMatrix(t *testing.T) {
	pythonPath(t)
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			l := newLab(t, w)
			for _, s := range scenarios {
				t.Run(s.name, func(t *testing.T) {
					defer l.explain(t, l.ours.node.OpenTap(tapSize, notKeepalive))
					record(t, s.name, w.name, scenarioLimit, func(ctx context.Context) []string { return s.run(ctx, t, l) })
				})
			}
		})
	}
}
