// Package msgpack encodes and decodes MessagePack exactly as the Reticulum
// protocols need it.
//
// Hashes and signatures of those protocols cover encoded bytes, and receivers
// re-encode parts of what they got. The package therefore promises three things
// that general purpose codecs do not: every value has exactly one encoding (the
// shortest), byte strings and text never mix, and the order of map entries is
// kept. Decoding accepts every valid encoding. spec: lxmf §1, rns-core §2.10
//
// There are three ways to use it, from convenient to fast:
//
//   - [Parse] turns input into a tree of [Value], which [Value.Append] writes
//     back in canonical form;
//   - the Append functions write single items, headers included;
//   - [Decoder] walks the input item by item without allocating.
//
// Parsers never panic and are bounded by [Limits]: nesting depth and number of
// values. Decoded byte strings and text alias the input; clone them before the
// input is reused. All values are immutable by convention and safe for
// concurrent reading.
package msgpack
