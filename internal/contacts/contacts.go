// Package contacts is the address book of one identity, and the list of those it
// does not want to hear from.
package contacts

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// Errors a caller can act on.
var (
	// ErrNotFound: no such person.
	ErrNotFound = store.ErrNotFound
	// ErrAddress: the text is no address and no link to one.
	ErrAddress = errors.New("not an LXMF address: expected 32 hexadecimal digits or an lxma link")
	// ErrKeyMismatch: the key of a link does not belong to its address.
	ErrKeyMismatch = errors.New("the key of the link does not belong to its address")
	// ErrSelf: the address of the identity itself.
	ErrSelf = errors.New("that is your own address")
	// ErrCursor: a place in a list that this program never gave out.
	ErrCursor = errors.New("not a cursor of this list")
)

// Directory tells what announces said about identities.
type Directory interface {
	// OfIdentity returns the destinations an identity announced.
	OfIdentity(ctx context.Context, identity rns.Addr) ([]store.Heard, error)
}

// Bus tells the browsers what changed.
type Bus interface {
	Publish(event.Type, event.IDs)
}

// Policy is who is not to be heard. It tells the browsers by itself.
type Policy interface {
	// Block refuses the identity of an address with everything it owns, Unblock hears it again.
	Block(ctx context.Context, addr rns.Addr) error
	Unblock(ctx context.Context, addr rns.Addr) error
	// Blocked reports whether an address, or the identity that owns it, is blocked.
	Blocked(ctx context.Context, addr rns.Addr) (bool, error)
}

// Config is what a Service needs.
type Config struct {
	Store     *store.Identity
	Policy    Policy
	Self      rns.Addr // LXMF address of the identity
	Directory Directory
	Bus       Bus
	Now       func() time.Time
}

// Service is the address book of one identity. It is safe for concurrent use.
type Service struct{ conf Config }

// New makes the service.
func New(conf Config) *Service { return &Service{conf} }

const (
	deliveryName = "lxmf.delivery"
	linkScheme   = "lxma://"
	keyDigits    = 2 * len(rns.PublicKey{})
)

// Parse reads what people paste: an address with any delimiters, "lxmf@" before
// it, or an lxma link that brings the key.
func Parse(text string) (rns.Addr, rns.PublicKey, error) {
	text = strings.TrimSpace(text)
	if len(text) >= len(linkScheme) && strings.EqualFold(text[:len(linkScheme)], linkScheme) {
		return parseLink(text[len(linkScheme):])
	}
	if _, rest, ok := strings.Cut(text, "@"); ok {
		text = rest
	}
	addr, err := rns.ParseAddr(text)
	if err != nil {
		return addr, rns.PublicKey{}, ErrAddress
	}
	return addr, rns.PublicKey{}, nil
}

func parseLink(s string) (rns.Addr, rns.PublicKey, error) {
	head, tail, _ := strings.Cut(strings.TrimRight(s, "/"), ":")
	addr, err := rns.ParseAddr(head)
	if err != nil || tail != "" && len(tail) != keyDigits {
		return rns.Addr{}, rns.PublicKey{}, ErrAddress
	}
	if tail == "" {
		return addr, rns.PublicKey{}, nil
	}
	raw, err := hex.DecodeString(tail)
	if err != nil {
		return rns.Addr{}, rns.PublicKey{}, ErrAddress
	}
	key, err := rns.ParsePublicKey(raw)
	if err != nil {
		return rns.Addr{}, rns.PublicKey{}, ErrAddress
	}
	if rns.DestinationHash(deliveryName, key.Hash()) != addr {
		return rns.Addr{}, rns.PublicKey{}, ErrKeyMismatch
	}
	return addr, key, nil
}

// Add puts a person into the address book. An identity hash, which people paste
// for an address, is resolved where an announce told what belongs to it.
func (s *Service) Add(ctx context.Context, text string, c store.Contact) (store.Contact, error) {
	addr, key, err := Parse(text)
	if err != nil {
		return store.Contact{}, err
	}
	if addr, err = s.resolve(ctx, addr); err != nil {
		return store.Contact{}, err
	}
	if addr == s.conf.Self {
		return store.Contact{}, ErrSelf
	}
	c.Addr, c.PublicKey, c.ChangedAt = addr, key, s.conf.Now()
	if err := s.conf.Store.Contacts.Put(ctx, c); err != nil {
		return store.Contact{}, err
	}
	s.changed(addr)
	return s.Get(ctx, addr)
}

func (s *Service) resolve(ctx context.Context, addr rns.Addr) (rns.Addr, error) {
	of, err := s.conf.Directory.OfIdentity(ctx, addr)
	if err != nil {
		return addr, err
	}
	for _, h := range of {
		if h.Kind == store.HeardPerson {
			return h.Destination, nil
		}
	}
	return addr, nil
}

// Get returns a person.
func (s *Service) Get(ctx context.Context, addr rns.Addr) (store.Contact, error) {
	return s.conf.Store.Contacts.Get(ctx, addr)
}

// Known reports whether an address is in the book.
func (s *Service) Known(ctx context.Context, addr rns.Addr) (bool, error) {
	return s.conf.Store.Contacts.Known(ctx, addr)
}

// Change is what can be changed of a person; nil leaves a thing alone.
type Change struct {
	Name, Notes *string
	Trusted     *bool
}

// Update changes a person.
func (s *Service) Update(ctx context.Context, addr rns.Addr, c Change) (store.Contact, error) {
	err := s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		old, err := tx.Contacts.Get(ctx, addr)
		if err != nil {
			return err
		}
		if c.Name != nil {
			old.Name = strings.TrimSpace(*c.Name)
		}
		if c.Notes != nil {
			old.Notes = *c.Notes
		}
		if c.Trusted != nil {
			old.Trust = store.TrustUnset
			if *c.Trusted {
				old.Trust = store.TrustTrusted
			}
		}
		old.ChangedAt = s.conf.Now()
		return tx.Contacts.Put(ctx, old)
	})
	if err != nil {
		return store.Contact{}, err
	}
	s.changed(addr)
	return s.Get(ctx, addr)
}

// Delete removes a person; the conversation stays.
func (s *Service) Delete(ctx context.Context, addr rns.Addr) error {
	if err := s.conf.Store.Contacts.Delete(ctx, addr); err != nil {
		return err
	}
	s.changed(addr)
	return nil
}

// List returns a page of the book by name, the cursor of the next one, and how
// many people it holds in all.
func (s *Service) List(ctx context.Context, q, cursor string, limit int) (rows []store.Contact, next string, total int, err error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", 0, err
	}
	if rows, err = s.conf.Store.Contacts.List(ctx, strings.TrimSpace(q), after, limit); err != nil {
		return nil, "", 0, err
	}
	if len(rows) == limit && limit > 0 {
		last := rows[len(rows)-1]
		next = formatCursor(store.ContactCursor{Name: last.Name, Addr: last.Addr})
	}
	total, err = s.conf.Store.Contacts.Count(ctx)
	return rows, next, total, err
}

// Block refuses the identity of an address from now on, with everything it owns.
func (s *Service) Block(ctx context.Context, addr rns.Addr) error {
	if addr == s.conf.Self {
		return ErrSelf
	}
	return s.conf.Policy.Block(ctx, addr)
}

// Unblock hears the identity of an address again.
func (s *Service) Unblock(ctx context.Context, addr rns.Addr) error {
	return s.conf.Policy.Unblock(ctx, addr)
}

// Blocked lists the blocked addresses, the latest first.
func (s *Service) Blocked(ctx context.Context) ([]store.BlockedAddr, error) {
	return s.conf.Store.Blocked.List(ctx)
}

// IsBlocked reports whether an address, or the identity that owns it, is blocked.
func (s *Service) IsBlocked(ctx context.Context, addr rns.Addr) (bool, error) {
	return s.conf.Policy.Blocked(ctx, addr)
}

func (s *Service) changed(addr rns.Addr) {
	s.conf.Bus.Publish(event.ContactChanged, event.IDs{Peer: addr})
	s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: addr})
}

type cursorText struct {
	N string
	A rns.Addr
}

func formatCursor(c store.ContactCursor) string {
	b, err := json.Marshal(cursorText{c.Name, c.Addr})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (store.ContactCursor, error) {
	if s == "" {
		return store.ContactCursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	var c cursorText
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return store.ContactCursor{}, ErrCursor
	}
	return store.ContactCursor{Name: c.N, Addr: c.A}, nil
}
