/* ZMTP 3.0 with the mechanism NULL, the side of a DEALER (PROTOCOL.md, section 1). */
#ifndef ZMTP_H
#define ZMTP_H

#include "protobuf.h"

typedef struct {
    int fd;
    int is_greeted;
    Buffer in;
    size_t taken; /* octets of `in` that were handled */
} Connection;

/* 0: connected, the handshake is under way. -1: not within these milliseconds. */
int connect_to(Connection *to, const char *uri, int milliseconds);

/* Sends a frame and frees it. What cannot be sent shows when nothing is received any more. */
void send_frame(Connection *to, Buffer *frame);

/* 1: a frame, good until the next call; 0: none within these milliseconds; -1: the end. */
int receive_frame(Connection *from, Reader *frame, int milliseconds);

void hang_up(Connection *one);

#endif
