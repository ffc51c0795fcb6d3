package settings

// Keys of what an identity receives, and from whom.
const (
	KeyWriters       Key = "writers"
	KeyStrangerFiles Key = "stranger_files"
	KeySpamWords     Key = "spam_words"
	KeyFloodLimit    Key = "flood_limit"
	KeyFloodLevel    Key = "flood_level"
	KeyFloodSince    Key = "flood_since"
)

// Choices of these settings.
const (
	WritersEveryone = "everyone"
	WritersListed   = "listed"

	StrangerFilesGated  = "gated"
	StrangerFilesRefuse = "refuse"
)

// policyTable are the settings of an identity about what it receives.
func policyTable() []Setting {
	return []Setting{
		{Key: KeyWriters, Scope: Identity, Kind: Enum, Category: CategoryPrivacy, Default: StringValue(WritersEveryone), Choices: []string{WritersEveryone, WritersListed},
			Doc: "Who may write to you: everyone, or only contacts, people you have written to and those on the list of the allowed. Messages of others are discarded, and they are not told."},
		{Key: KeyStrangerFiles, Scope: Identity, Kind: Enum, Category: CategoryPrivacy, Default: StringValue(StrangerFilesGated), Choices: []string{StrangerFilesGated, StrangerFilesRefuse},
			Doc: "Files in messages of strangers: kept back until you accept the request, or the whole message is discarded."},
		{Key: KeySpamWords, Scope: Identity, Kind: String, Category: CategoryPrivacy, Default: StringValue(""), Max: 4096,
			Doc: "Words, with commas between them; messages of strangers that contain one of them are discarded."},
		{Key: KeyFloodLimit, Scope: Identity, Kind: Int, Category: CategoryPrivacy, Default: IntValue(30), Max: 10_000, Unit: "messages/min",
			Doc: "When more messages of strangers arrive in a minute, of each no more than five counted, strangers are asked for work, step by step, until it is calm again; 0 never asks."},
		{Key: KeyFloodLevel, Scope: Identity, Kind: Int, Category: CategoryPrivacy, Default: IntValue(0), Max: 100, Editable: ByProgram,
			Doc: "How far the answer to a flood has gone."},
		{Key: KeyFloodSince, Scope: Identity, Kind: Int, Category: CategoryPrivacy, Default: IntValue(0), Max: 1 << 53, Unit: "ms", Editable: ByProgram,
			Doc: "When it last went further, as Unix time."},
	}
}
