package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/server"
)

// serve starts what a node does beside keeping the chain.
func serve(*server.Context, client.Context, context.Context, *errgroup.Group) error {
	return nil
}
