package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/rsg"
)

func (c rnidCommand) validate(env *Environment, w *working) error {
	for _, name := range c.Validate {
		if err := c.validateFile(env, w, expand(name)); err != nil {
			return err
		}
	}
	return nil
}

// validateFile checks a signature against its file, or a signed message. spec: rns-link §13.4
func (c rnidCommand) validateFile(env *Environment, w *working, name string) error {
	lower := strings.ToLower(name)
	isMessage := strings.HasSuffix(lower, messageSuffix)
	content, signature := name, name+signatureSuffix
	switch {
	case isMessage:
		signature = name
	case strings.HasSuffix(lower, signatureSuffix):
		content, signature = name[:len(name)-len(signatureSuffix)], name
	}
	b, err := readSignature(signature)
	if err != nil {
		return err
	}
	v := rnidFile{Event: "valid", File: name}
	s, err := parseSignature(b)
	if errors.Is(err, rsg.ErrLegacy) && !isMessage {
		return c.validateLegacy(env, w, content, b)
	}
	var required *rns.Addr
	if w != nil {
		required = &w.hash
	}
	if err == nil {
		v.Identity = s.Signer
		if isMessage {
			err = s.VerifyMessage(required)
		} else {
			err = verifyFile(content, s, required)
		}
	}
	var known *failure
	switch {
	case errors.As(err, &known):
		return err
	case err != nil:
		return c.invalid(env, v, w, err)
	case isMessage:
		return c.showMessage(env, v, s)
	}
	return c.say(env, v, "Signature is valid, the file %s was signed by %s", content, pretty(s.Signer))
}

func (c rnidCommand) invalid(env *Environment, v rnidFile, w *working, err error) error {
	v.Event, v.Error = "invalid", err.Error()
	if c.JSON {
		if err := printJSON(env.Stdout, v); err != nil {
			return err
		}
		return &failure{code: rnidInvalidSignature}
	}
	text := ""
	if w != nil {
		text = fmt.Sprintf("\nIt was NOT signed by %s", pretty(w.hash))
	}
	return rnidFail(rnidInvalidSignature, "invalid signature for %s: %w%s", v.File, err, text)
}

func readSignature(name string) ([]byte, error) {
	f, err := openInput(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 5*rsg.MaxSize+1))
	if err != nil {
		return nil, rnidFail(rnidReadError, "%w", err)
	}
	return b, nil
}

func parseSignature(b []byte) (rsg.Signature, error) {
	s, err := rsg.Parse(b)
	if err != nil && rsg.IsText(b) {
		return rsg.ParseText(b)
	}
	return s, err
}

func verifyFile(name string, s rsg.Signature, required *rns.Addr) error {
	f, err := openInput(name)
	if err != nil {
		return err
	}
	defer f.Close()
	hash, err := rsg.HashOf(f)
	if err != nil {
		return rnidFail(rnidReadError, "%w", err)
	}
	return s.Verify(hash, required)
}

// validateLegacy checks a bare signature, which needs the key of the signer.
func (c rnidCommand) validateLegacy(env *Environment, w *working, name string, signature []byte) error {
	if w == nil || w.public == nil {
		return rnidFail(rnidNoIdentity, "a signature of the old form can be checked only with the identity that made it: name it with -i")
	}
	f, err := openInput(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return rnidFail(rnidReadError, "%w", err)
	}
	v := rnidFile{Event: "valid", File: name, Identity: w.hash}
	if !w.public.Verify(b, signature) {
		return c.invalid(env, v, w, rsg.ErrInvalid)
	}
	return c.say(env, v, "Signature is valid, the file %s was signed by %s", name, pretty(w.hash))
}

func (c rnidCommand) showMessage(env *Environment, v rnidFile, s rsg.Signature) error {
	text := string(s.Message)
	v.Message = &text
	if c.JSON {
		v.Meta = plainValue(msgpack.Map(s.Meta...))
		return printJSON(env.Stdout, v)
	}
	out := ""
	if c.ShowsMeta {
		out = "RSM Metadata\n============\n\n" + metaLines(s.Meta, 1) + "\nValidation\n==========\n"
	}
	out += fmt.Sprintf("\nSignature is valid, the following message was signed by %s:\n\n%s\n", pretty(s.Signer), text)
	_, err := io.WriteString(env.Stdout, out)
	return err
}
