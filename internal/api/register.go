package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

var eventType = reflect.TypeFor[Event]()

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete

	ok        = http.StatusOK
	created   = http.StatusCreated
	accepted  = http.StatusAccepted
	noContent = http.StatusNoContent
)

func public(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{}
	return op
}

func (s *Server) register(a huma.API) {
	s.registerServer(a)
	s.registerIdentities(a)
	s.registerChat(a)
	s.registerPeople(a)
	s.registerNetwork(a)
	s.registerPropagation(a)
	s.registerHost(a)
	s.registerPaper(a)
	s.registerReactions(a)
	s.registerPolicy(a)
}

func (s *Server) registerServer(a huma.API) {
	const tag = "server"
	huma.Register(a, public(operation("get-status", get, "/status", tag, ok, "Whether the program runs; for probes")), s.getStatus)
	huma.Register(a, public(operation("create-session", post, "/session", tag, created, "Exchange a start token for a session")), s.createSession)
	huma.Register(a, operation("get-session", get, "/session", tag, ok, "The current session"), s.getSession)
	huma.Register(a, operation("end-session", remove, "/session", tag, noContent, "Sign out"), s.endSession)
	huma.Register(a, operation("list-sessions", get, "/sessions", tag, ok, "Every session"), s.listSessions)
	huma.Register(a, operation("revoke-session", remove, "/sessions/{session}", tag, noContent, "End another session and close its sockets"), s.revokeSession)
	huma.Register(a, operation("get-setup", get, "/setup", tag, ok, "State of the welcome page"), s.getSetup)
	huma.Register(a, operation("update-setup", patch, "/setup", tag, ok, "Move the welcome page on"), s.updateSetup)
	huma.Register(a, operation("list-settings", get, "/settings", tag, ok, "Settings of the server"), s.listSettings)
	huma.Register(a, operation("update-settings", patch, "/settings", tag, ok, "Change settings of the server, all or none"), s.updateSettings)
}

func (s *Server) registerIdentities(a huma.API) {
	const tag = "identities"
	huma.Register(a, operation("list-identities", get, "/identities", tag, ok, "Every identity"), s.listIdentities)
	huma.Register(a, operation("create-identity", post, "/identities", tag, created, "Make a new identity and bring it online"), s.createIdentity)
	huma.Register(a, operation("preview-identity", post, "/identities/preview", tag, ok, "Which identity a key holds, without importing it"), s.previewIdentity)
	huma.Register(a, operation("import-identity", post, "/identities/import", tag, created, "Import an identity's key and bring it online"), s.importIdentity)
	huma.Register(a, operation("get-identity", get, "/identities/{identity}", tag, ok, "One identity"), s.getIdentity)
	huma.Register(a, operation("update-identity", patch, "/identities/{identity}", tag, ok, "Rename, enable, disable or move an identity"), s.updateIdentity)
	huma.Register(a, operation("export-identity", post, "/identities/{identity}/export", tag, ok, "The private key, for a backup"), s.exportIdentity)
	huma.Register(a, operation("announce-identity", post, "/identities/{identity}/announce", tag, accepted, "Announce now"), s.announceIdentity)
	huma.Register(a, operation("list-identity-settings", get, "/identities/{identity}/settings", tag, ok, "Settings of an identity"), s.listIdentitySettings)
	huma.Register(a, operation("update-identity-settings", patch, "/identities/{identity}/settings", tag, ok, "Change settings of an identity, all or none"), s.updateIdentitySettings)
}

func (s *Server) registerChat(a huma.API) {
	const tag, base = "chat", "/identities/{identity}"
	const conversation = base + "/conversations/{peer}"
	const message = base + "/messages/{message}"
	huma.Register(a, operation("list-conversations", get, base+"/conversations", tag, ok, "Conversations, pinned first, newest first"), s.listConversations)
	huma.Register(a, operation("get-conversation", get, conversation, tag, ok, "One conversation and the way to its peer"), s.getConversation)
	huma.Register(a, operation("update-conversation", patch, conversation, tag, ok, "Pin, archive, mute or accept"), s.updateConversation)
	huma.Register(a, operation("delete-conversation", remove, conversation, tag, noContent, "Delete a conversation on this device"), s.deleteConversation)
	huma.Register(a, operation("mark-read", post, conversation+"/read", tag, noContent, "Mark messages as read"), s.markRead)
	huma.Register(a, operation("retry-failed", post, conversation+"/retry", tag, accepted, "Retry every failed message of a conversation"), s.retryFailed)
	huma.Register(a, operation("list-messages", get, conversation+"/messages", tag, ok, "A window of a conversation, oldest first"), s.listMessages)
	huma.Register(a, operation("get-draft", get, conversation+"/draft", tag, ok, "The unsent draft"), s.getDraft)
	huma.Register(a, operation("put-draft", put, conversation+"/draft", tag, ok, "Save the draft"), s.putDraft)
	huma.Register(a, operation("delete-draft", remove, conversation+"/draft", tag, noContent, "Throw the draft away"), s.deleteDraft)
	huma.Register(a, operation("send-message", post, base+"/messages", tag, accepted, "Store a message and put it on its way"), s.sendMessage)
	huma.Register(a, operation("get-message", get, message, tag, ok, "One message"), s.getMessage)
	huma.Register(a, operation("delete-message", remove, message, tag, noContent, "Delete a message on this device"), s.deleteMessage)
	huma.Register(a, operation("list-message-events", get, message+"/events", tag, ok, "The event log of a message, oldest first"), s.listMessageEvents)
	huma.Register(a, operation("cancel-message", post, message+"/cancel", tag, accepted, "Stop sending"), s.cancelMessage)
	huma.Register(a, operation("retry-message", post, message+"/retry", tag, accepted, "Try again, in place"), s.retryMessage)
	huma.Register(a, operation("get-diagnosis", get, message+"/diagnosis", tag, ok, "Why a message is not delivered"), s.getDiagnosis)
	huma.Register(a, operation("run-checks", post, message+"/diagnosis", tag, accepted, "Start the live checks; events say when one ends"), s.runChecks)
	huma.Register(a, attachmentOperation(operation("get-attachment", get, message+"/attachments/{index}", tag, ok, "The bytes of an attachment, with Range")), s.getAttachment)
	huma.Register(a, uploadOperation(operation("create-upload", post, base+"/uploads", tag, created, "Stage a file: the body is its bytes")), s.createUpload)
	huma.Register(a, operation("get-upload", get, base+"/uploads/{upload}", tag, ok, "One staged file"), s.getUpload)
	huma.Register(a, attachmentOperation(operation("get-upload-content", get, base+"/uploads/{upload}/content", tag, ok, "The bytes of a staged file")), s.getUploadContent)
	huma.Register(a, operation("delete-upload", remove, base+"/uploads/{upload}", tag, noContent, "Throw a staged file away"), s.deleteUpload)
	huma.Register(a, operation("search-messages", get, base+"/search", tag, ok, "Messages that contain every word, newest first"), s.searchMessages)
}

func (s *Server) registerPeople(a huma.API) {
	const tag, base = "people", "/identities/{identity}"
	huma.Register(a, operation("list-contacts", get, base+"/contacts", tag, ok, "The address book"), s.listContacts)
	huma.Register(a, operation("create-contact", post, base+"/contacts", tag, created, "Add a person"), s.createContact)
	huma.Register(a, operation("get-contact", get, base+"/contacts/{peer}", tag, ok, "One person of the address book"), s.getContact)
	huma.Register(a, operation("update-contact", patch, base+"/contacts/{peer}", tag, ok, "Change a person"), s.updateContact)
	huma.Register(a, operation("delete-contact", remove, base+"/contacts/{peer}", tag, noContent, "Remove a person"), s.deleteContact)
	huma.Register(a, operation("list-blocked", get, base+"/blocked", tag, ok, "Blocked addresses"), s.listBlocked)
	huma.Register(a, operation("block-peer", put, base+"/blocked/{peer}", tag, noContent, "Refuse messages of an address"), s.blockPeer)
	huma.Register(a, operation("unblock-peer", remove, base+"/blocked/{peer}", tag, noContent, "Take messages of an address again"), s.unblockPeer)
	huma.Register(a, operation("list-heard", get, base+"/people", tag, ok, "Destinations that announced themselves, one row each"), s.listHeard)
	huma.Register(a, operation("get-person", get, base+"/people/{peer}", tag, ok, "Everything known about an address"), s.getPerson)
}

func (s *Server) registerNetwork(a huma.API) {
	const tag = "network"
	huma.Register(a, operation("get-network", get, "/network", tag, ok, "Can I be reached?"), s.getNetwork)
	huma.Register(a, operation("list-hubs", get, "/network/hubs", tag, ok, "Bundled list of public entry points"), s.listHubs)
	huma.Register(a, operation("list-devices", get, "/network/devices", tag, ok, "Network cards of this machine"), s.listDevices)
	huma.Register(a, operation("list-paths", get, "/paths", tag, ok, "The path table"), s.listPaths)
	huma.Register(a, operation("request-path", post, "/paths/{destination}/request", tag, accepted, "Ask the network for a path"), s.requestPath)
	huma.Register(a, operation("drop-path", remove, "/paths/{destination}", tag, noContent, "Forget a path"), s.dropPath)
	huma.Register(a, operation("list-interfaces", get, "/interfaces", tag, ok, "Interfaces with their live state"), s.listInterfaces)
	huma.Register(a, operation("create-interface", post, "/interfaces", tag, created, "Add an interface and start it"), s.createInterface)
	huma.Register(a, operation("test-interface", post, "/interfaces/test", tag, ok, "Test settings before they are saved"), s.testInterface)
	huma.Register(a, operation("parse-interfaces", post, "/interfaces/parse", tag, ok, "Read pasted settings"), s.parseInterfaces)
	huma.Register(a, operation("list-discovered", get, "/interfaces/discovered", tag, ok, "Interfaces that other nodes published, the best first"), s.listDiscovered)
	huma.Register(a, operation("get-interface", get, "/interfaces/{name}", tag, ok, "One interface"), s.getInterface)
	huma.Register(a, operation("replace-interface", put, "/interfaces/{name}", tag, ok, "Change the settings of an interface and restart it"), s.replaceInterface)
	huma.Register(a, operation("update-interface", patch, "/interfaces/{name}", tag, ok, "Enable or disable an interface"), s.updateInterface)
	huma.Register(a, operation("delete-interface", remove, "/interfaces/{name}", tag, noContent, "Stop an interface and remove it from the file"), s.deleteInterface)
}
