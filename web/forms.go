package web

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hearth/httpapi"
	"hearth/site"
	"hearth/units"
)

// maxForm bounds a form's body.
const maxForm = 8 << 10

// form reads a form, from visitors who may change things.
func form(w http.ResponseWriter, r *http.Request) error {
	if httpapi.VisitorOf(r.Context()).Scope != httpapi.ScopeControl {
		return &httpapi.Problem{Status: http.StatusForbidden, Code: "scope", Message: "You may look, but not change anything."}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return &httpapi.Problem{Status: http.StatusUnsupportedMediaType, Code: "content_type", Message: "That is not a form of these pages.", Hint: "Programs use /api/v1."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &httpapi.Problem{Status: http.StatusBadRequest, Code: "bad_form", Message: "The form cannot be read."}
	}
	return nil
}

// done leads back to the page that the form was on.
func done(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, httpapi.LocalPath(r.PostForm.Get("back")), http.StatusSeeOther)
	return nil
}

func by(r *http.Request) string { return httpapi.VisitorOf(r.Context()).Name }

func invalid(format string, args ...any) error {
	return &httpapi.Problem{Status: http.StatusUnprocessableEntity, Code: "invalid", Message: fmt.Sprintf(format, args...)}
}

// setPoint reads a number a person typed, with a point or a comma.
func setPoint(z site.ZoneState, s string) (units.Celsius, error) {
	v, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(s), ",", ".", 1), 64)
	if err != nil {
		return 0, invalid("%q is not a temperature.", s)
	}
	return httpapi.SetPointOf(z, &v, "°C")
}

// until reads the value of a datetime-local field; empty is the zero time.
func (p *pages) until(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", s, p.loc)
	if err != nil {
		return time.Time{}, invalid("%q is not a time.", s)
	}
	return httpapi.Ahead(now, &t)
}

// zoneForm reads a form about the zone of the path.
func (p *pages) zoneForm(w http.ResponseWriter, r *http.Request) (site.ZoneState, site.State, error) {
	s := p.home.State()
	if err := form(w, r); err != nil {
		return site.ZoneState{}, s, err
	}
	z, err := zoneByID(s, r.PathValue("zone"))
	return z, s, err
}

func (p *pages) postSetPoint(w http.ResponseWriter, r *http.Request) error {
	z, s, err := p.zoneForm(w, r)
	if err != nil {
		return err
	}
	t, err := setPoint(z, r.PostForm.Get("value"))
	if err != nil {
		return err
	}
	until, err := p.until(r.PostForm.Get("until"), s.At)
	if err != nil {
		return err
	}
	if err := p.home.SetPoint(r.Context(), z.ID, t, until, by(r)); err != nil {
		return err
	}
	return done(w, r)
}

func (p *pages) postMode(w http.ResponseWriter, r *http.Request) error {
	z, _, err := p.zoneForm(w, r)
	if err != nil {
		return err
	}
	mode := site.Mode(r.PostForm.Get("mode"))
	if mode != site.ModeHeat && mode != site.ModeOff {
		return invalid("%q is not a mode.", mode)
	}
	if err := p.home.SetMode(r.Context(), z.ID, mode, by(r)); err != nil {
		return err
	}
	return done(w, r)
}

func (p *pages) postPreset(w http.ResponseWriter, r *http.Request) error {
	z, s, err := p.zoneForm(w, r)
	if err != nil {
		return err
	}
	preset := r.PostForm.Get("preset")
	switch preset {
	case "", "away", "boost", "holiday":
	default:
		return invalid("%q is not a preset.", preset)
	}
	var set *units.Celsius
	if v := r.PostForm.Get("value"); v != "" {
		t, err := setPoint(z, v)
		if err != nil {
			return err
		}
		set = &t
	}
	until, err := p.until(r.PostForm.Get("until"), s.At)
	if err != nil {
		return err
	}
	if err := p.home.SetPreset(r.Context(), z.ID, preset, set, until, by(r)); err != nil {
		return err
	}
	return done(w, r)
}

func (p *pages) postManual(w http.ResponseWriter, r *http.Request) error {
	z, _, err := p.zoneForm(w, r)
	if err != nil {
		return err
	}
	choice := r.PostForm.Get("level")
	i := strings.LastIndexByte(choice, '/')
	minutes, err := strconv.Atoi(r.PostForm.Get("minutes"))
	if i >= 0 && choice[i+1:] == "off" {
		minutes, err = 0, nil
	} else if err == nil && (minutes < 1 || minutes > 24*60) {
		i = -1
	}
	if i < 0 || err != nil {
		return invalid("Choose a level and 1 minute to 24 hours.")
	}
	if err := p.home.Manual(r.Context(), z.ID, choice[:i], choice[i+1:], time.Duration(minutes)*time.Minute, by(r)); err != nil {
		return err
	}
	return done(w, r)
}

func (p *pages) postBlink(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if err := p.home.Blink(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return done(w, r)
}

func (p *pages) postClear(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if err := p.home.ClearTrip(r.Context(), r.PathValue("id"), by(r)); err != nil {
		return err
	}
	return done(w, r)
}

func (p *pages) postCompute(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	allow, err := strconv.ParseBool(r.PostForm.Get("allowed"))
	if err != nil {
		return invalid("Say whether this computer may compute.")
	}
	if err := p.home.AllowCompute(r.Context(), allow, by(r)); err != nil {
		return err
	}
	return done(w, r)
}
