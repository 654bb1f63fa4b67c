// Package minetest tries the worker against a network of real validators, and its
// readers against the chain's own types. It stands beside package mine so that
// that package's tests need no part of the chain's code.
package minetest
