package iso8583

// mtiSize and bitmapSize are bytes at the head of every packed message.
const (
	mtiSize    = 2
	bitmapSize = 8
)

// Pack writes m as MTI, bitmap and fields. What Validate would refuse is a
// *FormatError, with the offset that the field would have had.
func (p *Profile) Pack(m *Message) ([]byte, error) {
	if err := p.Validate(m); err != nil {
		return nil, err
	}
	fields := &p.table().fields
	head := m.head()
	size := head
	for i := range m.fields {
		e := &m.fields[i]
		size += fields[e.number].size(len(e.value))
	}
	b := make([]byte, head, size)
	for i := range mtiSize {
		b[i] = nibbleOf[m.MTI[2*i]]<<4 | nibbleOf[m.MTI[2*i+1]]
	}
	var present bitmap
	for i := range m.fields {
		e := &m.fields[i]
		f := fields[e.number]
		present.add(int(e.number))
		b = f.appendLength(b, len(e.value))
		b = f.appendContent(b, e.value)
	}
	present.put(b)
	return b, nil
}

// head is the bytes that MTI and bitmaps of m take.
func (m *Message) head() int {
	if len(m.fields) > 0 && m.fields[len(m.fields)-1].number > 64 {
		return mtiSize + 2*bitmapSize
	}
	return mtiSize + bitmapSize
}
