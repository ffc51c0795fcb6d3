package interfaces

import (
	"testing"

	"meshchatx/rns/configobj"
)

// FuzzParse reads settings as people paste them. What is found can be kept: it is valid, and a file it is written to reads
// the same again.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("hub.example.org:4242\n[2001:db8::1]:4242")
	f.Add("[[A]]\ntype = TCPServerInterface\nlisten_ip = ::\nlisten_port = 99999")
	f.Add("[[Auto]]\ntype = AutoInterface\ndevices = a, \"b,c\", 'd'\nbitrate = -5\nmode = gw")
	s := new(Service)
	f.Fuzz(func(t *testing.T, text string) {
		found, problems := s.Parse(text)
		if len(found) == 0 && len(problems) == 0 {
			t.Fatal("no answer")
		}
		for _, c := range found {
			if c.Validate() != nil {
				continue // shown in the form, where it is put right
			}
			d, err := parseDocument([]byte("[interfaces]\n"))
			if err != nil {
				t.Fatal(err)
			}
			block, err := d.file.AddSection(d.file.Section(sectionName), c.Name)
			if err != nil {
				continue
			}
			if err := d.write(block, c); err != nil {
				continue
			}
			after, err := parseDocument(d.file.Bytes())
			if err != nil {
				t.Fatalf("%+v written as\n%s\n%v", c, d.file.Bytes(), err)
			}
			again, ok := find(after.conf, c.Name)
			if !ok || len(after.conf.Interfaces) != 1 || string(c.Type) != again.Type {
				t.Fatalf("%+v written as\n%s", c, d.file.Bytes())
			}
		}
	})
}

// FuzzDocument reads files that others wrote. What can be read can be edited without losing what was not touched.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("[interfaces]\n[[a]]\n[[[b]]]\ntype=x\n[reticulum]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parseDocument(text)
		if err != nil {
			return
		}
		for _, i := range d.conf.Interfaces {
			editable(i)
			if i.Err == nil {
				_, _, _ = Drivers(i)
			}
		}
		for _, i := range d.conf.Interfaces {
			block := d.section(i.Name)
			if block == nil {
				t.Fatalf("no block of %q", i.Name)
			}
			print := fingerprint(block)
			w := writer{f: d.file, s: block}
			if w.flag(keyEnabled, i.Enabled); w.err != nil {
				t.Fatal(w.err)
			}
			if w.flag(keyEnabled, !i.Enabled); fingerprint(block) == print {
				t.Fatal("a change goes unnoticed")
			}
		}
		if _, err := configobj.Parse(d.file.Bytes()); err != nil {
			t.Fatalf("edited into %q: %v", d.file.Bytes(), err)
		}
	})
}
