package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const (
	protos    = "chain/proto" // what is compiled, below the module's root
	generated = "chain"       // where code is written, and where it is looked for
)

// imports lists where the modules keep the files that ours may import.
var imports = [...]struct{ module, folder string }{
	{"github.com/cosmos/cosmos-sdk", "proto"},
	{"github.com/cosmos/cosmos-proto", "proto"},
	{"github.com/cosmos/gogoproto", "."},
	{"github.com/grpc-ecosystem/grpc-gateway", "third_party/googleapis"},
}

// plugins are tools of go.mod with their parameters.
var plugins = [...]struct{ tool, parameter string }{
	{"protoc-gen-gocosmos", "plugins=grpc,Mgoogle/protobuf/any.proto=github.com/cosmos/gogoproto/types/any"},
	{"protoc-gen-grpc-gateway", "logtostderr=true,allow_colon_final_segments=true,omit_package_doc=true,Mgoogle/protobuf/any.proto=github.com/cosmos/gogoproto/types/any"},
}

// generate returns all generated files by their path below the root.
func generate(ctx context.Context, root string) (map[string][]byte, error) {
	dir := filepath.Join(root, filepath.FromSlash(protos))
	names, err := protoFiles(dir)
	if err != nil {
		return nil, err
	}
	request, err := compile(ctx, dir, names)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	// A plugin writes one Go package at a time.
	for len(names) > 0 {
		n := slices.IndexFunc(names, func(s string) bool { return path.Dir(s) != path.Dir(names[0]) })
		if n < 0 {
			n = len(names)
		}
		request.FileToGenerate, names = names[:n], names[n:]
		for _, p := range plugins {
			request.Parameter = new(p.parameter)
			response, err := call(ctx, root, p.tool, request)
			if err != nil {
				return nil, err
			}
			for _, f := range response.GetFile() {
				name, ours := strings.CutPrefix(f.GetName(), "hearth/")
				if !ours || !strings.HasPrefix(path.Clean(name), generated+"/") {
					return nil, fmt.Errorf("%s would write %s: give the file a go_package below hearth/%s", p.tool, f.GetName(), generated)
				}
				if _, twice := files[name]; twice {
					return nil, fmt.Errorf("%s is written twice: two files of one go_package have the same name", name)
				}
				files[name] = []byte(f.GetContent())
			}
		}
	}
	return files, nil
}

// protoFiles returns the .proto files below a folder, sorted.
func protoFiles(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".proto" {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the .proto files of %s: %w", dir, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("there is no .proto file below %s", dir)
	}
	slices.Sort(names)
	return names, nil
}

// compile returns the request that a plugin takes, but for what it shall
// generate: the files named and, each before those that need it, all that they
// import.
func compile(ctx context.Context, dir string, names []string) (*pluginpb.CodeGeneratorRequest, error) {
	paths := []string{dir}
	for _, i := range imports {
		d, err := moduleDir(ctx, i.module)
		if err != nil {
			return nil, err
		}
		paths = append(paths, filepath.Join(d, filepath.FromSlash(i.folder)))
	}
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: paths}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := c.Compile(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", protos, err)
	}
	request := new(pluginpb.CodeGeneratorRequest)
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		request.ProtoFile = append(request.ProtoFile, described(f))
	}
	for _, f := range files {
		add(f)
	}
	return request, nil
}

// described returns a file as its compiler left it, comments included.
func described(f protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	if r, ok := f.(interface {
		FileDescriptorProto() *descriptorpb.FileDescriptorProto
	}); ok {
		return r.FileDescriptorProto()
	}
	return protodesc.ToFileDescriptorProto(f)
}

// call runs a plugin, a tool of the module at root.
func call(ctx context.Context, root, tool string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	in, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode the request to %s: %w", tool, err)
	}
	cmd := exec.CommandContext(ctx, "go", "tool", tool)
	cmd.Dir, cmd.Stdin = root, bytes.NewReader(in)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run go tool %s: %w\n%s", tool, err, failed.Bytes())
	}
	response := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(out, response); err != nil {
		return nil, fmt.Errorf("decode what %s answered: %w", tool, err)
	}
	if response.Error != nil {
		return nil, fmt.Errorf("%s: %s", tool, response.GetError())
	}
	return response, nil
}

// moduleDir returns the folder of a module of the build list.
func moduleDir(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return "", fmt.Errorf("find the folder of module %s: %w", module, err)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("module %s is not in the module cache: run go mod download", module)
	}
	return dir, nil
}

// compare returns, sorted, the paths of generated files that differ on disk,
// are missing there, or are there and should not be.
func compare(root string, files map[string][]byte) ([]string, error) {
	var stale []string
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("compare with what is there: %w", err)
		}
		if !bytes.Equal(got, want) {
			stale = append(stale, name)
		}
	}
	err := filepath.WalkDir(filepath.Join(root, generated), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".pb.go") && !strings.HasSuffix(name, ".pb.gw.go") {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if _, made := files[filepath.ToSlash(rel)]; !made {
			stale = append(stale, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for files that no longer belong: %w", err)
	}
	slices.Sort(stale)
	return stale, nil
}

// put writes a generated file, or removes one that is no longer generated.
func put(root, name string, data []byte) error {
	name = filepath.Join(root, filepath.FromSlash(name))
	if data == nil {
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("remove a file that is no longer generated: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("make the folder of a generated file: %w", err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return fmt.Errorf("write a generated file: %w", err)
	}
	return nil
}
