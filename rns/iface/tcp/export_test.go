package tcp

// hangUp closes the connection of a peer, as a lost network does.
func (p *peer) hangUp() error { return p.conn.Close() }
