package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/configobj"
)

// Reasons why an option cannot be used, beside those of package configobj. They
// are wrapped in an [*OptionError].
var (
	ErrNotNumber   = errors.New("not a number")
	ErrNotInteger  = errors.New("not a whole number")
	ErrNotText     = errors.New("a list where one text is expected: quote text that has commas")
	ErrOutOfRange  = errors.New("out of range")
	ErrNotHash     = errors.New("not a hash of 32 hexadecimal digits")
	ErrNotHex      = errors.New("not hexadecimal")
	ErrUnknownName = errors.New("not one of the known names")
	ErrMissing     = errors.New("missing")
)

// OptionError says which option is wrong and where.
type OptionError struct {
	Section string // name of the section
	Key     string
	Line    int // in the file, counted from 1; 0 if unknown
	Value   string
	Err     error
}

// Error implements error.
func (e *OptionError) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	fmt.Fprintf(&b, "[%s] %s", e.Section, e.Key)
	if e.Value != "" {
		fmt.Fprintf(&b, " = %s", e.Value)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *OptionError) Unwrap() error { return e.Err }

// Options are the entries of one section. Each reading method takes the names an
// option goes by, the one that wins first, and reports whether the option is
// there; the error is an [*OptionError]. The zero value has no options. Safe for
// concurrent use.
type Options struct{ section *configobj.Section }

// Name returns the name of the section.
func (o Options) Name() string { return o.section.Name() }

// Keys returns the names of all options present, in order.
func (o Options) Keys() []string { return o.section.Keys() }

// Subsections returns the sections one level below, for drivers with several
// channels.
func (o Options) Subsections() (subs []Options) {
	for _, s := range o.section.Sections() {
		subs = append(subs, Options{s})
	}
	return subs
}

// Error returns an error about an option of this section.
func (o Options) Error(key string, reason error) *OptionError {
	e := &OptionError{Section: o.Name(), Key: key, Line: o.section.KeyLine(key), Err: reason}
	if e.Line == 0 {
		e.Line = o.section.Line()
	}
	if v, ok := o.section.Raw(key); ok {
		e.Value = v.String()
	}
	if secret(key) {
		e.Value = ""
	}
	return e
}

// secret reports whether the value of an option must not be shown.
func secret(key string) bool {
	switch key {
	case "passphrase", "pass_phrase", "rpc_key":
		return true
	}
	return false
}

// get returns the value of the first of keys that is present.
func (o Options) get(keys []string) (v configobj.Value, key string, err error) {
	for _, key := range keys {
		if !o.section.Has(key) {
			continue
		}
		v, err := o.section.Get(key)
		if err != nil {
			return v, key, o.Error(key, unlined(err))
		}
		return v, key, nil
	}
	return configobj.Value{}, "", nil
}

// unlined strips a line number that the error around it gives again.
func unlined(err error) error {
	var syntax *configobj.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Err
	}
	return err
}

// Text reads an option as text.
func (o Options) Text(keys ...string) (text string, present bool, err error) {
	v, key, err := o.get(keys)
	if err != nil || key == "" {
		return "", key != "", err
	}
	text, ok := v.Text()
	if !ok {
		return "", true, o.Error(key, ErrNotText)
	}
	return text, true, nil
}

// List reads an option as a list; a text is a list of one.
func (o Options) List(keys ...string) (items []string, present bool, err error) {
	v, key, err := o.get(keys)
	if err != nil || key == "" {
		return nil, key != "", err
	}
	return v.Items(), true, nil
}

// Bool reads an option as a boolean.
func (o Options) Bool(keys ...string) (value, present bool, err error) {
	return scalar(o, keys, configobj.ParseBool)
}

// Int reads an option as a whole number.
func (o Options) Int(keys ...string) (value int64, present bool, err error) {
	return scalar(o, keys, func(s string) (int64, error) {
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return 0, ErrNotInteger
		}
		return n, nil
	})
}

// Float reads an option as a finite number.
func (o Options) Float(keys ...string) (value float64, present bool, err error) {
	return scalar(o, keys, func(s string) (float64, error) {
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return 0, ErrNotNumber
		}
		return f, nil
	})
}

// Hashes reads an option as a list of hashes, each of exactly 32 hexadecimal
// digits. Repeats are left out.
func (o Options) Hashes(keys ...string) (hashes []rns.Addr, present bool, err error) {
	v, key, err := o.get(keys)
	if err != nil || key == "" {
		return nil, key != "", err
	}
	for _, item := range v.Items() {
		b, err := hex.DecodeString(item)
		if err != nil || len(b) != len(rns.Addr{}) {
			return nil, true, o.Error(key, ErrNotHash)
		}
		if !slices.Contains(hashes, rns.Addr(b)) {
			hashes = append(hashes, rns.Addr(b))
		}
	}
	return hashes, true, nil
}

func scalar[T any](o Options, keys []string, parse func(string) (T, error)) (value T, present bool, err error) {
	for _, key := range keys {
		text, present, err := o.Text(key)
		if !present {
			continue
		}
		if err != nil {
			return value, true, err
		}
		if value, err = parse(text); err != nil {
			return value, true, o.Error(key, err)
		}
		return value, true, nil
	}
	return value, false, nil
}

// reader reads the options of a section and collects what is wrong with them.
type reader struct {
	Options
	errs     []error
	warnings []error
}

func (r *reader) fail(err error) {
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

func (r *reader) warn(key string, reason error) {
	r.warnings = append(r.warnings, r.Error(key, reason))
}

func (r *reader) bool(to *bool, keys ...string) {
	v, ok, err := r.Bool(keys...)
	r.fail(err)
	if ok && err == nil {
		*to = v
	}
}

func (r *reader) text(to *string, keys ...string) {
	v, ok, err := r.Text(keys...)
	r.fail(err)
	if ok && err == nil {
		*to = v
	}
}

// filled reads the first of keys that is not empty. If all are, nothing changes.
func (r *reader) filled(to *string, keys ...string) {
	for _, key := range keys {
		var text string
		if r.text(&text, key); text != "" {
			*to = text
			return
		}
	}
}

// int reads a number that is ignored, with a warning, unless it is within bounds.
func (r *reader) int(to *int, least, most int, keys ...string) (used bool) {
	var v int64
	if used = r.int64(&v, int64(least), int64(most), keys...); used {
		*to = int(v)
	}
	return used
}

func (r *reader) int64(to *int64, least, most int64, keys ...string) (used bool) {
	v, ok, err := r.Int(keys...)
	r.fail(err)
	if !ok || err != nil {
		return false
	}
	if v < least || v > most {
		r.warn(r.present(keys), ErrOutOfRange)
		return false
	}
	*to = v
	return true
}

// float is int for numbers with fractions.
func (r *reader) float(to *float64, least, most float64, keys ...string) (used bool) {
	v, ok, err := r.Float(keys...)
	r.fail(err)
	if !ok || err != nil {
		return false
	}
	if v < least || v > most {
		r.warn(r.present(keys), ErrOutOfRange)
		return false
	}
	*to = v
	return true
}

// maxSeconds bounds all times, to what a file can mean and a Duration can hold.
const maxSeconds = 1_000_000_000

// seconds reads a time in seconds, which may have a fraction.
func (r *reader) seconds(to *time.Duration, least float64, keys ...string) (used bool) {
	var v float64
	if !r.float(&v, least, maxSeconds, keys...) {
		return false
	}
	*to = fromSeconds(v)
	return true
}

// wholeSeconds reads a time in seconds without fraction.
func (r *reader) wholeSeconds(to *time.Duration, least int, keys ...string) (used bool) {
	var v int
	if !r.int(&v, least, maxSeconds, keys...) {
		return false
	}
	*to = time.Duration(v) * time.Second
	return true
}

func fromSeconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

func (r *reader) hashes(to *[]rns.Addr, keys ...string) {
	v, _, err := r.Hashes(keys...)
	r.fail(err)
	*to = v
}

func (r *reader) mode(to *Mode, keys ...string) {
	v, ok, err := r.Text(keys...)
	r.fail(err)
	if !ok || err != nil {
		return
	}
	m, known := ParseMode(v)
	if !known {
		r.warn(r.present(keys), ErrUnknownName)
		m = ModeFull
	}
	*to = m
}

// present returns the key among aliases that is in the file.
func (r *reader) present(keys []string) string {
	for _, key := range keys {
		if r.section.Has(key) {
			return key
		}
	}
	return keys[0]
}
