/* The loop of "Write a client" in PROTOCOL.md. */
#include "client.h"
#include "lost.h"
#include "protobuf.h"
#include "show.h"
#include "state.h"
#include "zmtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PAUSE = 100, LAST_PAUSE = 5000, WELCOME_MS = 5000, ACK_MS = 50, MOST_GATEWAYS = 16, MOST_REPLAYS = 256 };

typedef struct {
    char *room;
    uint64_t seq, count;
} Replay;

static const char *token, *device, *file;
static State state;
static char *gateways[MOST_GATEWAYS]; /* the first is the next to try */
static int gateway_count;
static Replay replays[MOST_REPLAYS]; /* shown and not acknowledged */
static int replay_count;
static Connection connection;
static uint64_t hello_id, ordinal, epoch, count, acked, unacked_octets, interval, window, window_octets;
static uint64_t heard, said, asked, unacked_since;
static int has_brought, is_overtaken;

static void say(Buffer *kind, int number) {
    Buffer frame = {0};
    put_message(&frame, number, kind);
    send_frame(&connection, &frame);
    said = now_ms();
}

static void say_hello(void) {
    Buffer hello = {0}, shown = {0};
    put_text(&hello, 1, token);
    put_text(&hello, 3, device);
    put_int(&hello, 6, 1);
    put_text(&hello, 7, "C example");
    put_int(&hello, 9, 1); /* signals, which it passes over */
    if (state.newest_room) { /* L3 */
        put_text(&shown, 1, state.log);
        put_text(&shown, 2, state.newest_room);
        put_int(&shown, 3, state.newest_seq);
        put_text(&shown, 4, state.newest_id);
        put_message(&hello, 11, &shown);
    }
    ordinal = clock_ms() > ordinal ? clock_ms() : ordinal + 1; /* H10 */
    if (!is_overtaken) put_int(&hello, 13, ordinal);
    put_int(&hello, 30, ++hello_id);
    say(&hello, 1);
}

static void acknowledge(void) {
    Buffer ack = {0};
    int kept = 0;
    if (count == acked) return;
    acked = count;
    unacked_octets = 0;
    put_int(&ack, 1, acked);
    put_int(&ack, 30, epoch);
    say(&ack, 2);
    for (int at = 0; at < replay_count; at++)
        if (replays[at].count > acked) replays[kept++] = replays[at];
        else free(replays[at].room);
    replay_count = kept;
}

/* Goes to the front if it is to be tried next. An address with a key needs CURVE, which is not here. */
static void know(Reader uri, int is_next) {
    char *one = text_of(uri);
    int at = 0;
    while (at < gateway_count && strcmp(gateways[at], one)) at++;
    if (strchr(one, '#') || at == MOST_GATEWAYS) {
        free(one);
        return;
    }
    if (at == gateway_count) gateways[gateway_count++] = one;
    else free(one);
    for (; is_next && at > 0; at--) {
        char *other = gateways[at - 1];
        gateways[at - 1] = gateways[at];
        gateways[at] = other;
    }
}

/* R8: 1 if this replay was not shown yet. */
static int is_new_replay(const char *room, uint64_t seq) {
    for (int at = 0; at < replay_count; at++)
        if (replays[at].seq == seq && !strcmp(replays[at].room, room)) {
            replays[at].count = count;
            return 0;
        }
    if (replay_count < MOST_REPLAYS) replays[replay_count++] = (Replay){strdup(room), seq, count};
    return 1;
}

static void on_event(Reader event, const char *room, const char *id) {
    uint64_t at = field_of(event, 6).value;
    if (state.newest_room && strcmp(state.newest_room, room) && state.newest_at > at) return;
    free(state.newest_room);
    free(state.newest_id);
    state.newest_room = strdup(room);
    state.newest_id = strdup(id);
    state.newest_seq = field_of(event, 3).value;
    state.newest_at = at;
}

static void on_delivery(Reader delivery) {
    Reader event = field_of(delivery, 1).body, skipped = field_of(delivery, 6).body;
    char *room = text_of(field_of(event, 2).body), *text = text_in(field_of(delivery, 3).body);
    uint64_t seq = field_of(event, 3).value;
    Mark *mark = mark_of(&state, room);
    count++; /* W1 */
    if (field_of(delivery, 7).value) {
        if (is_new_replay(room, seq)) show("replay", room, seq, seq, text);
    } else if (seq > mark->seq) { /* O3 */
        if (skipped.at) show("marker", room, field_of(skipped, 1).value, field_of(skipped, 2).value, NULL);
        else show("event", room, seq, seq, text);
        char *id = text_of(field_of(event, 1).body);
        set_mark(mark, seq, id);
        if (!skipped.at) on_event(event, room, id);
        free(id);
    }
    free(room);
    free(text);
}

static void say_lost(void) {
    Buffer call = {0};
    if (ask_lost(&call)) say(&call, 5);
}

static void on_welcome(Reader welcome) {
    Field field;
    char *log = text_of(field_of(welcome, 11).body);
    if ((*state.log && strcmp(state.log, log)) || field_of(welcome, 12).value) { /* L2, L5 */
        keep_lost(&state);
        forget_state(&state);
        while (replay_count) free(replays[--replay_count].room);
    }
    free(state.log);
    state.log = log;
    is_overtaken = 0;
    epoch = field_of(welcome, 1).value;
    interval = field_of(welcome, 4).value;
    window = field_of(welcome, 5).value;
    window_octets = field_of(welcome, 6).value;
    while (next_field(&welcome, &field) > 0)
        if (field.number == 10) know(field.body, 0); /* T9 */
    say_lost();
}

/* -1: come again, after the pause and no sooner than `after`; otherwise the exit code. */
static int on_refused(Reader error, uint64_t *after) { /* E1, E5 */
    char *name = text_of(field_of(error, 2).body);
    int code = (int)field_of(error, 1).value, retry = (int)field_of(error, 4).value;
    if (code && !retry) fprintf(stderr, "%d %s\n", code, name);
    free(name);
    is_overtaken |= code == 609;
    *after = field_of(error, 5).value;
    return code == 0 ? 0 : retry ? -1 : 1;
}

/* -2: the stream goes on; else as on_refused. */
static int on_frame(Reader frame, uint64_t *after) {
    Reader left = frame;
    Field field;
    int deliveries = 0;
    while (next_field(&left, &field) > 0) {
        if (field.number == 1 && epoch) {
            on_delivery(field.body);
            deliveries++;
        } else if (field.number == 2 && field_of(field.body, 30).value == hello_id) { /* I2 */
            on_welcome(field.body);
        } else if (field.number == 4) {
            if (on_lost(field.body)) say_lost();
        } else if (field.number == 5) {
            uint64_t id = field_of(field.body, 30).value;
            Reader error = field_of(field.body, 1).body, gateway = field.body;
            if (id ? id != hello_id : !epoch && field_of(error, 1).value == 104) continue; /* I2, I3 */
            while (next_field(&gateway, &field) > 0)
                if (field.number == 2) know(field.body, 1); /* H6 */
            return on_refused(error, after);
        } else if (field.number == 6 && field_of(field.body, 30).value == hello_id) {
            return on_refused(field.body, after);
        }
    }
    if (deliveries) {
        fflush(stdout);
        save_state(&state, file); /* D1 */
        has_brought = 1;
        if (!unacked_octets) unacked_since = now_ms();
        unacked_octets += (uint64_t)(frame.end - frame.at);
        if (4 * (count - acked) >= window || 4 * unacked_octets >= window_octets) acknowledge(); /* W4 */
    }
    return -2;
}

static void say_bye(void) { /* H8 */
    Buffer bye = {0};
    acknowledge();
    put_int(&bye, 30, epoch);
    say(&bye, 4);
}

/* One connection, from Hello to its end; the answer as on_refused. */
static int follow(uint64_t *after) {
    uint64_t began = now_ms();
    int said_bye = 0, outcome = -2;
    Reader frame;
    *after = epoch = count = acked = unacked_octets = 0;
    heard = said = asked = began;
    if (connect_to(&connection, gateways[0], WELCOME_MS)) return is_ending ? 0 : -1;
    say_hello();
    while (outcome == -2) {
        int got = receive_frame(&connection, &frame, ACK_MS);
        uint64_t now, quiet;
        if (got > 0) outcome = on_frame(frame, after);
        now = now_ms();
        if (got > 0) heard = now; /* being busy with a frame is no silence */
        if (got < 0 || (is_ending && !epoch) || now > heard + (epoch ? 3 * interval : WELCOME_MS)) outcome = -1; /* H3 */
        if (outcome != -2 || !epoch) continue;
        if (is_ending && !said_bye) {
            say_bye();
            said_bye = 1;
        }
        if (count > acked && now >= unacked_since + ACK_MS) acknowledge();
        quiet = heard > asked ? heard : asked;
        if (now - (said < quiet ? said : quiet) >= interval / 2) { /* H1, H2 */
            Buffer heartbeat = {0};
            put_int(&heartbeat, 1, 1);
            say(&heartbeat, 3);
            asked = now;
        }
    }
    has_brought |= epoch && now_ms() > began + LAST_PAUSE;
    hang_up(&connection);
    return is_ending && outcome == -1 ? 0 : outcome;
}

int stream(const char *uri, const char *its_token, const char *its_device, const char *its_file) {
    uint64_t after;
    double pause = FIRST_PAUSE;
    token = its_token;
    device = its_device;
    file = its_file;
    gateways[gateway_count++] = strdup(uri);
    load_state(&state, file);
    for (;;) {
        char *tried = gateways[0];
        int outcome = follow(&after);
        if (outcome >= 0) return outcome;
        if (has_brought) pause = FIRST_PAUSE;
        has_brought = 0;
        if (gateways[0] == tried) { /* unless a Closed has named another: the next one that is known */
            memmove(gateways, gateways + 1, (size_t)(gateway_count - 1) * sizeof *gateways);
            gateways[gateway_count - 1] = tried;
        }
        wait_ms(after > pause ? (double)after * by_chance(1, 1.2) : pause * by_chance(0.5, 1)); /* H7 */
        if (is_ending) return 0;
        pause = pause * 2 < LAST_PAUSE ? pause * 2 : LAST_PAUSE;
    }
}
