/* The question what was lost, after a Welcome to another log (L7). */
#include "lost.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MARKS = 1000 }; /* of one call */

static State lost; /* what was shown of earlier logs, until chatd has said what of it is gone */
static size_t asked;
static uint64_t call_id;

void keep_lost(const State *state) {
    for (size_t at = 0; at < state->rooms; at++) {
        Mark *mark = mark_of(&lost, state->shown[at].room);
        set_mark(mark, state->shown[at].seq, state->shown[at].id);
    }
}

int ask_lost(Buffer *call) {
    Buffer request = {0};
    asked = lost.rooms < MOST_MARKS ? lost.rooms : MOST_MARKS;
    if (!asked) return 0;
    for (size_t at = 0; at < asked; at++) {
        Buffer mark = {0};
        put_text(&mark, 1, lost.shown[at].room);
        put_int(&mark, 2, lost.shown[at].seq);
        put_text(&mark, 3, lost.shown[at].id);
        put_message(&request, 1, &mark);
    }
    put_int(call, 1, ++call_id);
    put_text(call, 2, "ChatService/FindRewound");
    put_message(call, 3, &request);
    return 1;
}

int on_lost(Reader reply) {
    Reader error = field_of(reply, 3).body, answer = field_of(reply, 2).body;
    Field field;
    if (field_of(reply, 1).value != call_id || field_of(error, 4).value) return 0;
    while (next_field(&answer, &field) > 0) {
        if (field.number != 1) continue;
        char *room = text_of(field_of(field.body, 1).body);
        fprintf(stderr, "%s went back from %llu to %llu\n", room, (unsigned long long)field_of(field.body, 3).value,
                (unsigned long long)field_of(field.body, 2).value);
        free(room);
    }
    forget_marks(&lost, asked);
    asked = 0;
    return 1;
}
