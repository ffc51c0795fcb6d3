package link

import (
	"time"

	"meshchatx/rns"
)

// identifyMessage is what the identity signs. spec: rns-link §3.5
func identifyMessage(id rns.Addr, public []byte) []byte {
	return append(append(make([]byte, 0, len(id)+len(public)), id[:]...), public...)
}

// Identify tells the responder who we are. Only the initiator can, on an active link. Errors are [ErrRole], [ErrClosed],
// [ErrNotActive]. spec: rns-link §3.5
func (l *Link) Identify(now time.Time, id *rns.Identity) (*Effects, error) {
	fx := l.begin()
	if l.role != Initiator {
		return fx, ErrRole
	}
	if err := l.usable(); err != nil {
		return fx, err
	}
	public := id.Public()
	sig := id.Sign(identifyMessage(l.id, public[:]))
	return fx, l.emit(now, rns.ContextLinkIdentify, append(public[:], sig[:]...))
}

// identifyReceived accepts the first valid identification; a repetition of it changes nothing.
func (l *Link) identifyReceived(_ time.Time, r received) rns.Verdict {
	if l.role != Responder {
		return rns.VerdictLinkRole
	}
	if len(r.plaintext) != identifySize {
		return rns.VerdictWrongSize
	}
	public := rns.PublicKey(r.plaintext[:rns.PublicKeySize])
	if !public.Verify(identifyMessage(l.id, public[:]), r.plaintext[rns.PublicKeySize:]) {
		return rns.VerdictBadSignature
	}
	if l.identified {
		if l.remote != public {
			return rns.VerdictKeyMismatch
		}
		return rns.VerdictDelivered
	}
	l.remote, l.identified = public, true
	l.fx.emit(Identified{Identity: public})
	return rns.VerdictDelivered
}
