package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"meshchatx/rns"
	"meshchatx/rns/rsg"
)

// Names of the files. spec: rns-link §13.4
const (
	signatureSuffix = ".rsg"
	messageSuffix   = ".rsm"
	encryptedSuffix = ".rfe"
)

// writeFile writes a file as a whole or not at all, in place of another one only with -f.
func (c rnidCommand) writeFile(name string, fill func(io.Writer) error) (err error) {
	if _, err := os.Lstat(name); err == nil && !c.Force {
		return rnidFail(rnidFileExists, "file %s already exists, not overwriting", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".rnid-*")
	if err != nil {
		return rnidFail(rnidWriteError, "%w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := fill(f); err != nil {
		var known *failure
		if errors.As(err, &known) {
			return err
		}
		return rnidFail(rnidWriteError, "%w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return rnidFail(rnidWriteError, "%w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return rnidFail(rnidWriteError, "%w", err)
	}
	return nil
}

// openInput opens a file to be read.
func openInput(name string) (*os.File, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, rnidFail(rnidNoFile, "the file %s does not exist", name)
	}
	if err != nil {
		return nil, rnidFail(rnidReadError, "%w", err)
	}
	return f, nil
}

// rnidFile is the JSON of what was done to a file.
type rnidFile struct {
	Event    string   `json:"event"` // signed, encrypted, decrypted, valid, invalid
	File     string   `json:"file"`
	Output   string   `json:"output,omitempty"`
	Identity rns.Addr `json:"identity"`
	Text     string   `json:"text,omitempty"`
	Message  *string  `json:"message,omitempty"`
	Meta     any      `json:"meta,omitempty"`
	Error    string   `json:"error,omitempty"`
}

func (c rnidCommand) sign(env *Environment, w *working) error {
	for _, name := range c.Sign {
		if err := c.signFile(env, w, expand(name)); err != nil {
			return err
		}
	}
	return nil
}

func (c rnidCommand) signFile(env *Environment, w *working, name string) error {
	if w.private == nil {
		return rnidFail(rnidNoPrivate, "cannot sign %s: the private key is not known", name)
	}
	f, err := openInput(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var file []byte
	if c.Raw {
		b, err := io.ReadAll(f)
		if err != nil {
			return rnidFail(rnidReadError, "%w", err)
		}
		s := w.private.Sign(b)
		file = s[:]
	} else {
		hash, err := rsg.HashOf(f)
		if err != nil {
			return rnidFail(rnidReadError, "%w", err)
		}
		file = rsg.Sign(w.private, hash, nil).Append(nil)
	}
	e, toFile := c.encoding()
	v := rnidFile{Event: "signed", File: name, Identity: w.hash}
	if !toFile && !c.Raw {
		v.Text = string(rsg.AppendText(nil, file, e))
		return c.say(env, v, "\n%s\n\nSigned file %s with %s", v.Text, name, pretty(w.hash))
	}
	v.Output = name + signatureSuffix
	if err := c.writeBytes(v.Output, file); err != nil {
		return err
	}
	return c.say(env, v, "Signed file %s with %s", name, pretty(w.hash))
}

func (c rnidCommand) writeBytes(name string, b []byte) error {
	return c.writeFile(name, func(f io.Writer) error {
		_, err := f.Write(b)
		return err
	})
}

func (c rnidCommand) signMessage(env *Environment, w *working) error {
	e, toFile := c.encoding()
	switch {
	case w.private == nil:
		return rnidFail(rnidNoPrivate, "cannot sign: the private key is not known")
	case toFile && c.Write == "":
		return rnidFail(rnidInvalidArgs, "name the file for the message with -w, or an encoding to print it in")
	case c.Read != "" && c.SignMessage.text != "":
		return rnidFail(rnidInvalidArgs, "give the message with -S or with -r, not both")
	}
	message, err := c.message(env)
	if err != nil {
		return err
	}
	meta, err := c.metadata()
	if err != nil {
		return err
	}
	file := rsg.SignMessage(w.private, message, meta).Append(nil)
	v := rnidFile{Event: "signed", File: c.Read, Identity: w.hash}
	if !toFile {
		v.Text = string(rsg.AppendText(nil, file, e))
		return c.say(env, v, "\n%s\n\nMessage signed with %s", v.Text, pretty(w.hash))
	}
	if v.Output = c.Write; !strings.HasSuffix(v.Output, messageSuffix) {
		v.Output += messageSuffix
	}
	if err := c.writeBytes(v.Output, file); err != nil {
		return err
	}
	return c.say(env, v, "Message signed with %s saved to %s", pretty(w.hash), v.Output)
}

// message is the text to be signed.
func (c rnidCommand) message(env *Environment) ([]byte, error) {
	message := []byte(c.SignMessage.text)
	switch {
	case c.Read != "":
		f, err := openInput(c.Read)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if message, err = io.ReadAll(io.LimitReader(f, rsg.MaxSize)); err != nil {
			return nil, rnidFail(rnidReadError, "%w", err)
		}
	case len(message) == 0:
		var err error
		if message, err = edited(env); err != nil {
			return nil, rnidFail(rnidReadError, "%w", err)
		}
	}
	if len(message) == 0 {
		return nil, rnidFail(rnidInvalidArgs, "there is no message")
	}
	return message, nil
}

// edited lets the person write a text.
func edited(env *Environment) ([]byte, error) {
	editor := env.Getenv("EDITOR")
	for _, e := range []string{"nano", "vim", "vi"} {
		if editor != "" {
			break
		}
		if path, err := exec.LookPath(e); err == nil {
			editor = path
		}
	}
	if editor == "" || !terminal(env.Stdin) {
		return nil, errors.New("no text is given, and there is no editor to write one")
	}
	f, err := os.CreateTemp("", "message-*.tmp")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := f.Close(); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(env.Context, editor, f.Name()) //nolint:gosec // the person's own editor
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.Stdin, env.Stdout, env.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("editor: %w", err)
	}
	return os.ReadFile(f.Name())
}

func (c rnidCommand) encrypt(env *Environment, w *working) error {
	for _, name := range c.Encrypt {
		name = expand(name)
		v := rnidFile{Event: "encrypted", File: name, Output: c.Write, Identity: w.hash}
		if v.Output == "" {
			v.Output = name + encryptedSuffix
		}
		err := c.convert(env, name, v.Output, func(dst io.Writer, src io.Reader) error {
			_, err := rsg.Encrypt(rand.Reader, dst, src, *w.public)
			return err
		})
		if err != nil {
			return err
		}
		if err := c.say(env, v, "File %s encrypted for %s to %s", name, pretty(w.hash), v.Output); err != nil {
			return err
		}
	}
	return nil
}

func (c rnidCommand) decrypt(env *Environment, w *working) error {
	for _, name := range c.Decrypt {
		name = expand(name)
		v := rnidFile{Event: "decrypted", File: name, Output: c.Write, Identity: w.hash}
		plain, ok := strings.CutSuffix(name, encryptedSuffix)
		switch {
		case !ok || filepath.Base(name) == encryptedSuffix:
			return rnidFail(rnidInvalidFile, "%s is no encrypted file: its name does not end in %s", name, encryptedSuffix)
		case w.private == nil:
			return rnidFail(rnidNoPrivate, "cannot decrypt %s: the private key is not known", name)
		case v.Output == "":
			v.Output = plain
		}
		err := c.convert(env, name, v.Output, func(dst io.Writer, src io.Reader) error {
			_, err := rsg.Decrypt(dst, src, w.private)
			if errors.Is(err, rsg.ErrNotFor) {
				return &failure{rnidDecryptFailed, err}
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := c.say(env, v, "File %s decrypted to %s", name, v.Output); err != nil {
			return err
		}
	}
	return nil
}

// convert reads one file and writes another.
func (c rnidCommand) convert(env *Environment, from, to string, do func(io.Writer, io.Reader) error) error {
	f, err := openInput(from)
	if err != nil {
		return err
	}
	defer f.Close()
	return c.writeFile(to, func(w io.Writer) error { return do(w, untilStopped{env, f}) })
}

// untilStopped ends a file when the program is told to stop.
type untilStopped struct {
	env *Environment
	r   io.Reader
}

func (u untilStopped) Read(b []byte) (int, error) {
	if err := u.env.Context.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}
