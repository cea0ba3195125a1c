package main

import (
	"fmt"
	"time"
)

// The messages of proto/, as far as this client reads them. The numbers are those of their fields.

// Delivery is an event, or a marker in place of the events from first to last.
type Delivery struct {
	Room, ID          string
	Seq, First, Last  uint64
	At                uint64 // microseconds since the Unix epoch
	Text              string
	IsMarker, Replays bool
}

// Welcome opens a stream.
type Welcome struct {
	Epoch, HelloID, WindowMessages, WindowBytes uint64
	Interval                                    time.Duration
	Log                                         string
	Rewound                                     bool
	Gateways                                    []string
}

// Refusal is an error that chatd answers.
type Refusal struct {
	Code, HelloID uint64
	Name, Message string
	Retry         bool
	After         time.Duration
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%d %s: %s", r.Code, r.Name, harmless(r.Message))
}

// Closed ends a stream.
type Closed struct {
	Refusal
	HelloID  uint64
	Gateways []string
}

// Reply answers a call.
type Reply struct {
	CallID  uint64
	Payload []byte
	Error   *Refusal
}

// ServerFrame has one of these; all are empty in one of another kind.
type ServerFrame struct {
	Deliveries []Delivery
	Welcome    *Welcome
	Reply      *Reply
	Closed     *Closed
	Error      *Refusal
}

func parseServerFrame(frame []byte) (f ServerFrame, err error) {
	err = each(frame, func(number, _ uint64, body []byte) (err error) {
		switch number {
		case 1:
			var one Delivery
			one, err = parseDelivery(body)
			f.Deliveries = append(f.Deliveries, one)
		case 2:
			f.Welcome, err = parseWelcome(body)
		case 4:
			f.Reply, err = parseReply(body)
		case 5:
			f.Closed, err = parseClosed(body)
		case 6:
			f.Error, err = parseRefusal(body)
		}
		return err
	})
	return f, err
}

func parseDelivery(message []byte) (d Delivery, err error) {
	err = each(message, func(number, value uint64, body []byte) error {
		switch number {
		case 1:
			return each(body, func(number, value uint64, body []byte) error {
				switch number {
				case 1:
					d.ID = string(body)
				case 2:
					d.Room = string(body)
				case 3:
					d.Seq = value
				case 6:
					d.At = value
				}
				return nil
			})
		case 3:
			return each(body, func(number, _ uint64, entry []byte) (err error) {
				key, text, err := parseEntry(entry)
				if key == "text" {
					d.Text = text
				}
				return err
			})
		case 6:
			d.IsMarker = true
			return each(body, func(number, value uint64, _ []byte) error {
				switch number {
				case 1:
					d.First = value
				case 2:
					d.Last = value
				}
				return nil
			})
		case 7:
			d.Replays = value != 0
		}
		return nil
	})
	return d, err
}

// parseEntry reads an entry of a Struct whose value is a string; others have an empty one.
func parseEntry(message []byte) (key, text string, err error) {
	err = each(message, func(number, _ uint64, body []byte) error {
		if number == 1 {
			key = string(body)
			return nil
		}
		return each(body, func(number, _ uint64, body []byte) error {
			if number == 3 {
				text = string(body)
			}
			return nil
		})
	})
	return key, text, err
}

func parseWelcome(message []byte) (*Welcome, error) {
	w := &Welcome{}
	return w, each(message, func(number, value uint64, body []byte) error {
		switch number {
		case 1:
			w.Epoch = value
		case 4:
			w.Interval = time.Duration(value) * time.Millisecond
		case 5:
			w.WindowMessages = value
		case 6:
			w.WindowBytes = value
		case 10:
			w.Gateways = append(w.Gateways, string(body))
		case 11:
			w.Log = string(body)
		case 12:
			w.Rewound = value != 0
		case 30:
			w.HelloID = value
		}
		return nil
	})
}

func parseRefusal(message []byte) (*Refusal, error) {
	r := &Refusal{}
	return r, each(message, func(number, value uint64, body []byte) error {
		switch number {
		case 1:
			r.Code = value
		case 2:
			r.Name = string(body)
		case 3:
			r.Message = string(body)
		case 4:
			r.Retry = value != 0
		case 5:
			r.After = time.Duration(value) * time.Millisecond
		case 30:
			r.HelloID = value
		}
		return nil
	})
}

func parseClosed(message []byte) (*Closed, error) {
	c := &Closed{}
	return c, each(message, func(number, value uint64, body []byte) error {
		switch number {
		case 1:
			refusal, err := parseRefusal(body)
			c.Refusal = *refusal
			return err
		case 2:
			c.Gateways = append(c.Gateways, string(body))
		case 30:
			c.HelloID = value
		}
		return nil
	})
}

func parseReply(message []byte) (*Reply, error) {
	r := &Reply{}
	return r, each(message, func(number, value uint64, body []byte) (err error) {
		switch number {
		case 1:
			r.CallID = value
		case 2:
			r.Payload = body
		case 3:
			r.Error, err = parseRefusal(body)
		}
		return err
	})
}

// callFrame is a ClientFrame that calls a method; empty strings are left out.
func callFrame(id uint64, method string, request []byte, token, room, requestID string) []byte {
	call := Fields{}.Int(1, id).Text(2, method).Bytes(3, request).Text(4, token).Text(6, room).Text(20, requestID)
	return Fields{}.Bytes(5, call)
}
