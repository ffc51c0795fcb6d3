package control

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the dialect of old partners, see Policy
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"meshchatx/rns"
)

// Errors of the authentication.
var (
	// ErrAuth means that the partner has another key.
	ErrAuth = errors.New("control: the other program has another key")
	// ErrHandshake means that the partner does not follow the protocol.
	ErrHandshake = errors.New("control: unexpected message during authentication")
	// ErrDigest means that the partner asks for a digest that is unknown or refused.
	ErrDigest = errors.New("control: digest is unknown or refused")
)

// Policy says which digests authenticate.
type Policy uint8

// The policies.
const (
	// AllowMD5 also speaks with Python up to 3.11, which knows nothing else.
	AllowMD5 Policy = iota
	// RefuseMD5 does not: a program in between cannot bring the partners down to it.
	RefuseMD5
)

// Key is the default key of the control connection, made from the persistent transport identity. spec: rns-link §12.2
func Key(id *rns.Identity) []byte {
	h := rns.FullHash(id.Bytes())
	return h[:]
}

// Messages of the authentication. spec: rns-link §12.3
const (
	challengePrefix = "#CHALLENGE#"
	welcome         = "#WELCOME#"
	failure         = "#FAILURE#"

	oldChallenge = 20 // bytes of a challenge up to Python 3.11
	newChallenge = 40 // random bytes of a challenge from Python 3.12 on
	ownDigest    = "sha256"
)

// digests are those that a challenge or response may name.
var digests = map[string]func() hash.Hash{
	"md5":      md5.New,
	"sha256":   sha256.New,
	"sha384":   sha512.New384,
	"sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() },
}

// named splits a digest in braces off the front of a challenge or response.
func named(b []byte) (digest string, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '{' {
		return "", b, false
	}
	name, rest, ok := bytes.Cut(b[1:], []byte{'}'})
	if !ok {
		return "", b, false
	}
	return string(name), rest, true
}

func mac(digest string, key, message []byte) []byte {
	h := hmac.New(digests[digest], key)
	h.Write(message)
	return h.Sum(nil)
}

// Respond answers a challenge in the dialect it is in. spec: rns-link §12.3
func Respond(key, challenge []byte, p Policy) ([]byte, error) {
	digest, _, isNamed := named(challenge)
	switch {
	case len(challenge) < oldChallenge:
		return nil, ErrHandshake
	case len(challenge) == oldChallenge:
		if p == RefuseMD5 {
			return nil, fmt.Errorf("%w: md5", ErrDigest)
		}
		return mac("md5", key, challenge), nil
	case !isNamed || digests[digest] == nil || digest == "md5" && p == RefuseMD5:
		return nil, fmt.Errorf("%w: %.16q", ErrDigest, digest)
	}
	return slices.Concat([]byte("{"+digest+"}"), mac(digest, key, challenge)), nil
}

// Verify checks the response to a challenge of ours. The error is ErrAuth or ErrDigest. spec: rns-link §12.3
func Verify(key, challenge, response []byte, p Policy) error {
	digest, sum, isNamed := named(response)
	if !isNamed {
		digest, sum = "md5", response
	}
	switch {
	case digests[digest] == nil, digest == "md5" && p == RefuseMD5:
		return fmt.Errorf("%w: %.16q", ErrDigest, digest)
	case !hmac.Equal(sum, mac(digest, key, challenge)):
		return ErrAuth
	}
	return nil
}

// Handshake is one side of the mutual authentication. Use NewListener or NewDialer. Messages received go through Next, one
// after the other; what it returns is to be sent. Not safe for concurrent use. spec: rns-link §12.3
type Handshake struct {
	key       []byte
	policy    Policy
	challenge []byte
	side      side
	state     handshakeState
}

// side is who began the connection.
type side uint8

const (
	listening side = iota
	connecting
)

type handshakeState uint8

const (
	awaitResponse  handshakeState = iota // to our challenge
	awaitChallenge                       // from the partner
	awaitWelcome                         // after our response
	authenticated
	refused
)

// NewListener begins the side that accepted the connection; the message returned is to be sent first.
func NewListener(key []byte, p Policy, random io.Reader) (*Handshake, []byte, error) {
	h := &Handshake{key: key, policy: p, side: listening, state: awaitResponse}
	first, err := h.makeChallenge(random)
	return h, first, err
}

// NewDialer begins the side that connected. It reads its challenge from random at once.
func NewDialer(key []byte, p Policy, random io.Reader) (*Handshake, error) {
	h := &Handshake{key: key, policy: p, side: connecting, state: awaitChallenge}
	_, err := h.makeChallenge(random)
	return h, err
}

func (h *Handshake) makeChallenge(random io.Reader) ([]byte, error) {
	h.challenge = append([]byte("{"+ownDigest+"}"), make([]byte, newChallenge)...)
	if _, err := io.ReadFull(random, h.challenge[len(ownDigest)+2:]); err != nil {
		return nil, fmt.Errorf("control: challenge: %w", err)
	}
	return h.sendChallenge(), nil
}

func (h *Handshake) sendChallenge() []byte { return append([]byte(challengePrefix), h.challenge...) }

// Done reports whether both sides have proved that they know the key.
func (h *Handshake) Done() bool { return h.state == authenticated }

// Next takes a message and returns those to send. With an error the connection is to be closed, after the messages
// returned with it have been sent.
func (h *Handshake) Next(message []byte) (send [][]byte, err error) {
	defer func() {
		if err != nil {
			h.state = refused
		}
	}()
	switch h.state {
	case awaitResponse:
		return h.checkResponse(message)
	case awaitChallenge:
		challenge, ok := bytes.CutPrefix(message, []byte(challengePrefix))
		if !ok {
			return nil, ErrHandshake
		}
		response, err := Respond(h.key, challenge, h.policy)
		if err != nil {
			return nil, err
		}
		h.state = awaitWelcome
		return [][]byte{response}, nil
	case awaitWelcome:
		return h.welcomed(message)
	}
	return nil, ErrHandshake
}

// checkResponse judges the partner. The listener then is challenged, the dialer is finished.
func (h *Handshake) checkResponse(message []byte) ([][]byte, error) {
	if err := Verify(h.key, h.challenge, message, h.policy); err != nil {
		return [][]byte{[]byte(failure)}, err
	}
	h.state = awaitChallenge
	if h.side == connecting {
		h.state = authenticated
	}
	return [][]byte{[]byte(welcome)}, nil
}

// welcomed takes the partner's judgement. The listener is finished then, the dialer challenges.
func (h *Handshake) welcomed(message []byte) ([][]byte, error) {
	switch {
	case string(message) == failure:
		return nil, ErrAuth
	case string(message) != welcome:
		return nil, ErrHandshake
	case h.side == listening:
		h.state = authenticated
		return nil, nil
	}
	h.state = awaitResponse
	return [][]byte{h.sendChallenge()}, nil
}
