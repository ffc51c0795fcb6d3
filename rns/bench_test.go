package rns_test

import (
	"strconv"
	"testing"

	"meshchatx/rns"
)

func BenchmarkToken(b *testing.B) {
	token, err := rns.NewToken(make([]byte, 64))
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{383, 8192, 1 << 20} {
		plain := make([]byte, size)
		sealed, err := token.Encrypt(zeros{}, nil, plain)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 0, rns.TokenSize(size))
		b.Run("encrypt/"+strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = token.Encrypt(zeros{}, buf, plain)
			}
		})
		b.Run("decrypt/"+strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = token.Decrypt(buf, sealed)
			}
		})
	}
}

func BenchmarkAnnounceVerify(b *testing.B) {
	id, err := rns.NewIdentity(counting(1))
	if err != nil {
		b.Fatal(err)
	}
	a, err := rns.NewAnnounce(counting(2), id, rns.NameHashOf("lxmf.delivery"), nil, make([]byte, 40), epoch)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if a.Verify() != nil || a.VerifyHash() != nil {
			b.Fatal("not valid")
		}
	}
}

func BenchmarkPacketParse(b *testing.B) {
	raw := rns.Packet{HeaderType: rns.HeaderType2, Data: make([]byte, 400)}.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rns.ParsePacket(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPacketHash(b *testing.B) {
	raw := rns.Packet{HeaderType: rns.HeaderType2, Data: make([]byte, 400)}.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		_ = rns.PacketHash(raw)
	}
}

func BenchmarkIFAC(b *testing.B) {
	access, err := rns.NewIFAC("net", "pass", 16)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{500, 8192, 262144} {
		raw := make([]byte, size)
		frame := access.Seal(nil, raw)
		buf := make([]byte, 0, len(frame))
		b.Run("seal/"+strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_ = access.Seal(buf, raw)
			}
		})
		b.Run("open/"+strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = access.Open(buf, frame)
			}
		})
	}
}

func BenchmarkIdentityEncrypt(b *testing.B) {
	id, err := rns.NewIdentity(counting(1))
	if err != nil {
		b.Fatal(err)
	}
	plain, public := make([]byte, 300), id.Public()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = public.Encrypt(counting(1), plain, nil)
	}
}

func BenchmarkIdentityDecrypt(b *testing.B) {
	id, err := rns.NewIdentity(counting(1))
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := id.Public().Encrypt(counting(1), make([]byte, 300), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := id.Decrypt(sealed, nil, rns.RatchetsOptional); err != nil {
			b.Fatal(err)
		}
	}
}
