// Package config turns the configuration file that Reticulum programs share into
// settings: defaults filled in, aliases and units resolved, ranges checked.
// spec: rns-core §23.4–§23.7
//
// [Parse] has no side effects and opens nothing; building interfaces from the
// result is up to the node. An error in the general sections makes the file
// unusable, but a broken interface block only makes that interface unusable: its
// Err says why, and the others are not affected.
//
// differs: the reference does not start when an interface block is wrong.
//
// What the general part of a block does not cover is read by the driver through
// [Options]. All types are plain values; a Config must not be changed while
// others read it.
package config
