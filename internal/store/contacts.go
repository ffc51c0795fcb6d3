package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Trust is what the owner thinks of a contact.
type Trust uint8

// Levels of trust. The numbers are stored.
const (
	TrustUnset   Trust = 0
	TrustTrusted Trust = 1 // met or compared fingerprints
)

// Contact is a correspondent the owner has named.
type Contact struct {
	Addr  rns.Addr
	Name  string
	Notes string
	Trust Trust
	// PublicKey allows writing to someone never heard; zero: not known.
	PublicKey            rns.PublicKey
	CreatedAt, ChangedAt time.Time
}

// ContactCursor is the place of a contact in the list by name.
type ContactCursor struct {
	Name string
	Addr rns.Addr
}

// Contacts are the address book of an identity.
type Contacts struct{ h sqlite.Handle }

const (
	contactColumns = `addr, name, notes, trust, public_key, created_at, changed_at`

	qContactGet = `SELECT ` + contactColumns + ` FROM contacts WHERE addr = ?`
	// A cursor without an address is the beginning.
	qContactList = `SELECT ` + contactColumns + ` FROM contacts
		WHERE name COLLATE NOCASE >= ?1 AND (name COLLATE NOCASE > ?1 OR addr > ?2)
		AND (?3 = '' OR name LIKE ?3 ESCAPE '\' OR hex(addr) LIKE ?3 ESCAPE '\')
		ORDER BY name COLLATE NOCASE, addr LIMIT ?4`
	qContactPut = `INSERT INTO contacts (addr, name, notes, trust, public_key, created_at, changed_at) VALUES (?1,?2,?3,?4,?5,?6,?6)
		ON CONFLICT (addr) DO UPDATE SET name = ?2, notes = ?3, trust = ?4, public_key = coalesce(?5, public_key), changed_at = ?6`
	qContactDelete = `DELETE FROM contacts WHERE addr = ?`
	qContactCount  = `SELECT count(*) FROM contacts`
	qContactKnown  = `SELECT EXISTS (SELECT 1 FROM contacts WHERE addr = ?)`
)

// Get returns a contact, or ErrNotFound.
func (t Contacts) Get(ctx context.Context, addr rns.Addr) (Contact, error) {
	return sqlite.One(ctx, t.h, scanContact, qContactGet, addr[:])
}

// Known reports whether the address is in the address book.
func (t Contacts) Known(ctx context.Context, addr rns.Addr) (bool, error) {
	return sqlite.One(ctx, t.h, scanBool, qContactKnown, addr[:])
}

// List reads contacts by name after the cursor whose name or address contains q; "" matches all.
func (t Contacts) List(ctx context.Context, q string, after ContactCursor, limit int) ([]Contact, error) {
	return sqlite.Collect(ctx, t.h, scanContact, qContactList, after.Name, after.Addr[:], likePattern(q), bound(limit, MaxPage))
}

// Count is the number of contacts.
func (t Contacts) Count(ctx context.Context) (int, error) {
	return sqlite.One(ctx, t.h, scanInt, qContactCount)
}

// Put adds or changes a contact; CreatedAt of an existing one and a known key stay.
func (t Contacts) Put(ctx context.Context, c Contact) error {
	_, err := sqlite.Exec(ctx, t.h, qContactPut, c.Addr[:], c.Name, c.Notes, c.Trust, bytesOrNull(c.PublicKey[:]), ms(c.ChangedAt))
	return err
}

// Delete removes a contact; its conversation stays. Without one it returns ErrNotFound.
func (t Contacts) Delete(ctx context.Context, addr rns.Addr) error {
	n, err := sqlite.Exec(ctx, t.h, qContactDelete, addr[:])
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

func scanContact(r sqlite.Row) (Contact, error) {
	var c Contact
	err := r.Scan(bytesInto(c.Addr[:]), &c.Name, &c.Notes, &c.Trust, bytesInto(c.PublicKey[:]), timeInto{&c.CreatedAt}, timeInto{&c.ChangedAt})
	return c, err
}
