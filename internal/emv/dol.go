package emv

import "fmt"

// DOL is a data object list: which objects a card wants to hear, in its order and
// lengths (EMV Book 3, 5.4).
type DOL []Wanted

// Wanted is one object of a DOL and how many bytes it takes there, 0 to 255.
type Wanted struct {
	Tag  Tag
	Size int
}

// ParseDOL reads a list as a card holds it: tags with lengths of one byte. An error is ErrTLV.
func ParseDOL(b []byte) (DOL, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: a list of %d bytes", ErrTLV, len(b))
	}
	var list DOL
	for rest := b; len(rest) > 0; {
		tag, after, ok := readTag(rest)
		if !ok || len(after) == 0 {
			return nil, fmt.Errorf("%w: incomplete list entry at offset %d", ErrTLV, len(b)-len(rest))
		}
		list = append(list, Wanted{tag, int(after[0])})
		rest = after[1:]
	}
	return list, nil
}

// Size is how many bytes the list's data have.
func (d DOL) Size() (n int) {
	for _, w := range d {
		n += w.Size
	}
	return n
}

// Collect writes the data that the list asks for, out of t. What t lacks is
// zeros; what is longer loses its left bytes when it is a number and its right
// ones otherwise, what is shorter is filled on the same side (EMV Book 3, 5.4).
func (d DOL) Collect(t TLV) []byte {
	out := make([]byte, 0, d.Size())
	for _, w := range d {
		value, _ := t.Get(w.Tag)
		part := make([]byte, w.Size)
		switch short := w.Size - len(value); {
		case !numeric[w.Tag]:
			copy(part, value)
		case short >= 0:
			copy(part[short:], value)
		default:
			copy(part, value[-short:])
		}
		out = append(out, part...)
	}
	return out
}

// Split is Collect's inverse at the card: data by the list. Data of another length are ErrTLV.
func (d DOL) Split(data []byte) (TLV, error) {
	if len(data) != d.Size() {
		return TLV{}, fmt.Errorf("%w: %d bytes for a list of %d", ErrTLV, len(data), d.Size())
	}
	var elements []Element
	for _, w := range d {
		elements = append(elements, Element{Tag: w.Tag, Value: data[:w.Size:w.Size]})
		data = data[w.Size:]
	}
	return New(elements...)
}

// numeric are the objects of format n, which are filled and cut on their left.
var numeric = map[Tag]bool{
	Amount: true, AmountOther: true, CurrencyCode: true, CountryCode: true, TransactionDate: true, TransactionType: true, PANSequence: true, SequenceCounter: true,
}
