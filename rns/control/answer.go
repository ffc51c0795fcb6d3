package control

import (
	"context"
	"math"

	"meshchatx/rns/msgpack"
)

// noInterface is the name of no interface: the reference shows its word for nothing as a text. spec: rns-link §12.6
const noInterface = "None"

// Answer carries out a request and returns the response. With an error there is no response.
func Answer(ctx context.Context, s Service, r Request) ([]byte, error) {
	switch r.Op {
	case OpInterfaceStats:
		v, err := s.InterfaceStats(ctx)
		return v.Append(nil), err
	case OpPathTable:
		v, err := s.PathTable(ctx, r.MaxHops)
		return AppendPathTable(nil, v), err
	case OpRateTable:
		v, err := s.RateTable(ctx)
		return AppendRateTable(nil, v), err
	case OpLinkCount:
		v, err := s.LinkCount(ctx)
		return msgpack.AppendInt(nil, int64(v)), err
	case OpBlackholedIdentities:
		v, err := s.BlackholedIdentities(ctx)
		return AppendBlackhole(nil, v), err
	case OpNextHopInterface, OpNextHop, OpFirstHopTimeout:
		return answerHop(ctx, s, r)
	case OpPacketRSSI, OpPacketSNR, OpPacketQuality:
		return answerSignal(ctx, s, r)
	}
	return answerChange(ctx, s, r)
}

func answerHop(ctx context.Context, s Service, r Request) ([]byte, error) {
	switch r.Op {
	case OpNextHopInterface:
		name, err := s.NextHopInterface(ctx, r.Hash)
		if name == "" {
			name = noInterface
		}
		return msgpack.AppendString(nil, name), err
	case OpNextHop:
		hop, ok, err := s.NextHop(ctx, r.Hash)
		if !ok {
			return msgpack.AppendNil(nil), err
		}
		return msgpack.AppendBin(nil, hop[:]), err
	default:
		wait, err := s.FirstHopTimeout(ctx, r.Hash)
		if wait%defaultHop == 0 {
			return msgpack.AppendInt(nil, int64(wait.Seconds())), err
		}
		return msgpack.AppendFloat64(nil, wait.Seconds()), err
	}
}

func answerSignal(ctx context.Context, s Service, r Request) ([]byte, error) {
	read := s.PacketRSSI
	switch r.Op {
	case OpPacketSNR:
		read = s.PacketSNR
	case OpPacketQuality:
		read = s.PacketQuality
	}
	v, ok, err := read(ctx, r.Packet)
	switch {
	case !ok:
		return msgpack.AppendNil(nil), err
	case r.Op == OpPacketRSSI && v == math.Trunc(v) && math.Abs(v) < 1<<31: // a radio counts whole dBm
		return msgpack.AppendInt(nil, int64(v)), err
	}
	return msgpack.AppendFloat64(nil, v), err
}

// answerChange carries out what changes a table, or tells whether something stands in one.
func answerChange(ctx context.Context, s Service, r Request) ([]byte, error) {
	switch r.Op {
	case OpDropPath:
		return flag(s.DropPath(ctx, r.Hash))
	case OpDropAllVia:
		n, err := s.DropAllVia(ctx, r.Hash)
		return msgpack.AppendInt(nil, int64(n)), err
	case OpDropAnnounceQueues:
		return msgpack.AppendNil(nil), s.DropAnnounceQueues(ctx)
	case OpIsBlackholed:
		return flag(s.IsBlackholed(ctx, r.Hash))
	case OpBlackhole:
		return trueOrNil(s.BlackholeIdentity(ctx, r.Hash, r.Until, r.Reason))
	case OpUnblackhole:
		return trueOrNil(s.UnblackholeIdentity(ctx, r.Hash))
	case OpUseDestination:
		return flag(s.UseDestination(ctx, r.Hash))
	case OpRetainDestination:
		return flag(s.RetainDestination(ctx, r.Hash))
	case OpUnretainDestination:
		return flag(s.UnretainDestination(ctx, r.Hash))
	case OpRetainIdentity:
		return flag(s.RetainIdentity(ctx, r.Hash))
	}
	return nil, ErrOperation
}

func flag(v bool, err error) ([]byte, error) { return msgpack.AppendBool(nil, v), err }

// trueOrNil answers calls that do nothing the second time; an error is answered, too.
func trueOrNil(changed bool, err error) ([]byte, error) {
	switch {
	case err != nil:
		return msgpack.AppendBool(nil, false), nil //nolint:nilerr // the response tells the caller
	case !changed:
		return msgpack.AppendNil(nil), nil
	}
	return msgpack.AppendBool(nil, true), nil
}
