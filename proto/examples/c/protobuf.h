/* As much of protobuf as this client needs: fields into a buffer, and out of octets. */
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *octets;
    size_t size, room;
} Buffer;

void put_octets(Buffer *to, const void *octets, size_t size);
void put_int(Buffer *to, int number, uint64_t value);
void put_bytes(Buffer *to, int number, const void *octets, size_t size);
void put_text(Buffer *to, int number, const char *text);
void put_message(Buffer *to, int number, Buffer *message); /* and frees it */
void drop(Buffer *one);

typedef struct {
    const unsigned char *at, *end;
} Reader;

typedef struct {
    int number;
    uint64_t value; /* of an integer */
    Reader body;    /* of a text, octets or a message */
} Field;

/* 1: the next field; 0: there is none; -1: the octets are no protobuf. */
int next_field(Reader *from, Field *field);

/* The last field of this number: its integer or its body; 0 or empty if there is none. */
Field field_of(Reader message, int number);

/* Its text, to be freed. */
char *text_of(Reader body);

#endif
