package api

// Every *_at and "at" field of this API is a Unix time in milliseconds; every
// hash is lower-case hexadecimal without delimiters.

// DeliveryView is what an outbound message's stored events add up to: one of
// thirteen states and the figures its sentence needs. Texts are made by the
// reader from the state and the code.
type DeliveryView struct {
	State     string `json:"state" enum:"waiting,stamp,path,connecting,sending,sent,propagated,delivered,retry_wait,wait_heard,failed,refused,cancelled,paper" doc:"Delivery state; the list order is the order of the interface specification."`
	Code      string `json:"code,omitempty" enum:"no_interface,no_identity,no_path,path_stale,link_timeout,link_closed,transfer_stalled,proof_timeout,too_large_direct,too_large_propagation,stamp_required,stamp_refused,propagation_none,propagation_no_path,propagation_refused,propagation_throttled,blocked_by_me,duty_cycle,storage_full,cancelled,unknown" doc:"Reason, from the closed set, in the states retry_wait, failed and refused."`
	Final     bool   `json:"final" doc:"True when nothing more will happen by itself."`
	Retryable bool   `json:"retryable" doc:"True when Retry makes sense in this state and for this code."`
	Since     int64  `json:"since" format:"int64" doc:"When the state was entered."`
	Attempt   int    `json:"attempt" doc:"Number of the current or last attempt, from 1; 0 before the first."`
	Try       int    `json:"try,omitempty" doc:"state path: number of the path request."`
	Hops      *int   `json:"hops,omitempty" doc:"Hops to the peer, where known."`
	Interface string `json:"interface,omitempty" doc:"Name of the interface towards the peer, where known."`
	Percent   *int   `json:"percent,omitempty" minimum:"0" maximum:"100" doc:"Progress in the states stamp and sending."`
	Rate      int64  `json:"rate,omitempty" format:"int64" doc:"state sending: bytes per second."`
	ETA       int64  `json:"eta_ms,omitempty" format:"int64" doc:"Estimated milliseconds left."`
	Slow      bool   `json:"slow,omitempty" doc:"state sending: slower than expected."`
	RetryAt   int64  `json:"retry_at,omitempty" format:"int64" doc:"state retry_wait: when the next attempt starts."`
	Took      *int64 `json:"took_ms,omitempty" format:"int64" doc:"state delivered: milliseconds from the last byte out to the proof."`
	Via       string `json:"via,omitempty" doc:"state propagated: name of the propagation node."`
	Bits      int    `json:"bits,omitempty" doc:"state stamp: leading zero bits asked for."`
	Limit     int64  `json:"limit,omitempty" format:"int64" doc:"codes too_large_*: the peer's limit in bytes, where known."`
}

// AttachmentView describes one file of a message. The name is a label given by
// the sender and never a path.
type AttachmentView struct {
	Index  int    `json:"index"`
	Kind   string `json:"kind" enum:"file,image,audio"`
	Name   string `json:"name"`
	MIME   string `json:"mime" doc:"Type found by looking at the bytes."`
	Size   int64  `json:"size" format:"int64"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Inline bool   `json:"inline" doc:"True when the type may be shown in the page."`
	Gated  bool   `json:"gated" doc:"True when the sender is a stranger: show only after the request is accepted."`
	URL    string `json:"url" doc:"Path of the bytes, with Range support."`
}

// ReplyView names the message that is answered.
type ReplyView struct {
	ID        string `json:"id"`
	Known     bool   `json:"known" doc:"False when the message is not stored here."`
	Direction string `json:"direction,omitempty" enum:"in,out"`
	Snippet   string `json:"snippet,omitempty"`
}

// MessageView is one message of a conversation.
type MessageView struct {
	ID          string           `json:"id" doc:"LXMF message hash, 64 hex digits."`
	Seq         int64            `json:"seq" format:"int64" doc:"Order of storage in this identity; the paging cursor."`
	Peer        string           `json:"peer"`
	Direction   string           `json:"direction" enum:"in,out"`
	Title       string           `json:"title"`
	Content     string           `json:"content"`
	Renderer    string           `json:"renderer" enum:"plain,micron,markdown,bbcode"`
	At          int64            `json:"at" format:"int64" doc:"When it was stored here; the order shown."`
	SentAt      int64            `json:"sent_at" format:"int64" doc:"The author's clock."`
	ClockSkew   bool             `json:"clock_skew" doc:"True when the author's clock differs from ours by more than an hour."`
	Delivery    *DeliveryView    `json:"delivery,omitempty" doc:"Outbound messages only."`
	Method      string           `json:"method" enum:"auto,opportunistic,direct,propagated,paper" doc:"How it travels or travelled."`
	Attachments []AttachmentView `json:"attachments"`
	ReplyTo     *ReplyView       `json:"reply_to,omitempty"`
	Verified    string           `json:"verified" enum:"valid,unknown_source,bad_signature" doc:"State of the author's signature."`
	Reaction    string           `json:"reaction,omitempty" doc:"Set when the message is a reaction to reply_to, which is not here."`
	Reactions   []ReactionView   `json:"reactions"`
	Fields      []FieldView      `json:"fields" doc:"Fields that are kept and not interpreted."`
	Thread      string           `json:"thread,omitempty" doc:"Id of the thread the message belongs to."`
	CommentOn   string           `json:"comment_on,omitempty" doc:"Message that the text comments on."`
	Continues   string           `json:"continues,omitempty" doc:"Message that the text continues."`
	Icon        *IconView        `json:"icon,omitempty" doc:"How the author wanted to be shown."`
	Telemetry   *TelemetryView   `json:"telemetry,omitempty" doc:"Sensor readings of the author."`
	Relayed     int              `json:"relayed,omitempty" doc:"Telemetry of so many others is passed on."`
	Commands    []string         `json:"commands" doc:"Requests to this program; none is carried out."`
	Unread      bool             `json:"unread"`
	Size        int64            `json:"size" format:"int64" doc:"Bytes of the packed message."`
	Hops        *int             `json:"hops,omitempty"`
	RSSI        *float64         `json:"rssi,omitempty" doc:"dBm"`
	SNR         *float64         `json:"snr,omitempty" doc:"dB"`
	Quality     *float64         `json:"quality,omitempty" doc:"Per cent."`
}

// MessageEventView is one line of a message's append-only event log.
type MessageEventView struct {
	Seq       int64  `json:"seq" format:"int64"`
	At        int64  `json:"at" format:"int64"`
	Kind      string `json:"kind" enum:"queued,stamp_start,stamp_progress,stamp_done,path_request,path_found,link_request,link_up,progress,proof_wait,sent,fallback,propagated,paper,delivered,attempt_failed,retry_at,waiting_heard,cancelled,rejected,failed,retried,resumed"`
	Attempt   int    `json:"attempt,omitempty"`
	Code      string `json:"code,omitempty"`
	Detail    string `json:"detail,omitempty" doc:"Technical detail, untranslated."`
	Try       int    `json:"try,omitempty"`
	Hops      *int   `json:"hops,omitempty"`
	Interface string `json:"interface,omitempty"`
	Percent   *int   `json:"percent,omitempty"`
	Part      int    `json:"part,omitempty"`
	Parts     int    `json:"parts,omitempty"`
	Bytes     int64  `json:"bytes,omitempty" format:"int64"`
	Rate      int64  `json:"rate,omitempty" format:"int64"`
	RTT       int64  `json:"rtt_ms,omitempty" format:"int64"`
	RetryAt   int64  `json:"retry_at,omitempty" format:"int64"`
	Bits      int    `json:"bits,omitempty"`
}

// MessageRef names a stored message.
type MessageRef struct {
	ID   string `json:"id"`
	Seq  int64  `json:"seq" format:"int64"`
	Peer string `json:"peer"`
}
