package rncp

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/spec/vectortest"
)

// spec: rns-link §13.2
func TestVectorNames(t *testing.T) {
	type vector struct {
		Metadata   vectortest.Hex
		PathHash   vectortest.Hex `json:"fetch_path_hash"`
		Name       string         `json:"destination_name"`
		NotAllowed vectortest.Hex `json:"not_allowed"`
	}
	vectortest.Each(t, "rns-link.json", "rncp", func(t *testing.T, v vector) {
		if got := metadataOf("file.bin").Append(nil); !bytes.Equal(got, v.Metadata) {
			t.Errorf("metadata %x", got)
		}
		parsed, _, err := msgpack.Parse(v.Metadata, msgpack.Limits{})
		if name, nerr := nameOf(parsed); err != nil || nerr != nil || name != "file.bin" {
			t.Errorf("%q %v %v", name, err, nerr)
		}
		if hash := rns.RequestPathHash(fetchPath); !bytes.Equal(hash[:], v.PathHash) {
			t.Errorf("path %s", hash)
		}
		if v.Name != DestinationName || !bytes.Equal(msgpack.AppendInt(nil, notAllowed), v.NotAllowed) {
			t.Error("names differ")
		}
	})
}

func TestNamesThatLeadElsewhere(t *testing.T) {
	bin := func(s string) msgpack.Value { return metadataOf(s) }
	for _, bad := range []msgpack.Value{
		bin(""), bin("."), bin(".."), bin("../x"), bin("/etc/passwd"), bin("a/b"), bin(`a\b`), bin("a\x00b"), bin("\xff"),
		bin(strings.Repeat("x", 300)), bin(unfinishedPrefix + "x"),
		msgpack.Nil(), msgpack.Map(), msgpack.Map(msgpack.Pair{Key: msgpack.Str("name"), Value: msgpack.Int(1)}),
	} {
		if name, err := nameOf(bad); !errors.Is(err, ErrName) {
			t.Errorf("%s is %q, %v", bad, name, err)
		}
	}
	for _, good := range []string{"a", "a b.txt", "…", ".profile", "a..b"} {
		if name, err := nameOf(bin(good)); err != nil || name != good {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add(metadataOf("file.bin").Append(nil))
	f.Add(metadataOf("../x").Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _, err := msgpack.Parse(b, msgpack.Limits{})
		if err != nil {
			return
		}
		if name, err := nameOf(v); err == nil && filepath.Join("/save", name) != "/save/"+name {
			t.Fatalf("%q leaves the directory", name)
		}
	})
}

// world is a listener and somebody who sends to it and fetches from it.
type world struct {
	*rnstest.Network
	t        *testing.T
	listener *Listener
	user     *rnstest.Node
	id       *rns.Identity
	save     string
	jail     string

	mu     sync.Mutex
	events []Event
}

func newWorld(t *testing.T, c mem.Conditions, change func(*world, *ListenerConfig)) *world {
	t.Helper()
	w := &world{Network: rnstest.New(t, 1), t: t, save: t.TempDir(), jail: t.TempDir()}
	host, middle := w.Node("host"), w.Transport("middle")
	w.user = w.Node("user")
	w.Connect(host, middle, c)
	w.Connect(middle, w.user, c)
	w.id = w.Identity(1)
	conf := ListenerConfig{Identity: w.Identity(2), Allowed: []rns.Addr{w.id.Hash()}, Save: w.save, OnEvent: func(e Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e)
	}}
	if change != nil {
		change(w, &conf)
	}
	var err error
	if w.listener, err = Listen(host.Node, conf); err != nil {
		t.Fatal(err)
	}
	if err := w.listener.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Run(time.Second)
	t.Cleanup(func() {
		if err := w.listener.Close(context.Background()); err != nil && !errors.Is(err, node.ErrClosed) {
			t.Error(err)
		}
	})
	return w
}

func (w *world) kinds() (kinds []EventKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (w *world) peer() stack.Peer { return stack.Peer{Addr: w.listener.Addr(), Identity: w.id} }

func (w *world) file(dir, name string, content []byte) string {
	w.t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return name
}

func (w *world) read(name string) []byte {
	w.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// names lists what is in a directory, without what is unfinished.
func (w *world) names(dir string) (names []string) {
	w.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

var lan = mem.Conditions{Delay: time.Millisecond}

// A file goes over two hops, in several segments, and arrives as it was; a second one of its name gets a number, and a
// third replaces the first if that is wanted. spec: rns-link §13.2
func TestSend(t *testing.T) {
	for _, existing := range []Existing{KeepBoth, Replace} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, lan, func(_ *world, c *ListenerConfig) { c.Existing = existing })
			first := vectortest.Payload("first", 2_500_000)
			var last Progress
			r, err := Send(t.Context(), w.user.Node, Sending{
				To: w.peer(), File: w.file(t.TempDir(), "a.bin", first), OnProgress: func(p Progress) { last = p },
			})
			if err != nil || r.Size != int64(len(first)) {
				t.Fatal(r, err)
			}
			if !bytes.Equal(w.read(filepath.Join(w.save, "a.bin")), first) || last.Size != r.Size {
				t.Fatalf("content or progress differ: %+v", last)
			}
			for _, text := range []string{"", "third"} {
				if _, err := Send(t.Context(), w.user.Node, Sending{To: w.peer(), File: w.file(t.TempDir(), "a.bin", []byte(text))}); err != nil {
					t.Fatal(err)
				}
			}
			want := []string{"a.bin", "a.bin.1", "a.bin.2"}
			if existing == Replace {
				want = want[:1]
			}
			if got := w.names(w.save); !slices.Equal(got, want) {
				t.Fatalf("%v", got)
			}
			if got := w.read(filepath.Join(w.save, want[len(want)-1])); string(got) != "third" {
				t.Fatalf("%q", got)
			}
		})
	}
}

func TestSendRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lan, func(_ *world, c *ListenerConfig) { c.MaxSize = 1000 })
		small := w.file(t.TempDir(), "small", []byte("hello"))
		stranger := stack.Peer{Addr: w.listener.Addr(), Identity: w.Identity(9)}
		nobody := stack.Peer{Addr: w.listener.Addr()}
		other := stack.Peer{Addr: rns.DestinationHash("other.name", w.listener.conf.Identity.Hash())}
		gone := stack.Peer{Addr: rns.Addr{1}}
		for name, tt := range map[string]struct {
			s    Sending
			want error
		}{
			"a stranger":                 {Sending{To: stranger, File: small}, ErrNotAccepted},
			"somebody without a name":    {Sending{To: nobody, File: small}, ErrNotAccepted},
			"a file that is too large":   {Sending{To: w.peer(), File: w.file(t.TempDir(), "large", make([]byte, 5000))}, ErrNotAccepted},
			"a directory":                {Sending{To: w.peer(), File: t.TempDir()}, ErrNotFile},
			"a file that is not there":   {Sending{To: w.peer(), File: "nothing"}, fs.ErrNotExist},
			"somebody who is not there":  {Sending{To: gone, File: small}, node.ErrNoPath},
			"an address of another kind": {Sending{To: other, File: small}, node.ErrNoPath},
		} {
			if _, err := Send(t.Context(), w.user.Node, tt.s); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := w.names(w.save); len(got) != 0 {
			t.Errorf("left behind: %v", got)
		}
	})
}

// A link that is cut leaves nothing behind.
func TestSendIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mem.Conditions{Delay: 20 * time.Millisecond, Bandwidth: 100_000}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Send(ctx, w.user.Node, Sending{
			To: w.peer(), File: w.file(t.TempDir(), "a", vectortest.Payload("cut", 200_000)),
			OnProgress: func(p Progress) {
				if p.Done > 50_000 {
					cancel()
				}
			},
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		w.Run(time.Minute)
		if got := w.names(w.save); len(got) != 0 || !slices.Contains(w.kinds(), Failed) {
			t.Fatalf("%v, %v", got, w.kinds())
		}
	})
}

// spec: rns-link §13.2
func TestFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lan, func(w *world, c *ListenerConfig) { c.Jail = w.jail })
		content := vectortest.Payload("fetch", 1_200_000)
		w.file(w.jail, "a.bin", content)
		if err := os.Mkdir(filepath.Join(w.jail, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		w.file(w.jail, "sub/b", []byte("b"))
		if err := os.Symlink("sub/b", filepath.Join(w.jail, "inside")); err != nil {
			t.Fatal(err)
		}
		into := t.TempDir()
		for _, path := range []string{"a.bin", "/sub/b", filepath.Join(w.jail, "a.bin"), "sub/../inside"} {
			r, err := Fetch(t.Context(), w.user.Node, Fetching{From: w.peer(), Path: path, Save: into})
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if got := w.read(r.Path); int64(len(got)) != r.Size || r.Size == 0 {
				t.Fatalf("%s: %d bytes", path, len(got))
			}
		}
		if !bytes.Equal(w.read(filepath.Join(into, "a.bin")), content) {
			t.Fatal("content differs")
		}
		if got := w.names(into); !slices.Equal(got, []string{"a.bin", "a.bin.1", "b", "inside"}) {
			t.Fatal(got)
		}
		w.Run(time.Second)
		if !slices.Contains(w.kinds(), Served) {
			t.Fatal(w.kinds())
		}
	})
}

func TestFetchRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lan, func(w *world, c *ListenerConfig) { c.Jail = w.jail })
		secret := w.file(t.TempDir(), "secret", []byte("x"))
		if err := os.Symlink(secret, filepath.Join(w.jail, "out")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/etc", filepath.Join(w.jail, "dir")); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]error{
			"nothing": ErrNotFound, "/etc/passwd": ErrNotFound, ".": ErrNotFound, "": ErrNotFound, "\x00": ErrNotAllowed,
			"../../etc/passwd": ErrNotAllowed, "out": ErrNotAllowed, "dir/passwd": ErrNotAllowed, "sub/../../x": ErrNotAllowed,
		} {
			if _, err := Fetch(t.Context(), w.user.Node, Fetching{From: w.peer(), Path: path, Save: t.TempDir()}); !errors.Is(err, want) {
				t.Errorf("%q: %v", path, err)
			}
		}
		stranger := stack.Peer{Addr: w.listener.Addr(), Identity: w.Identity(9)}
		if _, err := Fetch(t.Context(), w.user.Node, Fetching{From: stranger, Path: "a", Save: t.TempDir()}); !errors.Is(err, ErrNoAnswer) {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lan, nil)
		if _, err := Fetch(t.Context(), w.user.Node, Fetching{From: w.peer(), Path: "a", Save: t.TempDir()}); !errors.Is(err, ErrNotAllowed) {
			t.Error(err)
		}
	})
}

// One link cannot make the listener open files without end.
func TestFetchesOfOneLinkAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lan, func(w *world, c *ListenerConfig) { c.Jail, c.Fetches = w.jail, 2 })
		w.file(w.jail, "a", []byte("a"))
		peer := w.peer()
		peer.Name = DestinationName
		for range 2 { // what has ended counts no more
			l, err := stack.Link(t.Context(), w.user.Node, peer, node.LinkHandler{OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
				time.Sleep(time.Minute) // virtual: the offers wait
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			var asked []*node.RequestReceipt
			for range 3 {
				r, err := l.Request(t.Context(), fetchPath, msgpack.Str("a"), node.RequestOptions{Timeout: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				asked = append(asked, r)
			}
			for i, want := range []error{nil, nil, ErrRemote} {
				if s, err := asked[i].Wait(t.Context()); err != nil || !errors.Is(answered(s.Response), want) {
					t.Errorf("request %d: %s, %v", i, s.Response, err)
				}
			}
			l.Close()
			w.Run(5 * time.Minute)
		}
		if len(w.listener.serving) != 0 {
			t.Error(w.listener.serving)
		}
	})
}

// Everybody is served where that was asked for, even those who do not say who they are.
func TestAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, lan, func(w *world, c *ListenerConfig) { c.Access, c.Jail = Anybody, w.jail })
		w.file(w.jail, "a", []byte("a"))
		nobody := stack.Peer{Addr: w.listener.Addr()}
		if _, err := Send(t.Context(), w.user.Node, Sending{To: nobody, File: w.file(t.TempDir(), "b", []byte("b"))}); err != nil {
			t.Error(err)
		}
		if _, err := Fetch(t.Context(), w.user.Node, Fetching{From: nobody, Path: "a", Save: t.TempDir()}); err != nil {
			t.Error(err)
		}
	})
}

// What a killed program has left behind is removed when it is old, and nothing else.
func TestOldUnfinishedFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-2 * unfinishedAge)
	for _, name := range []string{".rncp-old.part", ".rncp-new.part", "kept", ".rncp-kept"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if name != ".rncp-new.part" {
			if err := os.Chtimes(filepath.Join(dir, name), long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := openFolder(dir, KeepBoth)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for name, want := range map[string]bool{".rncp-old.part": false, ".rncp-new.part": true, "kept": true, ".rncp-kept": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
