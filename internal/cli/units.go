package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var prefixes = []string{"", "K", "M", "G", "T", "P", "E", "Z"}

// scaled prints a number with a prefix of its unit, in steps of 1000.
func scaled(n float64, unit, plain, scaledForm string) string {
	for _, p := range prefixes {
		if math.Abs(n) < 1000 {
			if p == "" {
				return fmt.Sprintf(plain+" %s", n, unit)
			}
			return fmt.Sprintf(scaledForm+" %s%s", n, p, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf(scaledForm+" Y%s", n, unit)
}

// sizeText prints a number of bytes.
func sizeText(n float64) string { return scaled(n, "B", "%.0f", "%.2f") }

// speedText prints a number of bits per second.
func speedText(n float64) string { return scaled(n, "bps", "%.0f", "%.2f") }

// rateText prints the bitrate of an interface.
func rateText(n float64) string {
	return strings.Replace(scaled(n, "bps", "%.2f", "%.2f"), " K", " k", 1)
}

// frequencyText prints how often something happens.
func frequencyText(hz float64) string {
	if hz == 0 {
		return "0 Hz"
	}
	n, i := hz, 0
	for math.Abs(n) >= 1000 && i < len(prefixes)-1 {
		n, i = n/1000, i+1
	}
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', 1, 64) + " " + prefixes[i] + "Hz"
}

// durationText prints a time in days, hours, minutes and seconds.
func durationText(d time.Duration) string {
	if d < 0 {
		return "-" + durationText(-d)
	}
	var parts []string
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if n := d / u.size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d -= n * u.size
		}
	}
	if s := math.Round(d.Seconds()*100) / 100; s > 0 || len(parts) == 0 {
		parts = append(parts, strconv.FormatFloat(s, 'f', -1, 64)+"s")
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// plural prints a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
