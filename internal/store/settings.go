package store

import (
	"context"

	"meshchatx/internal/store/sqlite"
)

// Settings are key and value texts; package settings gives them types, defaults and bounds.
type Settings struct{ h sqlite.Handle }

const (
	qSettingsAll   = `SELECT key, value FROM settings`
	qSettingPut    = `INSERT INTO settings (key, value) VALUES (?1,?2) ON CONFLICT (key) DO UPDATE SET value = ?2`
	qSettingDelete = `DELETE FROM settings WHERE key = ?`
)

// Load returns every stored pair.
func (t Settings) Load(ctx context.Context) (map[string]string, error) {
	out := make(map[string]string)
	err := t.h.Read(ctx, func(tx *sqlite.Tx) error {
		return tx.Each(ctx, func(r sqlite.Row) error {
			var k, v string
			err := r.Scan(&k, &v)
			out[k] = v
			return err
		}, qSettingsAll)
	})
	return out, err
}

// Save stores the pairs of set and removes the keys of unset in one transaction.
func (t Settings) Save(ctx context.Context, set map[string]string, unset []string) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		for k, v := range set {
			if _, err := tx.Exec(ctx, qSettingPut, k, v); err != nil {
				return err
			}
		}
		for _, k := range unset {
			if _, err := tx.Exec(ctx, qSettingDelete, k); err != nil {
				return err
			}
		}
		return nil
	})
}
