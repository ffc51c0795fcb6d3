package lxmf

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"
)

// Reasons for refusing what goes through propagation nodes.
var (
	ErrStored     = errors.New("lxmf: stored message too short for a message and a stamp")
	ErrTransfer   = errors.New("lxmf: malformed transfer of messages")
	ErrStoredName = errors.New("lxmf: not the name of a stored message")
)

// Seal returns the message encrypted to its recipient, as propagation nodes and
// paper carry it: the destination, then the ciphertext of the rest. Every call
// gives other bytes, so make it once per message and keep it: its [TransientID]
// and propagation stamp depend on it. Redo it only if the stamp of the message
// changed. The ratchet may be nil. spec: lxmf §5.5
func (m *Message) Seal(rand io.Reader, recipient rns.PublicKey, ratchet *rns.RatchetPublic) ([]byte, error) {
	plaintext, err := m.OpportunisticData()
	if err != nil {
		return nil, err
	}
	ciphertext, err := recipient.Encrypt(rand, plaintext, ratchet)
	if err != nil {
		return nil, fmt.Errorf("encrypt %v: %w", m, err)
	}
	return append(m.Destination[:len(m.Destination):len(m.Destination)], ciphertext...), nil
}

// MinSealed is the length of the shortest sealed message that is looked at.
// spec: lxmf §9.7
const MinSealed = Overhead

// Open decrypts a sealed message and returns it packed, for [Parse]. The ratchets
// are those of the destination, newest first.
func Open(sealed []byte, recipient *rns.Identity, ratchets []rns.RatchetPrivate, policy rns.RatchetPolicy) ([]byte, error) {
	if len(sealed) < MinSealed {
		return nil, ErrShort
	}
	destination, ciphertext := sealed[:rns.AddrSize], sealed[rns.AddrSize:]
	plaintext, _, err := recipient.Decrypt(ciphertext, ratchets, policy)
	if err != nil {
		return nil, fmt.Errorf("open sealed message: %w", err)
	}
	return append(append(make([]byte, 0, rns.AddrSize+len(plaintext)), destination...), plaintext...), nil
}

// TransientID identifies a sealed message. It is another thing than the hash of
// the message, which only the recipient can know. spec: lxmf §5.5
func TransientID(sealed []byte) rns.Hash { return rns.FullHash(sealed) }

// Stored is a message as propagation nodes keep and exchange it.
type Stored struct {
	Sealed []byte
	Stamp  stamp.Stamp
}

// ParseStored splits a stored message. The result aliases b. spec: lxmf §6.5
func ParseStored(b []byte) (Stored, error) {
	if len(b) <= Overhead+stamp.Size {
		return Stored{}, ErrStored
	}
	cut := len(b) - stamp.Size
	return Stored{Sealed: b[:cut:cut], Stamp: stamp.Stamp(b[cut:])}, nil
}

// Append appends the stored form.
func (s Stored) Append(b []byte) []byte { return append(append(b, s.Sealed...), s.Stamp[:]...) }

// ID returns the transient id.
func (s Stored) ID() rns.Hash { return TransientID(s.Sealed) }

// Destination returns the recipient. The sealed message must not be empty.
func (s Stored) Destination() rns.Addr { return rns.Addr(s.Sealed[:rns.AddrSize]) }

// Check reports whether the stamp satisfies a cost, and its value. It takes about
// 3 ms of processor time.
func (s Stored) Check(cost, workers int) (valid bool, value int) {
	work := PropagationWork(s.ID(), workers)
	return work.Valid(s.Stamp[:], cost), work.Value(s.Stamp[:])
}

// Transfer is what is handed to a propagation node, by a client with one message
// or by a peer with many. spec: lxmf §5.5, §11.3
type Transfer struct {
	Time   float64 // the sender's clock, seconds since 1970
	Stored [][]byte
}

// Append appends the encoded transfer.
func (t Transfer) Append(b []byte) []byte {
	b = msgpack.AppendArrayHeader(b, 2)
	b = msgpack.AppendFloat64(b, t.Time)
	return appendStrings(b, t.Stored)
}

func appendStrings(b []byte, list [][]byte) []byte {
	b = msgpack.AppendArrayHeader(b, len(list))
	for _, s := range list {
		b = msgpack.AppendBin(b, s)
	}
	return b
}

// ParseTransfer reads a transfer. It aliases b. Elements that cannot be stored
// messages are found by [ParseStored].
func ParseTransfer(b []byte) (t Transfer, err error) {
	d := msgpack.NewDecoder(b)
	if n, err := d.ReadArrayHeader(); err != nil || n != 2 {
		return Transfer{}, ErrTransfer
	}
	if t.Time, err = d.ReadNumber(); err != nil {
		return Transfer{}, fmt.Errorf("%w: %w", ErrTransfer, err)
	}
	if t.Stored, err = readStrings(&d); err != nil {
		return Transfer{}, fmt.Errorf("%w: %w", ErrTransfer, err)
	}
	return t, nil
}

// readStrings reads an array of byte strings. Its length is bounded by that of
// the input, two bytes for each.
func readStrings(d *msgpack.Decoder) ([][]byte, error) {
	n, err := d.ReadArrayHeader()
	if err != nil {
		return nil, err
	}
	list := make([][]byte, 0, min(n, len(d.Rest())/2))
	for range n {
		s, err := d.ReadBin()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// StoredName is the name of the file in which a node keeps a message.
// spec: lxmf §10
type StoredName struct {
	ID       rns.Hash
	Received float64 // seconds since 1970
	Value    int     // of the stamp
}

// String returns the file name, always with all three parts.
func (n StoredName) String() string {
	return n.ID.Hex() + "_" + decimal(n.Received) + "_" + strconv.Itoa(n.Value)
}

// decimal writes a number with a fraction, be it zero.
func decimal(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// ParseStoredName reads a file name. Files that other programs wrote without a
// value have value zero.
func ParseStoredName(s string) (n StoredName, err error) {
	parts := strings.Split(s, "_")
	if len(parts) < 2 || len(parts) > 3 || len(parts[0]) != 2*rns.HashSize {
		return StoredName{}, ErrStoredName
	}
	if _, err := hex.Decode(n.ID[:], []byte(parts[0])); err != nil {
		return StoredName{}, ErrStoredName
	}
	n.Received, err = strconv.ParseFloat(parts[1], 64)
	if err != nil || math.IsNaN(n.Received) || n.Received <= 0 || n.Received > maxSeconds {
		return StoredName{}, ErrStoredName
	}
	if len(parts) == 3 {
		if n.Value, err = strconv.Atoi(parts[2]); err != nil || n.Value < 0 {
			return StoredName{}, ErrStoredName
		}
	}
	return n, nil
}
