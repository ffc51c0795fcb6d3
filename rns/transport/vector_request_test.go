package transport

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

func TestVectorPathRequestAnswers(t *testing.T) {
	type answer struct {
		After float64        `json:"after"`
		Raw   vectortest.Hex `json:"raw"`
	}
	type vector struct {
		Name       string         `json:"name"`
		Mode       string         `json:"requesting_interface_mode"`
		Announce   vectortest.Hex `json:"announce"`
		ReceivedOn string         `json:"announce_received_on"`
		Request    vectortest.Hex `json:"request"`
		Answers    []answer       `json:"answers_on_requesting_interface"`
		Elsewhere  int            `json:"answers_elsewhere"`
	}
	vectortest.Each(t, coreVectors, "path_request_answers", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("requesting", withMode(modeNames[v.Mode]))
		l.add("other")
		l.in(v.ReceivedOn, v.Announce)
		l.m.pending.clear()
		l.take()
		l.in("requesting", v.Request)
		for round := 1; round <= 20; round++ {
			l.at(0.3 * float64(round))
			l.expire()
		}
		var want []sentFrame
		for _, a := range v.Answers {
			want = append(want, sentFrame{a.After, "requesting", a.Raw.String()})
		}
		if d := cmp.Diff(want, l.take()); d != "" {
			t.Error(d)
		}
	})
}

func TestVectorPathRequestRecursion(t *testing.T) {
	type vector struct {
		Mode  string         `json:"requesting_interface_mode"`
		Modes []string       `json:"forwarded_to_modes"`
		Raw   vectortest.Hex `json:"forwarded_raw"`
	}
	vectortest.Each(t, coreVectors, "path_request_recursion", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("requesting", withMode(modeNames[v.Mode]))
		for name, mode := range modeNames {
			l.add(name, withMode(mode))
		}
		dest, tag := mustAddr("e28d9fd65752ffabd12fa58c0a8d4219"), make([]byte, rns.TagSize)
		if v.Raw != nil {
			q, err := rns.ParsePathRequest(v.Raw[rns.HeaderMinSize:])
			if err != nil {
				t.Fatal(err)
			}
			dest, tag = q.Dest, q.Tag
		}
		l.in("requesting", rns.PathRequest{Dest: dest, Tag: tag}.Packet().Append(nil))
		var got []string
		for _, f := range l.take() {
			got = append(got, f.Interface)
			equal(t, "raw", f.Raw, v.Raw.String())
		}
		slices.Sort(got)
		slices.Sort(v.Modes)
		equal(t, strings.Join(got, " "), slices.Compare(got, v.Modes), 0)
	})
}
