package api

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/chat"
	"meshchatx/lxmf/telemetry"
	"meshchatx/rns"
)

// ReactionView is one emoji that some people gave to a message.
type ReactionView struct {
	Content string   `json:"content"`
	From    []string `json:"from" doc:"Addresses of those who reacted, the latest last."`
	Mine    string   `json:"mine,omitempty" doc:"Id of our own message with this reaction, which tells its delivery; absent when we did not react so."`
}

// FieldView is a field that is kept byte for byte and not interpreted.
type FieldView struct {
	Key     string `json:"key" doc:"Number of the field, or what stands in its place."`
	Number  bool   `json:"number" doc:"True when the key is a number, as it should be."`
	Name    string `json:"name,omitempty" doc:"Name in the specification, where it has one."`
	Size    int    `json:"size" doc:"Bytes of the encoded value."`
	Preview string `json:"preview" doc:"Beginning of the value."`
}

// IconView is how somebody wants to be shown.
type IconView struct {
	Name       string `json:"name" doc:"Material Design icon."`
	Foreground string `json:"foreground" doc:"#rrggbb"`
	Background string `json:"background" doc:"#rrggbb"`
}

// TelemetryView is what sensors said.
type TelemetryView struct {
	At          int64         `json:"at,omitempty" format:"int64" doc:"When the readings were taken, by the sender's clock."`
	Location    *LocationView `json:"location,omitempty"`
	Charge      *float64      `json:"charge,omitempty" doc:"Per cent of a battery."`
	Charging    bool          `json:"charging,omitempty"`
	Information string        `json:"information,omitempty"`
	Readings    []ReadingView `json:"readings" doc:"Every reading as text."`
}

// LocationView is a position.
type LocationView struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Altitude  float64 `json:"altitude" doc:"Metres."`
	Speed     float64 `json:"speed" doc:"km/h"`
	Bearing   float64 `json:"bearing" doc:"Degrees from north, clockwise."`
	Accuracy  float64 `json:"accuracy" doc:"Metres."`
	At        int64   `json:"at,omitempty" format:"int64"`
}

// ReadingView is one reading as text.
type ReadingView struct {
	Sensor string `json:"sensor"`
	Value  string `json:"value" doc:"Empty for a sensor without a reading."`
}

type reactInput struct {
	MessagePath
	Body struct {
		Content string `json:"content" minLength:"1" maxLength:"64" doc:"One emoji, or a few characters without spaces."`
	}
}

func (s *Server) registerReactions(a huma.API) {
	huma.Register(a, operation("react", post, "/identities/{identity}/messages/{message}/reactions", "chat", accepted, "Send a reaction to a message; the same reaction is not sent twice"), s.react)
}

func (s *Server) react(ctx context.Context, in *reactInput) (*messageRefOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	ref, err := sc.Chat.React(ctx, in.message(), in.Body.Content)
	if err != nil {
		return nil, s.problem(err)
	}
	return &messageRefOutput{MessageRef{ID: ref.ID.Hex(), Seq: ref.Seq, Peer: ref.Peer.Hex()}}, nil
}

// tellDetails fills in what the fields of a message say.
func tellDetails(v *MessageView, m chat.Message) {
	d := m.Details
	v.Reaction = m.Reaction
	v.Reactions = list(m.Reactions, func(r chat.Reaction) ReactionView {
		return ReactionView{Content: r.Content, From: list(r.From, rns.Addr.Hex), Mine: hexHash(r.Mine)}
	})
	v.Fields = list(d.Others, func(e chat.Extra) FieldView { return FieldView(e) })
	v.Thread, v.CommentOn, v.Continues = hex.EncodeToString(d.Thread), hexHash(d.Comment), hexHash(d.Continues)
	if d.Icon != nil {
		v.Icon = &IconView{Name: d.Icon.Name, Foreground: fmt.Sprintf("#%x", d.Icon.Foreground), Background: fmt.Sprintf("#%x", d.Icon.Background)}
	}
	if d.Telemetry != nil {
		t := telemetryView(*d.Telemetry)
		v.Telemetry = &t
	}
	v.Commands = list(d.Commands, commandName)
	v.Relayed = len(d.Stream)
}

func telemetryView(t telemetry.Telemeter) TelemetryView {
	v := TelemetryView{At: ms(t.Time()), Readings: []ReadingView{}}
	if p, ok := t.Location(); ok {
		v.Location = &LocationView{
			Latitude: p.Latitude, Longitude: p.Longitude, Altitude: p.Altitude, Speed: p.Speed, Bearing: p.Bearing, Accuracy: p.Accuracy, At: ms(p.At),
		}
	}
	if c, ok := t.Battery(); ok {
		v.Charge, v.Charging = &c.Percent, c.Charging
	}
	v.Information, _ = t.Information()
	for sensor, reading := range t.All() {
		one := ReadingView{Sensor: sensor.String()}
		if !reading.IsNil() {
			one.Value = chat.Preview(reading)
		}
		v.Readings = append(v.Readings, one)
	}
	return v
}

var commandNames = map[telemetry.CommandID]string{
	telemetry.CommandPlugin: "plugin", telemetry.CommandTelemetryRequest: "telemetry_request", telemetry.CommandPing: "ping",
	telemetry.CommandEcho: "echo", telemetry.CommandSignalReport: "signal_report",
}

func commandName(c telemetry.Command) string { return commandNames[c.ID] }
