package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshchatx/rns"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func found(t testing.TB, db *Identity, q Query) (out []int) {
	t.Helper()
	for _, m := range got(db.Messages.Search(t.Context(), q))(t).Messages {
		out = append(out, int(m.Seq))
	}
	return out
}

var corpus = []string{
	1:  "Meet me at the Café Zürich tomorrow",
	2:  "我们明天在北京见面",
	3:  "北方 京城",
	4:  "東京タワーへ行きましょう",
	5:  "ночной МАРШРУТ готов",
	6:  "hash 3e7e2e37 and e-mail a.b@example.org",
	7:  "水",
	8:  "สวัสดีครับ",
	9:  "안녕하세요 세계",
	10: "ＦＵＬＬ width １２３",
	11: "C++ and \"quotes\" * NEAR(x) -minus AND OR NOT",
	12: "cafe\u0301 decomposed",
	13: "北京abc天气",
	14: "naïve meeting",
	15: "line one\nline two\tand\x00zero",
}

func TestSearchFindsWordsOfEveryScript(t *testing.T) {
	db := openIdentity(t)
	for n, text := range corpus {
		if n > 0 {
			insert(t, db, incoming(n, addr(n%2), text))
		}
	}
	for q, want := range map[string][]int{
		"cafe":                   {12, 1},
		"CAFÉ":                   {12, 1},
		"zurich":                 {1},
		"zur":                    {1}, // the last word may go on
		"zur tomorrow":           nil, // the others may not
		"tomorrow zur":           {1},
		"tomorrow zur ":          nil, // a space ends the word
		"北京":                     {13, 2},
		"北":                      {13, 3, 2},
		"京城":                     {3},
		"在北京见":                   {2},
		"北京城":                    nil,
		"京面":                     nil,
		"北 京":                    {13, 3, 2},
		"天气":                     {13},
		"北京abc":                  {13},
		"タワー":                    {4},
		"東京 行き":                  {4},
		"маршрут":                {5},
		"марш":                   {5},
		"3e7e2e37":               {6},
		"3e7e":                   {6},
		"a.b@example.org":        {6},
		"水":                      {7},
		"สวัส":                   {8},
		"안녕":                     {9},
		"세계":                     {9},
		"full 123":               {10},
		"ｗｉｄｔｈ":                  {10},
		"c++":                    {11},
		`"quotes"`:               {11},
		"near(x)":                {11},
		"-minus":                 {11},
		"AND OR NOT":             {11},
		`"line two and"`:         {15},
		`"two one"`:              nil,
		"zero":                   {15},
		"meet":                   {14, 1},
		"m":                      nil, // one letter completes to half of everything
		"!!! ***":                nil,
		`"`:                      nil,
		"nowhere":                nil,
		"incoming":               nil, // a tag, not a word of the text
		tagLatin + addr(1).Hex(): nil,
	} {
		if diff := cmp.Diff(want, found(t, db, Query{Text: q})); diff != "" {
			t.Errorf("%q: %s", q, diff)
		}
	}
}

func TestSearchConditions(t *testing.T) {
	db := openIdentity(t)
	photo := outgoing(3, addr(2), "look")
	photo.Attachments = []Attachment{{File: File{Name: "Sonnenaufgang.webp", Kind: KindImage, Blob: hash(1)}}}
	titled := outgoing(4, addr(2), "")
	titled.Title = "look here"
	insert(t, db, incoming(1, addr(1), "look"), incoming(2, addr(2), "look"), photo, titled)
	in, out, image, audio := Incoming, Outgoing, KindImage, KindAudio
	for name, c := range map[string]struct {
		query Query
		want  []int
	}{
		"all":             {Query{Text: "look"}, []int{4, 3, 2, 1}},
		"one peer":        {Query{Text: "look", Peer: addr(2)}, []int{4, 3, 2}},
		"written by us":   {Query{Text: "look", Written: &out}, []int{4, 3}},
		"written by them": {Query{Text: "look", Written: &in, Peer: addr(2)}, []int{2}},
		"with an image":   {Query{Has: &image}, []int{3}},
		"with a sound":    {Query{Has: &audio}, nil},
		"file name":       {Query{Text: "sonnen"}, []int{3}},
		"of one peer":     {Query{Peer: addr(1)}, []int{1}},
		"since":           {Query{Text: "look", Since: at(3)}, []int{4, 3}},
		"until":           {Query{Text: "look", Until: at(3)}, []int{2, 1}},
		"after a hit":     {Query{Text: "look", Before: 3}, []int{2, 1}},
		"nothing asked":   {Query{}, nil},
		"spaces":          {Query{Text: "  ", Peer: addr(1)}, []int{1}},
		"only signs":      {Query{Text: "?!", Peer: addr(1)}, nil},
	} {
		if diff := cmp.Diff(c.want, found(t, db, c.query)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	hits := got(db.Messages.Search(t.Context(), Query{Text: "look", Limit: 2}))(t)
	if !hits.More || len(hits.Messages) != 2 || len(hits.Messages[1].Attachments) != 1 {
		t.Errorf("first page %+v", hits)
	}
	rest := got(db.Messages.Search(t.Context(), Query{Text: "look", Limit: 2, Before: hits.Messages[1].Seq}))(t)
	if rest.More || len(rest.Messages) != 2 {
		t.Errorf("second page %+v", rest)
	}
}

// Whatever text is stored, a run of at least two characters of an unspaced script, or a word, that occurs
// in it finds it.
func TestSearchFindsWhatIsThere(t *testing.T) {
	db := openIdentity(t)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		words := rapid.SliceOfN(rapid.StringMatching(`[a-zé]{1,8}|[北京天地玄黄]{1,6}|[0-9]{1,4}`), 1, 6).Draw(r, "words")
		text := strings.Join(words, rapid.SampledFrom([]string{" ", ", ", "\n"}).Draw(r, "separator"))
		if _, err := db.Messages.Insert(t.Context(), incoming(n, addr(n), text), nil); err != nil {
			r.Fatal(err)
		}
		word := rapid.SampledFrom(words).Draw(r, "word")
		rs := []rune(word)
		if unspaced(rs[0]) {
			from := rapid.IntRange(0, len(rs)-1).Draw(r, "from")
			to := rapid.IntRange(from+1, len(rs)).Draw(r, "to")
			word = string(rs[from:to])
		}
		if !slices.Contains(found(t, db, Query{Text: word, Peer: addr(n)}), n) {
			r.Fatalf("%q does not find %q", word, text)
		}
	})
}

// Nothing a person types is a mistake.
func FuzzSearchText(f *testing.F) {
	db := openIdentity(f)
	for n, text := range corpus {
		f.Add(text)
		if n > 0 {
			insert(f, db, incoming(n, addr(n), text))
		}
	}
	for _, s := range []string{`"`, `""`, `a" OR "b`, `body:x`, `{a b}:c`, `x*`, `^x`, "\x00", "\xff\xfe", `NEAR("a" "b", 3)`, strings.Repeat("a ", 200), "北*\"京"} {
		f.Add(s)
	}
	n := len(corpus)
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := db.Messages.Search(t.Context(), Query{Text: s, Peer: rns.Addr{1}}); err != nil {
			t.Fatalf("searching: %v", err)
		}
		n++
		if _, err := db.Messages.Insert(t.Context(), incoming(n, addr(n), strings.ToValidUTF8(s, "")), nil); err != nil {
			t.Fatalf("storing: %v", err)
		}
	})
}

func TestIndexedTextIsBounded(t *testing.T) {
	body, chars := indexText(strings.Repeat("天", 2*maxIndexedRunes))
	if len([]rune(body)) > 3*maxIndexedRunes+8 || chars != "天 " {
		t.Errorf("%d characters indexed, single ones %q", len([]rune(body)), chars)
	}
	if terms, _ := queryTerms(strings.Repeat("x ", 500)); len(terms) > maxQueryTerms {
		t.Errorf("%d terms", len(terms))
	}
	if got := fmt.Sprint(queryTerms("北京ab cd")); got != `[body : "北京" body : "ab" body : "cd" *] true` {
		t.Errorf("terms %s", got)
	}
}
