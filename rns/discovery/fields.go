package discovery

import "meshchatx/rns/msgpack"

// fields reads a map whose keys are numbers, in announces, or names, in files,
// and keeps the first error.
type fields struct {
	get func(key int64, name string) (msgpack.Value, bool)
	err error
}

func (r *fields) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// need is a value that has to be there, nil if it is not.
func (r *fields) need(key int64, name string) msgpack.Value {
	v, ok := r.get(key, name)
	if !ok {
		r.fail(ErrField)
	}
	return v
}

func (r *fields) plain(s string) string {
	if !isPlain(s) {
		r.fail(ErrPlainText)
		return ""
	}
	return s
}

func (r *fields) text(key int64, name string) string {
	s, ok := r.need(key, name).Text()
	if !ok {
		r.fail(ErrField)
	}
	return r.plain(s)
}

// textOrNil is for names, which are cleaned later.
func (r *fields) textOrNil(key int64, name string) string {
	v := r.need(key, name)
	s, ok := v.Text()
	if !ok && !v.IsNil() {
		r.fail(ErrField)
	}
	return s
}

func (r *fields) flag(key int64, name string) bool {
	b, ok := r.need(key, name).Bool()
	if !ok {
		r.fail(ErrField)
	}
	return b
}

// float takes no integer: a whole number is a float in this format.
// spec: rns-core §22.4
func (r *fields) float(key int64, name string) *float64 {
	v := r.need(key, name)
	if v.IsNil() {
		return nil
	}
	f, ok := v.Float()
	if !ok {
		r.fail(ErrField)
	}
	return &f
}

func (r *fields) int(key int64, name string) *int64 {
	v := r.need(key, name)
	if v.IsNil() {
		return nil
	}
	n, ok := v.Int()
	if !ok {
		r.fail(ErrField)
	}
	return &n
}

// modulation is text or a number. spec: rns-core §25 (16)
func (r *fields) modulation() Modulation {
	v := r.need(keyModulation, nameModulation)
	if s, ok := v.Text(); ok {
		return Modulation{Text: r.plain(s)}
	}
	if n, ok := v.Int(); ok {
		return Modulation{Number: &n}
	}
	if !v.IsNil() {
		r.fail(ErrField)
	}
	return Modulation{}
}

// access is nil when neither setting is there.
func (r *fields) access() *Access {
	name, published := r.secret(keyNetworkName, nameNetworkName)
	passphrase, too := r.secret(keyPassphrase, namePassphrase)
	if !published && !too {
		return nil
	}
	return &Access{name, passphrase}
}

func (r *fields) secret(key int64, name string) (text string, present bool) {
	v, ok := r.get(key, name)
	if !ok {
		return "", false
	}
	s, ok := v.Text()
	if !ok && !v.IsNil() {
		r.fail(ErrField)
	}
	return r.plain(s), true
}
