package bzip2

// bitWriter appends bits to out, highest first.
type bitWriter struct {
	out []byte
	acc uint64 // the lowest n bits are pending
	n   uint
}

// bits writes the lowest count bits of v, at most 48.
func (w *bitWriter) bits(v uint64, count uint) {
	w.acc = w.acc<<count | v
	w.n += count
	for w.n >= 8 {
		w.n -= 8
		w.out = append(w.out, byte(w.acc>>w.n))
	}
}

// flush fills the last byte with zeros and returns the output.
func (w *bitWriter) flush() []byte {
	if w.n > 0 {
		w.bits(0, 8-w.n)
	}
	return w.out
}

// crcTable is for the CRC-32 of bzip2, which shifts left.
var crcTable = makeCRCTable()

func makeCRCTable() (table [256]uint32) {
	const polynomial = 0x04c11db7
	for i := range table {
		crc := uint32(i) << 24
		for range 8 {
			top := crc >> 31
			crc = crc<<1 ^ polynomial*top
		}
		table[i] = crc
	}
	return table
}

func checksum(data []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range data {
		crc = crc<<8 ^ crcTable[byte(crc>>24)^c]
	}
	return ^crc
}
