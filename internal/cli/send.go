package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"meshchatx/internal/api"
	"meshchatx/internal/contacts"
)

type sendCommand struct {
	headless
	To      string        `arg:"" help:"LXMF address, or an lxma:// link."`
	Text    string        `arg:"" optional:"" help:"Text; - reads it from standard input."`
	File    []string      `help:"Attach a file; may be repeated." placeholder:"FILE" type:"existingfile"`
	Title   string        `help:"Title."`
	Method  string        `help:"auto, direct or opportunistic." enum:"auto,direct,opportunistic" default:"auto"`
	Timeout time.Duration `help:"How long to wait for the delivery; 0 returns as soon as the message is stored by a running program." default:"2m"`
}

const maxText = 1 << 20

// Run sends a message and waits until it is delivered or has failed.
func (c sendCommand) Run(env *Environment) (err error) {
	to, _, err := contacts.Parse(c.To)
	if err != nil {
		return failf("%w", err)
	}
	text := c.Text
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(env.Stdin, maxText+1))
		if err != nil {
			return err
		}
		text = strings.TrimRight(string(b), "\n")
	}
	s, err := c.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	msg := api.SendMessage{Peer: to.Hex(), Content: text, Title: c.Title, Method: c.Method, Draft: "kept"}
	for _, name := range c.File {
		id, err := s.upload(env.Context, name)
		if err != nil {
			return failf("%s: %w", name, err)
		}
		msg.Attachments = append(msg.Attachments, id)
	}
	var ref api.MessageRef
	if err := s.call(env.Context, "POST", s.path("/messages"), msg, &ref); err != nil {
		return failf("message is not sent: %w", err)
	}
	if _, err := fmt.Fprintf(env.Stdout, "message %s\n", ref.ID); err != nil {
		return err
	}
	return c.follow(env, s, ref)
}

func (s *session) upload(ctx context.Context, name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	var u api.UploadView
	err = s.send(ctx, "POST", s.path("/uploads?name=%s", url.QueryEscape(filepath.Base(name))), "application/octet-stream", f, &u)
	return u.ID, err
}

// follow prints each state until nothing more happens.
func (c sendCommand) follow(env *Environment, s *session, ref api.MessageRef) error {
	if c.Timeout <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(env.Context, c.Timeout)
	defer cancel()
	events, err := s.subscribe(ctx)
	if err != nil {
		return err
	}
	defer events.close()
	last := ""
	for {
		var m api.MessageView
		if err := s.call(ctx, "GET", s.path("/messages/%s", ref.ID), nil, &m); err != nil {
			return c.gaveUp(env, err, last)
		}
		if line := describe(*m.Delivery); line != last {
			last = line
			if _, err := fmt.Fprintln(env.Stdout, line); err != nil {
				return err
			}
		}
		if m.Delivery.Final {
			if m.Delivery.State == "delivered" || m.Delivery.State == "propagated" {
				return nil
			}
			return failf("message is not delivered: %s", m.Delivery.State)
		}
		if err := events.until(ctx, ref.ID); err != nil {
			return c.gaveUp(env, err, last)
		}
	}
}

func (c sendCommand) gaveUp(env *Environment, err error, last string) error {
	switch {
	case env.Context.Err() != nil:
		return context.Cause(env.Context)
	case errors.Is(err, context.DeadlineExceeded):
		return failf("not delivered within %s (%s); it is kept and tried again when the program runs", c.Timeout, last)
	}
	return err
}

// describe is one line for a terminal. The page has its own words.
func describe(d api.DeliveryView) string {
	line := strings.ReplaceAll(d.State, "_", " ")
	if d.Code != "" {
		line += ": " + strings.ReplaceAll(d.Code, "_", " ")
	}
	if d.Percent != nil && *d.Percent > 0 && *d.Percent < 100 {
		line += fmt.Sprintf(" %d%%", *d.Percent)
	}
	if d.Took != nil {
		line += fmt.Sprintf(" in %s", time.Duration(*d.Took)*time.Millisecond)
	}
	return line
}
