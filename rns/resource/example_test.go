package resource_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// One small resource from sender to receiver, without a link between them.
func Example() {
	token, err := rns.NewToken(make([]byte, 64)) // the key of the link
	if err != nil {
		panic(err)
	}
	now := time.Unix(1_700_000_000, 0)
	text := "a short story"
	s, err := resource.NewSender(resource.SenderConfig{
		Params: resource.DefaultParams(), Source: strings.NewReader(text), Size: int64(len(text)), SDU: resource.SDU(rns.MTU),
		Token: token, LinkRTT: time.Second, Rand: rand.Reader,
	})
	if err != nil {
		panic(err)
	}
	var out resource.Output
	job, err := s.Prepare()
	if err != nil {
		panic(err)
	}
	s.Prepared(job.Run(), &out) // the job may run anywhere
	s.Advertise(now, &out)

	a, err := resource.ParseAdvertisement(out.Messages[0].Body)
	if err != nil {
		panic(err)
	}
	out.Reset()
	in, err := resource.NewIncoming(a)
	if err != nil {
		panic(err)
	}
	in.Accept()
	in.Begin(now, resource.ReceiverConfig{
		Params: resource.DefaultParams(), Advertisement: a, SDU: resource.SDU(rns.MTU), Token: token, LinkRTT: time.Second,
	}, &out)

	q, err := resource.ParsePartRequest(out.Messages[0].Body)
	if err != nil {
		panic(err)
	}
	out.Reset()
	s.Request(now, rns.Hash{1}, q, &out)
	part, _ := s.Next(now)
	in.Receiver().Part(now, part.Body, 19+len(part.Body), &out)
	in.Assembling()
	segment, err := in.Assembled(out.Assemble.Run())
	if err != nil {
		panic(err)
	}
	out.Reset()
	fmt.Printf("%s\n", segment.Data)

	in.Stored(&out) // when the data is safe
	s.Proof(now, out.Messages[0].Body)
	fmt.Println(in.Status(), s.Status())
	// Output:
	// a short story
	// complete complete
}
