package bridge

type announceLog struct{}
type peer struct{}

func (p *peer) close() {}
