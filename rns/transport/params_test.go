package transport

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// TestParamsAreThoseOfTheProtocol compares the defaults with the table of the specification. spec: rns-core §1.2
func TestParamsAreThoseOfTheProtocol(t *testing.T) {
	p := DefaultParams()
	s := func(d time.Duration) float64 { return d.Seconds() }
	have := map[string]float64{
		"DEFAULT_PER_HOP_TIMEOUT": s(p.PerHopTimeout), "RATCHET_INTERVAL": s(rns.RatchetInterval), "RATCHET_COUNT": rns.RatchetCount,
		"RATCHET_EXPIRY": s(p.RatchetExpiry), "PATHFINDER_R": float64(p.RebroadcastRetries), "PATHFINDER_G": s(p.RetryGrace),
		"PATHFINDER_RW": s(p.RebroadcastWindow), "PATHFINDER_E": s(p.PathExpiry), "AP_PATH_TIME": s(p.AccessPointPathExpiry),
		"ROAMING_PATH_TIME": s(p.RoamingPathExpiry), "LOCAL_REBROADCASTS_MAX": float64(p.LocalRebroadcastsMax),
		"PATH_REQUEST_TIMEOUT": s(p.PathRequestTimeout), "PATH_REQUEST_GATE_TIMEOUT": s(p.PathRequestGate),
		"PATH_REQUEST_GRACE": s(p.PathRequestGrace), "PATH_REQUEST_RG": s(p.PathRequestRoamingGrace), "PATH_REQUEST_MI": s(p.PathRequestInterval),
		"LINK_TIMEOUT": s(p.LinkTimeout), "REVERSE_TIMEOUT": s(p.ReverseTimeout), "DESTINATION_TIMEOUT": s(p.PathExpiry),
		"UNUSED_DESTINATION_LINGER": s(p.KnownLinger), "TUNNEL_TIMEOUT": s(p.TunnelTimeout), "TUNNEL_PATH_TIMEOUT": s(p.TunnelPathTimeout),
		"MAX_RECEIPTS": float64(p.MaxReceipts), "MAX_RATE_TIMESTAMPS": float64(p.MaxRateTimestamps), "MAX_RANDOM_BLOBS": float64(p.MaxRandomBlobs),
		"PERSIST_RANDOM_BLOBS": rns.PersistRandomBlobs, "hashlist_maxsize": float64(p.Limits.PacketHashes), "max_pr_tags": float64(p.Limits.RequestTags),
		"max_queued_discovery_prs": float64(p.MaxQueuedPathRequests), "discovery_pr_tx_throttle": s(p.PathRequestSpacing),
		"LOCAL_CLIENT_CACHE_MAXSIZE": float64(p.MaxSignals), "ANNOUNCE_CAP": p.AnnounceCap * 100, "MAX_QUEUED_ANNOUNCES": float64(p.MaxQueuedAnnounces),
		"QUEUED_ANNOUNCE_LIFE": s(p.QueuedAnnounceLife),
	}
	want := specTable(t, "### 1.2 ")
	for name, v := range have {
		if w, ok := want[name]; !ok || w != v {
			t.Errorf("%s is %v, not %v", name, v, w)
		}
	}
	if len(want) < len(have) {
		t.Errorf("only %d rows read", len(want))
	}
}

// specTable reads the rows of names and single numbers below a heading of the specification.
func specTable(t *testing.T, heading string) map[string]float64 {
	t.Helper()
	root, err := vectortest.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(root, "spec", "rns-core.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, inside := make(map[string]float64), false
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		if strings.HasPrefix(line, "#") {
			inside = strings.HasPrefix(line, heading)
		}
		cells := strings.Split(line, "|")
		if !inside || len(cells) < 4 {
			continue
		}
		if v, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(cells[2]), " ", ""), 64); err == nil {
			rows[strings.TrimSpace(cells[1])] = v
		}
	}
	return rows
}
