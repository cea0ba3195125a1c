package main

import (
	"context"
	"time"
)

// connection is one of a stream's connections, from its Hello to its end.
type connection struct {
	*Stream
	conn              *Conn
	welcome           *Welcome
	count, acked      uint64 // deliveries
	size              uint64 // octets of deliveries since the last Ack
	unackedSince      time.Time
	began             time.Time
	heard, said, beat time.Time
}

// isGood is true if the stream brought a delivery or lasted (H7).
func (c *connection) isGood() bool {
	return c.count > 0 || (c.welcome != nil && time.Since(c.began) >= lastPause)
}

// follow returns when the connection has ended: with an error if the stream must not come again,
// else with the time before which it must not.
func (c *connection) follow(ctx context.Context) (after time.Duration, err error) {
	c.began = time.Now()
	c.heard, c.said, c.beat = c.began, c.began, c.began
	dialling, cancel := context.WithTimeout(ctx, welcomeTime)
	defer cancel()
	if c.conn, err = Dial(dialling, c.Gateways[0]); err != nil {
		return 0, nil // come again
	}
	frames, done := make(chan []byte), make(chan struct{})
	defer close(done)
	defer c.conn.Close()
	go receive(c.conn, frames, done)
	c.say(c.hello())
	ticker := time.NewTicker(ackDelay)
	defer ticker.Stop()
	var hurry <-chan time.Time // after the Bye
	ending := ctx.Done()
	for {
		select {
		case frame, isOpen := <-frames:
			if !isOpen {
				return 0, nil
			}
			if after, hasEnded, err := c.onFrame(frame); hasEnded || err != nil {
				return after, err
			}
			c.heard = time.Now() // being busy with a frame is no silence
		case <-ticker.C:
			if c.isSilent() {
				return 0, nil
			}
			c.tick()
		case <-ending:
			if c.welcome == nil {
				return 0, nil
			}
			c.acknowledge() // H8
			c.say(Fields{}.Bytes(4, Fields{}.Int(30, c.welcome.Epoch)))
			ending, hurry = nil, time.After(byeTime)
		case <-hurry:
			return 0, nil
		}
	}
}

// receive passes frames on until the connection ends, or nobody wants them any more.
func receive(conn *Conn, frames chan<- []byte, done <-chan struct{}) {
	defer close(frames)
	for {
		frame, err := conn.Receive()
		if err != nil {
			return
		}
		select {
		case frames <- frame:
		case <-done:
			return
		}
	}
}

func (c *connection) say(frame []byte) {
	c.said = time.Now()
	_ = c.conn.Send(frame) // if it has ended, receive notices
}

func (c *connection) isSilent() bool { // H3
	longest := welcomeTime
	if c.welcome != nil {
		longest = 3 * c.welcome.Interval
	}
	return time.Since(c.heard) > longest
}

func (c *connection) tick() {
	if c.welcome == nil {
		return
	}
	if c.count > c.acked && time.Since(c.unackedSince) >= ackDelay {
		c.acknowledge()
	}
	quiet := c.heard
	if c.beat.After(quiet) {
		quiet = c.beat
	}
	if c.said.Before(quiet) {
		quiet = c.said
	}
	if time.Since(quiet) >= c.welcome.Interval/2 { // H1, H2
		c.beat = time.Now()
		c.say(Fields{}.Bytes(3, Fields{}.Int(1, 1)))
	}
}

// acknowledge says how far it has got (W1). What it says is on disk.
func (c *connection) acknowledge() {
	if c.count == c.acked {
		return
	}
	c.acked, c.size = c.count, 0
	c.say(Fields{}.Bytes(2, Fields{}.Int(1, c.acked).Int(30, c.welcome.Epoch)))
	for at, count := range c.replays {
		if count <= c.acked {
			delete(c.replays, at)
		}
	}
}

func (c *connection) onFrame(frame []byte) (after time.Duration, hasEnded bool, err error) {
	got, err := parseServerFrame(frame)
	if err != nil {
		return 0, true, nil // connect again
	}
	switch {
	case len(got.Deliveries) > 0 && c.welcome != nil:
		err = c.onDeliveries(got.Deliveries, uint64(len(frame)))
	case got.Welcome != nil && got.Welcome.HelloID == c.helloID: // I2
		c.welcome = got.Welcome
		c.welcomed(got.Welcome)
		c.ask()
	case got.Closed != nil:
		return c.onClosed(got.Closed)
	case got.Error != nil && got.Error.HelloID == c.helloID: // others refuse a frame of many
		return c.onRefused(got.Error)
	case got.Reply != nil:
		c.onLost(got.Reply)
	}
	return 0, false, err
}

func (c *connection) onDeliveries(deliveries []Delivery, size uint64) error {
	if c.count == c.acked {
		c.unackedSince = time.Now()
	}
	for _, one := range deliveries {
		c.count++ // W1
		c.take(one, c.count)
	}
	if err := c.State.save(c.File); err != nil { // D1
		return err
	}
	c.size += size
	if 4*(c.count-c.acked) >= c.welcome.WindowMessages || 4*c.size >= c.welcome.WindowBytes { // W4
		c.acknowledge()
	}
	return nil
}

func (c *connection) onClosed(closed *Closed) (time.Duration, bool, error) {
	isOfAnother := closed.HelloID != 0 && closed.HelloID != c.helloID                 // I2
	isOfEarlierFrame := closed.HelloID == 0 && closed.Code == 104 && c.welcome == nil // I3
	if isOfAnother || isOfEarlierFrame {
		return 0, false, nil
	}
	for _, one := range closed.Gateways { // H6
		c.know(one, true)
	}
	if closed.Code == 0 {
		return 0, true, nil // the answer to a Bye
	}
	return c.onRefused(&closed.Refusal)
}

func (c *connection) onRefused(refusal *Refusal) (time.Duration, bool, error) { // E1, E5
	if !refusal.Retry {
		return 0, true, refusal
	}
	c.overtaken = c.overtaken || refusal.Code == 609
	return refusal.After, true, nil
}
