package simulation

import "golang.org/x/sys/unix"

func nano() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

const nsales = 100
