package app

import (
	"hawker/internal/web"
)

// doors are the faces in a browser, a line each.
func (s *Server) doors() []web.Door {
	return []web.Door{}
}

// webConfig is what the kit knows of this server.
func (s *Server) webConfig() web.Config {
	return web.Config{Log: s.Config.Log, TLS: s.Config.HTTP.Cert != ""}
}
