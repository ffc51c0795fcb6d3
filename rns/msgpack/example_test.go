package msgpack_test

import (
	"fmt"

	"meshchatx/rns/msgpack"
)

// A request as it travels on a link: time, path hash and data.
func Example() {
	b := msgpack.AppendArrayHeader(nil, 3)
	b = msgpack.AppendFloat64(b, 1700000000)
	b = msgpack.AppendBin(b, []byte{0xab, 0xcd})
	b = msgpack.AppendNil(b)
	fmt.Printf("%x\n", b)

	v, rest, err := msgpack.Parse(b, msgpack.DefaultLimits())
	fmt.Println(v, len(rest), err)
	// Output:
	// 93cb41d954fc40000000c402abcdc0
	// [1700000000.0, h'abcd', nil] 0 <nil>
}
