package bridge

type announceLog struct{}
