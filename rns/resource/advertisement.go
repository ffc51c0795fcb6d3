package resource

import (
	"errors"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Flags are the properties of a resource. spec: rns-link §8.2
type Flags uint8

// Flags of an advertisement.
const (
	FlagEncrypted Flags = 1 << iota
	FlagCompressed
	FlagSplit
	FlagRequest
	FlagResponse
	FlagMetadata
)

// Has reports whether all flags of f2 are set.
func (f Flags) Has(f2 Flags) bool { return f&f2 == f2 }

// Reasons for refusing an advertisement.
var (
	ErrAdvertisement = errors.New("resource advertisement malformed")
	ErrAdvertSize    = errors.New("resource advertisement: transfer size out of bounds")
	ErrAdvertParts   = errors.New("resource advertisement: number of parts does not fit the size")
	ErrAdvertMap     = errors.New("resource advertisement: wrong number of map hashes")
	ErrAdvertSegment = errors.New("resource advertisement: impossible segment")
	ErrAdvertFlags   = errors.New("resource advertisement: impossible flags")
)

// Advertisement announces one segment of a resource. The zero value is not valid. spec: rns-link §8.2
type Advertisement struct {
	TransferSize int   // t, bytes of this segment, encrypted
	DataSize     int64 // d, bytes of the whole resource, metadata block included
	Parts        int   // n, of this segment
	Hash         rns.Hash
	Random       [RandomSize]byte
	Original     rns.Hash // o, hash of segment 1
	Segment      int      // i, from 1
	Segments     int      // l
	// RequestID is valid if HasRequestID.
	RequestID    rns.Addr
	HasRequestID bool
	Flags        Flags
	// MapHashes are those of the first up to 74 parts, concatenated.
	MapHashes []byte
}

// Append appends the advertisement with its keys in the order of the specification.
func (a Advertisement) Append(b []byte) []byte {
	b = msgpack.AppendMapHeader(b, 11)
	b = appendInt(b, "t", int64(a.TransferSize))
	b = appendInt(b, "d", a.DataSize)
	b = appendInt(b, "n", int64(a.Parts))
	b = appendBin(b, "h", a.Hash[:])
	b = appendBin(b, "r", a.Random[:])
	b = appendBin(b, "o", a.Original[:])
	b = appendInt(b, "i", int64(a.Segment))
	b = appendInt(b, "l", int64(a.Segments))
	b = msgpack.AppendString(b, "q")
	if a.HasRequestID {
		b = msgpack.AppendBin(b, a.RequestID[:])
	} else {
		b = msgpack.AppendNil(b)
	}
	b = appendInt(b, "f", int64(a.Flags))
	return appendBin(b, "m", a.MapHashes)
}

func appendInt(b []byte, key string, v int64) []byte {
	return msgpack.AppendInt(msgpack.AppendString(b, key), v)
}

func appendBin(b []byte, key string, v []byte) []byte {
	return msgpack.AppendBin(msgpack.AppendString(b, key), v)
}

// advertKeys are the keys that must be present; the position is the bit in the mask of those seen.
const advertKeys = "tdnhroilqfm"

// ParseAdvertisement decodes an advertisement and checks what can be checked without the link; see
// [Advertisement.Validate]. It does not retain b. The error is [ErrAdvertisement]. Keys in any order and unknown keys are
// accepted.
func ParseAdvertisement(b []byte) (Advertisement, error) {
	d := msgpack.NewDecoder(b)
	entries, err := d.ReadMapHeader()
	if err != nil {
		return Advertisement{}, ErrAdvertisement
	}
	var a Advertisement
	seen := 0
	for range entries {
		key, err := d.ReadText()
		if err != nil {
			return Advertisement{}, ErrAdvertisement
		}
		bit := keyBit(key)
		switch {
		case bit == 0:
			err = d.Skip()
		case seen&bit != 0:
			err = ErrAdvertisement
		default:
			err = a.read(&d, key[0])
		}
		if err != nil {
			return Advertisement{}, ErrAdvertisement
		}
		seen |= bit
	}
	if seen != 1<<len(advertKeys)-1 {
		return Advertisement{}, ErrAdvertisement
	}
	return a, nil
}

func keyBit(key []byte) int {
	if len(key) == 1 {
		for i := range len(advertKeys) {
			if advertKeys[i] == key[0] {
				return 1 << i
			}
		}
	}
	return 0
}

// read decodes the value of one key.
func (a *Advertisement) read(d *msgpack.Decoder, key byte) (err error) {
	switch key {
	case 't':
		a.TransferSize, err = readSize(d)
	case 'd':
		a.DataSize, err = d.ReadInt()
	case 'n':
		a.Parts, err = readSize(d)
	case 'h':
		err = readFixed(d, a.Hash[:])
	case 'r':
		err = readFixed(d, a.Random[:])
	case 'o':
		err = readFixed(d, a.Original[:])
	case 'i':
		a.Segment, err = readSize(d)
	case 'l':
		a.Segments, err = readSize(d)
	case 'q':
		if d.ReadNil() != nil {
			a.HasRequestID = true
			err = readFixed(d, a.RequestID[:])
		}
	case 'f':
		var f int
		f, err = readSize(d)
		if f > 0xFF {
			return ErrAdvertisement
		}
		a.Flags = Flags(f)
	case 'm':
		var m []byte
		m, err = d.ReadBin()
		if len(m) > HashMapSegment*MapHashSize {
			return ErrAdvertMap
		}
		a.MapHashes = append([]byte(nil), m...)
	}
	return err
}

// readSize reads an integer from 0 to 2^31 − 1.
func readSize(d *msgpack.Decoder) (int, error) {
	v, err := d.ReadInt()
	if err == nil && (v < 0 || v > 1<<31-1) {
		err = ErrAdvertisement
	}
	return int(v), err
}

func readFixed(d *msgpack.Decoder, dst []byte) error {
	b, err := d.ReadBin()
	if err != nil {
		return err
	}
	if len(b) != len(dst) {
		return ErrAdvertisement
	}
	copy(dst, b)
	return nil
}

// Validate checks the advertisement against the part size of the link. Everything must hold before memory is set aside.
// spec: rns-link §8.2
func (a Advertisement) Validate(sdu int) error {
	switch {
	case a.TransferSize < MinTransferSize, a.TransferSize > MaxTransferSize, a.DataSize < 0:
		return ErrAdvertSize
	case sdu <= 0, a.Parts != (a.TransferSize+sdu-1)/sdu:
		return ErrAdvertParts
	case len(a.MapHashes) != MapHashSize*min(a.Parts, HashMapSegment):
		return ErrAdvertMap
	case a.Segment < 1, a.Segment > a.Segments:
		return ErrAdvertSegment
	case !a.Flags.Has(FlagEncrypted), a.Flags.Has(FlagSplit) != (a.Segments > 1), a.Flags.Has(FlagRequest | FlagResponse):
		return ErrAdvertFlags
	}
	return nil
}

// IsRequest reports whether the resource carries a request.
func (a Advertisement) IsRequest() bool { return a.HasRequestID && a.Flags.Has(FlagRequest) }

// IsResponse reports whether the resource carries a response.
func (a Advertisement) IsResponse() bool { return a.HasRequestID && a.Flags.Has(FlagResponse) }

// continues reports whether a can be a later segment of the transfer that first announced. spec: rns-link §8.7
func (a Advertisement) continues(first Advertisement) bool {
	return a.Original == first.Original && a.Segments == first.Segments && a.DataSize == first.DataSize &&
		a.Flags.Has(FlagMetadata) == first.Flags.Has(FlagMetadata) && a.IsRequest() == first.IsRequest() &&
		a.IsResponse() == first.IsResponse() && a.HasRequestID == first.HasRequestID && a.RequestID == first.RequestID
}
