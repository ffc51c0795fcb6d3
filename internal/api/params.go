package api

// Parameters shared by several operations.

// IdentityPath names the identity an operation belongs to.
type IdentityPath struct {
	Identity string `path:"identity" pattern:"^[0-9a-f]{32}$" doc:"Identity hash."`
}

// PeerPath names a peer of an identity.
type PeerPath struct {
	IdentityPath
	Peer string `path:"peer" pattern:"^[0-9a-f]{32}$" doc:"LXMF address of the peer."`
}

// MessagePath names a message of an identity.
type MessagePath struct {
	IdentityPath
	Message string `path:"message" pattern:"^[0-9a-f]{64}$" doc:"Message hash."`
}

// Page is the part of a list that is asked for.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Most items to return."`
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before."`
}
