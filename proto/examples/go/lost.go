package main

// The question what was lost, after a Welcome to another log (L7).

const mostMarks = 1_000 // of one call

// lost has what was shown of earlier logs, until chatd has said what of it is gone.
type lost struct {
	marks  map[string]Mark
	callID uint64
	asked  []string // rooms
}

func (l *lost) addAll(shown map[string]Mark) {
	if l.marks == nil {
		l.marks = map[string]Mark{}
	}
	for room, mark := range shown {
		l.marks[room] = mark
	}
}

// ask asks about as many rooms as go into a call.
func (c *connection) ask() {
	c.lost.asked = nil
	request := Fields{}
	for room, mark := range c.lost.marks {
		if len(c.lost.asked) == mostMarks {
			break
		}
		c.lost.asked = append(c.lost.asked, room)
		request = request.Bytes(1, Fields{}.Text(1, room).Int(2, mark.Seq).Text(3, mark.ID))
	}
	if len(c.lost.asked) == 0 {
		return
	}
	c.lost.callID++
	c.say(callFrame(c.lost.callID, "ChatService/FindRewound", request, "", "", ""))
}

// onLost shows the answer, and asks about the next rooms. An error that passes leaves the question
// to the next connection.
func (c *connection) onLost(reply *Reply) {
	if reply.CallID != c.lost.callID || (reply.Error != nil && reply.Error.Retry) {
		return
	}
	for _, room := range c.lost.asked {
		delete(c.lost.marks, room)
	}
	_ = each(reply.Payload, func(number, _ uint64, body []byte) error {
		var room string
		var head, shown uint64
		err := each(body, func(number, value uint64, body []byte) error {
			switch number {
			case 1:
				room = string(body)
			case 2:
				head = value
			case 3:
				shown = value
			}
			return nil
		})
		if number == 1 && err == nil {
			c.ShowLost(room, head, shown)
		}
		return nil
	})
	c.ask()
}
