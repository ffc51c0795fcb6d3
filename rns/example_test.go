package rns_test

import (
	"bytes"
	"fmt"
	"time"

	"meshchatx/rns"
)

// A destination announces itself; somebody who heard it sends it a packet,
// which the destination decrypts and proves.
func Example() {
	randomness := counting(1) // crypto/rand.Reader outside of examples

	// Bob exists, and says so.
	bob, _ := rns.NewIdentity(randomness)
	announce, _ := rns.NewAnnounce(randomness, bob, rns.NameHashOf("example.chat"), nil, []byte("Bob"), time.Unix(1780000000, 0))
	heard, _ := announce.Packet(rns.ContextNone).Pack(rns.MTU)

	// Alice hears it and writes to him.
	packet, _ := rns.ParsePacket(heard)
	known, _ := rns.ParseAnnounce(packet)
	if known.Verify() != nil || known.VerifyHash() != nil {
		return
	}
	data, _ := known.Public.Encrypt(randomness, []byte("hello"), known.Ratchet)
	sent, _ := rns.Packet{Dest: known.Dest, Data: data}.Pack(rns.MTU)

	// Bob reads it and proves that he has it.
	received, _ := rns.ParsePacket(sent)
	text, _, _ := bob.Decrypt(received.Data, nil, rns.RatchetsOptional)
	proof := rns.BuildProof(bob, rns.PacketHash(sent), rns.ProofImplicit)

	fmt.Printf("%s got %q\n", known.AppData, text)
	fmt.Println("proved:", rns.CheckProof(known.Public, rns.PacketHash(sent), proof) == nil)
	// Output:
	// Bob got "hello"
	// proved: true
}

// Frames of an interface with an access code can only be read by those who
// know it.
func ExampleIFAC() {
	ours, _ := rns.NewIFAC("our network", "a passphrase", 16)
	raw := rns.Packet{Dest: rns.Addr{1}, Data: []byte("data")}.Append(nil)
	frame := ours.Seal(nil, raw)

	back, err := ours.Open(nil, frame)
	fmt.Println(bytes.Equal(back, raw), err)

	theirs, _ := rns.NewIFAC("our network", "a guess", 16)
	_, err = theirs.Open(nil, frame)
	fmt.Println(err)
	// Output:
	// true <nil>
	// access code wrong
}
