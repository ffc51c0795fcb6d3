package i2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Reasons why a router refuses, as it names them. spec: rns-interfaces §14
var (
	ErrCantReachPeer  = errors.New("the I2P router cannot reach the peer")
	ErrDuplicatedDest = errors.New("the I2P address is in use already")
	ErrDuplicatedID   = errors.New("the I2P session exists already")
	ErrI2P            = errors.New("the I2P router reports an error")
	ErrInvalidID      = errors.New("the I2P session is gone")
	ErrInvalidKey     = errors.New("the I2P router does not take the key")
	ErrKeyNotFound    = errors.New("the I2P router cannot find the name")
	ErrPeerNotFound   = errors.New("the I2P router cannot find the peer")
	ErrTimeout        = errors.New("the I2P router gave up waiting")
	ErrNoVersion      = errors.New("the I2P router does not speak SAM 3.1")
	// ErrNoRouter means that no router listens.
	ErrNoRouter = errors.New("no I2P router answers: is I2P running, with SAM switched on?")
	// ErrReply means that what answers is no I2P router.
	ErrReply = errors.New("not an answer of an I2P router")
)

var results = map[string]error{
	"CANT_REACH_PEER": ErrCantReachPeer, "DUPLICATED_DEST": ErrDuplicatedDest, "DUPLICATED_ID": ErrDuplicatedID, "I2P_ERROR": ErrI2P,
	"INVALID_ID": ErrInvalidID, "INVALID_KEY": ErrInvalidKey, "KEY_NOT_FOUND": ErrKeyNotFound, "PEER_NOT_FOUND": ErrPeerNotFound,
	"TIMEOUT": ErrTimeout, "NOVERSION": ErrNoVersion,
}

// maxLine bounds a line of the dialogue, in bytes.
const maxLine = 8192

// reply is an answer of the router: two words, then values.
type reply struct {
	topic  string
	values map[string]string
}

// parseReply reads a line without its end. Values may stand in double quotes, with backslashes.
func parseReply(line string) (reply, error) {
	topic, rest, _ := strings.Cut(line, " ")
	kind, rest, _ := strings.Cut(rest, " ")
	if topic == "" || kind == "" || len(line) > maxLine {
		return reply{}, ErrReply
	}
	r := reply{topic: topic + " " + kind, values: make(map[string]string)}
	for rest = strings.TrimLeft(rest, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		end := strings.IndexAny(rest, "= ")
		if end < 0 || rest[end] == ' ' { // a word alone
			word, after, _ := strings.Cut(rest, " ")
			r.values[word], rest = "", after
			continue
		}
		key, value, after, ok := cutValue(rest[:end], rest[end+1:])
		if !ok {
			return reply{}, ErrReply
		}
		r.values[key], rest = value, after
	}
	return r, nil
}

// cutValue takes a value off the front.
func cutValue(key, rest string) (k, value, after string, ok bool) {
	if !strings.HasPrefix(rest, `"`) {
		value, after, _ = strings.Cut(rest, " ")
		return key, value, after, true
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '"':
			return key, b.String(), rest[i+1:], true
		case '\\':
			if i++; i == len(rest) {
				return "", "", "", false
			}
		}
		b.WriteByte(rest[i])
	}
	return "", "", "", false
}

// err is why the router refuses, nil if it does not.
func (r reply) err() error {
	result, has := r.values["RESULT"]
	if !has || result == "OK" {
		return nil
	}
	reason, known := results[result]
	if !known {
		reason = fmt.Errorf("%w: %q", ErrI2P, result)
	}
	if message := r.values["MESSAGE"]; message != "" {
		return fmt.Errorf("%w: %q", reason, message)
	}
	return reason
}

// sam is one connection to the router.
type sam struct{ net.Conn }

// dialSAM connects and agrees on the version.
func (c *Config) dialSAM(ctx context.Context) (*sam, error) {
	attempt, cancel := context.WithTimeout(ctx, c.Params.ReplyTimeout)
	defer cancel()
	conn, err := c.Dial(attempt, "tcp", c.Router)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w %w", ErrNoRouter, err)
	}
	s := &sam{conn}
	if _, err := s.ask(ctx, c.Params.ReplyTimeout, "HELLO VERSION MIN=3.1 MAX=3.1", "HELLO REPLY"); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// ask sends a command and reads the answer, which must have this topic. Commands hold no line ends: names and keys are
// checked before.
func (s *sam) ask(ctx context.Context, limit time.Duration, command, topic string) (reply, error) {
	defer s.bound(ctx, limit)()
	if _, err := s.Write([]byte(command + "\n")); err != nil {
		return reply{}, cause(ctx, err)
	}
	line, err := s.line()
	if err != nil {
		return reply{}, cause(ctx, err)
	}
	r, err := parseReply(line)
	if err != nil || r.topic != topic {
		return reply{}, ErrReply
	}
	return r, r.err()
}

// bound makes the connection fail when ctx ends or, unless it is zero, the limit has passed. The returned function lifts
// the bound.
func (s *sam) bound(ctx context.Context, limit time.Duration) (lift func()) {
	if limit > 0 {
		_ = s.SetDeadline(time.Now().Add(limit))
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = s.SetDeadline(time.Unix(1, 0))
		close(done)
	})
	return func() {
		if !stop() {
			<-done
			return
		}
		_ = s.SetDeadline(time.Time{})
	}
}

// cause prefers the end of ctx to the error it made.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// line reads one line, byte by byte: what follows belongs to the stream.
func (s *sam) line() (string, error) {
	var line []byte
	var b [1]byte
	for len(line) <= maxLine {
		if _, err := s.Read(b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
	return "", ErrReply
}
