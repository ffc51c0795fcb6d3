// Package wsiface carries packets over WebSocket, one packet per binary message without framing, for places where only
// web traffic passes. It speaks to the WebSocket interfaces of the MeshChat family. It stands outside rns/iface because
// those drivers import the standard library only.
//
// spec: rns-interfaces §1
package wsiface
