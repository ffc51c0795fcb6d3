package deptest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "meshchatx"

// rule says what a group of packages may import from this module. The first rule whose prefix matches decides.
type rule struct {
	prefix string
	allow  []string // prefixes below the module; a trailing "$" means exactly that package
	extern bool     // packages outside the standard library and this module
	why    string
}

// rules are listed from the most particular to the most general.
var rules = []rule{
	{"rns/msgpack", nil, false, "codecs stand alone"},
	{"rns/bzip2", nil, false, "codecs stand alone"},
	{"rns/configobj", nil, false, "codecs stand alone"},
	{"rns/rsg", []string{"rns$", "rns/msgpack$"}, false, "files of identities need no network"},
	{"rns/stamp", []string{"rns$", "rns/msgpack$"}, false, "proof of work knows hashes only"},
	{"rns/discovery/agent", []string{"rns"}, false, "the agent runs over the node"},
	{"rns/discovery", []string{"rns$", "rns/msgpack$", "rns/stamp$"}, false, "what is published is read without a node"},
	{"rns/config", []string{"rns$", "rns/configobj$", "rns/iface$"}, false, "configuration is read without a node"},
	{"rns/iface/framing", nil, false, "framings are pure"},
	{"rns/iface/serialport", []string{"rns/iface$"}, true, "the one place of the serial library"},
	{"rns/iface", []string{"rns$", "rns/iface"}, false, "drivers know no packets and no node"},
	{"rns/control", []string{"rns$", "rns/msgpack$", "rns/iface/local$"}, false, "control calls know no node"},
	{"rns/transport", []string{"rns$", "rns/msgpack$", "rns/iface$"}, false, "the machine has no I/O"},
	{"rns/link", []string{"rns$", "rns/msgpack$", "rns/bzip2$", "rns/resource$"}, false, "machines have no I/O"},
	{"rns/resource", []string{"rns$", "rns/msgpack$", "rns/bzip2$"}, false, "machines have no I/O"},
	{"rns/node", []string{"rns"}, false, "the stack is built from rns alone"},
	{"rns/rnstest", []string{"rns"}, false, "simulations need the stack only"},
	{"rns", []string{"rns/msgpack$"}, false, "the vocabulary imports the standard library"},
	{"lxmf/router", []string{"rns", "lxmf$"}, false, "the router runs over the node"},
	{"lxmf/propagation", []string{"rns", "lxmf$"}, false, "the propagation node runs over the node"},
	{"lxmf", []string{"rns$", "rns/msgpack$", "rns/stamp$"}, false, "message codecs need no network"},
	{"spec/vectortest", nil, false, "vectors are data"},
	{"internal/store", []string{"internal/store", "rns$", "rns/msgpack$"}, true, "tables know no services"},
	{"internal/blob", []string{"rns$"}, false, "files know no services"},
	{"internal/event", []string{"rns$"}, false, "events know no services"},
	{"internal/api", []string{"internal", "rns", "lxmf"}, true, "operations map services to HTTP"},
	{"internal", []string{"internal", "rns", "lxmf", "web$"}, true, ""},
	{"cmd/meshchatx", []string{"internal/cli$"}, false, "main calls the command line and nothing else"},
	{"cmd/rnslab", []string{"internal/lab$"}, false, "main calls the laboratory and nothing else"},
	{"web", nil, false, "web embeds files"},
	{"interop", []string{"rns", "lxmf", "internal", "spec"}, true, ""},
	{"tools", []string{"rns", "lxmf", "internal", "spec", "interop"}, true, ""},
}

// forbidden pairs hold whatever the rules above allow: services never reach up.
var forbidden = []struct{ from, to string }{
	{"internal/chat", "internal/api"}, {"internal/chat", "internal/profile"}, {"internal/chat", "internal/httpd"},
	{"internal/contacts", "internal/api"}, {"internal/contacts", "internal/profile"}, {"internal/contacts", "internal/chat"},
	{"internal/announces", "internal/api"}, {"internal/announces", "internal/profile"}, {"internal/announces", "internal/chat"},
	{"internal/interfaces", "internal/api"}, {"internal/interfaces", "internal/profile"}, {"internal/interfaces", "internal/chat"},
	{"internal/settings", "internal/api"}, {"internal/auth", "internal/api"}, {"internal/httpd", "internal/api"},
	{"internal/profile", "internal/api"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func load(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func under(path, prefix string) bool {
	if exact, ok := strings.CutSuffix(prefix, "$"); ok {
		return path == exact
	}
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func TestImportDirections(t *testing.T) {
	pkgs := load(t)
	if len(pkgs) < 10 {
		t.Fatalf("only %d packages listed", len(pkgs))
	}
	for _, p := range pkgs {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imp := range p.Imports {
			check(t, path, imp)
		}
	}
}

func check(t *testing.T, path, imp string) {
	t.Helper()
	local, inModule := strings.CutPrefix(imp, module+"/")
	standard := !inModule && !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".")
	if standard {
		return
	}
	for _, f := range forbidden {
		if inModule && under(path, f.from) && under(local, f.to) {
			t.Errorf("%s imports %s: services never reach up", path, local)
		}
	}
	for _, r := range rules {
		if !under(path, r.prefix) {
			continue
		}
		if !inModule && !r.extern {
			t.Errorf("%s imports %s: %s", path, imp, r.why)
		}
		if inModule && !allowed(local, r.allow) {
			t.Errorf("%s imports %s: %s", path, local, r.why)
		}
		return
	}
	t.Errorf("%s matches no rule: add one", path)
}

func allowed(path string, prefixes []string) bool {
	for _, a := range prefixes {
		if under(path, a) {
			return true
		}
	}
	return false
}

// TestRulesCanFail keeps the test above honest: a forbidden import is noticed.
func TestRulesCanFail(t *testing.T) {
	for _, c := range []struct {
		path, imp string
		want      bool
	}{
		{"rns", "rns/node", false}, {"rns/node", "rns/link", true}, {"rns/iface/tcp", "rns/node", false},
		{"lxmf", "rns/node", false}, {"internal/store", "internal/chat", false},
	} {
		for _, r := range rules {
			if under(c.path, r.prefix) {
				if got := allowed(c.imp, r.allow); got != c.want {
					t.Errorf("%s -> %s allowed = %v", c.path, c.imp, got)
				}
				break
			}
		}
	}
}
