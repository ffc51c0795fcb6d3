package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/rns/rsg"
)

type rnidCommand struct {
	toolFlags
	Quiet int  `short:"q" type:"counter" help:"Say less; may be repeated."`
	JSON  bool `name:"json" help:"Print JSON: one object for each thing done."`

	Identity  string `short:"i" help:"Identity to work with: a file, or the address of an identity or destination that is known." placeholder:"RID"`
	Generate  string `short:"g" help:"Make a new identity and write it to a file." placeholder:"FILE" type:"path"`
	ImportPub string `short:"m" help:"Work with a public key: hex, base32 or base64 text, or a file." placeholder:"KEY"`
	ImportPrv string `short:"M" help:"Work with a private key: hex, base32 or base64 text, or a file." placeholder:"KEY"`
	ExportPub bool   `short:"x" help:"Print the public key."`
	ExportPrv bool   `short:"X" help:"Print the private key, or write it with -w. Whoever has it can act as this identity."`

	Announce    optionalText `short:"a" help:"Announce a destination of the identity; without a name rns.id." placeholder:"NAME"`
	Hash        string       `short:"H" help:"Print the address of the identity's destination with this name." placeholder:"NAME"`
	Decrypt     severalPaths `short:"d" help:"Decrypt files." placeholder:"FILE..."`
	Encrypt     severalPaths `short:"e" help:"Encrypt files for the identity." placeholder:"FILE..."`
	Validate    severalPaths `short:"V" help:"Check signatures, or signed messages." placeholder:"FILE..."`
	Sign        severalPaths `short:"s" help:"Sign files." placeholder:"FILE..."`
	SignMessage optionalText `short:"S" help:"Make a signed message; without a text it comes from -r or from the editor." placeholder:"TEXT"`
	EmbedMeta   string       `short:"E" help:"Add the entries of a file to a signed message." placeholder:"FILE" type:"path"`
	MetaSpec    string       `help:"Check the entries of -E against this file; otherwise FILE.spec, if there is one." placeholder:"FILE" type:"path"`
	Raw         bool         `help:"Sign the content itself, in the old form."`

	Write     string  `short:"w" help:"File to write." placeholder:"FILE" type:"path"`
	Read      string  `short:"r" help:"File to read the message from." placeholder:"FILE" type:"path"`
	Force     bool    `short:"f" help:"Overwrite files."`
	Request   bool    `short:"R" help:"Ask the network for identities that are not known."`
	NoCache   bool    `short:"N" help:"Use neither what is known nor the network."`
	Timeout   float64 `short:"t" name:"timeout" help:"How long to wait for the network." placeholder:"SECONDS" default:"15"`
	Print     bool    `short:"p" name:"print-identity" help:"Print the identity."`
	PrintPrv  bool    `short:"P" name:"print-private" help:"Print private keys too."`
	Base32    bool    `short:"B" help:"Print base32."`
	Base64    bool    `short:"b" help:"Print base64."`
	Base256   bool    `short:"U" help:"Print base256."`
	Hex       bool    `short:"F" help:"Print hexadecimal."`
	ShowsMeta bool    `name:"meta" help:"Print the entries of signed messages."`
}

// Exit codes of rnid.
const (
	rnidNoIdentity       = 2
	rnidNoPublic         = 3
	rnidNoPrivate        = 4
	rnidNoFile           = 6
	rnidInvalidFile      = 7
	rnidInvalidIdentity  = 8
	rnidInvalidAspects   = 9
	rnidInvalidSignature = 10
	rnidFileExists       = 11
	rnidDecryptFailed    = 12
	rnidInvalidArgs      = 250
	rnidReadError        = 252
	rnidWriteError       = 253
	rnidUnknownError     = 254
	rnidInterrupted      = 255
)

// identityName is the destination an identity announces itself with.
const identityName = "rns.id"

// severalPaths takes all words up to the next option.
type severalPaths []string

// Decode implements kong.MapperValue.
func (p *severalPaths) Decode(ctx *kong.DecodeContext) error {
	first, err := ctx.Scan.PopValue("file")
	if err != nil {
		return err
	}
	*p = append(*p, first.String())
	for _, t := range ctx.Scan.PopWhile(kong.Token.IsValue) {
		*p = append(*p, t.String())
	}
	return nil
}

// optionalText is an option that can stand without a value.
type optionalText struct {
	given bool
	text  string
}

// Decode implements kong.MapperValue.
func (o *optionalText) Decode(ctx *kong.DecodeContext) error {
	o.given = true
	if ctx.Scan.Peek().IsValue() {
		o.text = ctx.Scan.Pop().String()
	}
	return nil
}

// IsBool says that there need not be a value.
func (*optionalText) IsBool() bool { return true }

// working is the identity an invocation works with. hash is set even if no key is known.
type working struct {
	hash    rns.Addr
	public  *rns.PublicKey
	private *rns.Identity
}

func ofPrivate(id *rns.Identity) *working {
	k := id.Public()
	return &working{hash: id.Hash(), public: &k, private: id}
}

func ofPublic(k rns.PublicKey) *working { return &working{hash: k.Hash(), public: &k} }

func rnidFail(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

// Run does what the options ask for, one after the other.
func (c rnidCommand) Run(env *Environment) error {
	err := c.run(env)
	if errors.Is(err, context.Canceled) && env.Context.Err() != nil {
		return &failure{code: rnidInterrupted}
	}
	return err
}

func (c rnidCommand) run(env *Environment) error {
	if err := c.check(); err != nil {
		return err
	}
	w, err := c.resolve(env)
	if err != nil {
		return err
	}
	needs := c.Announce.given || c.SignMessage.given || c.Print || c.ExportPub || c.ExportPrv || c.Write != "" ||
		len(c.Sign) > 0 || len(c.Encrypt) > 0 || len(c.Decrypt) > 0
	if needs && (w == nil || w.public == nil) {
		return rnidFail(rnidNoIdentity, "no identity to work with: name one with -i, or make one with -g")
	}
	for _, step := range []struct {
		wanted bool
		do     func(*Environment, *working) error
	}{
		{c.Print, c.printIdentity}, {c.ExportPub, c.exportPublic}, {c.ExportPrv && c.Write == "", c.exportPrivate}, {c.Hash != "", c.printHash},
		{c.Announce.given, c.announce}, {len(c.Validate) > 0, c.validate}, {len(c.Sign) > 0, c.sign}, {c.SignMessage.given, c.signMessage},
		{len(c.Encrypt) > 0, c.encrypt}, {len(c.Decrypt) > 0, c.decrypt}, {c.writesIdentity(), c.writeIdentity},
	} {
		if step.wanted {
			if err := step.do(env, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// writesIdentity tells whether -w names a file for the identity itself.
func (c rnidCommand) writesIdentity() bool {
	return c.Write != "" && !c.SignMessage.given && len(c.Encrypt) == 0 && len(c.Decrypt) == 0
}

func count(given ...bool) (n int) {
	for _, g := range given {
		if g {
			n++
		}
	}
	return n
}

func (c rnidCommand) check() error {
	ops := count(len(c.Encrypt) > 0, len(c.Decrypt) > 0, len(c.Validate) > 0, len(c.Sign) > 0, c.SignMessage.given)
	switch {
	case ops > 1:
		return failf("encrypt, decrypt, sign and check one at a time")
	case count(c.ImportPub != "", c.ImportPrv != "", c.Identity != "", c.Generate != "") > 1:
		return failf("-i, -g, -m and -M exclude each other")
	case count(c.Base32, c.Base64, c.Base256, c.Hex) > 1:
		return failf("-B, -b, -U and -F exclude each other")
	case len(c.Encrypt)+len(c.Decrypt) > 1 && c.Write != "":
		return rnidFail(rnidInvalidArgs, "-w is for one file")
	case ops == 0 && count(c.Print, c.ExportPub, c.ExportPrv, c.Hash != "", c.Announce.given, c.Write != "", c.Generate != "") == 0:
		return &failure{exitUsage, errors.New("nothing to do; see rnid --help")}
	}
	return nil
}

// encoding is how keys and signatures are printed; file is true where nothing was chosen.
func (c rnidCommand) encoding() (e rsg.Encoding, file bool) {
	switch {
	case c.Base32:
		return rsg.Base32, false
	case c.Base64:
		return rsg.Base64, false
	case c.Base256:
		return rsg.Base256, false
	}
	return rsg.Hex, !c.Hex
}

// say prints a line for people, or an object.
func (c rnidCommand) say(env *Environment, v any, format string, args ...any) error {
	if c.JSON {
		return printJSON(env.Stdout, v)
	}
	if c.Quiet > 0 {
		return nil
	}
	_, err := fmt.Fprintf(env.Stdout, format+"\n", args...)
	return err
}

type rnidKeys struct {
	Identity rns.Addr `json:"identity"`
	Public   string   `json:"public_key"`
	Private  string   `json:"private_key,omitempty"`
}

func (c rnidCommand) printIdentity(env *Environment, w *working) error {
	e, _ := c.encoding()
	v := rnidKeys{Identity: w.hash, Public: e.EncodeToString(w.public[:])}
	text := fmt.Sprintf("Identity Hash : %s\nPublic Key    : %s", pretty(w.hash), v.Public)
	if w.private != nil {
		shown := "Hidden"
		if c.PrintPrv {
			v.Private = e.EncodeToString(w.private.Bytes())
			shown = v.Private
		}
		text += "\nPrivate Key   : " + shown
	}
	return c.say(env, v, "%s", text)
}

func (c rnidCommand) exportPublic(env *Environment, w *working) error {
	e, _ := c.encoding()
	text := e.EncodeToString(w.public[:])
	return c.say(env, rnidKeys{Identity: w.hash, Public: text}, "Public Identity Keys  : %s", text)
}

func (c rnidCommand) exportPrivate(env *Environment, w *working) error {
	if w.private == nil {
		return rnidFail(rnidNoPrivate, "the private key of %s is not known", pretty(w.hash))
	}
	e, _ := c.encoding()
	text := e.EncodeToString(w.private.Bytes())
	return c.say(env, rnidKeys{w.hash, e.EncodeToString(w.public[:]), text}, "Private Identity Keys : %s", text)
}

type rnidHash struct {
	Name        string   `json:"name"`
	Identity    rns.Addr `json:"identity"`
	Destination rns.Addr `json:"destination"`
}

func (c rnidCommand) printHash(env *Environment, w *working) error {
	if w == nil {
		return rnidFail(rnidInvalidIdentity, "-H needs an identity: name one with -i")
	}
	if strings.Trim(c.Hash, ".") == "" {
		return rnidFail(rnidInvalidAspects, "%q is no name of a destination", c.Hash)
	}
	addr := rns.DestinationHash(c.Hash, w.hash)
	text := fmt.Sprintf("The %s destination for this Identity is %s", c.Hash, pretty(addr))
	if w.public != nil {
		text += fmt.Sprintf("\nThe full destination specifier is <%s.%s:%s>", c.Hash, digits(w.hash), digits(addr))
	}
	return c.say(env, rnidHash{c.Hash, w.hash, addr}, "%s", text)
}

func (c rnidCommand) announce(env *Environment, w *working) error {
	name := c.Announce.text
	if name == "" {
		name = identityName
	}
	if app, rest, ok := strings.Cut(name, "."); !ok || app == "" || rest == "" {
		return rnidFail(rnidInvalidAspects, "%q is no name of a destination: two parts at least", name)
	}
	if w.private == nil {
		return rnidFail(rnidNoPrivate, "cannot announce: the private key is not known")
	}
	s, err := c.open(env, c.Quiet, nil)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	d, err := s.Register(node.DestinationConfig{Identity: w.private, Name: name})
	if err != nil {
		return rnidFail(rnidUnknownError, "%w", err)
	}
	if err := d.Announce(env.Context, node.AnnounceOptions{}); err != nil {
		return rnidFail(rnidUnknownError, "announce: %w", err)
	}
	if err := s.Settle(env.Context); err != nil {
		return err
	}
	return c.say(env, rnidHash{name, w.hash, d.Addr()}, "Announced %s destination %s for identity %s", name, pretty(d.Addr()), pretty(w.hash))
}

// publicSuffix ends the names of public keys.
const publicSuffix = ".pub"

// writeIdentity writes the private key with -X, else the public one.
func (c rnidCommand) writeIdentity(env *Environment, w *working) error {
	if c.ExportPrv {
		if w.private == nil {
			return rnidFail(rnidNoPrivate, "the private key of %s is not known", pretty(w.hash))
		}
		if err := c.writeKey(c.Write, w.private); err != nil {
			return err
		}
		return c.say(env, rnidMade{"private_written", w.hash, c.Write}, "Wrote private identity to %s", c.Write)
	}
	name := c.Write
	if !strings.HasSuffix(strings.ToLower(name), publicSuffix) {
		name += publicSuffix
	}
	if err := c.writeFile(name, func(f io.Writer) error {
		_, err := f.Write(w.public[:])
		return err
	}); err != nil {
		return err
	}
	return c.say(env, rnidMade{"public_written", w.hash, name}, "Wrote public identity to %s", name)
}
