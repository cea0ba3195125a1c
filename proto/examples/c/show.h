/* What is shown: one line for each delivery. */
#ifndef SHOW_H
#define SHOW_H

#include "protobuf.h"

/* With a text, or with the last of the seqs in whose place a marker stands. */
void show(const char *kind, const char *room, uint64_t first, uint64_t last, const char *text);

/* Of a payload: the string that stands under "text", harmless to a terminal, to be freed. */
char *text_in(Reader payload);

#endif
