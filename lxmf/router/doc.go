// Package router sends and receives LXMF messages for one identity over a running node: it stamps, finds paths, opens and
// reuses links, tries again, and gives what arrives to the application before it is proved.
//
// # Use
//
//	r, err := router.New(router.Config{Node: n, Identity: me, Inbox: inbox, State: state, Events: happened})
//	go r.Serve(ctx)
//	err = r.Announce(ctx)
//	m := lxmf.New(peer, r.Address(), time.Now(), nil, []byte("hello"))
//	m.Sign(me)
//	err = r.Send(router.Outbound{Message: m})
//
// # Outbound
//
// The outbox belongs to the application, which submits unfinished messages again after a restart. From Send on every step is
// an Event, the last one delivered, rejected, cancelled or failed. Attempts are made per recipient, however many messages
// wait: one search for a path, one link, on which packets follow each other without waiting and resources go one at a time.
// A message keeps its id and its packed form through all attempts; repetitions are suppressed by the receiver.
//
// # Propagation node
//
// A message can go through a propagation node: because Outbound.Method says so, or, see Fallback, when its recipient cannot be
// reached. It is encrypted once, stamped for the node and handed over; KindPropagated is then its last event, for whether it
// arrives is not known. UseNode says which node is used: one, none, or the best of those heard. That choice is ChooseNode, a
// function of announces and of our own experience; it asks nothing of the network, and links that only test a node are rare.
// Sync fetches what the node has for us, over the same link; its steps and the choice of the node are Notices. Messages are
// deleted on the node when they are stored here, and no earlier.
//
// # Attempts
//
// A recipient or a node that does not answer costs less and less: after Params.BackoffAfter failures in a row the pauses grow,
// and Params.MaxDialsPerHour holds whatever happens. A person's new message and an announce of the recipient are tried soon.
//
// # Inbound
//
// The proof follows storage: it leaves when Inbox.Receive has returned nil, and no earlier. If storing fails no proof
// leaves, the sender tries again, and one copy arrives. What policy refuses is proved and dropped, so that the sender learns
// nothing. Messages from one source are stored in order.
//
// # Who owns what
//
// The machine decides about outbound messages, the node and fetching; it is a function of its state, an input and the time, and the goroutine of
// Serve owns it. A few workers check and store what arrives, one searches stamps and seals messages, one stores what was
// fetched, one saves what State remembers. All of
// them end before Serve returns.
//
// spec: lxmf §3–§9, §14, §16, §17
package router
