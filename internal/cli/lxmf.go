package cli

// lxmfCommand groups what concerns messages beyond sending and listening.
type lxmfCommand struct {
	Sync   lxmfSyncCommand   `cmd:"" help:"Fetch messages from the propagation node, and wait for the end of it."`
	Status lxmfStatusCommand `cmd:"" help:"Show the propagation node in use, and the one this program is for others."`
	Peers  lxmfPeersCommand  `cmd:"" help:"Show the peers of the propagation node this program is; synchronise with one or leave it."`
	Paper  lxmfPaperCommand  `cmd:"" help:"Write messages on paper, and read them."`
}
