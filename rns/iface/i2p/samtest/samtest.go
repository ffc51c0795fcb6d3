// Package samtest is a small I2P router for tests: it speaks enough of SAM 3.1 to make keys and sessions, to find names,
// and to connect streams, all within one process. Nothing is encrypted and nothing leaves it.
//
// spec: rns-interfaces §14
package samtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
)

var (
	encoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~")
	names    = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

// destinationSize is 384 bytes of keys and a certificate of 7.
const destinationSize = 391

// Router is the fake. The zero value is ready. Safe for concurrent use.
type Router struct {
	// Refuse answers a command with a result other than OK when it returns one, such as CANT_REACH_PEER. Set it before use.
	Refuse func(command string) (result string)

	mu       sync.Mutex
	closed   bool
	conns    map[net.Conn]struct{}
	sessions map[string]*session
	crew     sync.WaitGroup
}

// session is one session with those who wait for a stream.
type session struct {
	control net.Conn
	dest    string
	waiting chan net.Conn
}

// NewKey makes a private key.
func NewKey() string {
	b := make([]byte, destinationSize+64)
	_, _ = rand.Read(b) // never fails
	copy(b[384:], []byte{5, 0, 4, 0, 7, 0, 4})
	return encoding.EncodeToString(b)
}

// destination is the public part of a private key, empty for what is none.
func destination(key string) string {
	b, err := encoding.DecodeString(key)
	if err != nil || len(b) <= destinationSize {
		return ""
	}
	return encoding.EncodeToString(b[:destinationSize])
}

func nameOf(dest string) string {
	b, _ := encoding.DecodeString(dest) // made here
	h := sha256.Sum256(b)
	return names.EncodeToString(h[:]) + ".b32.i2p"
}

// Listen serves the router on a free port of the loopback address until Close.
func (r *Router) Listen() (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	r.crew.Go(func() {
		defer l.Close() //nolint:errcheck // ended anyway
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if !r.Serve(c) {
				return
			}
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(listenerConn{Listener: l})
	return l.Addr().String(), nil
}

// listenerConn lets Close end a listener like a connection.
type listenerConn struct {
	net.Conn
	net.Listener
}

func (l listenerConn) Close() error { return l.Listener.Close() }

// Dial connects to the router without a network. It fits a Config of package i2p.
func (r *Router) Dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	if !r.Serve(there) {
		return nil, net.ErrClosed
	}
	return here, nil
}

// Serve serves one connection until it ends. It reports false when the router is closed.
func (r *Router) Serve(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = c.Close()
		return false
	}
	r.keep(c)
	r.crew.Go(func() {
		defer r.forget(c)
		r.talk(c)
	})
	return true
}

func (r *Router) keep(c net.Conn) {
	if r.conns == nil {
		r.conns, r.sessions = make(map[net.Conn]struct{}), make(map[string]*session)
	}
	r.conns[c] = struct{}{}
}

func (r *Router) forget(c net.Conn) {
	_ = c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// Close ends everything and waits for it.
func (r *Router) Close() {
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.crew.Wait()
}

// Restart ends all sessions and streams, as a router that is started again; it goes on serving.
func (r *Router) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if _, listens := c.(listenerConn); !listens {
			_ = c.Close()
		}
	}
}

// Sessions is the number of sessions.
func (r *Router) Sessions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions)
}

// Waiting are the names of the endpoints at which somebody waits for streams.
func (r *Router) Waiting() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sessions {
		if len(s.waiting) > 0 {
			names = append(names, nameOf(s.dest))
		}
	}
	return names
}

// talk holds the dialogue of one connection.
func (r *Router) talk(c net.Conn) {
	for {
		line, err := readLine(c)
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if len(words) < 2 {
			return
		}
		command, args := words[0]+" "+words[1], values(words[2:])
		if r.Refuse != nil {
			if result := r.Refuse(line); result != "" {
				say(c, topics[command]+" RESULT="+result+` MESSAGE="as the test wants it"`)
				return
			}
		}
		if !r.answer(c, command, args) {
			return
		}
	}
}

var topics = map[string]string{
	"HELLO VERSION": "HELLO REPLY", "DEST GENERATE": "DEST REPLY", "SESSION CREATE": "SESSION STATUS", "NAMING LOOKUP": "NAMING REPLY",
	"STREAM CONNECT": "STREAM STATUS", "STREAM ACCEPT": "STREAM STATUS",
}

// answer carries out one command. It reports whether the dialogue goes on.
func (r *Router) answer(c net.Conn, command string, args map[string]string) bool {
	switch command {
	case "HELLO VERSION":
		say(c, "HELLO REPLY RESULT=OK VERSION=3.1")
	case "DEST GENERATE":
		key := NewKey()
		say(c, "DEST REPLY PUB="+destination(key)+" PRIV="+key)
	case "NAMING LOOKUP":
		dest, ok := r.find(args["NAME"])
		if !ok {
			say(c, "NAMING REPLY RESULT=KEY_NOT_FOUND NAME="+args["NAME"])
			return true
		}
		say(c, "NAMING REPLY RESULT=OK NAME="+args["NAME"]+" VALUE="+dest)
	case "SESSION CREATE":
		return r.create(c, args)
	case "STREAM CONNECT":
		r.connect(c, args)
		return false
	case "STREAM ACCEPT":
		r.accept(c, args)
		return false
	default:
		return false
	}
	return true
}

func (r *Router) find(name string) (dest string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.sessions {
		if nameOf(s.dest) == name {
			return s.dest, true
		}
	}
	return "", false
}

func (r *Router) create(c net.Conn, args map[string]string) bool {
	key := args["DESTINATION"]
	if key == "TRANSIENT" {
		key = NewKey()
	}
	s := &session{control: c, dest: destination(key), waiting: make(chan net.Conn, 16)}
	result := "OK"
	r.mu.Lock()
	switch {
	case s.dest == "":
		result = "INVALID_KEY"
	case r.sessions[args["ID"]] != nil:
		result = "DUPLICATED_ID"
	default:
		for _, other := range r.sessions {
			if other.dest == s.dest {
				result = "DUPLICATED_DEST"
			}
		}
	}
	if result == "OK" {
		r.sessions[args["ID"]] = s
	}
	r.mu.Unlock()
	say(c, "SESSION STATUS RESULT="+result+" DESTINATION="+key)
	if result != "OK" {
		return false
	}
	_, _ = io.Copy(io.Discard, c) // the session lasts as long as its connection
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, args["ID"])
	for {
		select {
		case w := <-s.waiting:
			_ = w.Close()
		default:
			return false
		}
	}
}

// accept lets a connection wait for a stream.
func (r *Router) accept(c net.Conn, args map[string]string) {
	r.mu.Lock()
	s := r.sessions[args["ID"]]
	r.mu.Unlock()
	if s == nil {
		say(c, "STREAM STATUS RESULT=INVALID_ID")
		return
	}
	say(c, "STREAM STATUS RESULT=OK")
	near, far := net.Pipe()
	select {
	case s.waiting <- far:
	default:
		_ = far.Close()
	}
	join(c, near)
}

// connect joins a connection with one that waits.
func (r *Router) connect(c net.Conn, args map[string]string) {
	r.mu.Lock()
	from := r.sessions[args["ID"]]
	var to *session
	for _, s := range r.sessions {
		if s.dest == args["DESTINATION"] {
			to = s
		}
	}
	r.mu.Unlock()
	switch {
	case from == nil:
		say(c, "STREAM STATUS RESULT=INVALID_ID")
		return
	case to == nil:
		say(c, "STREAM STATUS RESULT=CANT_REACH_PEER")
		return
	}
	select {
	case other := <-to.waiting:
		say(c, "STREAM STATUS RESULT=OK")
		say(other, from.dest)
		join(c, other)
	default:
		say(c, "STREAM STATUS RESULT=CANT_REACH_PEER")
	}
}

// join copies both ways until one side ends.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	for _, way := range [2][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_, _ = a.Close(), b.Close()
		})
	}
	both.Wait()
}

func say(c net.Conn, line string) { _, _ = fmt.Fprintln(c, line) }

func readLine(c net.Conn) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < 8192 {
		if _, err := c.Read(b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", io.ErrShortBuffer
}

func values(words []string) map[string]string {
	out := make(map[string]string)
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		out[key] = value
	}
	return out
}
