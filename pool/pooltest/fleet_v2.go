package pooltest

import (
	"bufio"
	"errors"
)

type fleetV2 struct {
	standard bool
	frames   *bufio.Reader
}

func (d *fleetV2) login(m *fleetMiner, user, password string) error { return errors.New("later") }
func (d *fleetV2) hear(m *fleetMiner) error                         { return errors.New("later") }
func (d *fleetV2) submit(dst []byte, m *fleetMiner, w *fleetWork) ([]byte, error) {
	return dst, errors.New("later")
}

func (d *fleetV2) read(*fleetWork) error { return errors.New("later") }
