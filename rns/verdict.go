package rns

import "strconv"

// Verdict is what became of a packet, or why something was refused: the one
// enumerated set of such reasons in the whole stack. It is cheap to count per
// interface, and it is an error that [errors.Is] finds. The zero value means
// that nothing was decided.
//
// Constants are only ever added before VerdictCount; their numbers are not
// stored and not sent, their texts are for logs and status output.
type Verdict uint8

// The verdicts.
const (
	// Verdicts that are not failures.

	VerdictNone      Verdict = iota // nothing decided yet
	VerdictDelivered                // given to a local destination, link or receipt
	VerdictForwarded                // passed on towards its destination
	VerdictRelayed                  // passed on to local clients or neighbours
	VerdictQueued                   // waiting for bandwidth or for a timer
	VerdictAnswered                 // answered from a table
	VerdictLearned                  // an announce that updated a path
	VerdictHeld                     // an announce held back by ingress control

	// Verdicts on frames and packets as such.

	VerdictTooShort             // shorter than its header
	VerdictTooLong              // over the MTU of the interface or link
	VerdictMalformed            // a field that cannot be read
	VerdictBadFlags             // a combination of types that means nothing
	VerdictHopLimit             // travelled, or would travel, too far
	VerdictAccessCodeMissing    // interface wants a code
	VerdictAccessCodeWrong      // code does not match
	VerdictAccessCodeUnexpected // interface has no code
	VerdictDuplicate            // seen before
	VerdictOtherInstance        // addressed to another transport node
	VerdictNotTransported       // PLAIN and GROUP travel one hop
	VerdictWrongType            // packet type out of place
	VerdictWrongSize            // payload of a size that cannot be
	VerdictWrongInterface       // arrived where it cannot come from
	VerdictWrongHops            // hop count does not fit the link
	VerdictNotReady             // start-up not finished
	VerdictFeatureOff           // this node does not offer that
	VerdictOverload             // a bounded table or worker queue is full
	VerdictClosed               // node, interface or destination is closed
	VerdictCancelled            // given up by the application
	VerdictTimeout              // nothing came in time
	VerdictExpired              // known, but too old to use

	// Verdicts on announces and paths.

	VerdictBadSignature     // signature does not verify
	VerdictHashMismatch     // address does not follow from name and key
	VerdictKeyMismatch      // address known with another key
	VerdictBlackholed       // identity is blackholed
	VerdictRateLimited      // announced too often
	VerdictOwnAnnounce      // a local destination heard its own announce
	VerdictNotBetter        // the known path stays
	VerdictNoPath           // no path to the destination
	VerdictInterfaceGone    // the path's interface does not exist any more
	VerdictInterfaceMode    // the modes of the interfaces forbid it
	VerdictQueueFull        // outgoing queue is full
	VerdictAirtime          // announce bandwidth or duty cycle is used up
	VerdictNoTag            // path request without tag
	VerdictAlreadyAsked     // path request seen before
	VerdictUnknownIdentity  // keys of the destination are not known
	VerdictPathUnresponsive // path known not to answer
	VerdictAnnounceTooLarge // does not fit the MTU with the transport header
	VerdictNothingListening // no interface to send on

	// Verdicts on packets for this node.

	VerdictUnknownDestination // nothing registered there
	VerdictWrongDestination   // registered with another type
	VerdictUndecryptable      // no key opens it
	VerdictRatchetRequired    // opened by no ratchet where they are enforced
	VerdictLinksRefused       // destination accepts no links
	VerdictNoReceipt          // proof of nothing we wait for
	VerdictWrongHash          // proof of something else
	VerdictNotAllowed         // policy forbids it to this peer
	VerdictNotIdentified      // peer has not identified itself
	VerdictUnknownRequest     // no handler for the path, no such request

	// Verdicts on links, channels and resources.

	VerdictLinkClosed       // link does not take this any more
	VerdictLinkUnknown      // no such link
	VerdictLinkState        // not in this state of the link
	VerdictLinkRole         // only the other end may do that
	VerdictBadMode          // encryption mode not supported
	VerdictBadSignalling    // signalling bytes that cannot be
	VerdictBadKey           // key agreement impossible
	VerdictBadProof         // link proof does not verify
	VerdictWindowFull       // channel or resource may not send more
	VerdictOutsideWindow    // sequence number out of the window
	VerdictAlreadyHeld      // part or message held already
	VerdictUnknownMessage   // message type not registered
	VerdictBadAdvertisement // resource advertisement makes no sense
	VerdictUnknownResource  // no such resource
	VerdictWrongMapHash     // part matches no expected map hash
	VerdictResourceRejected // receiver does not want the resource
	VerdictOverSizeLimit    // larger than this node accepts
	VerdictCorrupt          // assembled data has the wrong hash
	VerdictDecompression    // data does not decompress within its bounds
	VerdictRetriesExhausted // given up after the last retry

	// VerdictCount is the number of verdicts, for arrays of counters.
	VerdictCount = int(iota)
)

// Error is String, so that a Verdict is an error.
func (v Verdict) Error() string { return v.String() }

// Accepted reports whether the verdict is one of those that are not failures.
// VerdictNone counts as accepted.
func (v Verdict) Accepted() bool { return v <= VerdictHeld }

// String says the verdict in a few words.
func (v Verdict) String() string {
	if int(v) < VerdictCount {
		return verdictTexts[v]
	}
	return "Verdict(" + strconv.Itoa(int(v)) + ")"
}

var verdictTexts = [VerdictCount]string{
	VerdictNone:                 "undecided",
	VerdictDelivered:            "delivered",
	VerdictForwarded:            "forwarded",
	VerdictRelayed:              "relayed",
	VerdictQueued:               "queued",
	VerdictAnswered:             "answered",
	VerdictLearned:              "path learned",
	VerdictHeld:                 "held by ingress control",
	VerdictTooShort:             "too short",
	VerdictTooLong:              "too long",
	VerdictMalformed:            "malformed",
	VerdictBadFlags:             "bad flags",
	VerdictHopLimit:             "hop limit",
	VerdictAccessCodeMissing:    "access code missing",
	VerdictAccessCodeWrong:      "access code wrong",
	VerdictAccessCodeUnexpected: "access code unexpected",
	VerdictDuplicate:            "duplicate",
	VerdictOtherInstance:        "for another transport node",
	VerdictNotTransported:       "not transported beyond one hop",
	VerdictWrongType:            "wrong packet type",
	VerdictWrongSize:            "wrong size",
	VerdictWrongInterface:       "wrong interface",
	VerdictWrongHops:            "wrong hop count",
	VerdictNotReady:             "not ready",
	VerdictFeatureOff:           "feature is off",
	VerdictOverload:             "overload",
	VerdictClosed:               "closed",
	VerdictCancelled:            "cancelled",
	VerdictTimeout:              "timed out",
	VerdictExpired:              "expired",
	VerdictBadSignature:         "bad signature",
	VerdictHashMismatch:         "destination hash mismatch",
	VerdictKeyMismatch:          "public key mismatch",
	VerdictBlackholed:           "identity blackholed",
	VerdictRateLimited:          "announce rate limited",
	VerdictOwnAnnounce:          "own announce",
	VerdictNotBetter:            "known path stays",
	VerdictNoPath:               "no path",
	VerdictInterfaceGone:        "interface gone",
	VerdictInterfaceMode:        "forbidden by interface mode",
	VerdictQueueFull:            "queue full",
	VerdictAirtime:              "airtime used up",
	VerdictNoTag:                "path request without tag",
	VerdictAlreadyAsked:         "path request seen before",
	VerdictUnknownIdentity:      "identity not known",
	VerdictPathUnresponsive:     "path unresponsive",
	VerdictAnnounceTooLarge:     "announce too large to rebroadcast",
	VerdictNothingListening:     "no interface to send on",
	VerdictUnknownDestination:   "unknown destination",
	VerdictWrongDestination:     "wrong destination type",
	VerdictUndecryptable:        "undecryptable",
	VerdictRatchetRequired:      "ratchet required",
	VerdictLinksRefused:         "links refused",
	VerdictNoReceipt:            "proof without receipt",
	VerdictWrongHash:            "wrong hash",
	VerdictNotAllowed:           "not allowed",
	VerdictNotIdentified:        "peer not identified",
	VerdictUnknownRequest:       "unknown request",
	VerdictLinkClosed:           "link closed",
	VerdictLinkUnknown:          "unknown link",
	VerdictLinkState:            "wrong link state",
	VerdictLinkRole:             "wrong end of the link",
	VerdictBadMode:              "bad mode",
	VerdictBadSignalling:        "bad signalling",
	VerdictBadKey:               "bad key",
	VerdictBadProof:             "bad link proof",
	VerdictWindowFull:           "window full",
	VerdictOutsideWindow:        "outside window",
	VerdictAlreadyHeld:          "already held",
	VerdictUnknownMessage:       "unknown message type",
	VerdictBadAdvertisement:     "bad resource advertisement",
	VerdictUnknownResource:      "unknown resource",
	VerdictWrongMapHash:         "wrong map hash",
	VerdictResourceRejected:     "resource rejected",
	VerdictOverSizeLimit:        "over size limit",
	VerdictCorrupt:              "corrupt",
	VerdictDecompression:        "decompression failed",
	VerdictRetriesExhausted:     "retries exhausted",
}
