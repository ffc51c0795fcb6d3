// Package stamp is the proof of work that Reticulum applications attach to what
// they send: LXMF messages, messages handed to propagation nodes, peering keys
// and interface discovery announces.
//
// A stamp is found for some material, usually a hash: the material is expanded
// to a workblock, and the stamp is 32 bytes which, hashed after the workblock,
// give a digest with many leading zero bits. The uses differ only in the number
// of rounds of the expansion. spec: lxmf §6, rns-core §22.3
//
//	work := stamp.NewWork(messageHash[:], stamp.MessageRounds, workers)
//	found, err := work.Search(ctx, cost, stamp.Options{Workers: workers})
//
// Making the [Work] of a message costs about 10 ms of processor time; each
// attempt and each check after that costs about 100 ns. NewWork and Search start
// as many goroutines as they are told, and return when all of them have ended.
// A Work is safe for concurrent use.
package stamp
