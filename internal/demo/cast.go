package demo

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Names of the simulated interfaces, as they stand in the configuration file.
const (
	ifaceLAN   = "Home network"
	ifaceHub   = "Oslo Hub"
	ifaceFar   = "Melbourne Hub"
	ifaceRadio = "Ridge radio"
)

// Role says what somebody of the simulated network does with messages.
type Role string

// Roles.
const (
	RoleFriend  Role = "friend"  // answers at once and knows the commands
	RoleSlow    Role = "slow"    // answers over a slow radio, after a while
	RoleStamps  Role = "stamps"  // takes only messages with a proof of work
	RoleSmall   Role = "small"   // refuses everything above 20 kB
	RoleNews    Role = "news"    // writes by itself now and then
	RoleQuiet   Role = "quiet"   // answers, but is never announced: a path has to be asked for
	RoleDeaf    Role = "deaf"    // is announced but answers nothing
	RoleAbsent  Role = "absent"  // was heard once and never again
	RoleStorage Role = "storage" // exists in the history only
)

// Person is somebody of the simulated network.
type Person struct {
	Key     string   // word for programs
	Name    string   // announced
	Address rns.Addr // LXMF address
	Role    Role
	Via     string // interface they are heard on
	Hops    int
	Heard   time.Duration // ago, when the demonstration begins; 0: never

	StampCost int
	Contact   string // name given by the owner, "" for none
	Trusted   bool

	id *rns.Identity
}

const (
	day         = 24 * time.Hour
	stampCost   = 16
	smallLimit  = 20_000
	slowBitrate = 3_125  // bit/s: LoRa, spreading factor 8, 125 kHz
	wifiBitrate = 24_000 // bit/s: a far corner of the garden
)

// castTable lists everybody who has a conversation. Never reorder keys: identities derive from them.
func castTable() []Person {
	return []Person{
		{Key: "mira", Name: "Mira", Role: RoleFriend, Via: ifaceLAN, Hops: 1, Heard: 4 * time.Minute, Contact: "Mira", Trusted: true},
		{Key: "sakura", Name: "小林さくら", Role: RoleFriend, Via: ifaceHub, Hops: 2, Heard: 11 * time.Minute, Contact: "さくら"},
		{Key: "tomas", Name: "Tomas Holm", Role: RoleSlow, Via: ifaceRadio, Hops: 1, Heard: 7 * time.Minute, Contact: "Tomas"},
		{Key: "kari", Name: "Kari Nordmann", Role: RoleStamps, Via: ifaceHub, Hops: 2, Heard: 22 * time.Minute, StampCost: stampCost, Contact: "Kari Nordmann"},
		{Key: "ridge", Name: "Ridge Relay", Role: RoleSmall, Via: ifaceRadio, Hops: 1, Heard: 2 * time.Minute},
		{Key: "weather", Name: "Bergen Weather", Role: RoleNews, Via: ifaceHub, Hops: 2, Heard: 35 * time.Minute, Contact: "Bergen Weather"},
		{Key: "solveig", Name: "Solveig", Role: RoleQuiet, Via: ifaceLAN, Hops: 1, Heard: 9 * time.Hour, Contact: "Solveig"},
		{Key: "harbour", Name: "Harbour Light", Role: RoleDeaf, Via: ifaceFar, Hops: 5, Heard: 9 * time.Minute, Contact: "Harbour Light"},
		{Key: "jonas", Name: "Jonas", Role: RoleAbsent, Via: ifaceHub, Hops: 4, Heard: 3*time.Hour + 10*time.Minute, Contact: "Jonas"},

		{Key: "states", Name: "Every state", Role: RoleStorage, Via: ifaceHub, Hops: 3, Heard: 50 * time.Minute},
		{Key: "reasons", Name: "Every reason", Role: RoleStorage, Via: ifaceHub, Hops: 3, Heard: 55 * time.Minute},
		{Key: "analuis", Name: "Ana & Luis", Role: RoleStorage, Via: ifaceFar, Hops: 6, Heard: 5 * time.Hour, Contact: "Ana & Luis (boat)"},
		{Key: "oslo", Name: "Oslo Hackerspace", Role: RoleStorage, Via: ifaceHub, Hops: 3, Heard: 90 * time.Minute},
		{Key: "team", Name: "Field team 7", Role: RoleStorage, Via: ifaceRadio, Hops: 2, Heard: 40 * time.Minute, Contact: "Field team 7"},
		{Key: "lena", Name: "Лена Петрова", Role: RoleStorage, Via: ifaceHub, Hops: 4, Heard: 26 * time.Hour, Contact: "Лена"},
		{Key: "yael", Name: "יעל", Role: RoleStorage, Via: ifaceHub, Hops: 3, Heard: 7 * time.Hour},
		{Key: "amin", Name: "محمد الأمين", Role: RoleStorage, Via: ifaceFar, Hops: 7, Heard: 31 * time.Hour, Contact: "محمد"},
		{Key: "hanh", Name: "Nguyễn Thị Hạnh", Role: RoleStorage, Via: ifaceFar, Hops: 5, Heard: 3 * day},
		{Key: "ananya", Name: "अनन्या शर्मा", Role: RoleStorage, Via: ifaceFar, Hops: 8, Heard: 2 * day},
		{Key: "dimitris", Name: "Δημήτρης", Role: RoleStorage, Via: ifaceHub, Hops: 4, Heard: 6 * day},
		{Key: "words", Name: "The very long display name of someone who likes words and more words", Role: RoleStorage, Via: ifaceHub, Hops: 2, Heard: 4 * time.Hour},
		{Key: "nobody", Name: "", Role: RoleStorage, Via: ifaceHub, Hops: 3, Heard: 30 * time.Hour},
		{Key: "archive", Name: "Long archive", Role: RoleStorage, Via: ifaceHub, Hops: 3, Heard: 3 * time.Hour},
		{Key: "oldclub", Name: "Radio club 2024", Role: RoleStorage, Via: ifaceHub, Hops: 0, Heard: 0},

		{Key: "poster", Name: "", Role: RoleStorage, Via: ifaceHub, Hops: 5, Heard: 65 * time.Minute},
		{Key: "seller", Name: "Best Offers", Role: RoleStorage, Via: ifaceFar, Hops: 9, Heard: 4 * time.Hour},
		{Key: "imposter", Name: "Mira", Role: RoleStorage, Via: ifaceFar, Hops: 6, Heard: 2 * time.Hour},
		{Key: "spammer", Name: "Spam machine", Role: RoleStorage, Via: ifaceFar, Hops: 9, Heard: 8 * day},
	}
}

// cast is everybody, with their keys.
type cast map[string]*Person

func newCast(s source) (cast, error) {
	c := make(cast)
	for _, p := range castTable() {
		id, err := s.identity(p.Key)
		if err != nil {
			return nil, err
		}
		p.id, p.Address = id, lxmf.DeliveryHash(id.Hash())
		c[p.Key] = &p
	}
	return c, nil
}

// People lists everybody who has a conversation in a demonstration of this seed.
func People(seed uint64) ([]Person, error) {
	c, err := newCast(source(seed))
	if err != nil {
		return nil, err
	}
	var out []Person
	for _, p := range castTable() {
		out = append(out, *c[p.Key])
	}
	return out, nil
}
