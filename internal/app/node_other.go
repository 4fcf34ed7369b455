//go:build !unix

package app

import "os"

// lockFile does nothing where there is no flock: take care not to start two servers.
func lockFile(*os.File) error { return nil }
