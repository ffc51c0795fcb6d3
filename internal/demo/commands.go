package demo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// command is something a simulated person does when told to.
type command struct {
	word, args, help string
	run              func(p *peer, ctx context.Context, to rns.Addr, args string)
}

// Bounds of what commands do.
const (
	maxFlood  = 500
	maxFile   = 8_000_000
	maxLater  = time.Hour
	floodGap  = 15 * time.Millisecond
	typicalKB = 200
)

func commands() []command {
	return []command{
		{"/help", "", "this list", (*peer).help},
		{"/say", "TEXT", "say TEXT and nothing else", (*peer).say},
		{"/later", "SECONDS [TEXT]", "answer after so many seconds", (*peer).later},
		{"/flood", "N", "N messages at once", (*peer).flood},
		{"/image", "", "a picture", (*peer).image},
		{"/file", "[KB]", "a file of so many kilobytes", (*peer).file},
		{"/voice", "[SECONDS]", "a (silent) voice message", (*peer).voice},
		{"/long", "", "a long text", (*peer).long},
		{"/announce", "", "announce myself", (*peer).announce},
	}
}

// Help describes the commands that friends know, one line each.
func Help() string {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "%s: %s\n", strings.TrimSpace(c.word+" "+c.args), c.help)
	}
	return strings.TrimSpace(b.String())
}

// obey does what a message beginning with a slash says.
func (p *peer) obey(ctx context.Context, to rns.Addr, word, args string) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.word == word })
	if i < 0 {
		p.send(to, "I do not know "+word+". What I know:\n"+Help())
		return
	}
	all[i].run(p, ctx, to, args)
}

func (p *peer) help(_ context.Context, to rns.Addr, _ string) { p.send(to, "What I can do:\n"+Help()) }

func (p *peer) say(_ context.Context, to rns.Addr, args string) { p.send(to, args) }

func (p *peer) later(ctx context.Context, to rns.Addr, args string) {
	first, text, _ := strings.Cut(args, " ")
	wait := min(time.Duration(number(first, 5))*time.Second, maxLater)
	if text == "" {
		text = fmt.Sprintf("This is %v later.", wait)
	}
	if pause(ctx, wait) {
		p.send(to, text)
	}
}

func (p *peer) flood(ctx context.Context, to rns.Addr, args string) {
	n := min(number(args, 50), maxFlood)
	r := p.world.seed.chance("flood")
	for i := range n {
		p.send(to, fmt.Sprintf("%d of %d: %s", i+1, n, sentence(r)))
		if !pause(ctx, floodGap) {
			return
		}
	}
}

func (p *peer) image(_ context.Context, to rns.Addr, args string) {
	p.send(to, "", put(photo(p.world.seed.chance("image "+args), "view.jpg", 960, 640)))
}

func (p *peer) file(_ context.Context, to rns.Addr, args string) {
	data := make([]byte, min(number(args, typicalKB)*1000, maxFile))
	_, _ = p.world.seed.stream("file").Read(data) // never fails
	p.send(to, "Here you are.", put(document("noise.bin", "application/octet-stream", data)))
}

func (p *peer) voice(_ context.Context, to rns.Addr, args string) {
	p.send(to, "", put(recording(time.Duration(min(number(args, 5), 120))*time.Second)))
}

func (p *peer) long(_ context.Context, to rns.Addr, _ string) { p.send(to, guide) }

func (p *peer) announce(ctx context.Context, to rns.Addr, _ string) {
	if err := p.router.Announce(ctx); err != nil {
		p.send(to, "I could not: "+err.Error())
		return
	}
	p.send(to, "Done.", func(*lxmf.Fields) {})
}

// number reads a number, or takes the usual one.
func number(s string, usual int) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 {
		return usual
	}
	return n
}
