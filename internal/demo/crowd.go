package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// stranger is a destination that is heard and nothing more.
type stranger struct {
	id      *rns.Identity
	aspect  string
	kind    store.HeardKind
	name    string
	cost    int
	hops    int
	via     string
	first   time.Duration // ago
	last    time.Duration // ago
	count   int
	appData []byte
}

var (
	callSigns = []string{"LA7XQ", "DL4KM", "G0RNS", "VK3ZZZ", "F5LXM", "JA1MSH", "OK2NET", "K7HOP", "PY2RIG", "ZS6LNK", "SM5AIR", "EA3BIT"}
	givenName = []string{
		"Ada", "Björn", "Chloé", "Dmitri", "Eun-ji", "Fatima", "Goran", "Hiroshi", "Ines", "Jürgen", "Kofi", "Lucía", "Matti", "Nora",
		"Oğuz", "Priya", "Quentin", "Rosa", "Søren", "Tariq", "Uma", "Věra", "Wren", "Xin", "Yusuf", "Zoë", "Øyvind", "Łukasz", "悠斗", "민준",
		"Ольга", "Γιώργος", "נועה", "سارة", "กานดา", "தமிழ்", "ჯაბა", "Աննա",
	}
	places = []string{
		"Bergen", "Oslo", "Hut 3", "Ridge", "Harbour", "Valley", "Lab", "Attic", "Garden", "Boat", "Van", "Cellar", "Library", "North field",
		"Melbourne", "Porto", "Brno", "Kyoto", "Lagos", "Nuuk",
	}
)

// crowd draws the destinations heard so far.
func crowd(seed source, n int) ([]stranger, error) {
	out := make([]stranger, 0, n)
	taken := make(map[string]bool)
	for i := range n {
		r := seed.chance(fmt.Sprint("crowd ", i))
		id, err := seed.identity(fmt.Sprint("crowd ", i))
		if err != nil {
			return nil, err
		}
		s := stranger{id: id, hops: 1 + min(r.IntN(6)+r.IntN(6), 11)}
		s.via = pick(r, []string{ifaceHub, ifaceHub, ifaceHub, ifaceFar, ifaceFar, ifaceRadio})
		s.last = age(r)
		s.first = s.last + age(r)*time.Duration(1+r.IntN(9))
		s.count = 1 + int((s.first-s.last)/(6*time.Hour)) + r.IntN(4)
		s.become(r)
		if taken[s.name] && r.IntN(8) > 0 { // a few share a name, as everywhere
			s.call(fmt.Sprintf("%s %s", s.name, pick(r, callSigns)))
		}
		taken[s.name] = s.name != ""
		out = append(out, s)
	}
	return out, nil
}

// age is mostly minutes, often hours, at times weeks.
func age(r *rand.Rand) time.Duration {
	spans := []time.Duration{40 * time.Minute, 40 * time.Minute, 6 * time.Hour, 6 * time.Hour, day, 5 * day, 20 * day}
	return time.Minute + time.Duration(r.Int64N(int64(pick(r, spans))))
}

// become draws what a destination is.
func (s *stranger) become(r *rand.Rand) {
	switch n := r.IntN(100); {
	case n < 58:
		s.aspect, s.kind, s.name = lxmf.DeliveryName, store.HeardPerson, personName(r)
		if r.IntN(6) == 0 {
			s.cost = 4 + r.IntN(14)
		}
		s.appData = lxmf.DeliveryInfo{Name: s.name, Named: s.name != "", StampCost: s.cost, Compression: lxmf.SupportYes}.Append(nil)
	case n < 72:
		s.aspect, s.kind = "nomadnetwork.node", store.HeardPageNode
		s.call(pick(r, places) + " pages")
	case n < 84:
		s.aspect, s.kind, s.cost = lxmf.PropagationName, store.HeardPropagationNode, 16
		s.call(pick(r, places) + " PN")
	case n < 92:
		s.aspect, s.kind = "lxst.telephony", store.HeardPhone
	default:
		s.aspect, s.kind = pick(r, []string{"example.sensor", "rnstransport.probe", "weather.station"}), store.HeardOther
	}
}

// call gives a destination another name.
func (s *stranger) call(name string) {
	s.name = name
	switch s.kind {
	case store.HeardPerson:
		s.appData = lxmf.DeliveryInfo{Name: name, Named: true, StampCost: s.cost, Compression: lxmf.SupportYes}.Append(nil)
	case store.HeardPageNode:
		s.appData = []byte(name)
	case store.HeardPropagationNode:
		s.appData = s.node()
	case store.HeardOther, store.HeardPhone: // have no names
	}
}

// node is what a propagation node announces.
func (s *stranger) node() []byte {
	return lxmf.PropagationInfo{
		Timebase: 1_790_000_000, Active: true, TransferLimit: 256, SyncLimit: 10_240, StampCost: s.cost, Flexibility: 3, PeeringCost: 18,
		Name: s.name, Named: true,
	}.Append(nil)
}

func personName(r *rand.Rand) string {
	switch n := r.IntN(10); {
	case n == 0:
		return ""
	case n == 1:
		return "Anonymous Peer"
	case n < 4:
		return pick(r, callSigns) + " " + pick(r, givenName)
	case n < 6:
		return pick(r, givenName) + " @ " + pick(r, places)
	case n == 6:
		return strings.ToLower(pick(r, givenName)) + fmt.Sprint(r.IntN(99))
	}
	return pick(r, givenName)
}

// address is the destination's.
func (s *stranger) address() rns.Addr { return rns.DestinationHash(s.aspect, s.id.Hash()) }

// heard is the row of a destination, once for the first time it was heard and once for the last.
func (s *stranger) heard(now time.Time, r *rand.Rand) []store.Heard {
	h := store.Heard{
		Destination: s.address(), Identity: s.id.Hash(), PublicKey: s.id.Public(), NameHash: rns.NameHashOf(s.aspect), Kind: s.kind,
		Name: s.name, AppData: s.appData, Hops: s.hops, Interface: s.via, Count: 1, LastAt: now.Add(-s.first),
	}
	if s.cost > 0 {
		h.StampCost = &s.cost
	}
	if s.via == ifaceRadio {
		rssi, snr := -122+float64(r.IntN(50)), -9+float64(r.IntN(40))/2
		h.RSSI, h.SNR = &rssi, &snr
	}
	last := h
	last.LastAt, last.Count = now.Add(-s.last), max(s.count-1, 1)
	return []store.Heard{h, last}
}

// asStranger is how the announces of somebody with a conversation were heard.
func (p *Person) asStranger() stranger {
	s := stranger{
		id: p.id, aspect: lxmf.DeliveryName, kind: store.HeardPerson, name: p.Name, cost: p.StampCost, hops: max(p.Hops, 1), via: p.Via,
		first: p.Heard + 45*day, last: p.Heard, count: 60,
	}
	s.appData = lxmf.DeliveryInfo{Name: s.name, Named: s.name != "", StampCost: s.cost, Compression: lxmf.SupportYes}.Append(nil)
	return s
}
