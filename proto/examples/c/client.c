/* A small client without dependencies: rooms, sends, and a stream that goes on after any end.

     client room ROOM [PROFILE...] · client send ROOM TEXT... · client stream DEVICE STATEFILE

   Build it with: cc -O2 -o client *.c */
#include "client.h"
#include "protobuf.h"
#include "zmtp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { ANSWER_MS = 5000 };

volatile int is_ending;

static void end(int number) {
    (void)number;
    is_ending = 1;
}

static uint64_t read_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t now_ms(void) { return read_ms(CLOCK_MONOTONIC); }

uint64_t clock_ms(void) { return read_ms(CLOCK_REALTIME); }

void wait_ms(double milliseconds) {
    struct timespec span = {(time_t)(milliseconds / 1000), (long)((uint64_t)(milliseconds * 1e6) % 1000000000)};
    nanosleep(&span, NULL);
}

double by_chance(double from, double to) { return from + (to - from) * rand() / RAND_MAX; }

/* 128 random bits (C9). */
static void make_id(char id[33]) {
    unsigned char octets[16];
    if (getrandom(octets, sizeof octets, 0) != sizeof octets) abort();
    for (int at = 0; at < 16; at++) sprintf(id + 2 * at, "%02x", octets[at]);
}

/* One attempt on a connection of its own: 1 and the reply; 0 if none came. */
static int attempt(Connection *to, const char *uri, const Buffer *call, Reader *reply) {
    uint64_t until = now_ms() + ANSWER_MS; /* C4 */
    Buffer frame = {0};
    if (connect_to(to, uri, ANSWER_MS)) return 0;
    put_octets(&frame, call->octets, call->size);
    send_frame(to, &frame);
    for (uint64_t now; (now = now_ms()) < until;) {
        Reader got;
        int is_frame = receive_frame(to, &got, (int)(until - now));
        if (is_frame < 0) return 0;
        if (is_frame) *reply = field_of(got, 4).body;
        if (is_frame && field_of(*reply, 1).value == 1) return 1;
    }
    return 0;
}

/* Repeats it, byte by byte, until there is an answer that is final (C5, C6, C7): 0 if it is good, and
   the seq that it brings, if it does. */
static int call(const char *uri, const char *token, const char *method, const char *room, const char *request_id,
                Buffer *request, uint64_t *seq) {
    Buffer fields = {0}, frame = {0};
    int outcome = -1;
    put_int(&fields, 1, 1);
    put_text(&fields, 2, method);
    put_message(&fields, 3, request);
    put_text(&fields, 4, token);
    put_text(&fields, 6, room);
    if (request_id) put_text(&fields, 20, request_id);
    put_message(&frame, 5, &fields);
    for (double pause = 100; outcome < 0 && !is_ending; pause = pause * 2 < 5000 ? pause * 2 : 5000) {
        Connection to;
        Reader reply, error = {0};
        int has_reply = attempt(&to, uri, &frame, &reply);
        if (has_reply) error = field_of(reply, 3).body;
        double after = error.at ? (double)field_of(error, 5).value : 0;
        if (has_reply && !error.at) {
            *seq = field_of(field_of(field_of(reply, 2).body, 1).body, 3).value;
            outcome = 0;
        } else if (has_reply && !field_of(error, 4).value) {
            char *name = text_of(field_of(error, 2).body);
            fprintf(stderr, "%d %s\n", (int)field_of(error, 1).value, name);
            free(name);
            outcome = 1;
        }
        hang_up(&to);
        if (outcome < 0) wait_ms((after > pause ? after : pause) * by_chance(1, 1.2));
    }
    drop(&frame);
    return outcome < 0 ? 1 : outcome;
}

int send_texts(const char *uri, const char *token, const char *room, char **texts) {
    for (; *texts; texts++) { /* C11: one after the other */
        Buffer value = {0}, entry = {0}, payload = {0}, event = {0}, request = {0};
        char id[33];
        uint64_t seq;
        make_id(id);
        put_text(&value, 3, *texts);
        put_text(&entry, 1, "text");
        put_message(&entry, 2, &value);
        put_message(&payload, 1, &entry);
        put_text(&event, 1, id);
        put_text(&event, 2, room);
        put_int(&event, 3, 1);
        put_message(&event, 4, &payload);
        put_message(&request, 1, &event);
        if (call(uri, token, "ChatService/SendEvents", room, NULL, &request, &seq)) return 1;
        printf("sent\t%s\t%llu\n", room, (unsigned long long)seq);
    }
    return 0;
}

int create_room(const char *uri, const char *token, const char *room, char **profiles) {
    Buffer request = {0};
    char id[33];
    uint64_t ignored;
    make_id(id);
    put_text(&request, 1, room);
    for (; *profiles; profiles++) put_text(&request, 3, *profiles);
    if (call(uri, token, "ChatService/CreateRoom", room, id, &request, &ignored)) return 1;
    printf("room\t%s\n", room);
    return 0;
}

int main(int count, char **words) {
    const char *uri = getenv("CHATD_URI"), *token = getenv("CHATD_TOKEN");
    struct sigaction ends = {.sa_handler = end}; /* without SA_RESTART: waiting ends */
    sigaction(SIGTERM, &ends, NULL);
    sigaction(SIGINT, &ends, NULL);
    srand((unsigned)now_ms());
    if (!uri) uri = "tcp://127.0.0.1:7400";
    if (!token) token = "";
    if (count == 4 && !strcmp(words[1], "stream")) return stream(uri, token, words[2], words[3]);
    if (count >= 4 && !strcmp(words[1], "send")) return send_texts(uri, token, words[2], words + 3);
    if (count >= 3 && !strcmp(words[1], "room")) return create_room(uri, token, words[2], words + 3);
    fprintf(stderr, "client room ROOM [PROFILE...] | send ROOM TEXT... | stream DEVICE STATEFILE\n");
    return 2;
}
