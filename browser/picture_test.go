package browser_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// maxPicture bounds the file of a picture in bytes.
const maxPicture = 200 << 10

// picture writes the page as it is, with -pictures: from its top to its end, or to
// height if that is not 0.
func (p *tab) picture(name string, height float64) {
	p.Helper()
	if *pictures == "" {
		return
	}
	p.shows("live")
	size := eval[[]float64](p, `[innerWidth, document.documentElement.scrollHeight]`)
	if height == 0 || height > size[1] {
		height = size[1]
	}
	res, err := chromedp.Call(p.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: new(true), Clip: &page.Viewport{Width: size[0], Height: height, Scale: 1},
	})
	p.check(err)
	data, err := compress(res.Data)
	p.check(err)
	if len(data) > maxPicture {
		p.Errorf("picture %s has %d bytes, and %d is the most", name, len(data), maxPicture)
	}
	p.check(os.WriteFile(filepath.Join(*pictures, name+".png"), data, 0o644))
}

// compress writes a picture with a palette of its most frequent colours: a page has
// few, and letters have shades.
func compress(data []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	b := from.Bounds()
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA {
		c := color.RGBAModel.Convert(from.At(x, y)).(color.RGBA)
		return color.RGBA{c.R &^ 7, c.G &^ 7, c.B &^ 7, 255}
	}
	exact := map[color.RGBA]color.RGBA{} // the first true colour of each step
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			if count[c]++; count[c] == 1 {
				exact[c] = color.RGBAModel.Convert(from.At(x, y)).(color.RGBA)
			}
		}
	}
	order := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return (int(a.R)-int(b.R))<<16 + (int(a.G)-int(b.G))<<8 + int(a.B) - int(b.B)
	})
	var palette color.Palette
	for _, c := range order[:min(len(order), 255)] {
		palette = append(palette, exact[c])
	}
	index := map[color.RGBA]uint8{}
	to := image.NewPaletted(b, palette)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := at(x, y)
			i, ok := index[c]
			if !ok {
				i = uint8(palette.Index(exact[c]))
				index[c] = i
			}
			to.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to)
	return out.Bytes(), err
}
