package signin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"hawker/internal/auth"
)

// Cookies tells who asks by the browser's cookies, and sets them. Over TLS their names
// begin with __Host-, so that no neighbour of our name can set them.
type Cookies struct {
	Guard *auth.Guard
	TLS   bool
	// Behind is how many proxies of ours stand before the server: so many addresses at the
	// end of X-Forwarded-For are theirs to tell. 0 believes the connection only.
	Behind int
}

// The cookies: of a person, of a paired device, of a half-done sign-in, of a device that waits.
const (
	person  = "hawker-session"
	device  = "hawker-device"
	halfway = "hawker-half"
	waiting = "hawker-pairing"
)

func (c Cookies) name(of string) string {
	if c.TLS {
		return "__Host-" + of
	}
	return of
}

// set gives the browser a secret until an instant; the zero Time until it closes, and an empty secret takes it away.
func (c Cookies) set(w http.ResponseWriter, of, secret string, until time.Time) {
	k := &http.Cookie{Name: c.name(of), Value: secret, Path: "/", Secure: c.TLS, HttpOnly: true, SameSite: http.SameSiteLaxMode, Expires: until}
	if secret == "" {
		k.MaxAge = -1
	}
	http.SetCookie(w, k)
}

func (c Cookies) get(r *http.Request, of string) string {
	k, err := r.Cookie(c.name(of))
	if err != nil {
		return ""
	}
	return k.Value
}

// address is where a request came from.
func (c Cookies) address(r *http.Request) string {
	if c.Behind > 0 {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if i := len(hops) - c.Behind; i >= 0 {
			if ip := net.ParseIP(strings.TrimSpace(hops[i])); ip != nil {
				return ip.String()
			}
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Authenticate puts whoever asks into the request's context: the person who is signed
// in, else the paired device. A cookie that is worth nothing any more is nobody's.
func (c Cookies) Authenticate(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
	ctx, o := r.Context(), auth.Origin{Address: c.address(r)}
	for _, of := range []string{person, device} {
		secret := c.get(r, of)
		if secret == "" {
			continue
		}
		who, err := c.Guard.Find(ctx, secret, o)
		if errors.Is(err, auth.ErrAnonymous) {
			continue
		} else if err != nil {
			return nil, err
		}
		return auth.With(ctx, who), nil
	}
	return ctx, nil
}

// origin is where a sign-in comes from: the paired device too, if its cookie holds.
func (c Cookies) origin(r *http.Request) (auth.Origin, error) {
	o := auth.Origin{Address: c.address(r), Agent: r.UserAgent(), Former: c.get(r, person)}
	who, err := c.Guard.Find(r.Context(), c.get(r, device), o)
	if errors.Is(err, auth.ErrAnonymous) {
		return o, nil
	}
	if err == nil && who.Kind == auth.Device {
		o.Device = who.ID
	}
	return o, err
}
