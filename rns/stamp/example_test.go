package stamp_test

import (
	"context"
	"fmt"

	"meshchatx/rns/stamp"
)

func Example() {
	messageHash := make([]byte, 32)
	work := stamp.NewWork(messageHash, stamp.MessageRounds, 2)
	found, err := work.Search(context.Background(), 8, stamp.Options{Workers: 2})
	fmt.Println(err, found.Value >= 8, work.Valid(found.Stamp[:], 8))
	// Output: <nil> true true
}
