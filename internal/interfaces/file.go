package interfaces

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"meshchatx/rns/config"
	"meshchatx/rns/configobj"
)

const (
	configName    = "config"
	backupSuffix  = ".bak"
	sectionName   = "interfaces"
	maxConfigSize = 1 << 20
)

// document is the configuration file as it was last read.
type document struct {
	text []byte
	file *configobj.File
	conf config.Config
}

// readDocument reads the file, and writes the default one where there is none.
func readDocument(dir string) (document, error) {
	name := filepath.Join(dir, configName)
	text, err := readBounded(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return document{}, err
		}
		text = config.DefaultText()
		err = writeAtomic(name, text)
	}
	if err != nil {
		return document{}, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	return parseDocument(text)
}

func parseDocument(text []byte) (document, error) {
	file, err := configobj.Parse(text)
	if err != nil {
		return document{text: text}, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	conf, err := config.Read(file)
	if err != nil {
		return document{text: text}, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	return document{text: text, file: file, conf: conf}, nil
}

func readBounded(name string) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxConfigSize {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxConfigSize)
	}
	return os.ReadFile(name)
}

// save writes an edited file, keeping the one before it beside it.
func (d document) save(dir string) error {
	name := filepath.Join(dir, configName)
	if old, err := os.ReadFile(name); err == nil {
		if err := writeAtomic(name+backupSuffix, old); err != nil {
			return fmt.Errorf("keep the file before: %w", err)
		}
	}
	if err := writeAtomic(name, d.file.Bytes()); err != nil {
		return fmt.Errorf("write the configuration file: %w", err)
	}
	return nil
}

// writeAtomic replaces a file whole or not at all, also when the machine stops. A link stays one: what it leads to is
// replaced.
func writeAtomic(name string, b []byte) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o600)
	if st, err := os.Stat(name); err == nil {
		mode = st.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	syncDirectory(filepath.Dir(name))
	return nil
}

// syncDirectory makes a new name last. Some systems cannot; there the name lasts by itself or not at all.
func syncDirectory(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = errors.Join(d.Sync(), d.Close())
	}
}

// section returns the block of an interface, nil if there is none.
func (d document) section(name string) *configobj.Section {
	all := d.file.Section(sectionName)
	if all == nil {
		return nil
	}
	return all.Section(name)
}

// fingerprint is a text that changes when a block does.
func fingerprint(s *configobj.Section) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	for _, k := range s.Keys() {
		v, _ := s.Raw(k)
		fmt.Fprintf(&b, "%q=%q,%v\n", k, v.Items(), v.IsList())
	}
	for _, sub := range s.Sections() {
		fmt.Fprintf(&b, "[%q]\n%s", sub.Name(), fingerprint(sub))
	}
	return b.String()
}

// keys of the file.
const (
	keyType, keyEnabled, keyOldEnabled     = "type", "enabled", "interface_enabled"
	keyMode, keyOldMode                    = "mode", "interface_mode"
	keyNetworkName, keyPassphrase          = "network_name", "passphrase"
	keyOldNetworkName, keyOldPassphrase    = "networkname", "pass_phrase"
	keyTargetHost, keyTargetPort, keyKISS  = "target_host", "target_port", "kiss_framing"
	keyListenIP, keyListenPort, keyDevice  = "listen_ip", "listen_port", "device"
	keyForwardIP, keyForwardPort, keyPort  = "forward_ip", "forward_port", "port"
	keyGroupID, keyScope                   = "group_id", "discovery_scope"
	keyDevices, keyIgnoredDevices, bitrate = "devices", "ignored_devices", "bitrate"
	keyRemote, keyListenOn, keyPreferIPv6  = "remote", "listen_on", "prefer_ipv6"
	keyPeers, keyConnectable, keyCommand   = "peers", "connectable", "command"
	keyTargetURL, keyTargetType            = "target_url", "target_type"
)

var modeNames = map[config.Mode]string{
	config.ModeFull: "full", config.ModePointToPoint: "point_to_point", config.ModeAccessPoint: "access_point",
	config.ModeRoaming: "roaming", config.ModeBoundary: "boundary", config.ModeGateway: "gateway", config.ModeInternal: "internal",
}

// fileMode is the name of a mode in the file.
func fileMode(name string) string {
	for m, n := range modeNames {
		if n == name {
			return m.String()
		}
	}
	return config.ModeFull.String()
}

// editable reads a block back into what the page edits. ok is false for kinds it
// cannot edit.
func editable(i config.Interface) (c Config, ok bool) {
	c = Config{
		Name: i.Name, Type: Type(i.Type), Enabled: i.Enabled, Mode: modeNames[i.Mode], NetworkName: i.NetworkName,
		HasPassphrase: i.Passphrase != "", Bitrate: i.Bitrate,
	}
	r := blockReader{options{Options: i.Options}}
	switch c.Type {
	case TypeTCPClient:
		c.TargetHost, c.TargetPort = r.text(keyTargetHost), r.number(keyTargetPort)
		c.KISSFraming = r.flag(keyKISS)
	case TypeTCPServer:
		c.ListenIP, c.ListenPort, c.Device = r.text(keyListenIP), r.number(keyPort, keyListenPort), r.text(keyDevice)
	case TypeUDP:
		c.ListenIP, c.ListenPort, c.Device = r.text(keyListenIP), r.number(keyListenPort, keyPort), r.text(keyDevice)
		c.ForwardIP, c.ForwardPort = r.text(keyForwardIP), r.number(keyForwardPort, keyPort)
	case TypeAuto:
		c.GroupID, c.Scope = r.text(keyGroupID), r.text(keyScope)
		c.Devices, c.IgnoredDevices = r.words(keyDevices), r.words(keyIgnoredDevices)
	default:
		return c, r.kind(&c)
	}
	return c, true
}

// write puts what was edited into a block. Keys it does not know, comments and
// order stay.
func (d document) write(s *configobj.Section, c Config) error {
	w := writer{f: d.file, s: s}
	w.text(keyType, string(c.Type))
	w.flag(keyEnabled, c.Enabled)
	w.drop(keyOldEnabled)
	if c.Mode != "" && c.Mode != "full" || s.Has(keyMode) || s.Has(keyOldMode) {
		w.drop(keyOldMode)
		w.text(keyMode, fileMode(c.Mode))
	}
	w.optional(keyNetworkName, c.NetworkName)
	w.drop(keyOldNetworkName)
	switch {
	case c.Passphrase != "":
		w.drop(keyOldPassphrase)
		w.text(keyPassphrase, c.Passphrase)
	case !c.HasPassphrase:
		w.drop(keyOldPassphrase)
		w.drop(keyPassphrase)
	}
	if c.Bitrate > 0 {
		w.text(bitrate, strconv.FormatInt(c.Bitrate, 10))
	} else {
		w.drop(bitrate)
	}
	w.medium(c)
	return w.err
}

func (w *writer) medium(c Config) {
	switch c.Type {
	case TypeTCPClient:
		w.text(keyTargetHost, c.TargetHost)
		w.number(keyTargetPort, c.TargetPort)
		if c.KISSFraming {
			w.flag(keyKISS, true)
		} else {
			w.drop(keyKISS)
		}
	case TypeTCPServer:
		w.optional(keyDevice, c.Device)
		w.optional(keyListenIP, c.ListenIP)
		w.drop(keyPort)
		w.number(keyListenPort, c.ListenPort)
	case TypeUDP:
		w.optional(keyDevice, c.Device)
		w.optional(keyListenIP, c.ListenIP)
		w.drop(keyPort)
		w.number(keyListenPort, c.ListenPort)
		w.optional(keyForwardIP, c.ForwardIP)
		w.number(keyForwardPort, c.ForwardPort)
	case TypeAuto:
		w.optional(keyGroupID, c.GroupID)
		w.optional(keyScope, c.Scope)
		w.list(keyDevices, c.Devices)
		w.list(keyIgnoredDevices, c.IgnoredDevices)
	default:
		w.kind(c)
	}
}

// writer collects the first error of a row of edits.
type writer struct {
	f   *configobj.File
	s   *configobj.Section
	err error
}

func (w *writer) text(key, value string) {
	if old, has := w.s.Raw(key); has {
		if t, ok := old.Text(); ok && t == value {
			return
		}
	}
	if w.err == nil {
		w.err = w.f.Set(w.s, key, configobj.Text(value))
	}
}

func (w *writer) optional(key, value string) {
	if value == "" {
		w.drop(key)
		return
	}
	w.text(key, value)
}

func (w *writer) number(key string, n int) { w.text(key, strconv.Itoa(n)) }

func (w *writer) flag(key string, on bool) {
	if old, has := w.s.Raw(key); has {
		if t, ok := old.Text(); ok {
			if b, err := configobj.ParseBool(t); err == nil && b == on {
				return
			}
		}
	}
	value := "No"
	if on {
		value = "Yes"
	}
	w.text(key, value)
}

func (w *writer) list(key string, items []string) {
	if len(items) == 0 {
		w.drop(key)
		return
	}
	if w.err == nil {
		w.err = w.f.Set(w.s, key, configobj.List(items...))
	}
}

func (w *writer) drop(key string) { w.s.Delete(key) }

// sameText reports whether the file on the disk is the one that was read.
func (d document) sameText(dir string) bool {
	now, err := readBounded(filepath.Join(dir, configName))
	return err == nil && bytes.Equal(now, d.text)
}
