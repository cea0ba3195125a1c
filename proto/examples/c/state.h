/* What a device has shown, on disk: a log's name, the last event of each room, the newest one. Ids hold no
   white space (PROTOCOL.md, section 5), so words do. */
#ifndef STATE_H
#define STATE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *room;
    uint64_t seq; /* 0: none yet */
    char *id;     /* empty: it was a marker */
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
void forget_marks(State *state, size_t count);  /* the first of them */
Mark *mark_of(State *state, const char *room); /* the room's, good until the next call */
void set_mark(Mark *mark, uint64_t seq, const char *id);

#endif
