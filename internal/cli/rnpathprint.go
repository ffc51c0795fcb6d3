package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/msgpack"
)

// printTable prints paths, sorted by interface and distance.
func (c rnpathCommand) printTable(env *Environment, table []control.PathEntry, only *rns.Addr) error {
	table = slices.DeleteFunc(table, func(e control.PathEntry) bool { return only != nil && e.Hash != *only })
	slices.SortStableFunc(table, func(a, b control.PathEntry) int {
		return cmp.Or(strings.Compare(a.Interface, b.Interface), cmp.Compare(a.Hops, b.Hops))
	})
	if c.JSON {
		return printTableJSON(env, control.AppendPathTable(nil, table))
	}
	if only != nil && len(table) == 0 {
		return failf("No path known")
	}
	for _, e := range table {
		unit := "hops"
		if e.Hops == 1 {
			unit = "hop "
		}
		if _, err := fmt.Fprintf(env.Stdout, "%s is %d %s away via %s on %s expires %s\n",
			pretty(e.Hash), e.Hops, unit, pretty(e.Via), e.Interface, e.Expires.Format(time.DateTime)); err != nil {
			return err
		}
	}
	return nil
}

// printTableJSON prints an encoded table, with byte strings as hexadecimal text.
func printTableJSON(env *Environment, encoded []byte) error {
	v, _, err := msgpack.Parse(encoded, msgpack.Limits{Depth: 8, Values: math.MaxInt32})
	if err != nil {
		return err
	}
	return printJSON(env.Stdout, plainValue(v))
}

// printRates prints how often destinations announce themselves, the one heard longest ago first.
func (c rnpathCommand) printRates(env *Environment, table []control.RateEntry, only *rns.Addr) error {
	table = slices.DeleteFunc(table, func(e control.RateEntry) bool { return only != nil && e.Hash != *only })
	slices.SortStableFunc(table, func(a, b control.RateEntry) int { return a.Last.Compare(b.Last) })
	if c.JSON {
		return printTableJSON(env, control.AppendRateTable(nil, table))
	}
	if len(table) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "No information available")
		if only != nil {
			return &failure{code: exitFailure}
		}
		return err
	}
	now := time.Now()
	for _, e := range table {
		first := e.Last
		if len(e.Timestamps) > 0 {
			first = e.Timestamps[0]
		}
		span := max(now.Sub(first), time.Hour)
		text := fmt.Sprintf("%s last heard %s ago, %v announces/hour in the last %s",
			pretty(e.Hash), sinceText(now.Sub(e.Last)), math.Round(1000*float64(len(e.Timestamps))/span.Hours())/1000, sinceText(now.Sub(first)))
		if e.Violations > 0 {
			text += ", " + plural(e.Violations, "active rate violation", "active rate violations")
		}
		if e.BlockedUntil.After(now) {
			text += ", new announces allowed in " + sinceText(e.BlockedUntil.Sub(now))
		}
		if _, err := fmt.Fprintln(env.Stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// sinceText is a time in its largest unit.
func sinceText(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d < time.Minute:
		return plural(int(max(0, d)/time.Second), "second", "seconds")
	case d < 2*time.Hour:
		return plural(int(d/time.Minute), "minute", "minutes")
	case d < day:
		return plural(int(d/time.Hour), "hour", "hours")
	case d < 7*day:
		return plural(int(d/day), "day", "days")
	case d < 31*day:
		return plural(int(d/(7*day)), "week", "weeks")
	case d < 365*day:
		return plural(int(d/(30*day)), "month", "months")
	}
	return plural(int(d/(365*day)), "year", "years")
}

// maxReason is how much of a reason is shown.
const maxReason = 64

func (c rnpathCommand) printBlackholed(env *Environment, list []control.BlackholeEntry, filter string) error {
	now := time.Now()
	var lines []string
	shown := list[:0:0]
	for _, e := range list {
		text := pretty(e.Identity) + " blackholed indefinitely"
		if !e.Until.IsZero() {
			text = pretty(e.Identity) + " blackholed for " + durationText(max(0, e.Until.Sub(now)).Round(10*time.Millisecond))
		}
		if reason := []rune(strings.ToValidUTF8(e.Reason, "\ufffd")); len(reason) > maxReason {
			text += " (" + string(reason[:maxReason-1]) + "…)"
		} else if len(reason) > 0 {
			text += " (" + string(reason) + ")"
		}
		if !e.Source.IsZero() {
			text += " by " + pretty(e.Source)
		}
		if strings.Contains(text, filter) {
			lines, shown = append(lines, text), append(shown, e)
		}
	}
	if c.JSON {
		return printTableJSON(env, control.AppendBlackhole(nil, shown))
	}
	if len(list) == 0 {
		_, _ = fmt.Fprintln(env.Stdout, "No blackholed identity data available")
		return &failure{code: exitBadRemote}
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(env.Stdout, l); err != nil {
			return err
		}
	}
	return nil
}
