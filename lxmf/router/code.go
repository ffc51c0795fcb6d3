package router

// Code is why an attempt or a message failed: the closed set that applications translate for people. The empty code means
// that there is none.
type Code string

// The closed set of codes.
const (
	CodeNoInterface          Code = "no_interface"          // no interface is up
	CodeNoIdentity           Code = "no_identity"           // keys of the recipient are not known
	CodeNoPath               Code = "no_path"               // no path found
	CodePathStale            Code = "path_stale"            // the path did not carry, another one is looked for
	CodeLinkTimeout          Code = "link_timeout"          // no link came up
	CodeLinkClosed           Code = "link_closed"           // the link ended under way
	CodeTransferStalled      Code = "transfer_stalled"      // the transfer broke off
	CodeProofTimeout         Code = "proof_timeout"         // no proof of delivery came
	CodeTooLargeDirect       Code = "too_large_direct"      // the recipient takes nothing of this size
	CodeTooLargePropagation  Code = "too_large_propagation" // the propagation node takes nothing of this size
	CodeStampRequired        Code = "stamp_required"        // the recipient asks for more work than is allowed
	CodeStampRefused         Code = "stamp_refused"         // the propagation node did not accept the stamp
	CodePropagationNone      Code = "propagation_none"      // no propagation node is in use
	CodePropagationNoPath    Code = "propagation_no_path"
	CodePropagationRefused   Code = "propagation_refused"
	CodePropagationThrottled Code = "propagation_throttled"
	CodeBlockedByMe          Code = "blocked_by_me"
	CodeDutyCycle            Code = "duty_cycle"
	CodeStorageFull          Code = "storage_full"
	CodeCancelled            Code = "cancelled"
	CodeUnknown              Code = "unknown"
)

// Permanent reports whether another attempt with the same message cannot help.
func (c Code) Permanent() bool {
	switch c {
	case CodeTooLargeDirect, CodeTooLargePropagation, CodeStampRefused, CodePropagationRefused, CodeBlockedByMe:
		return true
	}
	return false
}

// Retryable is the opposite of Permanent.
func (c Code) Retryable() bool { return !c.Permanent() }
