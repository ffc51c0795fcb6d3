// Package kiss carries packets over packet radio modems (TNCs) that speak KISS on a serial line.
//
// Codec: [Channel.Append] writes the commands that set up a modem, framing.AppendKISS the packets. [Interface] is the
// driver; package ax25 uses it with a header before each packet.
//
// spec: rns-interfaces §10
package kiss
