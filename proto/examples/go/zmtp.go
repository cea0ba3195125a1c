package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
)

const (
	mostOctets  = 16 << 20 // of one frame; the limits of PROTOCOL.md, section 5, are far below
	longestSend = 5 * time.Second
)

// Conn is a DEALER's connection: ZMTP 3.0 with the mechanism NULL (PROTOCOL.md, section 1).
type Conn struct {
	tcp net.Conn
	in  *bufio.Reader
}

// Dial connects, and has shaken hands when it returns. ctx bounds both.
func Dial(ctx context.Context, address string) (*Conn, error) {
	to, err := url.Parse(address)
	if err != nil || to.Scheme != "tcp" || to.Fragment != "" {
		return nil, fmt.Errorf("not an address that this client speaks to: %s", address)
	}
	tcp, err := new(net.Dialer).DialContext(ctx, "tcp", to.Host)
	if err != nil {
		return nil, err
	}
	c := &Conn{tcp: tcp, in: bufio.NewReader(tcp)}
	shaken := make(chan error, 1)
	go func() { shaken <- c.shakeHands() }()
	select {
	case err = <-shaken:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		tcp.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) shakeHands() error {
	opening := make([]byte, 64, 94)
	copy(opening, "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x00NULL")
	opening = append(opening, "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"...)
	if _, err := c.tcp.Write(opening); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.in, make([]byte, 64)); err != nil {
		return err
	}
	_, isCommand, err := c.read()
	if err == nil && !isCommand {
		err = fmt.Errorf("a message comes before READY")
	}
	return err
}

func (c *Conn) read() (body []byte, isCommand bool, err error) {
	flags, err := c.in.ReadByte()
	if err != nil {
		return nil, false, err
	}
	var size uint64
	if flags&2 != 0 {
		err = binary.Read(c.in, binary.BigEndian, &size)
	} else {
		var octet byte
		octet, err = c.in.ReadByte()
		size = uint64(octet)
	}
	if err == nil && size > mostOctets {
		err = fmt.Errorf("a frame has %d octets", size)
	}
	if err != nil {
		return nil, false, err
	}
	body = make([]byte, size)
	_, err = io.ReadFull(c.in, body)
	return body, flags&4 != 0, err
}

// Receive waits for the next message; commands are passed over.
func (c *Conn) Receive() ([]byte, error) {
	for {
		if body, isCommand, err := c.read(); err != nil || !isCommand {
			return body, err
		}
	}
}

// Send says one message. A gateway that reads nothing for longestSend is as good as gone.
func (c *Conn) Send(body []byte) error {
	if err := c.tcp.SetWriteDeadline(time.Now().Add(longestSend)); err != nil {
		return err
	}
	head := make([]byte, 9, 9+len(body))
	head[0] = 2
	binary.BigEndian.PutUint64(head[1:], uint64(len(body)))
	_, err := c.tcp.Write(append(head, body...))
	return err
}

// Close hangs up; a Receive that waits ends with an error.
func (c *Conn) Close() { c.tcp.Close() }
