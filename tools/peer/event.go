package peer

import (
	"context"
	"encoding/json"
)

// Event is something the partner reports by itself. Which fields are set depends on the event; Raw has all of them.
type Event struct {
	Event string  `json:"event"`
	T     float64 `json:"t"` // seconds since 1970
	// Hash is that of a message, destination or resource, Link that of a link.
	Hash string `json:"hash"`
	Link string `json:"link"`
	Dest string `json:"dest"`
	Role string `json:"role"`
	OK   bool   `json:"ok"`
	// Announces.
	Identity     string  `json:"identity"`
	Kind         string  `json:"kind"`
	AppData      *string `json:"app_data"`
	Hops         int     `json:"hops"`
	PathResponse bool    `json:"path_response"`
	RatchetID    *string `json:"ratchet_id"`
	DisplayName  *string `json:"display_name"`
	StampCost    *int    `json:"stamp_cost"`
	// Data: of packets, resources, channels and buffers.
	Data     Data            `json:"data"`
	Length   int             `json:"len"`
	Digest   string          `json:"sha256"`
	Metadata json.RawMessage `json:"metadata"`
	MsgType  int             `json:"msgtype"`
	// Messages.
	Source         string       `json:"source"`
	Destination    string       `json:"destination"`
	Title          string       `json:"title_text"`
	Content        string       `json:"content_text"`
	Method         string       `json:"method"`
	SignatureValid bool         `json:"signature_valid"`
	Stamp          *string      `json:"stamp"`
	StampChecked   bool         `json:"stamp_checked"`
	StampValid     bool         `json:"stamp_valid"`
	StampValue     *int         `json:"stamp_value"`
	TicketReceived bool         `json:"ticket_received"`
	Attachments    []Attachment `json:"attachments"`
	// Outbound messages.
	State          string  `json:"state"`
	Representation string  `json:"representation"`
	Progress       float64 `json:"progress"`
	Attempts       int     `json:"attempts"`
	Final          bool    `json:"final"`

	Raw json.RawMessage `json:"-"`
}

// Attachment is a file of a received message.
type Attachment struct {
	Name   string `json:"name"`
	Length int    `json:"len"`
	Digest string `json:"sha256"`
}

// Data is bytes as the partner reports them: in full when short, otherwise by length and digest. Anything else is empty.
type Data struct {
	Hex    string
	Length int
	Digest string
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Data) UnmarshalJSON(b []byte) error {
	var v struct {
		B      string `json:"b"`
		Length int    `json:"len"`
		Digest string `json:"sha256"`
	}
	if json.Unmarshal(b, &v) == nil {
		*d = Data{Hex: v.B, Length: v.Length, Digest: v.Digest}
		if v.B != "" {
			d.Length = len(v.B) / 2
		}
	}
	return nil
}

// Info is who a partner is.
type Info struct {
	Identity    string `json:"identity"`
	PublicKey   string `json:"public_key"`
	Delivery    string `json:"delivery"`
	TransportID string `json:"transport_id"`
	RNS         string `json:"rns_version"`
	LXMF        string `json:"lxmf_version"`
	Received    int    `json:"received"`
}

// Dir is the configuration directory of the partner's node.
func (p *Process) Dir() string { return p.cmd.Args[1] + ".d" }

// Open starts the partner's node with the parameters of the command start; its directory is filled in.
func (p *Process) Open(ctx context.Context, args Args) (Info, error) {
	all := Args{"configdir": p.Dir()}
	for k, v := range args {
		all[k] = v
	}
	var info Info
	err := p.Call(ctx, "start", all, &info)
	return info, err
}
