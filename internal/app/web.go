package app

import (
	"hawker/internal/door/home"
	"hawker/internal/door/signin"
	"hawker/internal/web"
)

// doors are the faces in a browser, a line each, and the first page that leads to them.
func (s *Server) doors() []web.Door {
	list := []web.Door{
		s.office(),
		s.agree(),
		s.till.Door(),
		s.payer.Door(),
	}
	list = append(list, s.boardingDoors()...)
	list = append(list, s.signInDoors()...)
	var paths []string
	for _, d := range list {
		for _, r := range d.Routes {
			if r.Method == "GET" {
				paths = append(paths, r.Pattern)
			}
		}
	}
	return append(list, home.Door(home.Config{Doors: paths}))
}

// webConfig is what the kit knows of this server.
func (s *Server) webConfig() web.Config {
	return web.Config{Log: s.Config.Log, TLS: s.tls(), Auth: s.cookies(), Refused: signin.Refused, Place: s.place}
}
