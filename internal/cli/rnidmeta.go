package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"meshchatx/rns/configobj"
	"meshchatx/rns/msgpack"
)

const maxMeta = 1 << 20

// metadata reads the entries of -E. spec: rns-link §13.4
func (c rnidCommand) metadata() ([]msgpack.Pair, error) {
	if c.EmbedMeta == "" {
		return nil, nil
	}
	file, err := readMeta(c.EmbedMeta)
	if err != nil {
		return nil, err
	}
	var spec *configobj.Section
	name := c.MetaSpec
	if name == "" {
		if _, err := os.Stat(c.EmbedMeta + ".spec"); err == nil {
			name = c.EmbedMeta + ".spec"
		}
	}
	if name != "" {
		f, err := readMeta(name)
		if err != nil {
			return nil, err
		}
		spec = f.Root()
	}
	pairs, err := metaPairs(file.Root(), spec)
	if err != nil {
		return nil, rnidFail(rnidUnknownError, "%s: %w", c.EmbedMeta, err)
	}
	return pairs, nil
}

func readMeta(name string) (*configobj.File, error) {
	st, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, rnidFail(rnidNoFile, "the file %s does not exist", name)
	}
	if err == nil && st.Size() > maxMeta {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxMeta)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, rnidFail(rnidReadError, "%w", err)
	}
	f, err := configobj.Parse(b)
	if err != nil {
		return nil, rnidFail(rnidInvalidFile, "%s: %w", name, err)
	}
	return f, nil
}

// metaPairs turns a section into entries, converted and checked as the specification says.
func metaPairs(s, spec *configobj.Section) ([]msgpack.Pair, error) {
	var pairs []msgpack.Pair
	for _, key := range s.Keys() {
		v, err := s.Get(key)
		if err != nil {
			return nil, err
		}
		items := v.Items()
		value := msgpack.Str("")
		switch {
		case v.IsList():
			list := make([]msgpack.Value, len(items))
			for i, item := range items {
				list[i] = msgpack.Str(item)
			}
			value = msgpack.Array(list...)
		case len(items) > 0:
			value = msgpack.Str(items[0])
		}
		if spec.Has(key) {
			if value, err = checkMeta(spec, key, value); err != nil {
				return nil, err
			}
		}
		pairs = append(pairs, msgpack.Pair{Key: msgpack.Str(key), Value: value})
	}
	for _, key := range spec.Keys() {
		if !s.Has(key) {
			return nil, fmt.Errorf("%q is missing: %w", key, errMeta)
		}
	}
	for _, sub := range s.Sections() {
		entries, err := metaPairs(sub, spec.Section(sub.Name()))
		if err != nil {
			return nil, fmt.Errorf("[%s] %w", sub.Name(), err)
		}
		pairs = append(pairs, msgpack.Pair{Key: msgpack.Str(sub.Name()), Value: msgpack.Map(entries...)})
	}
	return pairs, nil
}

var errMeta = errors.New("entries do not agree with their specification")

// checkMeta converts a value to the kind a specification names: string, integer, float, boolean or string_list. Others are
// refused: what cannot be checked is not signed.
func checkMeta(spec *configobj.Section, key string, v msgpack.Value) (msgpack.Value, error) {
	raw, _ := spec.Raw(key)
	kind, limits, _ := strings.Cut(strings.Join(raw.Items(), ","), "(")
	kind = strings.TrimSpace(kind)
	if strings.Trim(limits, " )") != "" {
		return v, fmt.Errorf("%q: limits of %s cannot be checked: %w", key, kind, errMeta)
	}
	text, isText := v.Text()
	list, isList := v.Array()
	ok := false
	switch kind {
	case "string":
		ok = isText
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		v, ok = msgpack.Int(n), isText && err == nil
	case "float":
		n, err := strconv.ParseFloat(text, 64)
		v, ok = msgpack.Float(n), isText && err == nil
	case "boolean":
		b, err := configobj.ParseBool(text)
		v, ok = msgpack.Bool(b), isText && err == nil
	case "list", "string_list":
		ok = isList && len(list) >= 0
	default:
		return v, fmt.Errorf("%q: the kind %q cannot be checked: %w", key, kind, errMeta)
	}
	if !ok {
		return v, fmt.Errorf("%q is no %s: %w", key, kind, errMeta)
	}
	return v, nil
}

// metaWidth is the width of the values that are shown.
const metaWidth = 64

// metaLines shows entries: a letter for their kind, their name and value.
func metaLines(pairs []msgpack.Pair, level int) string {
	var b strings.Builder
	for _, p := range pairs {
		key, ok := p.Key.Text()
		if !ok {
			key = p.Key.String()
		}
		indent := strings.Repeat("  ", level)
		if m, ok := p.Value.Map(); ok {
			var inner []msgpack.Pair
			for k, v := range m.All() {
				inner = append(inner, msgpack.Pair{Key: k, Value: v})
			}
			fmt.Fprintf(&b, "d%s%s:\n%s", indent, key, metaLines(inner, level+1))
			continue
		}
		letter, text := metaText(p.Value)
		lead := letter + indent + key + "="
		for i := 0; i == 0 || len(text) > 0; i++ {
			n := min(metaWidth, len(text))
			b.WriteString(lead + string(text[:n]) + "\n")
			text, lead = text[n:], strings.Repeat(" ", len(lead))
		}
	}
	return b.String()
}

func metaText(v msgpack.Value) (letter string, text []rune) {
	letter = map[msgpack.Kind]string{
		msgpack.KindString: "s", msgpack.KindBin: "b", msgpack.KindArray: "l", msgpack.KindInt: "i", msgpack.KindFloat: "f", msgpack.KindNil: "N",
	}[v.Kind()]
	if letter == "" {
		letter = "u"
	}
	if s, ok := v.Text(); ok {
		return letter, []rune(strings.ToValidUTF8(s, "\ufffd"))
	}
	if b, ok := v.Bytes(); ok {
		return letter, []rune(hex.EncodeToString(b))
	}
	return letter, []rune(v.String())
}

// plainValue is a decoded value as JSON has it: byte strings as hexadecimal text.
func plainValue(v msgpack.Value) any {
	if b, ok := v.Bytes(); ok {
		return hex.EncodeToString(b)
	}
	if s, ok := v.Text(); ok {
		return s
	}
	if b, ok := v.Bool(); ok {
		return b
	}
	if n, ok := v.Int(); ok {
		return n
	}
	if n, ok := v.Uint(); ok {
		return n
	}
	if f, ok := v.Number(); ok {
		return f
	}
	if list, ok := v.Array(); ok {
		out := make([]any, len(list))
		for i := range list {
			out[i] = plainValue(list[i])
		}
		return out
	}
	if m, ok := v.Map(); ok {
		out := make(map[string]any, m.Len())
		for k, e := range m.All() {
			name, isText := k.Text()
			if b, isBytes := k.Bytes(); isBytes {
				name = hex.EncodeToString(b)
			} else if !isText {
				name = k.String()
			}
			out[name] = plainValue(e)
		}
		return out
	}
	return nil
}
