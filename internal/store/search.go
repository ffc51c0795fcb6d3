package store

import (
	"context"
	"strings"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Query says which messages to find. All conditions that are set must hold; at least one must be.
type Query struct {
	// Text: every word must occur; the last one may be the beginning of a word. Accents and case
	// do not matter. Text between double quotes must occur as it stands.
	Text string
	// Peer limits the search to one conversation; zero: all.
	Peer rns.Addr
	// Written limits by author; nil: both.
	Written *Direction
	// Has demands an attachment of a kind; nil: any message.
	Has *AttachmentKind
	// Since and Until bound the time of storing; zero: open.
	Since, Until time.Time
	// Before is the Seq of the last hit of the previous page; 0: from the newest.
	Before int64
	// Limit is the number of hits, at most MaxPage.
	Limit int
}

// Hits are found messages, the newest first.
type Hits struct {
	Messages []Message
	More     bool
}

const (
	qSearchInsert = `INSERT INTO search (rowid, body, chars, tags) VALUES (?,?,?,?)`
	qSearchDelete = `DELETE FROM search WHERE rowid = ?`
	qSearch       = `SELECT ` + messageColumns + ` FROM search s CROSS JOIN messages m ON m.seq = s.rowid
		WHERE search MATCH ?1 AND s.rowid < ?2 AND m.stored_at >= ?3 AND m.stored_at < ?4 ORDER BY s.rowid DESC LIMIT ?5`
	tagLatin = "px" // before a hash in hexadecimal, so that no search for a word finds it
)

// Search finds messages, the newest first.
func (t Messages) Search(ctx context.Context, q Query) (Hits, error) {
	match := q.match()
	if match == "" {
		return Hits{}, nil
	}
	before, since, until := maxSeq, int64(0), maxSeq
	if q.Before > 0 {
		before = q.Before
	}
	if !q.Since.IsZero() {
		since = ms(q.Since)
	}
	if !q.Until.IsZero() {
		until = ms(q.Until)
	}
	limit := bound(q.Limit, MaxPage)
	all, err := t.collect(ctx, qSearch, match, before, since, until, limit+1)
	if len(all) > limit {
		return Hits{Messages: all[:limit], More: true}, err
	}
	return Hits{Messages: all}, err
}

// match builds the full-text expression, "" if nothing could match.
func (q Query) match() string {
	terms, ok := queryTerms(q.Text)
	if !ok {
		return ""
	}
	if q.Peer != (rns.Addr{}) {
		terms = append(terms, tagTerm(peerTag(q.Peer)))
	}
	if q.Written != nil {
		terms = append(terms, tagTerm(directionTag(*q.Written)))
	}
	if q.Has != nil {
		terms = append(terms, tagTerm(kindTag(*q.Has)))
	}
	return strings.Join(terms, " AND ")
}

func indexMessage(ctx context.Context, tx *sqlite.Tx, m Message) error {
	text := m.Title + "\n" + m.Content
	tags := []string{peerTag(m.Peer), directionTag(m.Direction)}
	for _, a := range m.Attachments {
		text += "\n" + a.Name
		tags = append(tags, kindTag(a.Kind))
	}
	body, chars := indexText(text)
	_, err := tx.Exec(ctx, qSearchInsert, m.Seq, body, chars, strings.Join(tags, " "))
	return err
}

func tagTerm(tag string) string { return `tags : "` + tag + `"` }

func peerTag(a rns.Addr) string { return tagLatin + a.Hex() }

func directionTag(d Direction) string {
	if d == Outgoing {
		return "outgoing"
	}
	return "incoming"
}

func kindTag(k AttachmentKind) string {
	switch k {
	case KindImage:
		return "image"
	case KindAudio:
		return "audio"
	default:
		return "file"
	}
}
