package api

import (
	"encoding/json"
	"errors"

	"github.com/danielgtaylor/huma/v2"
)

// SettingValue is a truth value, a whole number or a text: what settings are
// made of. The zero value is null and not valid as a setting.
type SettingValue struct {
	kind byte
	b    bool
	i    int64
	s    string
}

// BoolValue makes a truth value.
func BoolValue(v bool) SettingValue { return SettingValue{kind: 'b', b: v} }

// IntValue makes a whole number.
func IntValue(v int64) SettingValue { return SettingValue{kind: 'i', i: v} }

// TextValue makes a text.
func TextValue(v string) SettingValue { return SettingValue{kind: 's', s: v} }

// Bool returns the truth value, and whether it is one.
func (v SettingValue) Bool() (value, ok bool) { return v.b, v.kind == 'b' }

// Int returns the number, and whether it is one.
func (v SettingValue) Int() (int64, bool) { return v.i, v.kind == 'i' }

// Text returns the text, and whether it is one.
func (v SettingValue) Text() (string, bool) { return v.s, v.kind == 's' }

// MarshalJSON writes the plain JSON value.
func (v SettingValue) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case 'b':
		return json.Marshal(v.b)
	case 'i':
		return json.Marshal(v.i)
	case 's':
		return json.Marshal(v.s)
	}
	return []byte("null"), nil
}

var errSettingValue = errors.New("a setting is true, false, a whole number or a text")

// UnmarshalJSON reads the plain JSON value.
func (v *SettingValue) UnmarshalJSON(b []byte) error {
	*v = SettingValue{}
	if json.Unmarshal(b, &v.b) == nil && len(b) > 0 && (b[0] == 't' || b[0] == 'f') {
		v.kind = 'b'
		return nil
	}
	if json.Unmarshal(b, &v.i) == nil && len(b) > 0 && b[0] != 'n' {
		v.kind = 'i'
		return nil
	}
	if json.Unmarshal(b, &v.s) == nil && len(b) > 0 && b[0] == '"' {
		v.kind = 's'
		return nil
	}
	return errSettingValue
}

// Schema implements huma.SchemaProvider.
func (SettingValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeBoolean},
		{Type: huma.TypeInteger, Format: "int64"},
		{Type: huma.TypeString, MaxLength: new(4096)},
	}}
}
