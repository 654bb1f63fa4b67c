package computer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"hearth/units"
)

// card is one NVIDIA graphics card as nvidia-smi tells it.
type card struct {
	uuid, name string
	draw       *units.Watts // nil: it does not tell
	limit      *units.Watts // enforced cap
	temp       *units.Celsius
}

// smi is the path of nvidia-smi; empty where there is none.
type smi string

const (
	smiTime   = 3 * time.Second
	smiAnswer = 64 << 10
)

// cards asks for all cards. It starts a program, which takes some 50 ms.
func (s smi) cards(ctx context.Context) ([]card, error) {
	if s == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, smiTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, string(s),
		"--query-gpu=uuid,power.draw,power.limit,temperature.gpu,name", "--format=csv,noheader,nounits")
	cmd.WaitDelay = time.Second
	var out bounded
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		// "No devices were found" is told on standard output, with status 6.
		said := strings.TrimSpace(out.String())
		if strings.Contains(said, "No devices were found") {
			return nil, nil
		}
		return nil, fmt.Errorf("ask nvidia-smi: %w: %.120s", err, said)
	}
	return parseCards(out.Bytes())
}

// bounded keeps the first bytes of an output.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := smiAnswer - b.Len(); len(p) > room {
		b.Buffer.Write(p[:max(room, 0)])
		return 0, errors.New("the answer is too long")
	}
	return b.Buffer.Write(p)
}

// parseCards reads lines such as
//
//	GPU-5a1b…, 68.12, 350.00, 31, NVIDIA GeForce RTX 3090
//
// in which a field may be "[N/A]" or "[Not Supported]". The name comes last,
// because it is free text.
func parseCards(out []byte) ([]card, error) {
	r := csv.NewReader(bytes.NewReader(out))
	r.TrimLeadingSpace = true
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	var cards []card
	for {
		f, err := r.Read()
		if errors.Is(err, io.EOF) {
			return cards, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read what nvidia-smi says: %w", err)
		}
		if len(f) < 5 || !strings.HasPrefix(f[0], "GPU-") {
			return nil, fmt.Errorf("read what nvidia-smi says: %.80q is not a card", strings.Join(f, ","))
		}
		c := card{uuid: f[0], name: strings.TrimSpace(strings.Join(f[4:], ","))}
		if v, ok := figure(f[1], 0, 3000); ok {
			c.draw = new(units.Watts(v))
		}
		if v, ok := figure(f[2], 1, 3000); ok {
			c.limit = new(units.Watts(v))
		}
		if v, ok := figure(f[3], 1, 130); ok {
			c.temp = new(units.Celsius(v))
		}
		cards = append(cards, c)
	}
}

// figure reads a number within bounds; anything else is unknown.
func figure(s string, low, high float64) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return v, err == nil && v >= low && v <= high
}
