package upstream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/pooltest"
	"hearth/pool/upstream"
)

// What a probe finds at pools that differ in what they think of a second worker.
func TestProbe(t *testing.T) {
	const silent = "did not say"
	stale := func(p *pooltest.FakePool) { p.Refuse(21, "Job not found") }
	for name, c := range map[string]struct {
		pool    pooltest.FakePoolConfig
		prepare func(*pooltest.FakePool)
		want    upstream.Crediting
		why     string
	}{
		"each is let in and credited":  {pooltest.FakePoolConfig{}, nil, upstream.ByName, "it looks at the name"},
		"only the first is let in":     {pooltest.FakePoolConfig{Names: pooltest.FakeRefuses}, nil, upstream.OneWorker, "one worker for each connection"},
		"the second ends it":           {pooltest.FakePoolConfig{Names: pooltest.FakeDrops}, nil, upstream.OneWorker, "ended the connection"},
		"any name will do":             {pooltest.FakePoolConfig{Names: pooltest.FakeAny}, nil, upstream.AnyName, "does not show whom it credits"},
		"a share comes late":           {pooltest.FakePoolConfig{}, stale, upstream.ByName, "it looks at the name"},
		"every share comes late":       {pooltest.FakePoolConfig{}, func(p *pooltest.FakePool) { stale(p); stale(p); stale(p) }, upstream.Untold, "Job not found"},
		"the second's share is not":    {pooltest.FakePoolConfig{}, func(p *pooltest.FakePool) { p.Refuse(24, "Unauthorized worker") }, upstream.OneWorker, "Unauthorized worker"},
		"V2 with names":                {pooltest.FakePoolConfig{V2: true}, nil, upstream.AnyName, "does not show whom it credits"},
		"V2 without":                   {pooltest.FakePoolConfig{V2: true, Nameless: true}, nil, upstream.OneWorker, "extension"},
		"it never says what became":    {pooltest.FakePoolConfig{}, func(p *pooltest.FakePool) { p.Mute(true) }, upstream.Untold, silent},
		"the first is always credited": {pooltest.FakePoolConfig{Names: pooltest.FakeFirst}, nil, upstream.ByName, "Its own page shows whether it credits it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pooltest.NewFakePool(t, c.pool)
			if c.prepare != nil {
				c.prepare(pool)
			}
			conf := config(pool)
			if c.want == upstream.Untold && c.why == silent {
				conf.Timing.Answer = 300 * time.Millisecond
			}
			seed := uint32(0)
			got, err := upstream.Probe(t.Context(), conf, upstream.Credential{User: "host"}, func(_ context.Context, j *job.Job) (upstream.Share, error) {
				seed++
				return find(j, seed), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Crediting != c.want || !strings.Contains(got.Why, c.why) {
				t.Errorf("it finds %v: %s", got.Crediting, got.Why)
			}
		})
	}
}

func TestProbeOfAPoolThatCannotBeMinedAt(t *testing.T) {
	never := func(context.Context, *job.Job) (upstream.Share, error) {
		t.Error("a share is asked for")
		return upstream.Share{}, nil
	}
	pool := pooltest.NewFakePool(t, pooltest.FakePoolConfig{User: "somebody"})
	if _, err := upstream.Probe(t.Context(), config(pool), upstream.Credential{User: "host"}, never); !errors.Is(err, upstream.ErrRefused) {
		t.Errorf("the error is %v", err)
	}
	pool.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := upstream.Probe(ctx, config(pool), upstream.Credential{User: "host"}, never); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connect to pool") {
		t.Errorf("the error is %v", err)
	}
	pool.Start()
	broken := errors.New("no miner is there")
	_, err := upstream.Probe(t.Context(), upstream.Config{}, upstream.Credential{User: "host"}, never)
	if err == nil {
		t.Error("a probe of nothing succeeds")
	}
	sound := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	_, err = upstream.Probe(t.Context(), config(sound), upstream.Credential{User: "host"}, func(context.Context, *job.Job) (upstream.Share, error) {
		return upstream.Share{}, broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}
