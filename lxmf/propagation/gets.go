package propagation

import (
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// mayGet says whether an identity is served. spec: lxmf §11.5
func (m *machine) mayGet(identity rns.Addr) error {
	if _, ok := m.allowed[identity]; bool(m.set.Auth) && !ok {
		return lxmf.ErrorNoAccess
	}
	return nil
}

// delete forgets those messages of a recipient that it has, and returns their files. spec: lxmf §11.5
func (m *machine) delete(dest rns.Addr, haves []rns.Hash) []string {
	var slots []int32
	for _, id := range haves {
		if msg, slot, ok := m.index.get(id); ok && msg.dest == dest {
			slots = append(slots, slot)
		}
	}
	if len(slots) > 0 {
		m.changed = true
	}
	return m.drop(slots)
}

// What an answer and each message in it count for. spec: lxmf §11.5
const (
	answerOverhead  = 24
	messageOverhead = 16
)

// fetch chooses the messages for an answer to their recipient of at most limit thousands of bytes, 0 for none, in the
// order wished for. One that does not fit is left out; later ones may fit. spec: lxmf §11.5
func (m *machine) fetch(dest rns.Addr, wants []rns.Hash, limit float64) []message {
	most := float64(m.p.MaxAnswer)
	if limit > 0 {
		most = min(most, limit*1000)
	}
	total := float64(answerOverhead)
	out := make([]message, 0, min(len(wants), m.index.len()))
	taken := make(map[rns.Hash]struct{}, len(wants))
	for _, id := range wants {
		msg, _, ok := m.index.get(id)
		if _, twice := taken[id]; !ok || twice || msg.dest != dest {
			continue
		}
		if next := total + float64(msg.size+messageOverhead); next <= most {
			total = next
			taken[id] = struct{}{}
			out = append(out, *msg)
		}
	}
	return out
}

// served counts messages that were handed out.
func (m *machine) served(n int) {
	m.stats.ClientServed += uint64(max(n, 0))
	m.changed = m.changed || n > 0
}
