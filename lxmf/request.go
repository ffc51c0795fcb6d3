package lxmf

import (
	"errors"
	"fmt"
	"math"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"
)

// Paths of the requests to propagation nodes. spec: lxmf §11, §13
const (
	PathOffer  = "/offer"
	PathGet    = "/get"
	PathStats  = "/pn/get/stats"
	PathSync   = "/pn/peer/sync"
	PathUnpeer = "/pn/peer/unpeer"
)

// ErrRequest means that a request or an answer is not of the expected form.
var ErrRequest = errors.New("lxmf: malformed request or answer")

// ErrorCode is how a propagation node refuses. It is an error for [errors.Is].
// spec: lxmf §11.1
type ErrorCode uint8

// The error codes.
const (
	ErrorNoIdentity   ErrorCode = 0xf0 // identify on the link first
	ErrorNoAccess     ErrorCode = 0xf1
	ErrorInvalidKey   ErrorCode = 0xf3 // peering key
	ErrorInvalidData  ErrorCode = 0xf4
	ErrorInvalidStamp ErrorCode = 0xf5
	ErrorThrottled    ErrorCode = 0xf6 // try again later
	ErrorNotFound     ErrorCode = 0xfd
	ErrorTimeout      ErrorCode = 0xfe // never sent
)

// Error implements error.
func (e ErrorCode) Error() string {
	switch e {
	case ErrorNoIdentity:
		return "lxmf: propagation node wants identification"
	case ErrorNoAccess:
		return "lxmf: propagation node gives no access"
	case ErrorInvalidKey:
		return "lxmf: propagation node refuses the peering key"
	case ErrorInvalidData:
		return "lxmf: propagation node cannot read the request"
	case ErrorInvalidStamp:
		return "lxmf: propagation node refuses the stamp"
	case ErrorThrottled:
		return "lxmf: propagation node is busy"
	case ErrorNotFound:
		return "lxmf: propagation node does not know it"
	case ErrorTimeout:
		return "lxmf: propagation node does not answer"
	}
	return fmt.Sprintf("lxmf: propagation node answers with error %#02x", uint8(e))
}

// Append appends the code as an answer.
func (e ErrorCode) Append(b []byte) []byte { return msgpack.AppendUint(b, uint64(e)) }

// answer reads an answer that may be an error code instead.
func answer(b []byte) (msgpack.Value, error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{})
	if err != nil {
		return v, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if code, ok := v.Int(); ok {
		if code < 0 || code > math.MaxUint8 {
			return v, ErrRequest
		}
		return v, ErrorCode(code)
	}
	return v, nil
}

// InvalidStampSignal is what a node sends on a client's link when the stamp of a
// message that came as a packet is not good enough. spec: lxmf §11.4
func InvalidStampSignal() []byte {
	return ErrorInvalidStamp.Append(msgpack.AppendArrayHeader(nil, 1))
}

// IsInvalidStampSignal recognises it. It does not say which message is meant.
func IsInvalidStampSignal(b []byte) bool {
	d := msgpack.NewDecoder(b)
	n, err := d.ReadArrayHeader()
	if err != nil || n < 1 {
		return false
	}
	code, err := d.ReadUint()
	return err == nil && code == uint64(ErrorInvalidStamp)
}

// Offer is the request by which a node offers messages to a peer.
// spec: lxmf §11.2
type Offer struct {
	Key stamp.Stamp // peering key
	IDs []rns.Hash  // transient ids
}

// Append appends the data of the request.
func (o Offer) Append(b []byte) []byte {
	b = msgpack.AppendArrayHeader(b, 2)
	b = msgpack.AppendBin(b, o.Key[:])
	return appendHashes(b, o.IDs)
}

// ParseOffer reads the data of the request. A key of another length is refused
// with [ErrorInvalidKey], other faults with [ErrorInvalidData].
func ParseOffer(b []byte) (o Offer, err error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{})
	list, ok := v.Array()
	if err != nil || !ok || len(list) < 2 {
		return Offer{}, ErrorInvalidData
	}
	key, ok := list[0].Bytes()
	if !ok || len(key) != stamp.Size {
		return Offer{}, ErrorInvalidKey
	}
	o.Key = stamp.Stamp(key)
	if o.IDs, ok = hashesOf(list[1]); !ok {
		return Offer{}, ErrorInvalidData
	}
	return o, nil
}

// Wanted says how much of an offer a peer wants.
type Wanted uint8

// The answers to an offer. The zero value is none.
const (
	WantedNone Wanted = iota
	WantedAll
	WantedSome
)

// OfferAnswer is the answer to an offer.
type OfferAnswer struct {
	Wanted Wanted
	IDs    []rns.Hash // what is wanted, for WantedSome
}

// Append appends the answer.
func (a OfferAnswer) Append(b []byte) []byte {
	if a.Wanted == WantedSome {
		return appendHashes(b, a.IDs)
	}
	return msgpack.AppendBool(b, a.Wanted == WantedAll)
}

// ParseOfferAnswer reads an answer. A refusal is an [ErrorCode] as error. Serve
// only ids that were offered: a peer can name any.
func ParseOfferAnswer(b []byte) (OfferAnswer, error) {
	v, err := answer(b)
	if err != nil {
		return OfferAnswer{}, err
	}
	if all, ok := v.Bool(); ok {
		if all {
			return OfferAnswer{Wanted: WantedAll}, nil
		}
		return OfferAnswer{Wanted: WantedNone}, nil
	}
	ids, ok := hashesOf(v)
	if !ok {
		return OfferAnswer{}, ErrRequest
	}
	if len(ids) == 0 {
		return OfferAnswer{Wanted: WantedNone}, nil
	}
	return OfferAnswer{Wanted: WantedSome, IDs: ids}, nil
}

// Get is the request by which a recipient asks a node for its messages. The zero
// value asks for the list of ids. With Wants it asks for messages, deleting those
// in Haves; with Haves alone it only deletes. spec: lxmf §11.5
type Get struct {
	Wants, Haves []rns.Hash // nil and empty differ
	// Limit is the most that the answer may hold, in thousands of bytes; 0 for
	// none.
	Limit float64
}

// IsList reports whether the request is for the list.
func (g Get) IsList() bool { return g.Wants == nil && g.Haves == nil }

// Append appends the data of the request.
func (g Get) Append(b []byte) []byte {
	n := 2
	if g.Limit > 0 {
		n = 3
	}
	b = msgpack.AppendArrayHeader(b, n)
	b = appendOptionalHashes(b, g.Wants)
	b = appendOptionalHashes(b, g.Haves)
	if n == 3 {
		b = appendNumber(b, g.Limit)
	}
	return b
}

// ParseGet reads the data of the request. A fault is [ErrorInvalidData].
func ParseGet(b []byte) (g Get, err error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{})
	list, ok := v.Array()
	if err != nil || !ok || len(list) < 2 {
		return Get{}, ErrorInvalidData
	}
	for i, to := range []*[]rns.Hash{&g.Wants, &g.Haves} {
		if list[i].IsNil() {
			continue
		}
		if *to, ok = hashesOf(list[i]); !ok {
			return Get{}, ErrorInvalidData
		}
	}
	if len(list) > 2 {
		// What is not a number means no limit, as in the reference.
		if limit, ok := list[2].Number(); ok && !math.IsNaN(limit) && limit > 0 {
			g.Limit = limit
		}
	}
	return g, nil
}

// AppendIDs appends the answer to a request for the list.
func AppendIDs(b []byte, ids []rns.Hash) []byte { return appendHashes(b, ids) }

// ParseIDs reads the answer to a request for the list. A refusal is an
// [ErrorCode] as error.
func ParseIDs(b []byte) ([]rns.Hash, error) {
	v, err := answer(b)
	if err != nil {
		return nil, err
	}
	ids, ok := hashesOf(v)
	if !ok {
		return nil, ErrRequest
	}
	return ids, nil
}

// AppendSealed appends the answer to a request for messages: sealed, without
// their propagation stamps.
func AppendSealed(b []byte, sealed [][]byte) []byte { return appendStrings(b, sealed) }

// ParseSealed reads the answer to a request for messages. It aliases b. A refusal
// is an [ErrorCode] as error.
func ParseSealed(b []byte) ([][]byte, error) {
	d := msgpack.NewDecoder(b)
	if k, err := d.Kind(); err == nil && k == msgpack.KindArray {
		list, err := readStrings(&d)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRequest, err)
		}
		return list, nil
	}
	if _, err := answer(b); err != nil {
		return nil, err
	}
	return nil, ErrRequest
}

// AppendPeerRequest appends the data of the requests [PathSync] and [PathUnpeer].
func AppendPeerRequest(b []byte, peer rns.Addr) []byte { return msgpack.AppendBin(b, peer[:]) }

// ParsePeerRequest reads it. A fault is [ErrorInvalidData].
func ParsePeerRequest(b []byte) (rns.Addr, error) {
	d := msgpack.NewDecoder(b)
	peer, err := d.ReadBin()
	if err != nil || len(peer) != rns.AddrSize {
		return rns.Addr{}, ErrorInvalidData
	}
	return rns.Addr(peer), nil
}

func appendHashes(b []byte, hashes []rns.Hash) []byte {
	b = msgpack.AppendArrayHeader(b, len(hashes))
	for _, h := range hashes {
		b = msgpack.AppendBin(b, h[:])
	}
	return b
}

func appendOptionalHashes(b []byte, hashes []rns.Hash) []byte {
	if hashes == nil {
		return msgpack.AppendNil(b)
	}
	return appendHashes(b, hashes)
}

// hashesOf reads an array of hashes. What cannot be one is left out: it names
// nothing.
func hashesOf(v msgpack.Value) ([]rns.Hash, bool) {
	list, ok := v.Array()
	if !ok {
		return nil, false
	}
	hashes := make([]rns.Hash, 0, len(list))
	for _, v := range list {
		if b, ok := v.Bytes(); ok && len(b) == rns.HashSize {
			hashes = append(hashes, rns.Hash(b))
		}
	}
	return hashes, true
}
