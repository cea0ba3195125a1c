#include "zmtp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const unsigned char SIGNATURE[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
static const char READY[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06" "DEALER";

static int wait_for(int fd, short what, int milliseconds) {
    struct pollfd one = {fd, what, 0};
    return poll(&one, 1, milliseconds);
}

static void write_all(int fd, const void *octets, size_t size) {
    const char *at = octets;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN && wait_for(fd, POLLOUT, 5000) > 0) continue;
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        at += sent;
        size -= (size_t)sent;
    }
}

int connect_to(Connection *to, const char *uri, int milliseconds) {
    char host[256], port[8];
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    unsigned char greeting[64] = {0};
    int on = 1, error = 0;
    socklen_t size = sizeof error;

    memset(to, 0, sizeof *to);
    to->fd = -1;
    if (sscanf(uri, "tcp://[%255[^]]]:%7[0-9]", host, port) != 2 &&
        sscanf(uri, "tcp://%255[^:]:%7[0-9]", host, port) != 2)
        return -1;
    if (getaddrinfo(host, port, &wanted, &found)) return -1;
    to->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(to->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(to->fd, found->ai_addr, found->ai_addrlen) && errno == EINPROGRESS) {
        if (wait_for(to->fd, POLLOUT, milliseconds) <= 0) error = ETIMEDOUT;
        else getsockopt(to->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    freeaddrinfo(found);
    if (error) {
        hang_up(to);
        return -1;
    }
    memcpy(greeting, SIGNATURE, sizeof SIGNATURE);
    write_all(to->fd, greeting, sizeof greeting);
    write_all(to->fd, READY, sizeof READY - 1);
    return 0;
}

void send_frame(Connection *to, Buffer *frame) {
    unsigned char head[9] = {2};
    for (int at = 0; at < 8; at++) head[8 - at] = (unsigned char)((uint64_t)frame->size >> 8 * at);
    write_all(to->fd, head, sizeof head);
    write_all(to->fd, frame->octets, frame->size);
    drop(frame);
}

/* 1: the next frame of ZMTP that is whole, with its flags; 0: none is. */
static int take(Connection *from, Reader *body, int *flags) {
    const unsigned char *at = from->in.octets + from->taken;
    size_t left = from->in.size - from->taken, start, size = 0;
    if (!from->is_greeted) {
        if (left < 64) return 0;
        from->is_greeted = 1;
        from->taken += 64;
        return take(from, body, flags);
    }
    if (left < 2) return 0;
    *flags = at[0];
    start = *flags & 2 ? 9 : 2;
    if (left < start) return 0;
    for (size_t octet = 1; octet < start; octet++) size = size << 8 | at[octet];
    if (left - start < size) return 0;
    body->at = at + start;
    body->end = body->at + size;
    from->taken += start + size;
    return 1;
}

int receive_frame(Connection *from, Reader *frame, int milliseconds) {
    char more[65536];
    int flags;
    for (;;) {
        while (from->in.size && take(from, frame, &flags))
            if (!(flags & 4)) return 1; /* commands are passed over */
        if (from->taken) memmove(from->in.octets, from->in.octets + from->taken, from->in.size - from->taken);
        from->in.size -= from->taken;
        from->taken = 0;
        if (wait_for(from->fd, POLLIN, milliseconds) <= 0) return 0;
        ssize_t got = recv(from->fd, more, sizeof more, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return -1;
        if (got > 0) put_octets(&from->in, more, (size_t)got);
    }
}

void hang_up(Connection *one) {
    if (one->fd >= 0) close(one->fd);
    drop(&one->in);
    one->fd = -1;
}
