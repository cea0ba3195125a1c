/* The parts of the client. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdint.h>

uint64_t now_ms(void);              /* of a steady clock */
uint64_t clock_ms(void);            /* since the Unix epoch */
void wait_ms(double milliseconds);  /* ends early when the program is told to end */
double by_chance(double from, double to);

/* A device's stream, for as long as it may live; the program's exit code. */
int stream(const char *uri, const char *token, const char *device, const char *file);

int send_texts(const char *uri, const char *token, const char *room, char **texts);
int create_room(const char *uri, const char *token, const char *room, char **profiles);

extern volatile int is_ending;

#endif
