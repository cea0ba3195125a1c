#include "show.h"

#include <stdio.h>
#include <string.h>

void show(const char *kind, const char *room, uint64_t first, uint64_t last, const char *text) {
    printf("%s\t%s\t%llu\t", kind, room, (unsigned long long)first);
    if (text) printf("%s\n", text);
    else printf("%llu\n", (unsigned long long)last);
}

/* Puts a ? for each octet of what may harm a terminal (PROTOCOL.md, section 5). */
static void make_harmless(char *text) {
    static const struct {
        unsigned char size, head[2], first, last; /* octets before the last one, and its range */
    } harmful[] = {
        {1, {0xc2}, 0x80, 0x9f},       {1, {0xd8}, 0x9c, 0x9c},       {2, {0xe2, 0x80}, 0x8e, 0x8f},
        {2, {0xe2, 0x80}, 0xa8, 0xae}, {2, {0xe2, 0x81}, 0xa6, 0xaf}, {2, {0xef, 0xbf}, 0xb9, 0xbb},
    };
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < 0x20 || *at == 0x7f) *at = '?';
        for (size_t one = 0; one < sizeof harmful / sizeof *harmful; one++) {
            size_t size = harmful[one].size;
            if (!strncmp((char *)at, (const char *)harmful[one].head, size) && at[size] >= harmful[one].first &&
                at[size] <= harmful[one].last)
                memset(at, '?', size + 1);
        }
    }
}

char *text_in(Reader payload) {
    Field entry;
    while (next_field(&payload, &entry) > 0) {
        Reader key = field_of(entry.body, 1).body;
        if (key.end - key.at == 4 && !memcmp(key.at, "text", 4))
            break;
    }
    char *text = text_of(field_of(field_of(entry.body, 2).body, 3).body);
    make_harmless(text);
    return text;
}
