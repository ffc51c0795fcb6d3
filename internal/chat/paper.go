package chat

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Reasons for not making or reading a paper message.
var (
	// ErrNoKey: the recipient's key is not known yet, so nothing can be encrypted.
	ErrNoKey = errors.New("key of the recipient is not known: wait for its announce or add it with its key")
	// ErrPaperSize: too long for the largest QR code. The error is a *PaperSizeError.
	ErrPaperSize = lxmf.ErrPaperSize
	// ErrPaperText: not the text of a paper message.
	ErrPaperText = lxmf.ErrPaperURI
	// ErrPaperUnreadable: it is for this identity, but damaged, or encrypted to a key that was forgotten.
	ErrPaperUnreadable = errors.New("paper message cannot be opened: it is damaged, or encrypted to a key that is gone")
	// ErrPaperRefused: policy does not want it. The error is a *PaperRefusedError.
	ErrPaperRefused = errors.New("paper message is refused")
	// ErrPaperOther: it is for somebody else. The error is a *PaperOtherError.
	ErrPaperOther = errors.New("paper message is addressed to somebody else")
)

// PaperSizeError says how much too long a message is for paper, in bytes.
type PaperSizeError struct{ Size, Limit int }

func (e *PaperSizeError) Error() string {
	return fmt.Sprintf("message has %d bytes on paper, and the largest QR code takes %d", e.Size, e.Limit)
}

// Is implements errors.Is.
func (e *PaperSizeError) Is(target error) bool { return target == ErrPaperSize }

// PaperOtherError says whom a paper message is for.
type PaperOtherError struct{ Destination rns.Addr }

func (e *PaperOtherError) Error() string {
	return "paper message is addressed to " + e.Destination.Hex()
}

// Is implements errors.Is.
func (e *PaperOtherError) Is(target error) bool { return target == ErrPaperOther }

// PaperRefusedError says why policy does not want a paper message, with the word of
// the router.
type PaperRefusedError struct{ Cause string }

func (e *PaperRefusedError) Error() string { return "paper message is refused: " + e.Cause }

// Is implements errors.Is.
func (e *PaperRefusedError) Is(target error) bool { return target == ErrPaperRefused }

// Desk is where paper messages are written and read: it has the keys.
type Desk interface {
	// Keys returns what to encrypt to for an address, ErrNoKey without. The ratchet may be nil.
	Keys(ctx context.Context, to rns.Addr) (rns.PublicKey, *rns.RatchetPublic, error)
	// Read takes a sealed message the way of all that arrive. Its errors are those above.
	Read(ctx context.Context, sealed []byte) (PaperRead, error)
}

// PaperRead is a paper message that was read.
type PaperRead struct {
	ID    rns.Hash
	Peer  rns.Addr
	Known bool // it had been received before
}

// Paper is a message as text, for a QR code or to be copied.
type Paper struct {
	Ref
	URI  string
	Size int // bytes, of lxmf.MaxPaper
}

// MakePaper writes a message on paper: it is stored and shown in the conversation,
// and nothing is sent. spec: lxmf §5.6
func (s *Service) MakePaper(ctx context.Context, o Outgoing) (Paper, error) {
	if ref, ok := s.repeated(o); ok {
		return s.Paper(ctx, ref.ID)
	}
	o.Method, o.WaitHeard = store.MethodPaper, false
	if err := s.acceptable(ctx, o); err != nil {
		return Paper{}, err
	}
	msg, files, err := s.compose(ctx, o)
	if err != nil {
		return Paper{}, err
	}
	paper, err := s.seal(ctx, msg)
	if err != nil {
		return Paper{}, err
	}
	now := s.conf.Now()
	row := store.Message{
		ID: msg.Hash, Peer: o.Peer, Direction: store.Outgoing, Source: s.addr, Destination: o.Peer, Renderer: uint8(msg.Fields.Renderer()),
		Title: o.Title, Content: o.Content, ReplyTo: o.ReplyTo, SentAt: msg.Time(), StoredAt: now,
		Status: store.StatusPaper, Method: store.MethodPaper, Attachments: files,
	}
	packed, err := s.pack(msg, &row)
	if err != nil {
		return Paper{}, err
	}
	ref, err := s.insert(ctx, row, packed, Event{At: now, Kind: EventPaper, Hops: -1}, o.Draft)
	if errors.Is(err, store.ErrExists) {
		ref, err = s.known(ctx, msg.Hash)
	}
	if err != nil {
		return Paper{}, fmt.Errorf("store message: %w", err)
	}
	s.remember(o, ref)
	s.added(row)
	if o.Draft == DraftSent {
		s.conf.Bus.Publish(event.DraftChanged, event.IDs{Peer: o.Peer})
	}
	paper.Ref = ref
	return paper, nil
}

// Paper returns an own message as text, whatever became of it otherwise: one that
// cannot be delivered may be handed over on paper. The recipient recognises it if
// it arrives twice. As long as the keys of the recipient are the same, so is the
// text.
func (s *Service) Paper(ctx context.Context, id rns.Hash) (Paper, error) {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err != nil {
		return Paper{}, err
	}
	if m.Direction != store.Outgoing {
		return Paper{}, ErrNotOutgoing
	}
	if m.Size > int64(lxmf.MaxPaper) { // do not read what cannot fit
		return Paper{}, &PaperSizeError{Size: int(m.Size), Limit: lxmf.MaxPaper}
	}
	out, err := s.outbound(ctx, m)
	if err != nil {
		return Paper{}, err
	}
	out.Message.Stamp = nil // on paper nobody asks for one
	paper, err := s.seal(ctx, out.Message)
	paper.Ref = Ref{ID: m.ID, Seq: m.Seq, Peer: m.Peer}
	return paper, err
}

// seal encrypts a message to its recipient and writes it as text.
func (s *Service) seal(ctx context.Context, msg *lxmf.Message) (Paper, error) {
	if size := msg.PaperSize(); size > lxmf.MaxPaper {
		return Paper{}, &PaperSizeError{Size: size, Limit: lxmf.MaxPaper}
	}
	key, ratchet, err := s.recipient(ctx, msg.Destination)
	if err != nil {
		return Paper{}, err
	}
	random, err := s.paperRandom(msg, key, ratchet)
	if err != nil {
		return Paper{}, err
	}
	sealed, err := msg.Seal(random, key, ratchet)
	if err != nil {
		return Paper{}, err
	}
	uri, err := lxmf.PaperURI(sealed)
	return Paper{URI: uri, Size: len(sealed)}, err
}

// recipient returns the keys of an address: what was announced, or what the address
// book holds.
func (s *Service) recipient(ctx context.Context, to rns.Addr) (rns.PublicKey, *rns.RatchetPublic, error) {
	if s.conf.Desk != nil {
		key, ratchet, err := s.conf.Desk.Keys(ctx, to)
		if err == nil || !errors.Is(err, ErrNoKey) {
			return key, ratchet, err
		}
	}
	c, err := s.conf.Store.Contacts.Get(ctx, to)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && c.PublicKey.IsZero():
		return rns.PublicKey{}, nil, ErrNoKey
	case err != nil:
		return rns.PublicKey{}, nil, err
	}
	return c.PublicKey, nil, nil
}

// paperRandom is the randomness of a ciphertext, made from the secret of the
// identity and from everything that is encrypted and to whom: the same message to
// the same keys is the same text each time it is asked for, and no two plaintexts
// share it.
func (s *Service) paperRandom(msg *lxmf.Message, key rns.PublicKey, ratchet *rns.RatchetPublic) (*bytes.Reader, error) {
	const enough = 128 // bytes; a key and an IV are taken
	salt := append(append([]byte(nil), msg.Hash[:]...), key[:]...)
	if ratchet != nil {
		salt = append(salt, ratchet[:]...)
	}
	b, err := hkdf.Key(sha256.New, s.conf.Identity.Bytes(), salt, "meshchatx paper message", enough)
	if err != nil {
		return nil, fmt.Errorf("seal paper message: %w", err)
	}
	return bytes.NewReader(b), nil
}

// ReadPaper takes the text of a paper message. It is on the disk when ReadPaper
// returns nil. spec: lxmf §5.6
func (s *Service) ReadPaper(ctx context.Context, uri string) (PaperRead, error) {
	sealed, err := lxmf.ParsePaperURI(uri)
	if err != nil {
		return PaperRead{}, err
	}
	if to := rns.Addr(sealed[:rns.AddrSize]); to != s.addr {
		return PaperRead{}, &PaperOtherError{to}
	}
	if s.conf.Desk == nil {
		return PaperRead{}, ErrPaperUnreadable
	}
	return s.conf.Desk.Read(ctx, sealed)
}
