package app

import (
	"fmt"
	"os"
	"testing"

	"meshchatx/internal/api"
)

// sharedConfig is the file of programs that share an instance of their own.
func sharedConfig() string {
	return fmt.Sprintf(`[reticulum]
share_instance = Yes
instance_name = app-%d
shared_instance_port = 41%03d
instance_control_port = 42%03d
rpc_key = 00112233445566778899
[interfaces]
[[Wire]]
type = TCPClientInterface
enabled = yes
target_host = simulated
target_port = 1
`, os.Getpid(), os.Getpid()%1000, os.Getpid()%1000)
}

// TestTwoProgramsShareAnInstance: the second program uses the interfaces of the first, says so, exchanges messages, and
// finds the first again when it comes back.
func TestTwoProgramsShareAnInstance(t *testing.T) {
	dir := t.TempDir()
	owner := run(t, options{file: sharedConfig(), dir: dir})
	client := run(t, options{file: sharedConfig()})
	network := func(s *site) api.NetworkView {
		t.Helper()
		var v api.NetworkView
		s.must("GET", "/network", nil, &v)
		return v
	}
	client.until("connection", func() bool {
		sh := network(client).Shared
		return sh != nil && sh.Role == "client" && sh.Connected && sh.Statistics && sh.Code == ""
	})
	owner.until("client", func() bool {
		sh := network(owner).Shared
		return sh != nil && sh.Role == "instance" && sh.Clients == 1
	})
	var wire api.InterfaceView
	client.must("GET", "/interfaces/Wire", nil, &wire)
	if wire.State != "off" || wire.Code != "shared_instance" {
		t.Errorf("interface of the other program is %s, %s", wire.State, wire.Code)
	}
	if v := network(client); v.Interfaces.Up != 1 || v.Interfaces.Enabled != 1 || v.Interfaces.Classes[0].Class != "shared" {
		t.Errorf("network of a client: %+v", v.Interfaces)
	}
	talk := func(from, to *site, text string) {
		t.Helper()
		for _, one := range []*site{from, to} {
			one.until("announce", func() bool { return one.do("POST", one.of("/announce"), nil).status < 300 })
		}
		from.heard(to.id.Address)
		to.heard(from.id.Address)
		from.send(to.id.Address, text)
		to.until("message "+text, func() bool {
			for _, m := range to.window(from.id.Address) {
				if m.Content == text {
					return true
				}
			}
			return false
		})
	}
	talk(client, owner, "hello next door")
	talk(owner, client, "hello back")
	if err := owner.stop(); err != nil {
		t.Fatal(err)
	}
	client.until("loss", func() bool {
		sh := network(client).Shared
		return sh != nil && !sh.Connected && sh.Code == "instance_lost"
	})
	if v := network(client); v.Reachable != "no" {
		t.Errorf("without the owner the client is reachable: %s", v.Reachable)
	}
	again := run(t, options{file: sharedConfig(), dir: dir})
	client.until("return", func() bool {
		sh := network(client).Shared
		return sh != nil && sh.Connected
	})
	talk(again, client, "here again")
}
