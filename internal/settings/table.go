package settings

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Key names a setting. Keys are stable: they are stored and browsers know them.
type Key string

// Scope says to what a setting belongs.
type Scope uint8

// Scopes of settings.
const (
	Server   Scope = iota + 1 // the program
	Identity                  // one identity
)

// String returns the name used in the API.
func (s Scope) String() string {
	if s == Server {
		return "server"
	}
	return "identity"
}

// Effect says when a change works.
type Effect uint8

// Effects of changes.
const (
	Live    Effect = iota // at once
	Restart               // at the next start of the program
)

// Category groups settings on a page.
type Category string

// Categories, as the interface shows them.
const (
	CategoryProfile    Category = "profile"
	CategoryPrivacy    Category = "privacy"
	CategoryMessages   Category = "messages"
	CategoryAppearance Category = "appearance"
	CategoryNetwork    Category = "network"
	CategoryStorage    Category = "storage"
	CategoryAccess     Category = "access"
)

// Setting declares one setting.
type Setting struct {
	Key      Key
	Scope    Scope
	Kind     Kind
	Category Category
	Default  Value
	// Min and Max bound an Int, and the length of a String in characters.
	Min, Max int64
	// Unit of an Int, such as "s" or "bytes".
	Unit string
	// Choices of an Enum.
	Choices []string
	// Editable: people may change it; otherwise only the program does.
	Editable Editing
	Effect   Effect
	// Doc says in a sentence or two what the setting does.
	Doc string
}

// Editing says who may change a setting.
type Editing uint8

// Ways of editing.
const (
	ByAnyone  Editing = iota // on the settings page
	ByProgram                // state the program keeps for itself
)

// Keys of the server.
const (
	KeySetupDone        Key = "setup_done"
	KeyInstanceID       Key = "instance_id"
	KeyTransportEnabled Key = "transport_enabled"
	KeySessionDays      Key = "session_days"
	KeyHeardKeep        Key = "heard_keep"
	KeyLogLevel         Key = "log_level"
)

// Keys of an identity.
const (
	KeyDisplayName       Key = "display_name"
	KeyAnnounceInterval  Key = "announce_interval_s"
	KeyAnnounceAtStart   Key = "announce_at_start"
	KeyDeliveryLimit     Key = "delivery_limit_bytes"
	KeyStampCost         Key = "stamp_cost"
	KeyEnforceStamps     Key = "enforce_stamps"
	KeyIncludeTickets    Key = "include_tickets"
	KeyStrangers         Key = "strangers"
	KeyShowStrangerMedia Key = "show_stranger_images"
	KeySendWithEnter     Key = "send_with_enter"
	KeyTheme             Key = "theme"
	KeyStartPage         Key = "start_page"
	KeyDensity           Key = "density"
	KeyNotify            Key = "notifications"
	KeyNotifyPreview     Key = "notification_preview"
	KeyUploadKeepHours   Key = "upload_keep_hours"
)

// Choices of settings that code asks about.
const (
	TicketsContacts = "contacts"
	TicketsEveryone = "everyone"
	TicketsNever    = "never"

	StrangersAsk    = "ask"
	StrangersAllow  = "allow"
	StrangersIgnore = "ignore"
)

const megabyte = 1_000_000

// Table returns every setting of a scope, in the order of their pages. The result is the
// caller's.
func Table(s Scope) []Setting {
	if s == Server {
		return append(serverTable(), hostTable()...)
	}
	return slices.Concat(identityTable(), policyTable(), nodeTable())
}

func serverTable() []Setting {
	return []Setting{
		{Key: KeySetupDone, Scope: Server, Kind: Bool, Category: CategoryProfile, Default: BoolValue(false),
			Doc: "The welcome page has been finished or left."},
		{Key: KeyInstanceID, Scope: Server, Kind: String, Category: CategoryAccess, Default: StringValue(""), Max: 16, Editable: ByProgram,
			Doc: "Random name of this installation; it keeps the cookies of several installations apart."},
		{Key: KeyTransportEnabled, Scope: Server, Kind: Bool, Category: CategoryNetwork, Default: BoolValue(false), Editable: ByProgram, Effect: Restart,
			Doc: "This node forwards traffic of others. Set by enable_transport in the Reticulum configuration file."},
		{Key: KeySessionDays, Scope: Server, Kind: Int, Category: CategoryAccess, Default: IntValue(30), Min: 1, Max: 365, Unit: "days",
			Doc: "A browser that has not been used for so long has to sign in again."},
		{Key: KeyHeardKeep, Scope: Server, Kind: Int, Category: CategoryStorage, Default: IntValue(100_000), Min: 1_000, Max: 1_000_000, Unit: "destinations",
			Doc: "How many heard destinations are remembered; those not heard for the longest time are forgotten first."},
		{Key: KeyLogLevel, Scope: Server, Kind: Enum, Category: CategoryStorage, Default: StringValue("info"), Choices: []string{"error", "warn", "info", "debug"},
			Doc: "How much the program writes to its log. Keys, tokens and messages are never written."},
	}
}

func identityTable() []Setting {
	return []Setting{
		{Key: KeyDisplayName, Scope: Identity, Kind: String, Category: CategoryProfile, Default: StringValue(""), Max: 64,
			Doc: "How others see you. It is announced to the network; empty means anonymous."},
		{Key: KeyAnnounceAtStart, Scope: Identity, Kind: Bool, Category: CategoryNetwork, Default: BoolValue(true),
			Doc: "Announce this identity when the program starts."},
		{Key: KeyAnnounceInterval, Scope: Identity, Kind: Int, Category: CategoryNetwork, Default: IntValue(6 * 3600), Max: 7 * 86400, Unit: "s",
			Doc: "Time between announces, which keep you reachable; 0 announces only when asked. Each interval varies a little, so that identities of one node do not announce together."},
		{Key: KeyDeliveryLimit, Scope: Identity, Kind: Int, Category: CategoryMessages, Default: IntValue(10 * megabyte), Min: 10_000, Max: 1000 * megabyte, Unit: "bytes",
			Doc: "The largest message accepted with its files. Programs of others often accept no more than 1,000,000 bytes themselves."},
		{Key: KeyStampCost, Scope: Identity, Kind: Int, Category: CategoryPrivacy, Default: IntValue(0), Max: 24, Unit: "bits",
			Doc: "Work a stranger's computer must do for each message to you, which slows down spam; 0 asks for none. Each step doubles it; 8 takes a moment, 16 seconds."},
		{Key: KeyEnforceStamps, Scope: Identity, Kind: Bool, Category: CategoryPrivacy, Default: BoolValue(false),
			Doc: "Discard messages without the work asked for."},
		{Key: KeyIncludeTickets, Scope: Identity, Kind: Enum, Category: CategoryPrivacy, Default: StringValue(TicketsContacts), Choices: []string{TicketsContacts, TicketsEveryone, TicketsNever},
			Doc: "Who receives a ticket with your messages that lets them answer without work."},
		{Key: KeyStrangers, Scope: Identity, Kind: Enum, Category: CategoryPrivacy, Default: StringValue(StrangersAsk), Choices: []string{StrangersAsk, StrangersAllow, StrangersIgnore},
			Doc: "What happens to messages from people you have never written to: kept apart as requests, shown among the others, or discarded."},
		{Key: KeyShowStrangerMedia, Scope: Identity, Kind: Bool, Category: CategoryPrivacy, Default: BoolValue(false),
			Doc: "Show images in requests before you accept them."},
		{Key: KeyUploadKeepHours, Scope: Identity, Kind: Int, Category: CategoryMessages, Default: IntValue(48), Min: 1, Max: 30 * 24, Unit: "hours",
			Doc: "How long a file that was added but not sent is kept. Files of drafts are kept as long as the draft."},
		{Key: KeySendWithEnter, Scope: Identity, Kind: Bool, Category: CategoryMessages, Default: BoolValue(true),
			Doc: "Enter sends, Shift and Enter begin a new line; off exchanges the two."},
		{Key: KeyNotify, Scope: Identity, Kind: Enum, Category: CategoryMessages, Default: StringValue("all"), Choices: []string{"all", "contacts", "none"},
			Doc: "Whose messages raise a notification in the browser."},
		{Key: KeyNotifyPreview, Scope: Identity, Kind: Bool, Category: CategoryMessages, Default: BoolValue(true),
			Doc: "Show the beginning of the message in the notification."},
		{Key: KeyTheme, Scope: Identity, Kind: Enum, Category: CategoryAppearance, Default: StringValue("system"), Choices: []string{"system", "light", "dark"},
			Doc: "Colours of the interface."},
		{Key: KeyDensity, Scope: Identity, Kind: Enum, Category: CategoryAppearance, Default: StringValue("comfortable"), Choices: []string{"comfortable", "compact"},
			Doc: "Space between lines and rows."},
		{Key: KeyStartPage, Scope: Identity, Kind: Enum, Category: CategoryAppearance, Default: StringValue("chats"), Choices: []string{"chats", "people", "network"},
			Doc: "The page shown first."},
	}
}

// check returns the value in the form it is kept, or why it cannot be.
func (s Setting) check(v Value) (Value, error) {
	want := s.Kind
	if want == Enum {
		want = String
	}
	if v.kind != want {
		return Value{}, ErrKind
	}
	switch s.Kind {
	case Int:
		if v.num < s.Min || v.num > s.Max {
			return Value{}, ErrBounds
		}
	case Enum:
		if !slices.Contains(s.Choices, v.text) {
			return Value{}, ErrChoice
		}
	case String:
		if !utf8.ValidString(v.text) || strings.ContainsFunc(v.text, control) {
			return Value{}, ErrText
		}
		v.text = strings.TrimSpace(v.text)
		if n := int64(utf8.RuneCountInString(v.text)); n < s.Min || n > s.Max {
			return Value{}, ErrBounds
		}
	}
	return v, nil
}

// control finds characters that would break a line or the direction of the text around a name.
func control(r rune) bool {
	return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
