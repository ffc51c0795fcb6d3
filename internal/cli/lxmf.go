package cli

// lxmfCommand groups what concerns messages beyond sending and listening.
type lxmfCommand struct {
	Paper lxmfPaperCommand `cmd:"" help:"Write messages on paper, and read them."`
}
