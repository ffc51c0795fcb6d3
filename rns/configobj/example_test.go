package configobj_test

import (
	"fmt"

	"meshchatx/rns/configobj"
)

func Example() {
	f, err := configobj.Parse([]byte("[interfaces]\n  [[Hub]] # the old one\n    enabled = no\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := f.Set(f.Section("interfaces", "Hub"), "enabled", configobj.Text("yes")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(f.Bytes()))
	// Output:
	// [interfaces]
	//   [[Hub]] # the old one
	//     enabled = yes
}
