package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// mostPixels bounds a picture, against absurd scales.
const mostPixels = 64 << 20

// PNG returns the drawing on white with scale pixels for each unit; 2 is sharp
// on paper and on dense screens.
func (d *Drawing) PNG(scale float64) ([]byte, error) {
	w, h := math.Ceil(d.Width*scale), math.Ceil(d.Height*scale)
	if !(w >= 1 && h >= 1 && w*h <= mostPixels) {
		return nil, fmt.Errorf("draw %q as PNG: %g × %g pixels, want at least one and at most %d in all: choose another scale", d.Title, w, h, mostPixels)
	}
	c := canvas{scale: scale}
	var err error
	if c.regular, err = sfnt.Parse(goregular.TTF); err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	if c.bold, err = sfnt.Parse(gobold.TTF); err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	c.img = image.NewRGBA(image.Rect(0, 0, int(w), int(h)))
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(rgb(paper.light())), image.Point{}, draw.Src)
	for _, s := range d.shapes {
		if err := c.shape(s); err != nil {
			return nil, fmt.Errorf("draw %q as PNG: %w", d.Title, err)
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, c.img); err != nil {
		return nil, fmt.Errorf("draw %q as PNG: %w", d.Title, err)
	}
	return b.Bytes(), nil
}

func rgb(v uint32) color.RGBA {
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

type canvas struct {
	img           *image.RGBA
	scale         float64
	regular, bold *sfnt.Font
}

func (c *canvas) shape(s shape) error {
	if s.text != "" {
		return c.text(s)
	}
	if s.fill != none {
		c.polygon(s.points, rgb(s.fill.light()))
	}
	if s.stroke == none {
		return nil
	}
	colour := rgb(s.stroke.light())
	points := s.points
	if s.closed {
		points = append(slices.Clip(points), points[0])
	}
	for i := 1; i < len(points); i++ {
		c.segment(points[i-1], points[i], s.width, s.dashed, colour)
		if i > 1 && !s.dashed {
			c.joint(points[i-1], s.width, colour)
		}
	}
	return nil
}

// segment draws a straight stroke, dashed by 4 and 3 units where asked.
func (c *canvas) segment(a, b point, width float64, dashed bool, colour color.RGBA) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return
	}
	ux, uy := (b.x-a.x)/length, (b.y-a.y)/length
	nx, ny := -uy*width/2, ux*width/2
	stroke := func(from, to float64) {
		p, q := point{a.x + ux*from, a.y + uy*from}, point{a.x + ux*to, a.y + uy*to}
		c.polygon([]point{{p.x + nx, p.y + ny}, {q.x + nx, q.y + ny}, {q.x - nx, q.y - ny}, {p.x - nx, p.y - ny}}, colour)
	}
	if !dashed {
		stroke(0, length)
		return
	}
	for at := 0.0; at < length; at += 7 {
		stroke(at, min(at+4, length))
	}
}

// joint rounds the corner between two segments.
func (c *canvas) joint(p point, width float64, colour color.RGBA) {
	const corners = 12
	var ring [corners]point
	for i := range ring {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		ring[i] = point{p.x + width/2*cos, p.y + width/2*sin}
	}
	c.polygon(ring[:], colour)
}

// polygon fills within its own bounds only, since a raster of the whole picture
// for every small mark would be slow.
func (c *canvas) polygon(points []point, colour color.RGBA) {
	minX, minY, maxX, maxY := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range points {
		minX, maxX = min(minX, p.x*c.scale), max(maxX, p.x*c.scale)
		minY, maxY = min(minY, p.y*c.scale), max(maxY, p.y*c.scale)
	}
	box := image.Rect(int(math.Floor(minX)), int(math.Floor(minY)), int(math.Ceil(maxX))+1, int(math.Ceil(maxY))+1).Intersect(c.img.Bounds())
	if box.Empty() {
		return
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	for i, p := range points {
		x, y := float32(p.x*c.scale-float64(box.Min.X)), float32(p.y*c.scale-float64(box.Min.Y))
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
	r.Draw(c.img, box, image.NewUniform(colour), image.Point{})
}

func (c *canvas) text(s shape) error {
	f := c.regular
	if s.bold {
		f = c.bold
	}
	var buffer sfnt.Buffer
	colour := rgb(s.fill.light())
	if s.fill >= step0 {
		colour = rgb(text.light())
		if s.fill.on() == "on-deep" {
			colour = rgb(paper.light())
		}
	}
	x, y := s.points[0].x, s.points[0].y
	switch s.at {
	case middle:
		x -= measure(f, &buffer, s.text, s.size) / 2
	case end:
		x -= measure(f, &buffer, s.text, s.size)
	}
	size := fixed.Int26_6(math.Round(s.size * c.scale * 64))
	for _, r := range s.text {
		glyph, err := f.GlyphIndex(&buffer, r)
		if err != nil {
			return fmt.Errorf("letter %q: %w", r, err)
		}
		outline, err := f.LoadGlyph(&buffer, glyph, size, nil)
		if err != nil {
			return fmt.Errorf("letter %q: %w", r, err)
		}
		c.glyph(outline, x*c.scale, y*c.scale, colour)
		x += advance(f, &buffer, glyph, s.size)
	}
	return nil
}

func (c *canvas) glyph(outline sfnt.Segments, x, y float64, colour color.RGBA) {
	b := outline.Bounds()
	left, top := int(math.Floor(x))+b.Min.X.Floor(), int(math.Floor(y))+b.Min.Y.Floor()
	box := image.Rect(left, top, left+(b.Max.X-b.Min.X).Ceil()+3, top+(b.Max.Y-b.Min.Y).Ceil()+3)
	if !box.In(c.img.Bounds()) || len(outline) == 0 {
		return // outside of the picture, or a space
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	at := func(p fixed.Point26_6) (float32, float32) {
		return float32(x + float64(p.X)/64 - float64(left)), float32(y + float64(p.Y)/64 - float64(top))
	}
	for _, s := range outline {
		ax, ay := at(s.Args[0])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			r.ClosePath()
			r.MoveTo(ax, ay)
		case sfnt.SegmentOpLineTo:
			r.LineTo(ax, ay)
		case sfnt.SegmentOpQuadTo:
			bx, by := at(s.Args[1])
			r.QuadTo(ax, ay, bx, by)
		case sfnt.SegmentOpCubeTo:
			bx, by := at(s.Args[1])
			cx, cy := at(s.Args[2])
			r.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	r.ClosePath()
	r.Draw(c.img, box, image.NewUniform(colour), image.Point{})
}

// advance returns how far the pen moves, in units of the drawing. It is
// measured at a large size, so that it does not depend on a picture's scale.
func advance(f *sfnt.Font, buffer *sfnt.Buffer, glyph sfnt.GlyphIndex, size float64) float64 {
	const large = 1000
	a, err := f.GlyphAdvance(buffer, glyph, fixed.I(large), font.HintingNone)
	if err != nil {
		return size / 2
	}
	return float64(a) / 64 * size / large
}

// measure returns the width of a text.
func measure(f *sfnt.Font, buffer *sfnt.Buffer, s string, size float64) float64 {
	var w float64
	for _, r := range s {
		if glyph, err := f.GlyphIndex(buffer, r); err == nil {
			w += advance(f, buffer, glyph, size)
		}
	}
	return w
}
