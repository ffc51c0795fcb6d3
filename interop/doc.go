// Package interop holds the live suite: tests against the Python reference, run by make live.
//
// The variable MESHCHATX_LIVE names the directories with the reference's packages RNS and LXMF, as PYTHONPATH does; without
// it every test is skipped and says so. The partner is the script in tools/peer; our side runs in the test's process, on the
// same packages as the program. Everything goes over TCP on the loopback.
//
// TestLiveMatrix runs every scenario in every way: directly, through a Python transport node, through one of ours, each
// also with access codes on all interfaces. TestLiveExchanges counts answers of thousands of exchanges in which none may be
// lost (spec: rns-link §6.1), for which MESHCHATX_LIVE_EXCHANGES gives another number. TestLiveKill kills either side in
// the middle of a message. At the end a table shows scenario, way, result and time.
package interop
