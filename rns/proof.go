package rns

// ProofForm is the form of the proof of a packet. spec: rns-core §8.1
type ProofForm uint8

// Proof forms. Receivers accept both.
const (
	ProofImplicit ProofForm = iota // the signature alone; the usual form
	ProofExplicit                  // packet hash, then signature
)

// Sizes of proofs, in bytes.
const (
	ImplicitProofSize = SignatureSize
	ExplicitProofSize = HashSize + SignatureSize
)

// BuildProof is the data of the proof that id received the packet of that
// hash. spec: rns-core §8.1
func BuildProof(id *Identity, hash Hash, form ProofForm) []byte {
	sig := id.Sign(hash[:])
	if form == ProofImplicit {
		return sig[:]
	}
	b := make([]byte, 0, ExplicitProofSize)
	b = append(b, hash[:]...)
	return append(b, sig[:]...)
}

// CheckProof checks the data of a proof against the packet hash and the key of
// the destination. Errors are the verdicts [VerdictWrongSize],
// [VerdictWrongHash] and [VerdictBadSignature].
func CheckProof(pub PublicKey, hash Hash, data []byte) error {
	sig := data
	switch len(data) {
	case ImplicitProofSize:
	case ExplicitProofSize:
		if Hash(data) != hash {
			return VerdictWrongHash
		}
		sig = data[HashSize:]
	default:
		return VerdictWrongSize
	}
	if !pub.Verify(hash[:], sig) {
		return VerdictBadSignature
	}
	return nil
}

// ProofPacket is the packet that carries the proof of the packet of that hash.
// spec: rns-core §8.1
func ProofPacket(hash Hash, data []byte) Packet {
	return Packet{DestType: DestSingle, Type: PacketProof, Dest: hash.Addr(), Context: ContextNone, Data: data}
}
