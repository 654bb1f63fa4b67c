// Package mini carries hearth-mini, the small model that ships with the
// project: a Llama of six million weights that was trained on text in the
// public domain (infer/train says on what and how). It is what writes text
// when no other model is there: in a first try without a network, and in
// tests. It writes plain English and knows little.
//
// source is the model in floating point, as its training left it; what the
// package carries was made of it by package importer, in whole numbers:
//
//	go generate ./infer/mini
package mini
