package chat

import (
	"context"
	"strings"
	"unicode"

	"meshchatx/internal/store"
	"meshchatx/rns"
)

// Hit is a found message.
type Hit struct {
	Message Message
	Name    string
	Snippet []Fragment
}

// Fragment is a piece of a snippet.
type Fragment struct {
	Text string
	Hit  bool
}

// Search finds messages that contain every word, the newest first, before a Seq
// (0: from the newest). more reports whether there are older ones.
func (s *Service) Search(ctx context.Context, q string, peer rns.Addr, before int64, limit int) (hits []Hit, more bool, err error) {
	found, err := s.conf.Store.Messages.Search(ctx, store.Query{Text: q, Peer: peer, Before: before, Limit: limit})
	if err != nil {
		return nil, false, err
	}
	shown, err := s.show(ctx, found.Messages)
	if err != nil {
		return nil, false, err
	}
	peers := make([]rns.Addr, 0, len(shown))
	for _, m := range shown {
		peers = append(peers, m.Peer)
	}
	names, err := s.names(ctx, peers)
	if err != nil {
		return nil, false, err
	}
	for _, m := range shown {
		hits = append(hits, Hit{Message: m, Name: names[m.Peer], Snippet: snippet(m.Title+" "+m.Content, q)})
	}
	return hits, found.More, nil
}

const (
	snippetRunes = 160
	snippetLead  = 40
	maxMarks     = 16
)

// snippet cuts the text around the first word that is found and marks the words.
// It compares letters without case; what the index finds beyond that, such as
// accents, is shown without marks.
func snippet(text, query string) []Fragment {
	text = oneLine(text)
	runes, lower := []rune(text), []rune(strings.Map(unicode.ToLower, text))
	words := searchWords(query)
	start := 0
	if first, _ := nextHit(lower, words, 0); first > snippetLead {
		start = first - snippetLead
	}
	end := min(len(runes), start+snippetRunes)
	var out []Fragment
	if start > 0 {
		out = append(out, Fragment{Text: "…"})
	}
	for at, marks := start, 0; at < end; marks++ {
		from, to := nextHit(lower[:end], words, at)
		if from < 0 || marks == maxMarks {
			out = append(out, Fragment{Text: string(runes[at:end])})
			break
		}
		if from > at {
			out = append(out, Fragment{Text: string(runes[at:from])})
		}
		out = append(out, Fragment{Text: string(runes[from:to]), Hit: true})
		at = to
	}
	if end < len(runes) {
		out = append(out, Fragment{Text: "…"})
	}
	return out
}

func searchWords(q string) [][]rune {
	var out [][]rune
	for _, w := range strings.FieldsFunc(strings.Map(unicode.ToLower, q), func(r rune) bool { return unicode.IsSpace(r) || r == '"' }) {
		out = append(out, []rune(w))
	}
	return out
}

// nextHit finds the first occurrence of any word at or after a place; from is -1
// without one.
func nextHit(text []rune, words [][]rune, at int) (from, to int) {
	for i := at; i < len(text); i++ {
		for _, w := range words {
			if len(w) > 0 && i+len(w) <= len(text) && string(text[i:i+len(w)]) == string(w) {
				return i, i + len(w)
			}
		}
	}
	return -1, -1
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
