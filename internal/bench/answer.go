package bench

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"

	"hawker/internal/tdes"
)

// What ends a terminal's work: a host that answers so is broken, not busy.
var (
	errForeign = errors.New("the answer is not the answer to this sale")
	errMAC     = errors.New("the answer's MAC is wrong")
)

// answers is the layout of what the host sends.
var answers = layoutOf(profile)

// receive reads one answer to the sale that was sent and gives its response code,
// field 39. It looks at no more than it must, to leave the processors to the
// server, but every answer has its MAC verified and echoes amount and trace.
func receive(in *bufio.Reader, s *sale) (code [2]byte, err error) {
	prefix, err := in.Peek(2)
	if err != nil {
		return code, err
	}
	size := 2 + int(binary.BigEndian.Uint16(prefix))
	frame, err := in.Peek(size)
	if err != nil {
		return code, err
	}
	defer func() {
		_, discard := in.Discard(size)
		err = errors.Join(err, discard)
	}()
	if size < echoEnd || frame[bodyAt] != 0x02 || frame[bodyAt+1] != 0x10 {
		return code, errForeign
	}
	body := frame[bodyAt:]
	var at spans
	if !answers.find(body, &at) || len(at.of(body, 39)) != len(code) {
		return code, errForeign
	}
	code = [2]byte(at.of(body, 39))
	covered, mac, ok := profile.MACRange(body)
	if !ok {
		return code, nil // a refusal that proves nothing: A0, 97
	}
	if tdes.VerifyMAC(profile.MAC.Algorithm, s.tak, covered, mac) != nil {
		return code, errMAC
	}
	if !bytes.Equal(frame[echoAt:echoEnd], s.frame[echoAt:echoEnd]) {
		return code, errForeign
	}
	return code, nil
}
