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
// # Inbound
//
// The proof follows storage: it leaves when Inbox.Receive has returned nil, and no earlier. If storing fails no proof
// leaves, the sender tries again, and one copy arrives. What policy refuses is proved and dropped, so that the sender learns
// nothing. Messages from one source are stored in order.
//
// # Who owns what
//
// The machine decides about outbound messages; it is a function of its state, an input and the time, and the goroutine of
// Serve owns it. A few workers check and store what arrives, one searches stamps, one saves what State remembers. All of
// them end before Serve returns.
//
// spec: lxmf §3–§9, §14, §16, §17
package router
