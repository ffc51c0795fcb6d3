package node

import "meshchatx/rns"

// CommunityIdentity is the identity of the network this node belongs to, nil
// without one: interfaces are published as it, and encrypted for it.
// spec: rns-core §21.3, §22.1
func (n *Node) CommunityIdentity() *rns.Identity { return n.ident.community }
