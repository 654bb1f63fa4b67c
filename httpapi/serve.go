package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns bounds the open connections of one listener.
const maxConns = 256

// Serve serves h on l until ctx ends, over TLS if conf is not nil, and then
// lets requests under way finish for a few seconds. It closes l. Time limits
// keep clients that send or read slowly from holding it up. A stop through
// ctx is no error.
func Serve(ctx context.Context, l net.Listener, conf *tls.Config, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16 << 10,
		// Whatever the server itself complains about, a client did.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// Streams of events end with ctx.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	l = &limited{Listener: l, free: make(chan struct{}, maxConns), done: make(chan struct{})}
	if conf != nil {
		srv.TLSConfig = conf.Clone()
	}
	var stopped sync.WaitGroup
	serving, end := context.WithCancel(ctx)
	stopped.Go(func() {
		<-serving.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	})
	var err error
	if conf != nil {
		err = srv.ServeTLS(l, "", "")
	} else {
		err = srv.Serve(l)
	}
	end()
	stopped.Wait()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}

// limited is a listener with at most cap(free) connections open; more wait in
// the system's queue.
type limited struct {
	net.Listener
	free  chan struct{}
	done  chan struct{}
	close sync.Once
}

// Accept waits for a place and a connection.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: c, leave: sync.OnceFunc(func() { <-l.free })}, nil
}

// Close stops Accept.
func (l *limited) Close() error {
	l.close.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// counted is a connection that frees its place when it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
