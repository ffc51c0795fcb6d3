package lxmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
)

// inbox writes messages to files and has the hook run. It is safe for concurrent use.
type inbox struct {
	dir  string
	hook *hook
	log  *slog.Logger
}

// Receive implements router.Inbox. The file has the name of the message and is there completely or not at all.
// spec: lxmf §14
func (b *inbox) Receive(_ context.Context, m router.Inbound) error {
	c := lxmf.Container{
		State: lxmf.StateDelivered, Packed: m.Packed, Encrypted: true, Encryption: lxmf.EncryptionCurve, Method: m.Method,
	}
	name := filepath.Join(b.dir, m.Message.Hash.Hex())
	if _, err := os.Stat(name); err == nil {
		return nil // given again after a crash
	}
	if err := write(name, c.Append(nil)); err != nil {
		b.log.Error("message could not be stored, and will be sent again", "error", err)
		return err
	}
	b.log.Info("message", "from", m.Message.Source, "bytes", len(m.Packed), "method", m.Method.String(), "file", name)
	b.hook.add(name)
	return nil
}

// write makes a file, durable under its name when it returns nil.
func write(name string, data []byte) (err error) {
	part := name + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write message: %w", err), os.Remove(part))
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	_ = dir.Sync() // some systems cannot sync a directory
	return dir.Close()
}
