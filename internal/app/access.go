package app

import (
	"net"
	"net/http"
	"os"
	"strings"

	"meshchatx/internal/api"
	"meshchatx/internal/chat"
	"meshchatx/internal/httpd"
)

// hosts are the names under which the page may be opened.
func (a *App) hosts() []string {
	out := []string{a.conf.Host}
	if name, err := os.Hostname(); err == nil {
		out = append(out, name)
		if !strings.Contains(name, ".") {
			out = append(out, name+".local")
		}
	}
	if httpd.Loopback(a.conf.Host) {
		return out
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return out
	}
	for _, addr := range addrs {
		if ip, ok := addr.(*net.IPNet); ok && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			out = append(out, ip.IP.String())
		}
	}
	return out
}

// open are the requests that need no session: the application itself, the probe,
// and signing in.
func open(r *http.Request) bool {
	switch {
	case httpd.IsStatic(r):
		return true
	case r.URL.Path == api.Prefix+"/status":
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return r.URL.Path == api.Prefix+"/session" && r.Method == http.MethodPost
}

// bodyLimit lets files be as large as a message may be.
func bodyLimit(r *http.Request) int64 {
	if strings.HasPrefix(r.URL.Path, api.Prefix+"/identities/") && strings.HasSuffix(r.URL.Path, "/uploads") {
		return chat.DefaultParams().MaxUpload + 1
	}
	return api.MaxBody
}
