package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// Mark is the last event, or marker, that was shown of a room.
type Mark struct {
	Seq uint64 `json:"seq"`
	ID  string `json:"id"` // empty: it was a marker
}

// Newest is the newest event of all rooms that was shown.
type Newest struct {
	Room string `json:"room"`
	Seq  uint64 `json:"seq"`
	ID   string `json:"id"`
	At   uint64 `json:"at"`
}

// State is what a device keeps on disk (PROTOCOL.md, D2): all of it belongs to one log.
type State struct {
	Log    string          `json:"log"`
	Shown  map[string]Mark `json:"shown"`
	Newest *Newest         `json:"newest"`
}

func newState() *State { return &State{Shown: map[string]Mark{}} }

// loadState is an empty state if there is no file.
func loadState(file string) (*State, error) {
	kept, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(), nil
	}
	if err != nil {
		return nil, err
	}
	state := newState()
	return state, json.Unmarshal(kept, state)
}

// save has it on disk when it returns (D1).
func (s *State) save(file string) error {
	kept, err := json.Marshal(s)
	if err != nil {
		return err
	}
	made, err := os.Create(file + ".new")
	if err != nil {
		return err
	}
	defer made.Close()
	if _, err = made.Write(kept); err != nil {
		return err
	}
	if err = made.Sync(); err != nil {
		return err
	}
	return os.Rename(made.Name(), file)
}

// showed notes that a delivery which is no replay was shown.
func (s *State) showed(d Delivery) {
	s.Shown[d.Room] = Mark{d.Seq, d.ID}
	if !d.IsMarker && (s.Newest == nil || s.Newest.Room == d.Room || s.Newest.At <= d.At) { // L3
		s.Newest = &Newest{d.Room, d.Seq, d.ID, d.At}
	}
}
