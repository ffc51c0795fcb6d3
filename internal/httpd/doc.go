// Package httpd serves the web interface: it listens, speaks TLS, protects the server from slow,
// large and broken requests, sets the security headers, and delivers the built web application.
// What the API does and who may use it is handed in.
//
// A request passes, from the outside in: recovery from panics, the log, the security headers,
// limits of size and time, the guard, and then either the API or the static files.
package httpd
