package resource

// Progress of a sender, from 0 to 1. spec: rns-link §8.11
func (s *Sender) Progress() float64 {
	switch {
	case s.status == StatusComplete:
		return 1
	case s.cur == nil:
		return 0
	}
	return progress(s.cur.index, s.segments, s.flight.sentCount, s.cur.parts, s.c.SDU)
}

// Progress of an incoming transfer, from 0 to 1.
func (in *Incoming) Progress() float64 {
	switch {
	case in.status == StatusComplete:
		return 1
	case in.receiver == nil:
		return float64(in.index-1) / float64(in.first.Segments)
	}
	a := in.receiver.c.Advertisement
	return progress(in.index, in.first.Segments, in.receiver.received, a.Parts, in.receiver.c.SDU)
}

// progress of done parts in segment index of segments.
func progress(index, segments, done, parts, sdu int) float64 {
	if segments == 1 {
		return float64(done) / float64(parts)
	}
	full := float64((SegmentSize + sdu - 1) / sdu)
	scale := 1.0
	if float64(parts) < full {
		scale = full / float64(parts)
	}
	return min(1, (float64(index-1)*full+float64(done)*scale)/(float64(segments)*full))
}
