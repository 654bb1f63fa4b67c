package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A server that stops lets answers under way end, and turns new ones away.
func TestAnswersUnderWayEnd(t *testing.T) {
	begun, write := make(chan struct{}), make(chan struct{})
	c := newLastCalls(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begun <- struct{}{}
		<-write
		fmt.Fprint(w, "whole")
	}))
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		return w
	}
	answers := make(chan *httptest.ResponseRecorder)
	for range 2 {
		go func() { answers <- ask() }()
		<-begun
	}
	under, ended := c.stop()
	if under != 2 {
		t.Errorf("%d are under way", under)
	}
	if w := ask(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":"stopping"`) {
		t.Errorf("a new request: %d %s", w.Code, w.Body)
	}
	for range 2 {
		select {
		case <-ended:
			t.Error("it ends before the answers do")
		default:
		}
		write <- struct{}{}
		if w := <-answers; w.Code != http.StatusOK || w.Body.String() != "whole" {
			t.Errorf("an answer under way: %d %s", w.Code, w.Body)
		}
	}
	<-ended
}

// Where nothing is under way nothing is waited for.
func TestAnIdleServerEndsAtOnce(t *testing.T) {
	under, ended := newLastCalls(http.NotFoundHandler()).stop()
	<-ended
	if under != 0 {
		t.Errorf("%d are under way", under)
	}
}
