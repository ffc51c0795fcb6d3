// Package rsg reads and writes the files of identities: detached signatures
// (.rsg), signed messages (.rsm), their text form, and encrypted files (.rfe).
//
//	hash, err := rsg.HashOf(file)
//	sig, err := rsg.Sign(me, hash, nil)
//	text := rsg.AppendText(nil, sig.Append(nil), rsg.Base64)
//
//	sig, err := rsg.ParseText(text)
//	err = sig.Verify(hash, &whoItMustBe)
//
// A signature that verifies without a required signer only tells who signed,
// not that this is somebody to be trusted.
//
// The functions are pure, except for those that take a reader or a writer:
// they hold one chunk of an encrypted file in memory, some 32 MiB, and
// nothing of a file that is hashed.
//
// spec: rns-link §13.4
package rsg
