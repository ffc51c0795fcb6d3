package stack

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// spec: rns-link §13
func TestIdentityIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	a, err := Identity(dir, "rncp", "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Identity(dir, "rncp", "")
	if err != nil || a.Hash() != b.Hash() {
		t.Fatal("another identity", err)
	}
	c, err := Identity(dir, "", filepath.Join(dir, "storage", "identities", "rncp"))
	if err != nil || a.Hash() != c.Hash() {
		t.Fatal("another identity", err)
	}
	damaged := filepath.Join(dir, "damaged")
	if err := os.WriteFile(damaged, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Identity(dir, "", damaged); err == nil {
		t.Fatal("a damaged key was replaced")
	}
}

func TestAllowed(t *testing.T) {
	home := t.TempDir()
	one, two := "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	if err := os.MkdirAll(filepath.Join(home, ".sometool"), 0o700); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(home, ".sometool", "allowed_identities")
	if err := os.WriteFile(name, []byte("# people\r\n"+two+"\r\n\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, file, err := Allowed("sometool", home, []string{one})
	var want []rns.Addr
	for _, s := range []string{one, two} {
		a, perr := rns.ParseAddr(s)
		if perr != nil {
			t.Fatal(perr)
		}
		want = append(want, a)
	}
	if err != nil || file != name || !slices.Equal(list, want) {
		t.Fatal(list, file, err)
	}
	if _, _, err := Allowed("sometool", home, []string{"hello"}); !errors.Is(err, rns.ErrBadAddr) {
		t.Fatal(err)
	}
	if list, file, err := Allowed("othertool", home, nil); list != nil || file != "" || err != nil {
		t.Fatal(list, file, err)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A broken interface does not stop a tool; a file that cannot be read does.
func TestOpen(t *testing.T) {
	s, err := Open(t.Context(), Config{Dir: write(t, "[reticulum]\nshare_instance = no\n[interfaces]\n[[x]]\ntype = TCPClientInterface\nenabled = yes\n[[y]]\ntype = Unheard\nenabled = yes\n")})
	if err != nil {
		t.Fatal(err)
	}
	if s.Role() != node.RoleStandalone {
		t.Error(s.Role())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: write(t, "[[[\n")}); !errors.Is(err, ErrConfig) {
		t.Fatal(err)
	}
}

func TestLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 1)
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{Delay: time.Millisecond})
		seen := make(chan rns.Addr, 1)
		d, err := b.Register(node.DestinationConfig{Identity: w.Identity(1), Name: "some.thing", OnLink: func(*node.Link) node.LinkHandler {
			return node.LinkHandler{OnIdentified: func(_ *node.Link, who rns.PublicKey) { seen <- who.Hash() }}
		}})
		if err != nil {
			t.Fatal(err)
		}
		me := w.Identity(2)
		var steps []Step
		l, err := Link(t.Context(), a.Node, Peer{Addr: d.Addr(), Name: "some.thing", Identity: me, OnStep: func(s Step) { steps = append(steps, s) }}, node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		if who := <-seen; who != me.Hash() || !slices.Equal(steps, []Step{StepPath, StepLink}) {
			t.Error(who, steps)
		}
		l.Close()
		if _, err := Link(t.Context(), a.Node, Peer{Addr: d.Addr(), Name: "another.thing"}, node.LinkHandler{}); !errors.Is(err, ErrOther) {
			t.Error(err)
		}
		if _, err := Link(t.Context(), a.Node, Peer{Addr: rns.Addr{5}, Timeout: time.Second}, node.LinkHandler{}); !errors.Is(err, node.ErrNoPath) {
			t.Error(err)
		}
		refusing, err := b.Register(node.DestinationConfig{Identity: w.Identity(1), Name: "no.links", Links: node.RefuseLinks})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Link(t.Context(), a.Node, Peer{Addr: refusing.Addr()}, node.LinkHandler{}); !errors.Is(err, ErrNoLink) {
			t.Error(err)
		}
	})
}
