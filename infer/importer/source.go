package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"hearth/infer/gguf"
	"hearth/infer/safetensors"
	"hearth/infer/token"
)

// source is a folder with a published model in it.
type source struct {
	folder fs.FS
	opened []fs.File
	// One of the two.
	tensors *safetensors.File
	gguf    *gguf.File
}

// maxConfig is the most bytes of a small file that is read whole.
const maxConfig = 4 << 20

// open finds the weights of a folder.
func open(folder fs.FS) (_ *source, err error) {
	s := &source{folder: folder}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.has("model.safetensors.index.json") {
		b, err := s.read("model.safetensors.index.json", safetensors.MaxIndex)
		if err != nil {
			return nil, err
		}
		shards, err := safetensors.Index(b)
		if err != nil {
			return nil, err
		}
		s.tensors, err = safetensors.OpenShards(shards, s.at)
		return s, err
	}
	if s.has("model.safetensors") {
		r, size, err := s.at("model.safetensors")
		if err != nil {
			return nil, err
		}
		s.tensors, err = safetensors.Open(r, size)
		return s, err
	}
	names, err := fs.Glob(folder, "*.gguf")
	if err != nil {
		return nil, err
	}
	switch len(names) {
	case 1:
		r, size, err := s.at(names[0])
		if err != nil {
			return nil, err
		}
		s.gguf, err = gguf.Open(r, size)
		return s, err
	case 0:
		if s.has("pytorch_model.bin") {
			return nil, errors.New("its weights are pickled (pytorch_model.bin), which runs code when opened: get a safetensors file of it")
		}
		return nil, errors.New("it has no weights: model.safetensors, model.safetensors.index.json or one .gguf file")
	default:
		return nil, fmt.Errorf("it has %d .gguf files: leave the one to import", len(names))
	}
}

func (s *source) close() {
	for _, f := range s.opened {
		_ = f.Close() // only read from
	}
}

func (s *source) has(name string) bool {
	_, err := fs.Stat(s.folder, name)
	return err == nil
}

// at opens a file for reading at any place.
func (s *source) at(name string) (io.ReaderAt, int64, error) {
	f, err := s.folder.Open(name)
	if err != nil {
		return nil, 0, err
	}
	s.opened = append(s.opened, f)
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return nil, 0, fmt.Errorf("read %s: it can only be read from the beginning: unpack it first", name)
	}
	return r, info.Size(), nil
}

// read reads a whole file of at most so many bytes.
func (s *source) read(name string, most int64) ([]byte, error) {
	f, err := s.folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("read %s: it is over the limit of %d bytes", name, most)
	}
	return b, nil
}

// decode reads a JSON file into v, which stays as it is if there is no such
// file.
func (s *source) decode(name string, v any) (found bool, err error) {
	if !s.has(name) {
		return false, nil
	}
	b, err := s.read(name, maxConfig)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return true, nil
}

// plan reads the model's description.
func (s *source) plan() (*plan, error) {
	if s.gguf != nil {
		return s.planGGUF()
	}
	return s.planHuggingFace()
}

// tokenizer returns the tokenizer.json, of a GGUF file that has none beside it
// one that is made of its vocabulary.
func (s *source) tokenizer() ([]byte, error) {
	if s.has("tokenizer.json") {
		return s.read("tokenizer.json", token.MaxFile)
	}
	if s.gguf == nil {
		return nil, errors.New("it has no tokenizer.json")
	}
	b, err := ggufTokenizer(&metadata{values: s.gguf.Metadata()})
	if err != nil {
		return nil, fmt.Errorf("make a tokenizer of the .gguf file: %w: put the tokenizer.json of the model it was made of beside it", err)
	}
	return b, nil
}

// template returns the chat template, "" if there is none.
func (s *source) template() (string, error) {
	if s.has("chat_template.jinja") {
		b, err := s.read("chat_template.jinja", maxConfig)
		return strings.ToValidUTF8(string(b), "\uFFFD"), err
	}
	var config struct {
		Template json.RawMessage `json:"chat_template"`
	}
	if found, err := s.decode("tokenizer_config.json", &config); err != nil {
		return "", err
	} else if !found && s.gguf != nil {
		t, _ := s.gguf.Metadata()["tokenizer.chat_template"].(string)
		return strings.ToValidUTF8(t, "\uFFFD"), nil
	}
	var one string
	if json.Unmarshal(config.Template, &one) == nil {
		return one, nil
	}
	var several []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if json.Unmarshal(config.Template, &several) == nil {
		for _, t := range several {
			if t.Name == "default" {
				return t.Template, nil
			}
		}
	}
	return "", nil
}

// pooling returns how an encoder makes one vector of its tokens' by the files
// of sentence-transformers, "mean" where there are none.
func (s *source) pooling() (string, error) {
	var modules []struct {
		Path string `json:"path"`
		Type string `json:"type"`
	}
	if _, err := s.decode("modules.json", &modules); err != nil {
		return "", err
	}
	folder := "1_Pooling"
	for _, m := range modules {
		switch kind := m.Type[strings.LastIndex(m.Type, ".")+1:]; kind {
		case "Transformer", "Normalize":
		case "Pooling":
			folder = m.Path
		default:
			return "", fmt.Errorf("its modules.json has a module %q behind the transformer, which is not supported", kind)
		}
	}
	config := map[string]any{}
	name := path.Join(folder, "config.json")
	if !fs.ValidPath(name) {
		return "", fmt.Errorf("its modules.json leads out of the folder: %q", folder)
	}
	found, err := s.decode(name, &config)
	if err != nil {
		return "", err
	}
	if !found {
		return "mean", nil
	}
	if mode, ok := config["pooling_mode"].(string); ok {
		if mode == "mean" || mode == "cls" {
			return mode, nil
		}
		return "", fmt.Errorf("its pooling is %q: mean and cls are supported", mode)
	}
	var modes []string
	for mode, on := range config {
		if on == true && strings.HasPrefix(mode, "pooling_mode_") {
			modes = append(modes, strings.TrimPrefix(mode, "pooling_mode_"))
		}
	}
	switch {
	case len(modes) == 1 && modes[0] == "mean_tokens":
		return "mean", nil
	case len(modes) == 1 && modes[0] == "cls_token":
		return "cls", nil
	}
	return "", fmt.Errorf("its pooling is %q: mean_tokens and cls_token are supported, one at a time", modes)
}
