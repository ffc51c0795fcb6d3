// Package lxmf has the formats of LXMF, the message protocol on top of
// Reticulum: messages with their signature, fields, stamps and tickets,
// announces, what is exchanged with propagation nodes, paper messages, and the
// files that LXMF programs keep. spec: lxmf
//
// It is pure: no network, no clock, no files. Package lxmf/router sends and
// receives with it.
//
// A message is made, signed and packed like this:
//
//	m := lxmf.New(destination, source, now, title, content)
//	m.Fields.SetRenderer(lxmf.RendererMarkdown)
//	m.Sign(identity)
//	packed, err := m.Pack(nil)
//
// and read like this:
//
//	m, err := lxmf.Parse(packed)
//	err = m.Verify(sourceKey) // nil, SourceUnknown or SignatureInvalid
//
// The signature covers the encoded bytes, so a message keeps those it was parsed
// from. Sources and destinations are the hashes of lxmf.delivery destinations,
// not of identities.
//
// Values may be read by several goroutines at a time, but not while one of them
// changes them. Byte slices of parsed values alias the input.
package lxmf
