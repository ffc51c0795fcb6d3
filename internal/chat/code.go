package chat

// Code is a reason from the closed set a reader can translate. The empty code
// means that there is none.
type Code string

// The closed set of reasons.
const (
	CodeNoInterface          Code = "no_interface"
	CodeNoIdentity           Code = "no_identity"
	CodeNoPath               Code = "no_path"
	CodePathStale            Code = "path_stale"
	CodeLinkTimeout          Code = "link_timeout"
	CodeLinkClosed           Code = "link_closed"
	CodeTransferStalled      Code = "transfer_stalled"
	CodeProofTimeout         Code = "proof_timeout"
	CodeTooLargeDirect       Code = "too_large_direct"
	CodeTooLargePropagation  Code = "too_large_propagation"
	CodeStampRequired        Code = "stamp_required"
	CodeStampRefused         Code = "stamp_refused"
	CodePropagationNone      Code = "propagation_none"
	CodePropagationNoPath    Code = "propagation_no_path"
	CodePropagationRefused   Code = "propagation_refused"
	CodePropagationThrottled Code = "propagation_throttled"
	CodeBlockedByMe          Code = "blocked_by_me"
	CodeDutyCycle            Code = "duty_cycle"
	CodeStorageFull          Code = "storage_full"
	CodeCancelled            Code = "cancelled"
	CodeUnknown              Code = "unknown"
)

var codes = map[Code]bool{ // value: permanent
	CodeNoInterface: false, CodeNoIdentity: false, CodeNoPath: false, CodePathStale: false,
	CodeLinkTimeout: false, CodeLinkClosed: false, CodeTransferStalled: false, CodeProofTimeout: false,
	CodeTooLargeDirect: true, CodeTooLargePropagation: true,
	CodeStampRequired: false, CodeStampRefused: true,
	CodePropagationNone: false, CodePropagationNoPath: false, CodePropagationRefused: true, CodePropagationThrottled: false,
	CodeBlockedByMe: true, CodeDutyCycle: false, CodeStorageFull: false, CodeCancelled: false, CodeUnknown: false,
}

// ParseCode maps a text to the closed set; what is not in it becomes unknown,
// and the empty text stays empty.
func ParseCode(s string) Code {
	if s == "" {
		return ""
	}
	if _, ok := codes[Code(s)]; !ok {
		return CodeUnknown
	}
	return Code(s)
}

// Permanent reports whether another attempt with the same message cannot help.
func (c Code) Permanent() bool { return codes[c] }
