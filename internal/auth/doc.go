// Package auth decides who may use the program's web interface. Nobody is trusted for being on
// the same machine: access needs a session, and a session needs a start token, which only who can read the
// storage directory can make.
//
//   - A [Secret] lies in the storage directory, readable by its owner only. From it, the program
//     and the command line make start tokens, each good once and for a limited time.
//   - A [Service] exchanges a start token for a session of two secrets: one in a cookie the page
//     cannot read, one that the page keeps and sends with every change. Sessions are stored by the hash
//     of their token, can be listed and revoked, and end for open sockets too ([Service.Ended]).
//   - A [Guard] stands before every request: it checks the name of the host (against DNS
//     rebinding), the origin (against other sites and other ports), the session and the second token.
//
// Failed attempts are stored and limited by address; sessions that exist already are not affected.
// Other ways to sign in, such as a password, end in the same place: a grant of a session.
//
// Service and Guard are safe for concurrent use.
package auth
