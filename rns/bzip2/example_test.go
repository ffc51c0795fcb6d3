package bzip2_test

import (
	"bytes"
	"fmt"

	"meshchatx/rns/bzip2"
)

func Example() {
	data := bytes.Repeat([]byte("all work and no play "), 100)
	if !bzip2.Worth(data) {
		return
	}
	z := bzip2.Compress(nil, data)
	back, err := bzip2.Decompress(z, len(data))
	fmt.Println(len(z) < len(data)/10, bytes.Equal(back, data), err)
	// Output: true true <nil>
}
