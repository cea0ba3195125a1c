package main

import (
	"encoding/binary"
	"errors"
)

// As much of protobuf as this client needs. Where modules can be fetched, protoc-gen-go makes the
// messages of proto/ and google.golang.org/protobuf reads and writes them.

var errCut = errors.New("a message does not parse")

// Fields collects the fields of a message that is being made.
type Fields []byte

func (f Fields) tag(number, kind uint64) Fields { return binary.AppendUvarint(f, number<<3|kind) }

// Int adds an integer, an enum or a bool.
func (f Fields) Int(number, value uint64) Fields {
	return binary.AppendUvarint(f.tag(number, 0), value)
}

// Bytes adds octets, or a message that was made.
func (f Fields) Bytes(number uint64, value []byte) Fields {
	return append(binary.AppendUvarint(f.tag(number, 2), uint64(len(value))), value...)
}

// Text adds a string; an empty one is left out.
func (f Fields) Text(number uint64, value string) Fields {
	if value == "" {
		return f
	}
	return f.Bytes(number, []byte(value))
}

// each calls field for every field of a message: with its value if it is an integer, with its body
// if it is a string, octets or a message. Those of other types are passed over (V1).
func each(message []byte, field func(number, value uint64, body []byte) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errCut
		}
		message = message[n:]
		var value uint64
		var body []byte
		size := 0
		switch tag & 7 {
		case 0:
			value, size = binary.Uvarint(message)
		case 1:
			size = 8
		case 2:
			length, n := binary.Uvarint(message)
			if n <= 0 || length > uint64(len(message)-n) {
				return errCut
			}
			size = n + int(length)
			body = message[n:size]
		case 5:
			size = 4
		}
		if size <= 0 || size > len(message) {
			return errCut
		}
		message = message[size:]
		if tag&7 != 1 && tag&7 != 5 {
			if err := field(tag>>3, value, body); err != nil {
				return err
			}
		}
	}
	return nil
}
