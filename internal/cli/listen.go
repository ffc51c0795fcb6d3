package cli

import (
	"errors"
	"fmt"
	"time"

	"meshchatx/internal/api"
)

type listenCommand struct {
	headless
	Count int `help:"End after this many messages; 0: never." default:"0"`
}

// Run prints messages as they arrive.
func (c listenCommand) Run(env *Environment) (err error) {
	s, err := c.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	events, err := s.subscribe(env.Context)
	if err != nil {
		return err
	}
	defer events.close()
	if _, err := fmt.Fprintf(env.Stdout, "listening as <%s>\n", s.identity.Address); err != nil {
		return err
	}
	for seen := 0; c.Count == 0 || seen < c.Count; {
		e, err := events.next(env.Context)
		if err != nil {
			return err
		}
		if e.Type != "message.added" || e.Identity != s.identity.Hash {
			continue
		}
		var m api.MessageView
		if err := s.call(env.Context, "GET", s.path("/messages/%s", e.IDs.Message), nil, &m); err != nil {
			return err
		}
		if m.Direction != "in" {
			continue
		}
		seen++
		if err := printMessage(env, m); err != nil {
			return err
		}
	}
	return nil
}

func printMessage(env *Environment, m api.MessageView) error {
	verified := ""
	if m.Verified != "valid" {
		verified = " (" + m.Verified + ")"
	}
	if _, err := fmt.Fprintf(env.Stdout, "%s <%s>%s\n", time.UnixMilli(m.At).Format(time.DateTime), m.Peer, verified); err != nil {
		return err
	}
	if m.Title != "" {
		if _, err := fmt.Fprintf(env.Stdout, "  %s\n", m.Title); err != nil {
			return err
		}
	}
	if m.Content != "" {
		if _, err := fmt.Fprintf(env.Stdout, "  %s\n", m.Content); err != nil {
			return err
		}
	}
	for _, a := range m.Attachments {
		if _, err := fmt.Fprintf(env.Stdout, "  [%s] %s, %d bytes\n", a.Kind, a.Name, a.Size); err != nil {
			return err
		}
	}
	return nil
}
