package link

import (
	"fmt"
	"time"

	"meshchatx/rns/resource"
)

// streams are the outgoing streams of a link that are closed and still have to say so.
type streams struct {
	ending  []uint16
	blocked bool // the application was refused, or filled the window
}

// StreamMDU is the largest piece of a stream on this link in bytes.
func (l *Link) StreamMDU() int { return min(ChannelMDU(l.mtu)-streamHeader, StreamInput) }

// WriteStream sends the beginning of p on a stream of the open channel and says how much of p that was: 0 with
// [ErrNotReady] while the window is full. id is the id of the reader on the other side. compress may be nil. Other errors are
// those of [Link.SendMessage]. spec: rns-link §10.2
func (l *Link) WriteStream(now time.Time, id uint16, p []byte, compress resource.Compressor) (int, *Effects, error) {
	fx := l.begin()
	if err := l.channelUsable(); err != nil {
		return 0, fx, err
	}
	if !l.channel.Ready() {
		l.streams.blocked = true
		return 0, fx, ErrNotReady
	}
	s, n := NextStreamData(id, p, l.StreamMDU(), compress)
	if _, err := l.channel.Send(now, linkOutlet{l}, StreamDataType, s.Append(nil)); err != nil {
		return 0, fx, err
	}
	l.streams.blocked = l.streams.blocked || !l.channel.Ready()
	return n, fx, nil
}

// CloseStream ends a stream: the end of file is sent as soon as the window allows, and repeated like any message.
//
// differs: the reference gives up if the channel is not ready in time, and the reader waits forever. spec: rns-link §10.2
func (l *Link) CloseStream(now time.Time, id uint16) (*Effects, error) {
	fx := l.begin()
	if err := l.channelUsable(); err != nil {
		return fx, err
	}
	if len(l.streams.ending) > MaxStreamID {
		return fx, fmt.Errorf("stream %d: %w", id, ErrBusy)
	}
	l.streams.ending = append(l.streams.ending, id)
	l.pumpStreams(now)
	return fx, nil
}

// pumpStreams sends waiting ends of streams.
func (l *Link) pumpStreams(now time.Time) {
	for len(l.streams.ending) > 0 && l.channel.Ready() {
		end := StreamData{ID: l.streams.ending[0], Flag: StreamEOF}
		if _, err := l.channel.Send(now, linkOutlet{l}, StreamDataType, end.Append(nil)); err != nil {
			return
		}
		l.streams.ending = l.streams.ending[1:]
	}
}
