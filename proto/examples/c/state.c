#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *copy(const char *text) {
    char *made = strdup(text);
    if (!made) abort();
    return made;
}

Mark *mark_of(State *state, const char *room) {
    for (size_t at = 0; at < state->rooms; at++)
        if (!strcmp(state->shown[at].room, room)) return &state->shown[at];
    state->shown = realloc(state->shown, (state->rooms + 1) * sizeof *state->shown);
    if (!state->shown) abort();
    state->shown[state->rooms] = (Mark){copy(room), 0, copy("")};
    return &state->shown[state->rooms++];
}

void set_mark(Mark *mark, uint64_t seq, const char *id) {
    char *made = copy(id);
    free(mark->id);
    mark->seq = seq;
    mark->id = made;
}

void forget_marks(State *state, size_t count) {
    for (size_t at = 0; at < count; at++) {
        free(state->shown[at].room);
        free(state->shown[at].id);
    }
    state->rooms -= count;
    if (count) memmove(state->shown, state->shown + count, state->rooms * sizeof *state->shown);
}

void forget_state(State *state) {
    forget_marks(state, state->rooms);
    free(state->shown);
    free(state->log);
    free(state->newest_room);
    free(state->newest_id);
    memset(state, 0, sizeof *state);
    state->log = copy("");
}

void load_state(State *state, const char *file) {
    char line[1024], one[512], other[512];
    unsigned long long seq, at;
    FILE *from = fopen(file, "r");
    forget_state(state);
    while (from && fgets(line, sizeof line, from)) {
        if (sscanf(line, "log %511s", one) == 1) {
            free(state->log);
            state->log = copy(one);
        } else if (strcpy(other, ""), sscanf(line, "shown %511s %llu %511s", one, &seq, other) >= 2) {
            set_mark(mark_of(state, one), seq, other);
        } else if (sscanf(line, "newest %511s %llu %511s %llu", one, &seq, other, &at) == 4) {
            state->newest_room = copy(one);
            state->newest_seq = seq;
            state->newest_id = copy(other);
            state->newest_at = at;
        }
    }
    if (from) fclose(from);
}

void save_state(const State *state, const char *file) {
    char made[4096];
    snprintf(made, sizeof made, "%s.new", file);
    FILE *to = fopen(made, "w");
    if (!to) {
        perror(made);
        exit(1);
    }
    fprintf(to, "log %s\n", state->log);
    if (state->newest_room)
        fprintf(to, "newest %s %llu %s %llu\n", state->newest_room, (unsigned long long)state->newest_seq,
                state->newest_id, (unsigned long long)state->newest_at);
    for (size_t at = 0; at < state->rooms; at++)
        fprintf(to, "shown %s %llu %s\n", state->shown[at].room, (unsigned long long)state->shown[at].seq,
                state->shown[at].id);
    if (fflush(to) || fsync(fileno(to)) || fclose(to) || rename(made, file)) {
        perror(file);
        exit(1);
    }
}
