package api

import (
	"mime"
	"net/url"
	"strings"
	"testing"
)

// FuzzContentDisposition writes names that peers chose into a header: one line, one disposition, and the name is told.
func FuzzContentDisposition(f *testing.F) {
	for _, s := range []string{"a.txt", "", "../../etc/passwd", "a\r\nSet-Cookie: x=y", `"; filename="b`, "北京.png", "\xff", "a;b=c%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		v := contentDisposition("attachment", name)
		for _, r := range v {
			if r < ' ' || r == 0x7f {
				t.Fatalf("%q holds a control character", v)
			}
		}
		how, params, err := mime.ParseMediaType(v)
		if err != nil || how != "attachment" {
			t.Fatalf("%q from %q: %s, %v", v, name, how, err)
		}
		for k := range params {
			if k != "filename" {
				t.Fatalf("%q from %q has a parameter %q", v, name, k)
			}
		}
		if _, exact, ok := strings.Cut(v, "filename*=UTF-8''"); ok {
			if got, err := url.PathUnescape(exact); err != nil || got != strings.ToValidUTF8(name, "\ufffd") {
				t.Fatalf("%q tells %q, %v", name, got, err)
			}
		} else if params["filename"] != name {
			t.Fatalf("%q became %q", name, params["filename"])
		}
	})
}
