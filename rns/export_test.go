package rns

import (
	"bytes"
	"crypto/aes"
	"slices"
)

// What vectors check below the exported functions.

// Unpad removes padding as Token.Decrypt does.
func Unpad(b []byte) ([]byte, error) {
	n, err := unpaddedLen(b)
	if err != nil {
		return nil, err
	}
	return b[:n], nil
}

// EncryptCBC encrypts whole blocks as Token.Encrypt does.
func EncryptCBC(key, iv, plaintext []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(plaintext)
	new(tokenState).encrypter(block, iv).CryptBlocks(out, out)
	return out, nil
}

// DecryptCBC is the inverse of EncryptCBC.
func DecryptCBC(key, iv, ciphertext []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(ciphertext)
	new(tokenState).decrypter(block, iv).CryptBlocks(out, out)
	return out, nil
}

// Agree is the key agreement of two X25519 keys.
func Agree(private, public []byte) (own, shared []byte, err error) {
	key, err := newX25519(bytes.NewReader(private))
	if err != nil {
		return nil, nil, err
	}
	peer, err := newX25519(bytes.NewReader(public))
	if err != nil {
		return nil, nil, err
	}
	shared, err = key.ECDH(peer.PublicKey())
	return key.PublicKey().Bytes(), shared, err
}

// IFACKeys are the origin hash, the derived key and the public signing key.
func IFACKeys(name, passphrase string, f *IFAC) (origin Hash, derived, public []byte) {
	return FullHash(ifacOrigin(name, passphrase)), f.keys().derived, f.keys().signing[KeySize:]
}
