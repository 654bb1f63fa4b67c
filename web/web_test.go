package web_test

import (
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"

	"hearth/httpapi"
	"hearth/web"
	"hearth/web/storybook"
)

// serve serves a home, pages behind the gate, on a real socket, and returns
// its address.
func serve(t *testing.T, h httpapi.Home) string {
	t.Helper()
	auth, err := httpapi.OpenAuth(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Options{Home: h, Auth: auth, Log: slog.New(slog.DiscardHandler), Location: storybook.Zone()})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(httpapi.New(httpapi.Options{
		Home: h, Auth: auth, Log: slog.New(slog.DiscardHandler), Version: "0.1.0", Web: pages,
	}))
	ctx, cancel := context.WithCancel(context.Background())
	srv.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	srv.Start()
	t.Cleanup(func() {
		cancel()
		srv.Close()
	})
	return srv.URL
}
