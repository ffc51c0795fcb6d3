package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// forecast is the report of the weather station.
func forecast(r *rand.Rand) string {
	return fmt.Sprintf("Bergen: %d °C, %s, wind %d m/s from the %s, %d hPa.", r.IntN(19)-4,
		pick(r, []string{"rain", "light rain", "heavy rain", "showers", "fog", "snow", "clear for once"}), r.IntN(17),
		pick(r, []string{"west", "south-west", "north", "north-west"}), 985+r.IntN(40))
}

var (
	openings = []string{
		"Good morning", "I was thinking", "By the way", "As we said", "One more thing", "Just so you know", "About yesterday", "Tell me",
	}
	middles = []string{
		"the node on the ridge heard 14 others tonight", "the battery should last until spring", "there is a new path over the lake",
		"we could try the longer antenna", "somebody announced from the island", "the snow is gone from the mast", "the meeting is on Tuesday",
		"I found the old frequency plan", "the relay lost two packets of a thousand", "the coffee machine is broken again",
		"the solar panel gives 11 W at noon", "the new firmware runs since Friday",
	}
	endings = []string{"", "", "", " Do you agree?", " 73", " 🙂", " What do you say?", " I will check tonight.", " Nothing urgent."}
	replies = []string{
		"That is good to know.", "Really? I did not expect that.", "Let us talk about it on Tuesday.", "Thanks for telling me!",
		"I am on the hill, and it works from here.", "Agreed.", "Tell me more.", "I have written it down.", "Ha, same here.",
		"The path to you was quick today.",
	}
)

// sentence is something people on such a network say.
func sentence(r *rand.Rand) string {
	return pick(r, openings) + ": " + pick(r, middles) + "." + pick(r, endings)
}

// chatter is a short or, now and then, longer text.
func chatter(r *rand.Rand) string {
	switch n := r.IntN(12); {
	case n < 3:
		return pick(r, replies)
	case n < 10:
		return sentence(r)
	}
	var b strings.Builder
	for range 2 + r.IntN(5) {
		b.WriteString(sentence(r))
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}
