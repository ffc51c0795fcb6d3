package lxmd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshchatx/lxmf/propagation"
	"meshchatx/rns"
	"meshchatx/rns/configobj"
)

// Config is what the file config says. DefaultConfig has what holds without one.
type Config struct {
	// Node says whether to be a propagation node, Settings how.
	Node     bool
	Settings propagation.Settings
	// NodeAnnounce and Announce say when the node and the messenger announce themselves.
	NodeAnnounce, Announce Announcing
	// DisplayName is the announced name of the messenger.
	DisplayName string
	// DeliveryLimit is the largest message that is taken, in bytes.
	DeliveryLimit int64
	// StampCost is the work asked of strangers, in bits; 0 for none.
	StampCost int
	// OnInbound is the command that is run with the file of each message; empty for none.
	OnInbound string
	// LogLevel is on the scale of Reticulum, 0 to 7.
	LogLevel int
	// Ignored are destinations whose messages are discarded.
	Ignored []rns.Addr
	// Warnings are about keys that have no meaning and values that were put right.
	Warnings []error
}

// Announcing says when something is announced.
type Announcing struct {
	AtStart bool
	// Interval is the time between two announces, 0 for none.
	Interval time.Duration
}

// ErrConfig means that the configuration cannot be used: a daemon that guessed what its operator meant could serve those it
// should not.
var ErrConfig = errors.New("configuration cannot be used")

// Names in the directory of a daemon. spec: lxmf §15
const (
	ConfigName   = "config"
	IdentityName = "identity"
	ignoredName  = "ignored"
	allowedName  = "allowed"
)

// DefaultConfig is that of an empty file. spec: lxmf §15
func DefaultConfig() Config {
	s := propagation.DefaultSettings()
	return Config{Settings: s, DisplayName: "Anonymous Peer", DeliveryLimit: 1_000_000, LogLevel: 3}
}

// The least values of the file, in its units. spec: lxmf §15
const (
	leastKB = 0.38
	leastMB = 0.005
)

// Load reads the configuration of a directory. A directory without one is given the example first.
func Load(dir string) (Config, error) {
	name := filepath.Join(dir, ConfigName)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		b = []byte(Example)
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = os.WriteFile(name, b, 0o600)
		}
	}
	if err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c, err := Parse(b)
	if err != nil {
		return Config{}, fmt.Errorf("%w: %s: %w", ErrConfig, name, err)
	}
	if c.Ignored, err = hashes(filepath.Join(dir, ignoredName)); err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.Settings.Allowed, err = hashes(filepath.Join(dir, allowedName)); err != nil {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return c, nil
}

// Parse reads the text of a configuration file. spec: lxmf §15
func Parse(text []byte) (Config, error) {
	f, err := configobj.Parse(text)
	if err != nil {
		return Config{}, err
	}
	c := DefaultConfig()
	r := &reader{section: f.Section("propagation"), warn: func(err error) { c.Warnings = append(c.Warnings, err) }}
	c.readNode(r)
	r.unknown("propagation_transfer_max_accepted_size") // read by the reference, then overwritten
	r.section = f.Section("lxmf")
	r.text(&c.DisplayName, "display_name")
	r.announcing(&c.Announce)
	kb := float64(c.DeliveryLimit) / 1000
	r.float(&kb, leastKB, "delivery_transfer_max_accepted_size")
	c.DeliveryLimit = int64(kb * 1000)
	r.int(&c.StampCost, 0, "stamp_cost")
	r.text(&c.OnInbound, "on_inbound")
	r.unknown()
	r.section = f.Section("logging")
	r.int(&c.LogLevel, 0, "loglevel")
	r.unknown()
	return c, errors.Join(r.errs...)
}

func (c *Config) readNode(r *reader) {
	s := &c.Settings
	r.bool(&c.Node, "enable_node")
	r.text(&s.Name, "node_name")
	r.choice(&s.Auth, "auth_required")
	r.announcing(&c.NodeAnnounce)
	r.choice(&s.AutoPeer, "autopeer")
	r.int(&s.AutoPeerDepth, 0, "autopeer_maxdepth")
	mb := float64(s.StorageLimit) / 1e6
	r.float(&mb, leastMB, "message_storage_limit")
	s.StorageLimit = int64(mb * 1e6)
	r.float(&s.TransferLimit, leastKB, "propagation_message_max_accepted_size")
	r.float(&s.SyncLimit, leastKB, "propagation_sync_max_accepted_size")
	r.int(&s.StampCost, 13, "propagation_stamp_cost_target")
	r.int(&s.Flexibility, 0, "propagation_stamp_cost_flexibility")
	r.int(&s.PeeringCost, 0, "peering_cost")
	r.int(&s.MaxPeeringCost, 0, "remote_peering_cost_max")
	r.hashes(&s.Prioritised, "prioritise_destinations")
	r.hashes(&s.Control, "control_allowed")
	r.hashes(&s.StaticPeers, "static_peers")
	r.int(&s.MaxPeers, 0, "max_peers")
	r.choice(&s.StaticOnly, "from_static_only")
	r.choice(&s.Sequential, "sequential_pn_stamp_validation")
	bypass := true
	r.bool(&bypass, "static_peers_bypass_sequential")
	s.StaticWait = propagation.Choice(!bypass)
	r.int(&s.MaxInboundSyncs, 0, "max_inbound_syncs")
}

// reader takes keys from a section. What it cannot read becomes an error.
type reader struct {
	section *configobj.Section
	seen    []string
	errs    []error
	warn    func(error)
}

func (r *reader) get(key string) (configobj.Value, bool) {
	r.seen = append(r.seen, key)
	if !r.section.Has(key) {
		return configobj.Value{}, false
	}
	v, err := r.section.Get(key)
	if err != nil {
		r.errs = append(r.errs, err)
	}
	return v, err == nil
}

func (r *reader) fail(key string, err error) {
	r.errs = append(r.errs, fmt.Errorf("line %d: %s: %w", r.section.KeyLine(key), key, err))
}

// unknown warns of the keys that were not asked for.
func (r *reader) unknown(silent ...string) {
	for _, key := range r.section.Keys() {
		if !slices.Contains(r.seen, key) && !slices.Contains(silent, key) {
			r.warn(fmt.Errorf("line %d: %s has no meaning in [%s]", r.section.KeyLine(key), key, r.section.Name()))
		}
	}
	r.seen = nil
}

// text takes what is written, commas included.
func (r *reader) text(to *string, key string) {
	if v, ok := r.get(key); ok {
		*to = v.String()
	}
}

func (r *reader) bool(to *bool, key string) {
	v, ok := r.get(key)
	if !ok {
		return
	}
	b, err := configobj.ParseBool(v.String())
	if err != nil {
		r.fail(key, err)
		return
	}
	*to = b
}

func (r *reader) choice(to *propagation.Choice, key string) {
	b := bool(*to)
	r.bool(&b, key)
	*to = propagation.Choice(b)
}

// errNumber means that a number is needed.
var errNumber = errors.New("a number is needed")

// most bounds the numbers of the file: larger ones are mistakes.
const most = 1e12

func (r *reader) float(to *float64, least float64, key string) {
	v, ok := r.get(key)
	if !ok {
		return
	}
	f, err := strconv.ParseFloat(v.String(), 64)
	if err != nil || f != f || f > most || f < -most {
		r.fail(key, errNumber)
		return
	}
	if f < least {
		r.warn(fmt.Errorf("line %d: %s is raised to %v", r.section.KeyLine(key), key, least))
		f = least
	}
	*to = f
}

// mostInt bounds whole numbers.
const mostInt = 1_000_000_000

func (r *reader) int(to *int, least int, key string) {
	v, ok := r.get(key)
	if !ok {
		return
	}
	n, err := strconv.Atoi(v.String())
	if err != nil || n > mostInt {
		r.fail(key, errNumber)
		return
	}
	if n < least {
		r.warn(fmt.Errorf("line %d: %s is raised to %d", r.section.KeyLine(key), key, least))
		n = least
	}
	*to = n
}

// announcing takes the keys of announces; the interval is in minutes.
func (r *reader) announcing(to *Announcing) {
	r.bool(&to.AtStart, "announce_at_start")
	minutes := 0
	r.int(&minutes, 0, "announce_interval")
	to.Interval = time.Duration(minutes) * time.Minute
}

func (r *reader) hashes(to *[]rns.Addr, key string) {
	v, ok := r.get(key)
	if !ok {
		return
	}
	for _, s := range v.Items() {
		if s == "" {
			continue
		}
		a, err := rns.ParseAddr(s)
		if err != nil {
			r.fail(key, err)
			continue
		}
		*to = append(*to, a)
	}
}

// maxList bounds the files of hashes, in bytes.
const maxList = 16 << 20

// hashes reads a file with a hash on each line; other lines are skipped, and a file that is not there is empty.
func hashes(name string) ([]rns.Addr, error) {
	f, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if f.Size() > maxList {
		return nil, fmt.Errorf("%s has %d bytes, the most is %d", name, f.Size(), maxList)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []rns.Addr
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		if a, err := rns.ParseAddr(strings.TrimSpace(lines.Text())); err == nil {
			list = append(list, a)
		}
	}
	return list, nil
}

// Dir is the configuration directory to use if none is named: the first that has a configuration of /etc/lxmd,
// ~/.config/lxmd and ~/.lxmd, else the last. spec: lxmf §15
func Dir(home string) string {
	own := filepath.Join(home, ".lxmd")
	for _, dir := range []string{"/etc/lxmd", filepath.Join(home, ".config", "lxmd")} {
		if st, err := os.Stat(filepath.Join(dir, ConfigName)); err == nil && st.Mode().IsRegular() {
			return dir
		}
	}
	return own
}
