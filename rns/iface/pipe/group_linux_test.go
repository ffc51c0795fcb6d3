package pipe_test

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"meshchatx/rns/iface/ifacetest"
	"meshchatx/rns/iface/pipe"
)

// Closing the interface ends the program and what it started, even when they do not want to.
func TestCloseEndsTheProcessGroup(t *testing.T) {
	errs, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errs.Close() }()
	p, err := pipe.New(pipe.Config{
		Name: "p", Command: `sh -c 'trap "" TERM; sleep 1000 & echo $$ $! >&2; wait; sleep 1000'`, Errors: errs,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, stop := ifacetest.Open(t, p)
	var pids []string
	ifacetest.Await(t, "the program has started another", func() bool {
		b, err := os.ReadFile(errs.Name())
		pids = strings.Fields(string(b))
		return err == nil && bytes.HasSuffix(b, []byte("\n")) && len(pids) == 2
	})
	stop()
	for _, pid := range pids {
		if _, err := strconv.Atoi(pid); err != nil {
			t.Fatal(err)
		}
		ifacetest.Await(t, "process "+pid+" has ended", func() bool {
			b, err := os.ReadFile("/proc/" + pid + "/stat")
			return err != nil || strings.Contains(string(b), ") Z ") // nobody may collect it in a container
		})
	}
}
