package bridge

import (
	"bytes"
	"encoding/json"
	"testing"

	"meshchatx/lxmf"
)

// The values of fields keep their kinds on the way in, and bytes become digits on the way out.
func TestFieldsOfTheSuite(t *testing.T) {
	var in map[string]json.RawMessage
	text := `{"5": [[{"str": "a.bin"}, {"bytes": "00ff"}]], "8": {"bytes": "01"}, "15": {"int": 2}, "251": {"bool": true}}`
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	var f lxmf.Fields
	if err := fieldsIn(&f, in); err != nil {
		t.Fatal(err)
	}
	files := f.Attachments()
	if len(files) != 1 || files[0].Name != "a.bin" || !bytes.Equal(files[0].Data, []byte{0, 0xff}) {
		t.Errorf("attachments are %v", files)
	}
	out, err := json.Marshal(fieldsOut(f))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"15":2,"251":true,"5":[["a.bin","00ff"]],"8":"01"}`; string(out) != want {
		t.Errorf("fields are %s, want %s", out, want)
	}
	for _, bad := range []string{`{"x": 1}`, `{"256": 1}`, `{"1": {"other": 1}}`} {
		in = nil
		if err := json.Unmarshal([]byte(bad), &in); err != nil {
			t.Fatal(err)
		}
		if err := fieldsIn(new(lxmf.Fields), in); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
