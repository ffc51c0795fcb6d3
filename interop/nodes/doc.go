// Package nodes holds tests of our own nodes as a network: real drivers, real sockets, several nodes and processes, and
// nothing but our own implementation on every side. Simulations on virtual time are in rns/rnstest, tests against the Python
// reference in interop.
//
// Some tests run a node in a process of its own, which is this test binary started again: to kill it, or to put it into a
// network namespace. The tests in namespaces need root and the program ip, and are skipped elsewhere. Whatever a run that was
// killed left behind is removed by the next one.
package nodes
