// Package rnstest builds networks of real nodes on simulated media, for tests under testing/synctest: minutes of protocol
// time pass in milliseconds, and a run can be repeated from its seed.
//
//	synctest.Test(t, func(t *testing.T) {
//		net := rnstest.New(t, 1)
//		a, b := net.Node("a"), net.Transport("b")
//		net.Connect(a, b, mem.Conditions{Delay: time.Millisecond})
//		...
//		net.Settle()
//	})
package rnstest
