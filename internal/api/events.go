package api

// Event is one line of the WebSocket /ws. It names what changed and never
// carries it: the reader fetches what it shows.
//
// The socket is opened with the subprotocols "meshchatx.v1" and
// "token.<second token>", and the query since=<last seq seen>. The first event
// is hello (seq: the newest number) or reset (the numbers asked for are gone,
// or of another run: fetch everything shown again). A ping event comes every
// 25 s.
type Event struct {
	Seq      int64    `json:"seq" format:"int64"`
	Identity string   `json:"identity,omitempty" doc:"Absent: of the server."`
	Type     string   `json:"type" enum:"hello,reset,ping,message,conversation,draft,contact,heard,interface,path,network,identity,setting,session,diagnosis,setup" doc:"What changed."`
	IDs      []string `json:"ids" doc:"message: peer, message. conversation, draft: peer. contact, heard: addresses. interface: name. path: destination. identity: hash. setting: keys. diagnosis: message."`
}
