package lab

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestSubcommands(t *testing.T) {
	for _, c := range []struct {
		args []string
		in   string
		code int
		out  string
	}{
		{nil, "", 2, "usage"},
		{[]string{"what"}, "", 2, "usage"},
		{[]string{"lab", "more"}, "", 2, "usage"},
		{[]string{"lab"}, `{"cmd":"node.list"}`, 0, `"nodes":[]`},
		{[]string{"bridge"}, "", 0, "READY"},
		{[]string{"bench"}, `{"cmd":"nothing"}` + "\n" + `{"cmd":"quit"}` + "\n" + `{"cmd":"nothing"}`, 0, "unknown order"},
	} {
		var out bytes.Buffer
		code := Main(context.Background(), c.args, strings.NewReader(c.in), &out, &out)
		if code != c.code || strings.Count(out.String(), c.out) != 1 {
			t.Errorf("rnslab %v: %d, %q", c.args, code, out.String())
		}
	}
}
