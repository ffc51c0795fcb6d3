package transport

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTableModel compares the table with a map, a list and a set of deadlines kept by hand.
func TestTableModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tab table[int, int]
		vals, dues := make(map[int]int), make(map[int]tick)
		var order []int
		drop := func(k int) { order = slices.DeleteFunc(order, func(o int) bool { return o == k }) }
		key := rapid.IntRange(0, 300)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, v := key.Draw(t, "k"), rapid.Int().Draw(t, "v")
				*tab.put(k) = v
				drop(k)
				vals[k], order = v, append(order, k)
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "k")
				_, had := vals[k]
				if tab.delete(k) != had {
					t.Fatal("delete")
				}
				drop(k)
				delete(vals, k)
				delete(dues, k)
			},
			"touch": func(t *rapid.T) {
				k := key.Draw(t, "k")
				tab.touch(k)
				if _, ok := vals[k]; ok {
					drop(k)
					order = append(order, k)
				}
			},
			"schedule": func(t *rapid.T) {
				k, due := key.Draw(t, "k"), tick(rapid.IntRange(0, 50).Draw(t, "due"))
				if due == 50 {
					due = never
				}
				tab.schedule(k, due)
				if _, ok := vals[k]; ok {
					if dues[k] = due; due == never {
						delete(dues, k)
					}
				}
			},
			"expire": func(t *rapid.T) {
				now := tick(rapid.IntRange(0, 50).Draw(t, "now"))
				for k, _, ok := tab.due(now); ok; k, _, ok = tab.due(now) {
					if dues[k] > now {
						t.Fatal("not due")
					}
					tab.delete(k)
					drop(k)
					delete(vals, k)
					delete(dues, k)
				}
				for _, d := range dues {
					if d <= now {
						t.Fatal("missed")
					}
				}
			},
			"": func(t *rapid.T) {
				var keys []int
				for k, v := range tab.all() {
					keys = append(keys, k)
					if vals[k] != *v {
						t.Fatal("value")
					}
				}
				if !slices.Equal(keys, order) || tab.len() != len(vals) {
					t.Fatalf("order %v, want %v", keys, order)
				}
				want := never
				for d := range maps.Values(dues) {
					want = min(want, d)
				}
				if tab.deadline() != want || len(tab.heap) != len(dues) {
					t.Fatalf("deadline %v, want %v", tab.deadline(), want)
				}
			},
		})
	})
}

func TestTableReusesSlots(t *testing.T) {
	var tab table[int, int]
	for i := range 100_000 {
		tab.put(i)
		tab.delete(i)
	}
	equal(t, "pages", len(tab.pages), 1)
}
