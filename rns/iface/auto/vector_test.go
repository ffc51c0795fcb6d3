package auto

import (
	"net/netip"
	"strconv"
	"testing"

	"meshchatx/spec/vectortest"
)

type addressVector struct {
	Config    map[string]string `json:"config"`
	Address   string            `json:"multicast_address"`
	Packed    vectortest.Hex    `json:"multicast_packed"`
	Discovery int               `json:"discovery_port"`
	Unicast   int               `json:"unicast_discovery_port"`
	Data      int               `json:"data_port"`
	Tokens    []struct {
		Address string
		Token   vectortest.Hex
	}
}

func (v addressVector) config(t *testing.T) Config {
	t.Helper()
	c := Config{Name: "x", GroupID: v.Config["group_id"]}
	var err error
	if s := v.Config["discovery_scope"]; s != "" {
		if c.Scope, err = ParseScope(s); err != nil {
			t.Fatal(err)
		}
	}
	if s := v.Config["multicast_address_type"]; s != "" {
		if c.AddressType, err = ParseAddressType(s); err != nil {
			t.Fatal(err)
		}
	}
	c.DiscoveryPort, _ = strconv.Atoi(v.Config["discovery_port"])
	c.DataPort, _ = strconv.Atoi(v.Config["data_port"])
	return c
}

func TestVectorAutoInterface(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "auto_interface", func(t *testing.T, v addressVector) {
		a, err := New(v.config(t))
		if err != nil {
			t.Fatal(err)
		}
		if a.group != netip.MustParseAddr(v.Address) || a.group.As16() != [16]byte(v.Packed) {
			t.Errorf("group %s, want %s", a.group, v.Address)
		}
		if a.conf.DiscoveryPort != v.Discovery || a.conf.DiscoveryPort+1 != v.Unicast || a.conf.DataPort != v.Data {
			t.Errorf("ports %d, %d", a.conf.DiscoveryPort, a.conf.DataPort)
		}
		for _, tok := range v.Tokens {
			if got := Token(a.conf.GroupID, netip.MustParseAddr(tok.Address)); string(got[:]) != string(tok.Token) {
				t.Errorf("token of %s is %x", tok.Address, got)
			}
		}
	})
}

func TestVectorAutoDescope(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "auto_descope", func(t *testing.T, v struct{ Input, Output string }) {
		if got := descope(netip.MustParseAddr(v.Input)).String(); got != v.Output {
			t.Errorf("%s became %s, want %s", v.Input, got, v.Output)
		}
	})
}
