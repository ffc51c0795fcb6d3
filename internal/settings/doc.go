// Package settings declares every setting of the program once, with its type, default and
// bounds, and keeps the values of a scope: the server, or one identity. Validation, the form in
// the browser and the documentation all derive from the table in table.go.
//
// Reading is cheap and never fails: a [Set] holds the present values in memory, and a value that is
// missing or no longer valid reads as its default. Changing is a transaction: all changes of a call are
// checked against the table and shown to the verifiers, stored, made visible, and then told to
// the subscribers, or nothing happens.
package settings
