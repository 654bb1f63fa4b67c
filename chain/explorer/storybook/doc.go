// Package storybook is chains for tests of the pages: one that is busy, one
// that has just begun, one whose participants write what they should not into
// it, and one whose node answers nothing. Each answers the queries of the
// chain's modules through the SDK's own router, and CometBFT's from memory.
package storybook
