// Package jsonl reads and answers requests of one JSON object per line, the shape all of rnslab's dialects share. Lines are
// bounded: a longer one is skipped whole and reported, and the stream goes on behind it.
package jsonl

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"sync"
)

// MaxLine bounds one line in bytes. Payloads travel as hexadecimal text, so this is some 30 MB of data.
const MaxLine = 64 << 20

// ErrTooLong means that a line was longer than the reader allows; it was skipped.
var ErrTooLong = errors.New("line is too long")

// Reader cuts a stream into lines. It belongs to one goroutine.
type Reader struct {
	in  *bufio.Reader
	max int
}

// NewReader returns a reader of lines of at most limit bytes.
func NewReader(in io.Reader, limit int) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, 64<<10), max: limit}
}

// Next returns the next line without its end. The error is ErrTooLong for a line that was skipped, io.EOF at the end, or
// that of the stream. The last line needs no end.
func (r *Reader) Next() ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line)+len(part) > r.max+1 {
			long, line = true, nil
		}
		if !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(line) > 0 || long):
		case err != nil:
			return nil, err
		}
		if long {
			return nil, ErrTooLong
		}
		if n := len(line); n > 0 && line[n-1] == '\n' {
			line = line[:n-1]
		}
		return line, nil
	}
}

// Writer writes values as lines. It is safe for concurrent use.
type Writer struct {
	mu  sync.Mutex
	out *bufio.Writer
	enc *json.Encoder
}

// NewWriter returns a writer of lines.
func NewWriter(out io.Writer) *Writer {
	b := bufio.NewWriter(out)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return &Writer{out: b, enc: e}
}

// Write writes one value as one line, at once.
func (w *Writer) Write(v any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.enc.Encode(v); err != nil {
		return err
	}
	return w.out.Flush()
}

// Text writes one line of text, at once.
func (w *Writer) Text(line string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.out.WriteString(line + "\n"); err != nil {
		return err
	}
	return w.out.Flush()
}
