package archtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Check holds the module in the folder dir against the rules and returns what
// it finds wrong, one sentence each, sorted, with the place in front. It asks
// the go command for the packages and reads their files itself, so that files
// for other systems are checked too. An error means that it could not look.
func Check(ctx context.Context, dir string, rules Rules) ([]string, error) {
	module, packages, err := list(ctx, dir)
	if err != nil {
		return nil, err
	}
	c := checker{rules: rules, module: module, root: dir, fset: token.NewFileSet()}
	for _, p := range packages {
		if err := c.check(p); err != nil {
			return nil, err
		}
	}
	for _, p := range rules.Programs {
		if err := c.program(ctx, p); err != nil {
			return nil, err
		}
	}
	if err := c.lengths(); err != nil {
		return nil, err
	}
	slices.Sort(c.found)
	return slices.Compact(c.found), nil
}

// pkg is what is needed of the go command's answer about a package.
type pkg struct {
	ImportPath, Dir, Name     string
	GoFiles, CgoFiles         []string
	IgnoredGoFiles            []string
	TestGoFiles, XTestGoFiles []string
	Module                    struct{ Path string }
	Deps                      []string
}

func list(ctx context.Context, dir string) (module string, packages []pkg, err error) {
	out, err := goList(ctx, dir, "./...")
	if err != nil {
		return "", nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return module, packages, nil
		} else if err != nil {
			return "", nil, fmt.Errorf("read what go list says: %w", err)
		}
		module = p.Module.Path
		packages = append(packages, p)
	}
}

func goList(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{
		"list", "-e",
		"-json=ImportPath,Dir,Name,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles,Module,Deps",
	}, args...)...)
	cmd.Dir = dir
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w: %s", strings.Join(args, " "), err, complaint.Bytes())
	}
	return out, nil
}

type checker struct {
	rules  Rules
	module string
	root   string
	fset   *token.FileSet
	found  []string
}

// report notes what is wrong at a place in a file.
func (c *checker) report(pos token.Pos, format string, args ...any) {
	at := c.fset.Position(pos)
	name, err := filepath.Rel(c.root, at.Filename)
	if err != nil {
		name = at.Filename
	}
	c.found = append(c.found, fmt.Sprintf("%s:%d: %s", filepath.ToSlash(name), at.Line, fmt.Sprintf(format, args...)))
}

func (c *checker) check(p pkg) error {
	name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, c.module), "/")
	layer, ok := c.layer(name)
	if !ok {
		c.found = append(c.found, fmt.Sprintf("%s: stands in no layer: add it to the table in internal/archtest", name))
		return nil
	}
	if !layer.Tests && len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
		c.found = append(c.found, name+": has no test")
	}
	var comments []token.Pos
	for _, f := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, f), nil, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if file.Name.Name != p.Name {
			continue // a program of its own beside the package (go:build ignore)
		}
		if file.Doc != nil {
			comments = append(comments, file.Package)
		}
		c.imports(name, layer, file)
		if layer.Pure {
			c.clock(file)
			c.seeds(file)
		}
		if ast.IsGenerated(file) {
			continue
		}
		if layer.Whole {
			c.floats(name, file)
		}
		c.state(file)
	}
	switch {
	case len(comments) == 0:
		c.found = append(c.found, name+": has no package comment")
	case len(comments) > 1:
		for _, at := range comments {
			c.report(at, "%s has %d package comments: keep one", name, len(comments))
		}
	}
	return nil
}

// floats reports every use of floating point. The bounds of whole numbers are
// all that is wanted of package math.
func (c *checker) floats(name string, file *ast.File) {
	uses(file, "math", func(at token.Pos, used string) {
		if !strings.HasPrefix(used, "MaxInt") && !strings.HasPrefix(used, "MaxUint") && !strings.HasPrefix(used, "MinInt") {
			c.report(at, "%s computes in whole numbers: it may not use math.%s", name, used)
		}
	})
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			if n.Path.Value == `"math/cmplx"` {
				c.report(n.Pos(), "%s computes in whole numbers: it may not use %s", name, n.Path.Value)
			}
		case *ast.Ident:
			if n.Name == "float64" || n.Name == "float32" {
				c.report(n.Pos(), "%s computes in whole numbers: it may not use %s", name, n.Name)
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				c.report(n.Pos(), "%s computes in whole numbers: it may not use %s", name, n.Value)
			}
		}
		return true
	})
}

// layer finds the layer of a package.
func (c *checker) layer(name string) (Layer, bool) {
	i := slices.IndexFunc(c.rules.Layers, func(l Layer) bool { return fits(l.Packages, name) })
	if i < 0 {
		return Layer{}, false
	}
	return c.rules.Layers[i], true
}

// imports checks a file's imports against its layer.
func (c *checker) imports(name string, layer Layer, file *ast.File) {
	for _, spec := range file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if target == "C" {
			c.report(spec.Pos(), "cgo: Hearth builds with CGO_ENABLED=0")
		}
		if layer.Pure && isWorld(target) && !(target == "unsafe" && layer.Layout) {
			c.report(spec.Pos(), "%s is pure: it may not use %s", name, target)
		}
		own, ok := strings.CutPrefix(target, c.module+"/")
		if !ok || strings.HasPrefix(own, name+"/internal/") {
			continue
		}
		if target, _ := c.layer(own); target.Tests && !layer.Tests {
			c.report(spec.Pos(), "%s may not use %s, which is for tests", name, own)
			continue
		}
		if !slices.ContainsFunc(layer.May, func(may string) bool { return fits(may, own) }) {
			c.report(spec.Pos(), "%s may not use %s", name, own)
		}
	}
}

// isWorld tells whether a package of the standard library reaches out of the
// program, logs, or makes its own randomness.
func isWorld(target string) bool {
	for _, w := range [...]string{
		"os", "net", "log", "syscall", "database/sql", "io/ioutil",
		"math/rand", "crypto/rand", "runtime/debug", "unsafe",
	} {
		if target == w || strings.HasPrefix(target, w+"/") {
			// Text forms of addresses are values, not sockets; and chance that
			// comes from a seed is an argument, which seeds looks after.
			return target != "net/netip" && target != "net/url" && target != "math/rand/v2"
		}
	}
	return false
}

// clock finds uses of the real clock and of the outside world's settings.
func (c *checker) clock(file *ast.File) {
	uses(file, "time", func(at token.Pos, name string) {
		switch name {
		case "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker":
			c.report(at, "time.%s: a pure package takes the time as an argument", name)
		case "Local", "LoadLocation":
			c.report(at, "time.%s: a pure package takes the time zone with the time", name)
		}
	})
}

// seeds finds randomness that comes from nowhere: what is made from a seed is
// the only kind that a pure package may have.
func (c *checker) seeds(file *ast.File) {
	uses(file, "math/rand/v2", func(at token.Pos, name string) {
		switch name {
		case "New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "PCG", "ChaCha8", "Source", "Zipf":
		default:
			c.report(at, "rand.%s: a pure package takes its randomness from a seed", name)
		}
	})
}

// uses calls found for every name of a package that a file uses.
func uses(file *ast.File, target string, found func(at token.Pos, name string)) {
	local := localName(file, target)
	if local == "" {
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
				found(s.Pos(), s.Sel.Name)
			}
		}
		return true
	})
}

// localName returns the name under which a file imports a package, empty if
// it does not.
func localName(file *ast.File, target string) string {
	for _, spec := range file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != target {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		if target == "math/rand/v2" {
			return "rand"
		}
		return path.Base(target)
	}
	return ""
}

// state finds init functions and variables of a package that could change.
func (c *checker) state(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				c.report(d.Pos(), "init: nothing happens because a package is imported")
			}
		case *ast.GenDecl:
			if d.Tok != token.VAR {
				continue
			}
			for _, s := range d.Specs {
				c.variable(d, s.(*ast.ValueSpec))
			}
		}
	}
}

// variable judges one var at package level by its syntax. It lets pass what
// nobody writes to: an embedded file, a sentinel error, a compiled pattern or
// template, an array or struct written out (a table). Maps, slices, pointers
// and whatever a function returns can be changed from afar.
func (c *checker) variable(d *ast.GenDecl, s *ast.ValueSpec) {
	for _, doc := range []*ast.CommentGroup{d.Doc, s.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(l *ast.Comment) bool { return strings.HasPrefix(l.Text, "//go:embed ") }) {
			return
		}
	}
	for i, name := range s.Names {
		if name.Name == "_" {
			continue
		}
		if i < len(s.Values) && constant(s.Values[i]) {
			continue
		}
		c.report(name.Pos(), "var %s: a package has no state: make it a constant, an array, a function or a field", name.Name)
	}
}

func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		switch t := e.Type.(type) {
		case *ast.ArrayType:
			return t.Len != nil
		case *ast.Ident, *ast.SelectorExpr, *ast.StructType:
			return true
		}
	case *ast.CallExpr:
		fun := e.Fun
		if generic, ok := fun.(*ast.IndexExpr); ok {
			fun = generic.X
		}
		f, ok := fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		x, ok := f.X.(*ast.Ident)
		if !ok {
			return false
		}
		switch x.Name + "." + f.Sel.Name {
		case "errors.New", "errors.Register", "errors.RegisterWithGRPCCode", "fmt.Errorf", "regexp.MustCompile", "reflect.TypeFor",
			"template.Must", "netip.MustParseAddr", "netip.MustParsePrefix", "strings.NewReplacer":
			return true
		}
	}
	return false
}

// program checks what is linked into a command.
func (c *checker) program(ctx context.Context, p Program) error {
	out, err := goList(ctx, c.root, "./"+p.Package)
	if err != nil {
		return err
	}
	var got pkg
	if err := json.Unmarshal(out, &got); err != nil {
		return fmt.Errorf("read what go list says: %w", err)
	}
	for _, dep := range got.Deps {
		for _, never := range p.Never {
			if dep == never || strings.HasSuffix(never, "/") && strings.HasPrefix(dep+"/", never) {
				c.found = append(c.found, fmt.Sprintf("%s: links %s, which does not belong in it", p.Package, dep))
			}
		}
	}
	return nil
}

// lengths finds files that are too long to be read. Generated files, test
// data and what others wrote (vendor) are not for reading.
func (c *checker) lengths() error {
	return filepath.WalkDir(c.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") && name != c.root
			if hidden || slices.Contains([]string{"testdata", "vendor", "dist", "data"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		switch filepath.Ext(name) {
		case ".go", ".js", ".css", ".html", ".sql":
		default:
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if n := bytes.Count(b, []byte("\n")); n > c.rules.MaxLines && !generated(b) {
			at := c.fset.AddFile(name, -1, len(b)+1)
			c.report(at.Pos(0), "%d lines: split files over %d", n, c.rules.MaxLines)
		}
		return nil
	})
}

func generated(b []byte) bool {
	head, _, _ := bytes.Cut(b, []byte("\npackage "))
	for l := range bytes.Lines(head) {
		if bytes.HasPrefix(l, []byte("// Code generated ")) && bytes.HasSuffix(bytes.TrimSpace(l), []byte(" DO NOT EDIT.")) {
			return true
		}
	}
	return false
}

// fits tells whether a pattern stands for a package.
func fits(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	want, got := strings.Split(pattern, "/"), strings.Split(name, "/")
	for i, w := range want {
		switch {
		case w == "..." && i == len(want)-1:
			return true
		case i >= len(got):
			return false
		case w != "*" && w != got[i]:
			return false
		}
	}
	return len(want) == len(got)
}
