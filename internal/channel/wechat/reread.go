package wechat

import (
	"bytes"
	"io"
)

// reread is a body that has been read, to be read again.
func reread(body []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(body)) }
