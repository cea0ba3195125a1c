package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

const (
	answerTime = 5 * time.Second
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Caller makes calls, each on a connection of its own.
type Caller struct{ Address, Token string }

// Send stores a text as an event of its own, once, and returns its seq.
func (c Caller) Send(ctx context.Context, room, text string) (seq uint64, err error) {
	value := Fields{}.Bytes(3, []byte(text))
	payload := Fields{}.Bytes(1, Fields{}.Text(1, "text").Bytes(2, value))
	event := Fields{}.Text(1, newID()).Text(2, room).Int(3, 1).Bytes(4, payload)
	answer, err := c.call(ctx, "ChatService/SendEvents", room, "", Fields{}.Bytes(1, event))
	if err != nil {
		return 0, err
	}
	err = each(answer, func(number, _ uint64, ack []byte) error {
		if number != 1 {
			return nil
		}
		return each(ack, func(number, value uint64, _ []byte) error {
			if number == 3 {
				seq = value
			}
			return nil
		})
	})
	return seq, err
}

// CreateRoom creates a room with these members, once.
func (c Caller) CreateRoom(ctx context.Context, room string, profiles []string) error {
	request := Fields{}.Text(1, room)
	for _, one := range profiles {
		request = request.Text(3, one)
	}
	_, err := c.call(ctx, "ChatService/CreateRoom", room, newID(), request)
	return err
}

// call repeats a call, byte by byte, until there is an answer that is final (C5, C6, C7).
func (c Caller) call(ctx context.Context, method, room, requestID string, request []byte) ([]byte, error) {
	frame := callFrame(1, method, request, c.Token, room, requestID)
	for pause := firstPause; ; pause = longer(pause) {
		reply, err := c.attempt(ctx, frame)
		after := time.Duration(0)
		if err == nil {
			if reply.Error == nil {
				return reply.Payload, nil
			}
			if !reply.Error.Retry {
				return nil, reply.Error
			}
			after = reply.Error.After
		}
		if after < pause {
			after = pause
		}
		if !sleep(ctx, byChance(after, 1, 1.2)) {
			return nil, ctx.Err()
		}
	}
}

func (c Caller) attempt(ctx context.Context, frame []byte) (*Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime) // C4
	defer cancel()
	conn, err := Dial(ctx, c.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	go func() {
		<-ctx.Done()
		conn.Close() // Receive ends
	}()
	if err := conn.Send(frame); err != nil {
		return nil, err
	}
	for {
		body, err := conn.Receive()
		if err != nil {
			return nil, fmt.Errorf("no answer: %w", err)
		}
		got, err := parseServerFrame(body)
		if err != nil {
			return nil, err
		}
		if got.Reply != nil && got.Reply.CallID == 1 {
			return got.Reply, nil
		}
	}
}

// newID has 128 random bits (C9).
func newID() string {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	return hex.EncodeToString(id)
}
