package page_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast holds the colours of the page to WCAG 2.2 AA, light and dark: 4.5 to 1
// for texts, 3 to 1 for what is only looked at.
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, _ := strings.Cut(string(css), "prefers-color-scheme: dark")
	dark, _, _ := strings.Cut(rest, "\n}\n")
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		colors := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(text, -1) {
			colors[m[1]] = luminance(t, m[2])
		}
		for _, pair := range []struct {
			on, ground string
			least      float64
		}{
			{"text", "ground", 4.5},
			{"text", "card", 4.5},
			{"text", "code", 4.5},
			{"soft", "ground", 4.5},
			{"soft", "card", 4.5},
			{"link", "ground", 4.5},
			{"link", "card", 4.5},
			{"link", "code", 4.5},
			{"ok", "card", 4.5},
			{"ok", "ok-ground", 4.5},
			{"busy", "card", 4.5},
			{"busy", "busy-ground", 4.5},
			{"wait", "card", 4.5},
			{"wait", "wait-ground", 4.5},
			{"bad", "card", 4.5},
			{"bad", "bad-ground", 4.5},
			{"calm", "card", 3},
			{"calm", "calm-ground", 4.5},
		} {
			a, okA := colors[pair.on]
			b, okB := colors[pair.ground]
			if !okA || !okB {
				t.Fatalf("%s: there is no --%s or no --%s", scheme, pair.on, pair.ground)
			}
			if got := (max(a, b) + 0.05) / (min(a, b) + 0.05); got < pair.least {
				t.Errorf("%s: --%s on --%s is %.2f to 1, want %.1f", scheme, pair.on, pair.ground, got, pair.least)
			}
		}
	}
}

// luminance is the relative luminance of a colour in sRGB.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
