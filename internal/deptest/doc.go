// Package deptest holds the test that keeps the import directions of the project (docs/architecture.md, Directions).
package deptest
