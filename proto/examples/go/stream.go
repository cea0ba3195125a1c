package main

import (
	"context"
	"strings"
	"time"
)

const (
	welcomeTime = 5 * time.Second
	byeTime     = time.Second
	ackDelay    = 50 * time.Millisecond
	version     = 1
)

// Stream is the loop of "Write a client" in PROTOCOL.md: one device's stream, for as long as it may
// live.
type Stream struct {
	Token, Device, File string
	State               *State
	Gateways            []string // the first is the next to try
	Show                func(Delivery)
	ShowLost            func(room string, head, shown uint64)

	helloID, ordinal uint64 // of the last Hello
	overtaken        bool   // a Hello was refused for its ordinal (H10), and there was no Welcome since
	lost             lost
	replays          map[place]uint64 // shown and not acknowledged: their counts (R8)
}

type place struct {
	room string
	seq  uint64
}

// Run goes on until ctx is done, or until there is an error after which it must not come again.
func (s *Stream) Run(ctx context.Context) error {
	s.replays = map[place]uint64{}
	for pause := firstPause; ; pause = longer(pause) {
		tried := s.Gateways[0]
		c := &connection{Stream: s}
		after, err := c.follow(ctx)
		if err != nil || ctx.Err() != nil {
			return err
		}
		if c.isGood() {
			pause = firstPause
		}
		if s.Gateways[0] == tried { // no Closed has named another
			s.Gateways = append(s.Gateways[1:], tried)
		}
		wait := byChance(pause, 0.5, 1) // H7
		if after = byChance(after, 1, 1.2); wait < after {
			wait = after
		}
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// know adds a gateway, as the next to try if isNext. One with a key needs CURVE, which is not here.
func (s *Stream) know(address string, isNext bool) {
	others := []string{}
	for _, one := range s.Gateways {
		if one != address {
			others = append(others, one)
		}
	}
	switch {
	case strings.Contains(address, "#"):
	case isNext:
		s.Gateways = append([]string{address}, others...)
	case len(others) == len(s.Gateways):
		s.Gateways = append(s.Gateways, address)
	}
}

// hello is the next Hello.
func (s *Stream) hello() []byte {
	s.helloID++
	s.ordinal++
	if now := uint64(time.Now().UnixMilli()); now > s.ordinal { // H10
		s.ordinal = now
	}
	hello := Fields{}.Text(1, s.Token).Text(3, s.Device).Int(6, version).Text(7, "Go example").Int(30, s.helloID)
	hello = hello.Int(9, 1) // signals, which it passes over
	if !s.overtaken {
		hello = hello.Int(13, s.ordinal)
	}
	if newest := s.State.Newest; newest != nil { // L3
		shown := Fields{}.Text(1, s.State.Log).Text(2, newest.Room).Int(3, newest.Seq).Text(4, newest.ID)
		hello = hello.Bytes(11, shown)
	}
	return Fields{}.Bytes(1, hello)
}

// welcomed begins anew if it is another log.
func (s *Stream) welcomed(w *Welcome) {
	if (s.State.Log != "" && s.State.Log != w.Log) || w.Rewound { // L2, L5
		s.lost.addAll(s.State.Shown)
		s.State = newState()
		s.replays = map[place]uint64{}
	}
	s.State.Log = w.Log
	s.overtaken = false
	for _, one := range w.Gateways { // T9
		s.know(one, false)
	}
}

// take shows a delivery, unless it was shown before. count is its number on this connection.
func (s *Stream) take(d Delivery, count uint64) {
	if d.Replays { // R8
		at := place{d.Room, d.Seq}
		if s.replays[at] == 0 {
			s.Show(d)
		}
		s.replays[at] = count
	} else if d.Seq > s.State.Shown[d.Room].Seq { // O3
		s.Show(d)
		s.State.showed(d)
	}
}
