package server

import "context"

func (c *conn) converseV2(context.Context, []byte) error { return breach{errNoKeys} }
