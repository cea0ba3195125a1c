#include "protobuf.h"

#include <stdlib.h>
#include <string.h>

void put_octets(Buffer *to, const void *octets, size_t size) {
    if (to->size + size > to->room) {
        to->room = 2 * (to->size + size);
        to->octets = realloc(to->octets, to->room);
        if (!to->octets) abort();
    }
    if (size) memcpy(to->octets + to->size, octets, size);
    to->size += size;
}

static void put_varint(Buffer *to, uint64_t value) {
    unsigned char octet;
    for (; value > 0x7f; value >>= 7) {
        octet = (unsigned char)(value | 0x80);
        put_octets(to, &octet, 1);
    }
    octet = (unsigned char)value;
    put_octets(to, &octet, 1);
}

void put_int(Buffer *to, int number, uint64_t value) {
    put_varint(to, (uint64_t)number << 3);
    put_varint(to, value);
}

void put_bytes(Buffer *to, int number, const void *octets, size_t size) {
    put_varint(to, (uint64_t)number << 3 | 2);
    put_varint(to, size);
    put_octets(to, octets, size);
}

void put_text(Buffer *to, int number, const char *text) { put_bytes(to, number, text, strlen(text)); }

void put_message(Buffer *to, int number, Buffer *message) {
    put_bytes(to, number, message->octets, message->size);
    drop(message);
}

void drop(Buffer *one) {
    free(one->octets);
    memset(one, 0, sizeof *one);
}

static int read_varint(Reader *from, uint64_t *value) {
    *value = 0;
    for (int shift = 0; from->at < from->end && shift < 64; shift += 7) {
        unsigned char octet = *from->at++;
        *value |= (uint64_t)(octet & 0x7f) << shift;
        if (octet < 0x80) return 1;
    }
    return -1;
}

int next_field(Reader *from, Field *field) {
    uint64_t tag, size = 0;
    memset(field, 0, sizeof *field);
    if (from->at == from->end) return 0;
    if (read_varint(from, &tag) < 0) return -1;
    field->number = (int)(tag >> 3);
    switch (tag & 7) {
    case 0:
        return read_varint(from, &field->value);
    case 1:
        size = 8;
        break;
    case 2:
        if (read_varint(from, &size) < 0) return -1;
        break;
    case 5:
        size = 4;
        break;
    default:
        return -1;
    }
    if (size > (uint64_t)(from->end - from->at)) return -1;
    field->body.at = from->at;
    field->body.end = from->at += size;
    return 1;
}

Field field_of(Reader message, int number) {
    Field found = {0}, field;
    while (next_field(&message, &field) > 0)
        if (field.number == number) found = field;
    return found;
}

char *text_of(Reader body) {
    size_t size = (size_t)(body.end - body.at);
    char *text = malloc(size + 1);
    if (!text) abort();
    if (size) memcpy(text, body.at, size);
    text[size] = 0;
    return text;
}
