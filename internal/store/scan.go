package store

import (
	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

func scanBool(r sqlite.Row) (v bool, err error) {
	err = r.Scan(&v)
	return v, err
}

func scanInt(r sqlite.Row) (v int, err error) {
	err = r.Scan(&v)
	return v, err
}

func scanInt64(r sqlite.Row) (v int64, err error) {
	err = r.Scan(&v)
	return v, err
}

func scanBytes(r sqlite.Row) (v []byte, err error) {
	err = r.Scan(&v)
	return v, err
}

func scanHash(r sqlite.Row) (v rns.Hash, err error) {
	err = r.Scan(bytesInto(v[:]))
	return v, err
}
