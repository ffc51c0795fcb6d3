// Package bzip2 compresses and expands data of resources and streams.
//
// The standard library reads the format but cannot write it, accepts several
// streams in a row, and reserves memory for the largest block whatever the
// caller wants to have. [Compress] writes one stream at the highest level, in
// time linear in the input however repetitive it is. [Decompress] expands
// exactly one stream and stops at a limit. [Worth] tells from a sample whether
// compressing is worth the time.
//
// All functions are pure and safe for concurrent use. What [Compress] writes is
// not the same bytes as other encoders write; peers do not need that.
// spec: rns-link §8.1, §8.7
package bzip2
