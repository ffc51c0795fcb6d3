// Package configobj reads and edits configuration files in the dialect that
// Reticulum programs share. spec: rns-core §23.4
//
// A file belongs to its user, and other programs read it too. So [Parse] keeps
// every byte, [File.Bytes] writes back what was not changed exactly as it was,
// and an edit touches the one line, or block, that it is about. Edits that the
// format cannot express are refused and change nothing.
//
// A file is a tree of sections, which hold values by key. Values are text or
// lists of text; what they mean is up to the caller, apart from [ParseBool].
//
// A File and its sections are one mutable object: not safe for concurrent use
// while it is edited.
package configobj
