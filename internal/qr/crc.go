package qr

// crc is CRC-16 with polynomial 1021, start FFFF, no reflection and nothing added
// at the end: what EMVCo's merchant-presented codes end with (ISO/IEC 13239).
func crc(b []byte) uint16 {
	sum := uint16(0xFFFF)
	for _, c := range b {
		sum ^= uint16(c) << 8
		for range 8 {
			if sum&0x8000 != 0 {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}
