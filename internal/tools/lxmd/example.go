package lxmd

import _ "embed"

// Example is an explained configuration file. It is what a new directory gets.
//
//go:embed example.config
var Example string
