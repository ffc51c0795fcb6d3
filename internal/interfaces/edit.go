package interfaces

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"meshchatx/rns/config"
	"meshchatx/rns/configobj"
)

// configs are the blocks of the file that can be edited here.
func (s *Service) configs() []Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Config
	for _, i := range s.doc.conf.Interfaces {
		if c, ok := editable(i); ok {
			out = append(out, c)
		}
	}
	return out
}

func (s *Service) nameFree(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.doc.conf.Interfaces {
		if strings.EqualFold(i.Name, name) {
			return ErrExists
		}
	}
	return nil
}

// edit changes the file as it is on the disk now, so that what others wrote
// stays, and then restarts what became different.
func (s *Service) edit(ctx context.Context, change func(document) error) error {
	s.editing.Lock()
	defer s.editing.Unlock()
	doc, err := readDocument(s.opt.Dir)
	if err != nil {
		return err
	}
	if err := change(doc); err != nil {
		return err
	}
	after, err := parseDocument(doc.file.Bytes())
	if err != nil {
		return err
	}
	if err := doc.save(s.opt.Dir); err != nil {
		return err
	}
	s.mu.Lock()
	s.doc, s.docErr = after, nil
	s.mu.Unlock()
	s.apply(ctx)
	return nil
}

// Add writes a new interface and starts it.
func (s *Service) Add(ctx context.Context, c Config) (Status, error) {
	if err := c.Validate(); err != nil {
		return Status{}, err
	}
	err := s.edit(ctx, func(d document) error {
		if d.section(c.Name) != nil {
			return ErrExists
		}
		all := d.file.Section(sectionName)
		if all == nil {
			var err error
			if all, err = d.file.AddSection(d.file.Root(), sectionName); err != nil {
				return err
			}
		}
		block, err := d.file.AddSection(all, c.Name)
		if err != nil {
			return unwritable(err)
		}
		return unwritable(d.write(block, c))
	})
	if err != nil {
		return Status{}, err
	}
	return s.Get(ctx, c.Name)
}

// unwritable turns a text the file cannot express into an error about settings.
func unwritable(err error) error {
	if errors.Is(err, configobj.ErrUnwritable) || errors.Is(err, configobj.ErrDuplicate) {
		return field("name", "%v", err)
	}
	return err
}

// Replace changes the settings of an interface. Another name renames it. Without
// a new passphrase the one in the file stays as long as HasPassphrase says so.
func (s *Service) Replace(ctx context.Context, name string, c Config) (Status, error) {
	if err := c.Validate(); err != nil {
		return Status{}, err
	}
	err := s.edit(ctx, func(d document) error {
		block := d.section(name)
		if block == nil {
			return ErrNotFound
		}
		old, ok := find(d.conf, name)
		if !ok {
			return ErrNotFound
		}
		if _, can := editable(old); !can {
			return ErrForeign
		}
		if c.Name == name {
			return unwritable(d.write(block, c))
		}
		return d.rename(block, c)
	})
	if err != nil {
		return Status{}, err
	}
	return s.Get(ctx, c.Name)
}

// rename changes the header of a block, then its settings.
func (d document) rename(block *configobj.Section, c Config) error {
	if d.section(c.Name) != nil {
		return ErrExists
	}
	if err := d.file.RenameSection(block, c.Name); err != nil {
		return unwritable(err)
	}
	return unwritable(d.write(block, c))
}

func find(c config.Config, name string) (config.Interface, bool) {
	for _, i := range c.Interfaces {
		if i.Name == name {
			return i, true
		}
	}
	return config.Interface{}, false
}

// SetEnabled switches an interface on or off. What runs a command can only be switched off: it is switched on where the
// command was written, in the file.
func (s *Service) SetEnabled(ctx context.Context, name string, on bool) (Status, error) {
	err := s.edit(ctx, func(d document) error {
		block := d.section(name)
		if block == nil {
			return ErrNotFound
		}
		if c, ok := find(d.conf, name); on && (!ok || runsCommand(c)) {
			return ErrForeign
		}
		w := writer{f: d.file, s: block}
		w.flag(keyEnabled, on)
		w.drop(keyOldEnabled)
		return w.err
	})
	if err != nil {
		return Status{}, err
	}
	return s.Get(ctx, name)
}

// runsCommand tells whether an interface starts programs. spec: rns-interfaces §8
func runsCommand(c config.Interface) bool { return c.Type == string(TypePipe) }

// Remove stops an interface and takes its block out of the file.
func (s *Service) Remove(ctx context.Context, name string) error {
	return s.edit(ctx, func(d document) error {
		if d.section(name) == nil {
			return ErrNotFound
		}
		d.file.Section(sectionName).RemoveSection(name)
		return nil
	})
}

// Parse reads pasted settings: blocks as in a configuration file, with or without
// the line [interfaces], or lines of host:port. problems are codes of what was
// left out.
func (s *Service) Parse(text string) (found []Config, problems []string) {
	if hubs := parseTargets(text); hubs != nil {
		return hubs, nil
	}
	if !strings.Contains(text, "["+sectionName+"]") {
		text = "[" + sectionName + "]\n" + text
	}
	doc, err := parseDocument([]byte(text))
	if err != nil {
		return nil, []string{"syntax"}
	}
	for _, i := range doc.conf.Interfaces {
		c, ok := editable(i)
		switch {
		case i.Err != nil:
			problems = append(problems, "bad_config")
		case !ok:
			problems = append(problems, "unsupported_type")
		default:
			c.Passphrase = i.Passphrase // the person who pastes it has it
			if !mentions(i, keyEnabled) && !mentions(i, keyOldEnabled) {
				c.Enabled = true // who pastes a block that leaves it open wants to use it
			}
			found = append(found, c)
		}
	}
	if len(found) == 0 && len(problems) == 0 {
		problems = []string{"nothing_found"}
	}
	return found, problems
}

// mentions reports whether a block has an option.
func mentions(i config.Interface, key string) bool { return slices.Contains(i.Options.Keys(), key) }

// parseTargets reads lines of host:port; nil if any line is something else.
func parseTargets(text string) []Config {
	var out []Config
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		host, portText, err := net.SplitHostPort(line)
		if err != nil {
			return nil
		}
		port, err := strconv.Atoi(portText)
		c := Config{Name: host, Type: TypeTCPClient, Enabled: true, Mode: "full", TargetHost: host, TargetPort: port}
		c.Name = strings.Map(func(r rune) rune {
			if strings.ContainsRune("[]%", r) {
				return -1
			}
			return r
		}, c.Name)
		if err != nil || c.Validate() != nil {
			return nil
		}
		out = append(out, c)
	}
	return out
}

func hostPort(host string, port int) string {
	if host == "" && port == 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
