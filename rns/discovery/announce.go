package discovery

import (
	"errors"
	"io"

	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// DefaultCost is the stamp value published and asked for unless configured
// otherwise. spec: rns-core §22.3, §22.4
const DefaultCost = 16

// flagEncrypted marks data for holders of the network identity. Another flag is reserved and ignored. spec: rns-core §22.2
const flagEncrypted = 0x02

// minAppData is the shortest data that can be anything: flags, a stamp and a byte. spec: rns-core §22.4
const minAppData = 1 + stamp.Size + 1

// Reasons for refusing the data of an announce.
var (
	ErrShort     = errors.New("discovery: data too short")
	ErrNoNetwork = errors.New("discovery: encrypted for a network identity that is not here")
	ErrDecrypt   = errors.New("discovery: not encrypted for this network identity")
)

// Secrecy says who can read an announcement.
type Secrecy uint8

// The zero value is readable by all.
const (
	Clear Secrecy = iota
	Encrypted
)

// AppData is the application data of a discovery announce.
// spec: rns-core §22.2
type AppData struct {
	Secrecy Secrecy
	Payload []byte // packed info and stamp, perhaps encrypted
}

// ParseAppData reads the data of an announce. The payload aliases it. The error
// is ErrShort.
func ParseAppData(b []byte) (AppData, error) {
	if len(b) < minAppData {
		return AppData{}, ErrShort
	}
	a := AppData{Payload: b[1:]}
	if b[0]&flagEncrypted != 0 {
		a.Secrecy = Encrypted
	}
	return a, nil
}

// Append appends the data as it travels.
func (a AppData) Append(b []byte) []byte {
	flags := byte(0)
	if a.Secrecy == Encrypted {
		flags |= flagEncrypted
	}
	return append(append(b, flags), a.Payload...)
}

// Open returns the packed info and the stamp. network is the identity data may
// be encrypted for, nil for none. The errors are ErrNoNetwork, ErrDecrypt and
// ErrShort.
func (a AppData) Open(network *rns.Identity) (packed []byte, s stamp.Stamp, err error) {
	plain := a.Payload
	if a.Secrecy == Encrypted {
		if network == nil {
			return nil, s, ErrNoNetwork
		}
		if plain, _, err = network.Decrypt(a.Payload, nil, rns.RatchetsOptional); err != nil {
			return nil, s, ErrDecrypt
		}
	}
	if len(plain) <= stamp.Size {
		return nil, s, ErrShort
	}
	cut := len(plain) - stamp.Size
	copy(s[:], plain[cut:])
	return plain[:cut:cut], s, nil
}

// Seal makes the data of an announce from a packed info and its stamp. A network
// identity encrypts it, for all who hold that identity. spec: rns-core §22.2
func Seal(rand io.Reader, packed []byte, s stamp.Stamp, network *rns.Identity) (AppData, error) {
	plain := append(append(make([]byte, 0, len(packed)+stamp.Size), packed...), s[:]...)
	if network == nil {
		return AppData{Payload: plain}, nil
	}
	sealed, err := network.Public().Encrypt(rand, plain, nil)
	if err != nil {
		return AppData{}, err
	}
	return AppData{Secrecy: Encrypted, Payload: sealed}, nil
}

// Work is the proof of work over a packed info. spec: rns-core §22.3
func Work(packed []byte) *stamp.Work {
	h := rns.FullHash(packed)
	return stamp.NewWork(h[:], stamp.DiscoveryRounds, 1)
}
