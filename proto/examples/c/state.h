/* What a device has shown, on disk: a log's name, a seq for each room, the newest event. Ids hold no
   white space (PROTOCOL.md, section 5), so words do. */
#ifndef STATE_H
#define STATE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *room;
    uint64_t seq;
} Mark;

typedef struct {
    char *log; /* empty: none yet */
    Mark *shown;
    size_t rooms;
    char *newest_room, *newest_id; /* NULL: none */
    uint64_t newest_seq, newest_at;
} State;

void load_state(State *state, const char *file);
void save_state(const State *state, const char *file); /* on disk for good when it returns */
void forget_state(State *state);
uint64_t *shown_in(State *state, const char *room); /* 0 at first */

#endif
