package settings

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Kind is the type of a setting.
type Kind uint8

// Kinds of settings.
const (
	Bool   Kind = iota + 1
	Int         // whole number, in the unit the setting says
	String      // text
	Enum        // one of the choices of the setting
)

// String returns the name used in the API.
func (k Kind) String() string {
	switch k {
	case Bool:
		return "bool"
	case Int:
		return "int"
	case String:
		return "string"
	case Enum:
		return "enum"
	default:
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
}

// Value is the value of a setting. The zero value belongs to no kind and is never valid. Values
// are comparable. In JSON a value is a boolean, a number or a string.
type Value struct {
	kind Kind
	num  int64 // 0 or 1 for Bool
	text string
}

// BoolValue, IntValue and StringValue make values; StringValue also serves Enum.
func BoolValue(b bool) Value {
	if b {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}

// IntValue makes a whole number.
func IntValue(n int64) Value { return Value{kind: Int, num: n} }

// StringValue makes a text or a choice.
func StringValue(s string) Value { return Value{kind: String, text: s} }

// Kind says what the value is; a choice is a String here.
func (v Value) Kind() Kind { return v.kind }

// Bool returns the value of a Bool, else false.
func (v Value) Bool() bool { return v.kind == Bool && v.num != 0 }

// Int returns the value of an Int, else 0.
func (v Value) Int() int64 {
	if v.kind != Int {
		return 0
	}
	return v.num
}

// Text returns the value as it is stored and shown.
func (v Value) Text() string {
	switch v.kind {
	case Bool:
		return strconv.FormatBool(v.num != 0)
	case Int:
		return strconv.FormatInt(v.num, 10)
	default:
		return v.text
	}
}

// String is Text.
func (v Value) String() string { return v.Text() }

// parse reads what Text wrote.
func parse(k Kind, text string) (Value, error) {
	switch k {
	case Bool:
		b, err := strconv.ParseBool(text)
		return BoolValue(b), err
	case Int:
		n, err := strconv.ParseInt(text, 10, 64)
		return IntValue(n), err
	default:
		return StringValue(text), nil
	}
}

// MarshalJSON writes a boolean, a number or a string.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case Bool, Int:
		return []byte(v.Text()), nil
	case String:
		return json.Marshal(v.text)
	default:
		return nil, fmt.Errorf("settings: value without a kind")
	}
}

// UnmarshalJSON reads a boolean, a whole number or a string.
func (v *Value) UnmarshalJSON(b []byte) error {
	var err error
	switch {
	case len(b) == 0:
		return ErrKind
	case b[0] == '"':
		v.kind, v.num = String, 0
		err = json.Unmarshal(b, &v.text)
	case b[0] == 't' || b[0] == 'f':
		var on bool
		err = json.Unmarshal(b, &on)
		*v = BoolValue(on)
	default:
		var n int64
		if n, err = strconv.ParseInt(string(b), 10, 64); err != nil {
			return ErrKind
		}
		*v = IntValue(n)
	}
	return err
}
