// Package ax25 carries packets in AX.25 frames over packet radio modems that speak KISS, for stations that must be heard
// as AX.25 stations. It is the driver of package kiss with a header before each packet.
//
// spec: rns-interfaces §11
package ax25
