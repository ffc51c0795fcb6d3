package config_test

import (
	"fmt"

	"meshchatx/rns/config"
)

func Example() {
	c, err := config.Parse([]byte(`
[reticulum]
enable_transport = yes
[interfaces]
[[Hub]]
type = TCPClientInterface
enabled = yes
target_host = example.org
target_port = 4242
[[Broken]]
type = UDPInterface
enabled = maybe
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, i := range c.Interfaces {
		if i.Err != nil {
			fmt.Println(i.Err)
			continue
		}
		host, _, _ := i.Options.Text("target_host")
		fmt.Println(i.Name, i.Type, host, i.AnnounceRate.Target)
	}
	// Output:
	// Hub TCPClientInterface example.org 1h0m0s
	// line 12: [Broken] enabled = maybe: not a boolean: use yes or no
}
