package i2p

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
)

// session is what the router makes streams in. It lasts as long as its connection.
type session struct {
	id   string
	conn *sam
	dead chan struct{} // closed when the connection has ended
}

// open makes a session for a private key, or for a passing one.
func (c *Config) open(ctx context.Context, key string) (*session, error) {
	var random [8]byte
	if _, err := io.ReadFull(c.Random, random[:]); err != nil {
		return nil, err
	}
	conn, err := c.dialSAM(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{id: "reticulum-" + hex.EncodeToString(random[:]), conn: conn, dead: make(chan struct{})}
	command := fmt.Sprintf("SESSION CREATE STYLE=STREAM ID=%s DESTINATION=%s ", s.id, key)
	if _, err := conn.ask(ctx, c.Params.SessionTimeout, command, "SESSION STATUS"); err != nil {
		_ = conn.Close()
		return nil, err
	}
	go s.watch()
	return s, nil
}

// transient asks for a session with a key of its own.
const transient = "TRANSIENT"

// watch reads the connection, which says nothing any more, until it ends.
func (s *session) watch() {
	defer close(s.dead)
	_, _ = io.Copy(io.Discard, s.conn)
	_ = s.conn.Close()
}

// alive tells whether the router still has the session.
func (s *session) alive() bool {
	select {
	case <-s.dead:
		return false
	default:
		return true
	}
}

// close ends the session and what runs in it.
func (s *session) close() {
	_ = s.conn.Close()
	<-s.dead
}

// generate makes a new private key.
func (c *Config) generate(ctx context.Context) (string, error) {
	conn, err := c.dialSAM(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // it has answered
	r, err := conn.ask(ctx, c.Params.ReplyTimeout, "DEST GENERATE SIGNATURE_TYPE=7", "DEST REPLY")
	if err != nil {
		return "", err
	}
	key := r.values["PRIV"]
	if _, err := Address(key); err != nil {
		return "", ErrReply
	}
	return key, nil
}

// resolve finds the destination of a name. What is no name is a destination already.
func (c *Config) resolve(ctx context.Context, peer string) (string, error) {
	if !strings.HasSuffix(peer, ".i2p") {
		return peer, nil
	}
	conn, err := c.dialSAM(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // it has answered
	r, err := conn.ask(ctx, c.Params.LookupTimeout, "NAMING LOOKUP NAME="+peer, "NAMING REPLY")
	if err != nil {
		return "", err
	}
	dest := r.values["VALUE"]
	if CheckPeer(dest) != nil {
		return "", ErrReply
	}
	return dest, nil
}

// connect makes a stream to a destination.
func (c *Config) connect(ctx context.Context, s *session, dest string) (net.Conn, error) {
	conn, err := c.dialSAM(ctx)
	if err != nil {
		return nil, err
	}
	command := fmt.Sprintf("STREAM CONNECT ID=%s DESTINATION=%s SILENT=false", s.id, dest)
	if _, err := conn.ask(ctx, c.Params.ConnectTimeout, command, "STREAM STATUS"); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn.Conn, nil
}

// accept waits for the next stream to a session.
func (c *Config) accept(ctx context.Context, s *session) (net.Conn, error) {
	conn, err := c.dialSAM(ctx)
	if err != nil {
		return nil, err
	}
	command := fmt.Sprintf("STREAM ACCEPT ID=%s SILENT=false", s.id)
	_, err = conn.ask(ctx, c.Params.ReplyTimeout, command, "STREAM STATUS")
	if err == nil {
		lift := conn.bound(ctx, 0)
		_, err = conn.line() // whose stream it is; nobody can check it and nothing depends on it
		lift()
		err = cause(ctx, err)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn.Conn, nil
}
