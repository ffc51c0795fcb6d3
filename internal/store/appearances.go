package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// Appearance is how a peer wants to be shown.
type Appearance struct {
	Icon                   string // of a Material Design icon
	Foreground, Background uint32 // 0xRRGGBB
	At                     time.Time
}

// Appearances are those of verified peers.
type Appearances struct{ h sqlite.Handle }

const (
	qAppearanceGet = `SELECT icon, foreground, background, at FROM appearances WHERE peer = ?`
	qAppearancePut = `INSERT INTO appearances (peer, icon, foreground, background, at) VALUES (?1,?2,?3,?4,?5)
		ON CONFLICT (peer) DO UPDATE SET icon = ?2, foreground = ?3, background = ?4, at = ?5`
)

// Get returns the latest appearance of a peer, or ErrNotFound.
func (t Appearances) Get(ctx context.Context, peer rns.Addr) (Appearance, error) {
	return sqlite.One(ctx, t.h, func(r sqlite.Row) (a Appearance, err error) {
		err = r.Scan(&a.Icon, &a.Foreground, &a.Background, timeInto{&a.At})
		return a, err
	}, qAppearanceGet, peer[:])
}

// Put replaces the appearance of a peer.
func (t Appearances) Put(ctx context.Context, peer rns.Addr, a Appearance) error {
	_, err := sqlite.Exec(ctx, t.h, qAppearancePut, peer[:], a.Icon, a.Foreground, a.Background, ms(a.At))
	return err
}
