package cli

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"meshchatx/internal/keyfile"
	"meshchatx/rns"
)

const deliveryName = "lxmf.delivery"

type identityCommand struct {
	New    identityNew    `cmd:"" help:"Make a new identity and write its key to a file."`
	Show   identityShow   `cmd:"" help:"Print the addresses of a key."`
	Import identityImport `cmd:"" help:"Write a key given as text to a file."`
	Export identityExport `cmd:"" help:"Print a key as text. Whoever has it can act as this identity."`
}

type identityNew struct {
	File string `arg:"" help:"File to write; it must not exist." type:"path"`
}

// Run makes an identity.
func (c identityNew) Run(env *Environment) error {
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		return err
	}
	if err := createKey(c.File, id); err != nil {
		return err
	}
	return printIdentity(env.Stdout, id, c.File)
}

type identityShow struct {
	File       string `arg:"" optional:"" help:"Key file, or - for standard input; base64, base32 and hexadecimal text are read too. Without it: the identities of the storage directory."`
	StorageDir string `help:"Directory of identities, messages and settings." placeholder:"DIR" type:"path"`
}

// Run shows an identity, or all of the storage directory.
func (c identityShow) Run(env *Environment) error {
	if c.File == "" {
		return c.showAll(env)
	}
	id, err := readKey(env, c.File)
	if err != nil {
		return err
	}
	return printIdentity(env.Stdout, id, "")
}

func (c identityShow) showAll(env *Environment) error {
	storage, _, err := Paths{StorageDir: c.StorageDir}.dirs(env)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(storage, "identities", "*", "identity"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return failf("there is no identity in %s yet; the first start makes one", storage)
	}
	for _, f := range files {
		id, err := readKey(env, f)
		if err != nil {
			return err
		}
		if err := printIdentity(env.Stdout, id, f); err != nil {
			return err
		}
	}
	return nil
}

type identityImport struct {
	Key  string `arg:"" help:"Key as base64, base32 or hexadecimal text, or - to read it from standard input, which keeps it out of the shell's history."`
	File string `arg:"" help:"File to write; it must not exist." type:"path"`
}

// Run imports an identity.
func (c identityImport) Run(env *Environment) error {
	text := []byte(c.Key)
	if c.Key == "-" {
		var err error
		if text, err = io.ReadAll(io.LimitReader(env.Stdin, keyfile.MaxSize+1)); err != nil {
			return err
		}
	}
	id, err := keyfile.Parse(text)
	if err != nil {
		return failf("%w", err)
	}
	if err := createKey(c.File, id); err != nil {
		return err
	}
	return printIdentity(env.Stdout, id, c.File)
}

type identityExport struct {
	File   string `arg:"" help:"Key file." type:"existingfile"`
	Format string `help:"base64, base32 or hex." enum:"base64,base32,hex" default:"base64"`
}

// Run exports an identity.
func (c identityExport) Run(env *Environment) error {
	id, err := readKey(env, c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, encodeKey(id, c.Format))
	return err
}

func encodeKey(id *rns.Identity, format string) string {
	switch format {
	case "base32":
		return base32.StdEncoding.EncodeToString(id.Bytes())
	case "hex":
		return hex.EncodeToString(id.Bytes())
	}
	return base64.StdEncoding.EncodeToString(id.Bytes())
}

func readKey(env *Environment, name string) (*rns.Identity, error) {
	if name == "-" {
		b, err := io.ReadAll(io.LimitReader(env.Stdin, keyfile.MaxSize+1))
		if err != nil {
			return nil, err
		}
		return keyfile.Parse(b)
	}
	id, err := keyfile.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failf("there is no file %s", name)
	}
	return id, err
}

func createKey(name string, id *rns.Identity) error {
	err := keyfile.Create(name, id)
	if errors.Is(err, fs.ErrExist) {
		return failf("%s exists already; a key is never overwritten", name)
	}
	return err
}

func printIdentity(w io.Writer, id *rns.Identity, file string) error {
	if file != "" {
		if _, err := fmt.Fprintf(w, "Key file       %s\n", file); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "Identity       %s\nLXMF address   %s\nPublic key     %x\n",
		id.Hash(), rns.DestinationHash(deliveryName, id.Hash()), id.Public())
	return err
}
