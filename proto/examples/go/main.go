// A small client of the standard library alone: rooms, sends, and a stream that goes on after any
// end.
//
//	client room ROOM [PROFILE…] · client send ROOM TEXT… · client stream DEVICE STATEFILE
package main

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"
)

func main() {
	rand.Seed(time.Now().UnixNano())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	address, isSet := os.LookupEnv("CHATD_URI")
	if !isSet {
		address = "tcp://127.0.0.1:7400"
	}
	caller := Caller{address, os.Getenv("CHATD_TOKEN")}
	words := os.Args[1:]
	var err error
	switch {
	case len(words) == 3 && words[0] == "stream":
		err = stream(ctx, caller, words[1], words[2])
	case len(words) >= 3 && words[0] == "send":
		err = send(ctx, caller, words[1], words[2:])
	case len(words) >= 2 && words[0] == "room":
		err = createRoom(ctx, caller, words[1], words[2:])
	default:
		fmt.Fprintln(os.Stderr, "client room ROOM [PROFILE…] | send ROOM TEXT… | stream DEVICE STATEFILE")
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func stream(ctx context.Context, caller Caller, device, file string) error {
	state, err := loadState(file)
	if err != nil {
		return err
	}
	s := &Stream{
		Token: caller.Token, Device: device, File: file, State: state, Gateways: []string{caller.Address},
		Show: show, ShowLost: showLost,
	}
	return s.Run(ctx)
}

func send(ctx context.Context, caller Caller, room string, texts []string) error {
	for _, text := range texts { // C11: one after the other
		seq, err := caller.Send(ctx, room, text)
		if err != nil {
			return err
		}
		fmt.Printf("sent\t%s\t%d\n", room, seq)
	}
	return nil
}

func createRoom(ctx context.Context, caller Caller, room string, profiles []string) error {
	if err := caller.CreateRoom(ctx, room, profiles); err != nil {
		return err
	}
	fmt.Printf("room\t%s\n", room)
	return nil
}

func show(d Delivery) {
	switch {
	case d.IsMarker:
		fmt.Printf("marker\t%s\t%d\t%d\n", d.Room, d.First, d.Last)
	case d.Replays:
		fmt.Printf("replay\t%s\t%d\t%s\n", d.Room, d.Seq, harmless(d.Text))
	default:
		fmt.Printf("event\t%s\t%d\t%s\n", d.Room, d.Seq, harmless(d.Text))
	}
}

func showLost(room string, head, shown uint64) {
	fmt.Fprintf(os.Stderr, "%s went back from %d to %d\n", room, shown, head)
}

// harmless has a ? for what may harm a terminal (PROTOCOL.md, section 5).
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029',
			r >= '\u206a' && r <= '\u206f', r >= '\ufff9' && r <= '\ufffb':
			return '?'
		}
		return r
	}, text)
}
