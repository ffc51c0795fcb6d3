package rns

import "time"

// Specification: sizes every node agrees on, in bytes. None of them may be
// configurable. spec: rns-core §1.1
const (
	// MTU is the size limit of a packet as first packed, header and payload
	// without access code.
	MTU = 500

	HashSize        = 32  // full hash
	AddrSize        = 16  // truncated hash: destinations, identities, transport and link ids
	NameHashSize    = 10  // hash of a destination name
	RatchetIDSize   = 10  // hash naming a ratchet key
	KeySize         = 32  // one X25519 or Ed25519 key
	PublicKeySize   = 64  // X25519 || Ed25519
	PrivateKeySize  = 64  // X25519 || Ed25519 seed
	SignatureSize   = 64  // Ed25519 signature
	RatchetSize     = 32  // ratchet key, public or private
	RandomBlobSize  = 10  // random part of an announce: 5 random, 5 timestamp
	HeaderMinSize   = 19  // header form 1
	HeaderMaxSize   = 35  // header form 2
	IFACMinSize     = 1   // smallest interface access code
	IFACMaxSize     = 64  // a code is cut from a signature
	TokenOverhead   = 48  // initialisation vector and authentication code
	PlainMDU        = 464 // largest payload of an unencrypted packet
	EncryptedMDU    = 383 // largest plaintext to a SINGLE destination
	TagSize         = 16  // longest path request tag
	FrameMinSize    = 3   // frames shorter than this are dropped on every interface
	MaxAppData      = 317 // application data of an announce that survives transport, without ratchet
	MaxAppDataKeyed = 285 // the same with a ratchet
)

// MaxHops is the number of hops at which a received packet is malformed; as a
// distance it means "unknown". spec: rns-core §1.1
const MaxHops = 128

// Specification: times that the codecs and keys of this package depend on.
// Timing of transport and links is in the Params of those packages.
// spec: rns-core §1.2
const (
	DefaultPerHopTimeout = 6 * time.Second
	RatchetInterval      = 1800 * time.Second
	RatchetCount         = 512
	RatchetExpiry        = 30 * 24 * time.Hour
	PersistRandomBlobs   = 32
)

// Well-known destination names. spec: rns-core §5.2
const (
	NamePathRequest       = "rnstransport.path.request"
	NameTunnelSynthesis   = "rnstransport.tunnel.synthesize"
	NameRemoteManagement  = "rnstransport.remote.management"
	NameBlackholeInfo     = "rnstransport.info.blackhole"
	NameProbe             = "rnstransport.probe"
	NameInterfaceDiscover = "rnstransport.discovery.interface"
	NameNetwork           = "rnstransport.network"
	NameNetworkInstance   = "rnstransport.network.instance"
)

// Implementation: bounds on what the file codecs accept, so that a damaged or
// hostile file cannot exhaust memory.
const (
	maxFileRatchets  = 65536
	maxFileEntries   = 1 << 20
	maxBlobsPerEntry = 1024
	maxReasonLength  = 1024
)
