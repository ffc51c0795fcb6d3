package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"meshchatx/internal/api"
	"meshchatx/internal/contacts"
	"meshchatx/internal/qrcode"
)

type lxmfPaperCommand struct {
	Make lxmfPaperMakeCommand `cmd:"" help:"Write a message on paper: print its text and its QR code. Only the recipient can read it."`
	Read lxmfPaperReadCommand `cmd:"" help:"Read a paper message that somebody wrote to you."`
}

type lxmfPaperMakeCommand struct {
	headless
	To    string `arg:"" help:"LXMF address, or an lxma:// link."`
	Text  string `arg:"" optional:"" help:"Text; - reads it from standard input."`
	Title string `help:"Title."`
	PNG   string `name:"png" help:"Write the QR code to this file." placeholder:"FILE"`
	SVG   string `name:"svg" help:"Write the QR code to this file." placeholder:"FILE"`
	Code  string `help:"How to draw the QR code here: colour, plain (light on dark), or none." enum:"colour,plain,none" default:"colour"`
}

// Run writes a message on paper.
func (c lxmfPaperMakeCommand) Run(env *Environment) (err error) {
	to, _, err := contacts.Parse(c.To)
	if err != nil {
		return failf("%w", err)
	}
	text, err := textOf(env, c.Text)
	if err != nil {
		return err
	}
	s, err := c.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var p api.PaperView
	if err := s.call(env.Context, "POST", s.path("/messages/paper"), api.SendMessage{Peer: to.Hex(), Content: text, Title: c.Title, Draft: "kept"}, &p); err != nil {
		return failf("message is not written: %w", err)
	}
	code, err := qrcode.New(p.URI)
	if err != nil {
		return failf("message %s: %w", p.ID, err)
	}
	if err := c.save(code); err != nil {
		return failf("message %s is written, but its QR code is not: %w", p.ID, err)
	}
	return c.print(env.Stdout, p, code)
}

// textOf is the text of an argument, or of the standard input.
func textOf(env *Environment, text string) (string, error) {
	if text != "-" {
		return text, nil
	}
	b, err := io.ReadAll(io.LimitReader(env.Stdin, maxText+1))
	return strings.TrimRight(string(b), "\n"), err
}

func (c lxmfPaperMakeCommand) save(code qrcode.Code) error {
	const scale, mode = 6, 0o600
	if c.PNG != "" {
		b, err := code.PNG(scale)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.PNG, b, mode); err != nil {
			return err
		}
	}
	if c.SVG != "" {
		return os.WriteFile(c.SVG, code.SVG(), mode)
	}
	return nil
}

func (c lxmfPaperMakeCommand) print(w io.Writer, p api.PaperView, code qrcode.Code) error {
	drawing := ""
	switch c.Code {
	case "colour":
		drawing = code.Terminal(qrcode.ColoursOn)
	case "plain":
		drawing = code.Terminal(qrcode.ColoursOff)
	}
	_, err := fmt.Fprintf(w, "message %s\n%s%s\n", p.ID, drawing, p.URI)
	return err
}

type lxmfPaperReadCommand struct {
	headless
	URI string `arg:"" optional:"" default:"-" help:"Text of the paper message, which begins with lxm://; - reads it from standard input."`
}

// Run reads a paper message and prints it.
func (c lxmfPaperReadCommand) Run(env *Environment) (err error) {
	uri, err := textOf(env, c.URI)
	if err != nil {
		return err
	}
	s, err := c.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var body struct {
		URI string `json:"uri"`
	}
	body.URI = strings.TrimSpace(uri)
	var read api.PaperReadView
	if err := s.call(env.Context, "POST", s.path("/paper/read"), body, &read); err != nil {
		return failf("paper message is not read: %w", err)
	}
	var m api.MessageView
	if err := s.call(env.Context, "GET", s.path("/messages/%s", read.ID), nil, &m); err != nil {
		return failf("message %s: %w", read.ID, err)
	}
	return printPaper(env.Stdout, read, m)
}

func printPaper(w io.Writer, read api.PaperReadView, m api.MessageView) error {
	remark := ""
	if read.Known {
		remark = " (received before)"
	}
	switch m.Verified {
	case "unknown_source":
		remark += " (author not known yet, so not verified)"
	case "bad_signature":
		remark += " (WRONG SIGNATURE: somebody else may have written it)"
	}
	text := m.Content
	if m.Title != "" {
		text = m.Title + "\n\n" + text
	}
	for _, a := range m.Attachments {
		text += fmt.Sprintf("\n[%s, %d bytes]", a.Name, a.Size)
	}
	_, err := fmt.Fprintf(w, "message %s from %s%s\n%s\n", m.ID, m.Peer, remark, text)
	return err
}
