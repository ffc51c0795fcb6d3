package bridge

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"meshchatx/rns"
)

func tokenCommands() map[string]handler {
	return map[string]handler{
		"pkcs7_pad":           pure(pad),
		"pkcs7_unpad":         pure(unpad),
		"aes_encrypt":         pure(aesEncrypt),
		"aes_decrypt":         pure(aesDecrypt),
		"aes_256_cbc_encrypt": pure(cbcEncrypt),
		"aes_256_cbc_decrypt": pure(cbcDecrypt),
		"token_encrypt":       pure(tokenEncrypt),
		"token_decrypt":       pure(tokenDecrypt),
		"token_verify_hmac":   pure(tokenVerify),
		"token_generate_key":  pure(tokenKey),
	}
}

// Padding is not an operation of its own in the stack: it shows by encrypting with padding and decrypting without, and the
// other way round, under any key.
var anyKey, anyIV = make([]byte, 32), make([]byte, 16)

func pad(p dataParam) (any, error) {
	c, err := encryptPadded(anyKey, anyIV, p.Data)
	if err != nil {
		return nil, err
	}
	plain, err := decryptBlocks(anyKey, anyIV, c)
	return obj{"padded": bin(plain)}, err
}

func unpad(p dataParam) (any, error) {
	c, err := encryptBlocks(anyKey, anyIV, p.Data)
	if err != nil {
		return nil, err
	}
	plain, err := decryptPadded(anyKey, anyIV, c)
	return obj{"unpadded": bin(plain)}, err
}

type aesParams struct {
	Plaintext, Ciphertext, Key, IV hexed
	Mode                           string
}

// check compares the key with the mode, AES-256 unless said otherwise.
func (p aesParams) check() error {
	size := 32
	if p.Mode == "AES_128_CBC" {
		size = 16
	}
	if len(p.Key) != size {
		return fmt.Errorf("%w: key of %d bytes", errParam, len(p.Key))
	}
	return nil
}

func aesEncrypt(p aesParams) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	c, err := encryptPadded(p.Key, p.IV, p.Plaintext)
	return obj{"ciphertext": bin(c)}, err
}

func aesDecrypt(p aesParams) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	plain, err := decryptPadded(p.Key, p.IV, p.Ciphertext)
	return obj{"plaintext": bin(plain)}, err
}

func cbcEncrypt(p aesParams) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	c, err := encryptBlocks(p.Key, p.IV, p.Plaintext)
	return obj{"ciphertext": bin(c)}, err
}

func cbcDecrypt(p aesParams) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	plain, err := decryptBlocks(p.Key, p.IV, p.Ciphertext)
	return obj{"plaintext": bin(plain)}, err
}

type tokenParams struct{ Key, Plaintext, Token hexed }

func tokenEncrypt(p tokenParams) (any, error) {
	t, err := rns.NewToken(p.Key)
	if err != nil {
		return nil, err
	}
	token, err := t.Encrypt(rand.Reader, nil, p.Plaintext)
	return obj{"token": bin(token)}, err
}

func tokenDecrypt(p tokenParams) (any, error) {
	t, err := rns.NewToken(p.Key)
	if err != nil {
		return nil, err
	}
	plain, err := t.Decrypt(nil, p.Token)
	return obj{"plaintext": bin(plain)}, err
}

// tokenVerify tells whether the authentication code is right, whatever the ciphertext is.
func tokenVerify(p tokenParams) (any, error) {
	t, err := rns.NewToken(p.Key)
	if err != nil {
		return nil, err
	}
	_, err = t.Decrypt(nil, p.Token)
	if errors.Is(err, rns.ErrTokenTooShort) && len(p.Token) <= sha256.Size { // longer ones were authenticated first
		return nil, err
	}
	return obj{"valid": !errors.Is(err, rns.ErrTokenForged)}, nil
}

func tokenKey(p struct{ Mode *string }) (any, error) {
	size := 64
	if p.Mode != nil {
		switch *p.Mode {
		case "AES_256_CBC":
		case "AES_128_CBC":
			size = 32
		default:
			return nil, fmt.Errorf("invalid token mode: %s", *p.Mode)
		}
	}
	key := make([]byte, size)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	_, err := rns.NewToken(key)
	return obj{"key": hexed(key)}, err
}
