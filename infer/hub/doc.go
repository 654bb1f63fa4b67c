// Package hub keeps the models of this computer, and knows where they come
// from.
//
// A [Store] is a folder with one file NAME.hearth for each model and, beside
// it, NAME.origin.json that says where its weights were taken from, file by
// file with their SHA-256. Models arrive in two ways:
//
//   - [Store.Pull] fetches the files that others published: from a model hub
//     that speaks the Hugging Face API, or from a Python package that carries
//     them. A pull that is interrupted goes on where it stopped. The files of
//     the models in [Known] are pinned: whoever serves them, their SHA-256 is
//     part of this program.
//   - [Store.Add] takes files that are already here.
//
// Both turn what they find into Hearth's own file (package importer) and put
// it in place in one step, so that a model is either there, whole and synced
// to disk, or not there. One process at a time changes a model; others may
// read it meanwhile.
//
// Nothing is executed that a model brings: pickled weights, remote code and
// templates are not looked at.
package hub
