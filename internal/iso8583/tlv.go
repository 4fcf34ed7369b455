package iso8583

import "fmt"

// tlv is one element of BER-TLV data, and where it begins.
type tlv struct {
	at    int
	tag   string // hexadecimal
	value []byte
	from  int   // where the value begins
	parts []tlv // of a constructed one
}

// readTLV takes b apart; at is where b begins. A tag has at most three bytes, a length
// at most three behind its first: card data read as TLV by mistake must not come out
// as a tag. ok is false for anything else.
func readTLV(b []byte, at int) (list []tlv, ok bool) {
	for i := 0; i < len(b); {
		if b[i] == 0 { // fills the space between elements (ISO/IEC 7816-4, 5.2.2)
			i++
			continue
		}
		e := tlv{at: at + i}
		begin := i
		if i++; b[begin]&0x1F == 0x1F {
			for more := true; more; i++ {
				if i >= len(b) || i-begin >= 3 {
					return nil, false
				}
				more = b[i]&0x80 != 0
			}
		}
		e.tag = fmt.Sprintf("%X", b[begin:i])
		if i >= len(b) {
			return nil, false
		}
		size := int(b[i])
		i++
		if size > 0x83 || size == 0x80 {
			return nil, false
		}
		if size > 0x80 {
			digits := size & 0x7F
			if size = 0; i+digits > len(b) {
				return nil, false
			}
			for _, c := range b[i : i+digits] {
				size = size<<8 | int(c)
			}
			i += digits
		}
		if size > len(b)-i {
			return nil, false
		}
		e.from, e.value = at+i, b[i:i+size]
		if b[begin]&0x20 != 0 {
			if e.parts, ok = readTLV(e.value, e.from); !ok {
				return nil, false
			}
		}
		i += size
		list = append(list, e)
	}
	return list, true
}
