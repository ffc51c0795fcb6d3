package settings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Reasons for refusing a change. Errors of Change wrap one of them in a *KeyError.
var (
	ErrUnknown  = errors.New("no such setting")
	ErrKind     = errors.New("wrong type of value")
	ErrBounds   = errors.New("value out of bounds")
	ErrChoice   = errors.New("not one of the choices")
	ErrText     = errors.New("text contains control characters")
	ErrReadOnly = errors.New("setting is kept by the program")
	ErrAddress  = errors.New("not an address")
)

// KeyError says which setting was refused.
type KeyError struct {
	Key Key
	Err error
}

func (e *KeyError) Error() string { return fmt.Sprintf("setting %s: %v", e.Key, e.Err) }

// Unwrap returns the reason.
func (e *KeyError) Unwrap() error { return e.Err }

// Backend stores texts by key; store.Settings is one.
type Backend interface {
	// Load returns everything stored.
	Load(ctx context.Context) (map[string]string, error)
	// Save stores set and removes unset in one transaction.
	Save(ctx context.Context, set map[string]string, unset []string) error
}

// Changes are new values by key. A zero Value resets a setting to its default.
type Changes map[Key]Value

// Set holds the values of one scope. Reading is safe for concurrent use, and so is changing,
// which happens one call after the other. Use Open.
type Set struct {
	backend Backend
	table   []Setting
	index   map[Key]int

	change sync.Mutex // serialises Change and guards the two lists
	verify []func(Values) error
	notify []func(old, now Values)

	mu     sync.RWMutex // guards stored
	stored Values
}

// Values are settings that differ from their defaults, by key. A Values that was handed out is
// never changed.
type Values struct {
	set *Set
	m   map[Key]Value
}

// Open loads the values of a scope. Stored values that are unknown or no longer valid are left
// where they are and read as the default.
func Open(ctx context.Context, scope Scope, backend Backend) (*Set, error) {
	s := &Set{backend: backend, table: Table(scope), index: make(map[Key]int)}
	for i, d := range s.table {
		s.index[d.Key] = i
	}
	stored, err := backend.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load settings: %w", err)
	}
	s.stored = Values{set: s, m: make(map[Key]Value)}
	for key, text := range stored {
		d, ok := s.Lookup(Key(key))
		if !ok {
			continue
		}
		v, err := parse(d.Kind, text)
		if err == nil {
			v, err = d.check(v)
		}
		if err == nil {
			s.stored.m[d.Key] = v
		}
	}
	return s, nil
}

// Table returns the settings of this scope. The result must not be changed.
func (s *Set) Table() []Setting { return s.table }

// Lookup returns the declaration of a setting.
func (s *Set) Lookup(k Key) (Setting, bool) {
	i, ok := s.index[k]
	if !ok {
		return Setting{}, false
	}
	return s.table[i], true
}

// Values returns the present values, consistent with each other.
func (s *Set) Values() Values {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.stored
}

// Get returns a value, or its default. The zero Value means that there is no such setting.
func (v Values) Get(k Key) Value {
	if got, ok := v.m[k]; ok {
		return got
	}
	d, _ := v.set.Lookup(k)
	return d.Default
}

// Modified reports whether a setting differs from its default.
func (v Values) Modified(k Key) bool {
	_, ok := v.m[k]
	return ok
}

// Get returns a present value, or its default.
func (s *Set) Get(k Key) Value { return s.Values().Get(k) }

// Bool returns the value of a Bool setting.
func (s *Set) Bool(k Key) bool { return s.Get(k).Bool() }

// Int returns the value of an Int setting.
func (s *Set) Int(k Key) int64 { return s.Get(k).Int() }

// Text returns the value of a String or Enum setting.
func (s *Set) Text(k Key) string { return s.Get(k).Text() }

// Verify adds a check that sees the values a change would lead to and may refuse them. Checks
// must not call Change.
func (s *Set) Verify(fn func(Values) error) {
	s.change.Lock()
	defer s.change.Unlock()
	s.verify = append(s.verify, fn)
}

// Subscribe adds a function that is told of changes after they are stored, in order. It must not
// call Change and should return soon.
func (s *Set) Subscribe(fn func(old, now Values)) {
	s.change.Lock()
	defer s.change.Unlock()
	s.notify = append(s.notify, fn)
}

// Change makes changes asked for by people: all of them, or none and an error.
func (s *Set) Change(ctx context.Context, c Changes) error {
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if d, ok := s.Lookup(k); ok && d.Editable == ByProgram {
			return &KeyError{k, ErrReadOnly}
		}
	}
	return s.Keep(ctx, c)
}

// Keep is Change for the program itself: it may also change what people may not.
func (s *Set) Keep(ctx context.Context, c Changes) error {
	s.change.Lock()
	defer s.change.Unlock()
	old := s.Values()
	now := Values{set: s, m: maps.Clone(old.m)}
	put, unset := make(map[string]string), []string(nil)
	for _, k := range slices.Sorted(maps.Keys(c)) {
		d, ok := s.Lookup(k)
		if !ok {
			return &KeyError{k, ErrUnknown}
		}
		v := c[k]
		if v != (Value{}) {
			var err error
			if v, err = d.check(v); err != nil {
				return &KeyError{k, err}
			}
		}
		if v == (Value{}) || v == d.Default {
			delete(now.m, k)
			unset = append(unset, string(k))
		} else {
			now.m[k] = v
			put[string(k)] = v.Text()
		}
	}
	if maps.Equal(old.m, now.m) {
		return nil
	}
	for _, fn := range s.verify {
		if err := fn(now); err != nil {
			return err
		}
	}
	if err := s.backend.Save(ctx, put, unset); err != nil {
		return fmt.Errorf("store settings: %w", err)
	}
	s.mu.Lock()
	s.stored = now
	s.mu.Unlock()
	for _, fn := range s.notify {
		fn(old, now)
	}
	return nil
}
