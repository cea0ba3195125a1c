/* The question what was lost, after a Welcome to another log (L7). */
#ifndef LOST_H
#define LOST_H

#include "protobuf.h"
#include "state.h"

void keep_lost(const State *state); /* what was shown of the log before */
int ask_lost(Buffer *call);         /* 1: a call asks about the next rooms; 0: there are none */
int on_lost(Reader reply);          /* 1: it was the answer, and more may be asked */

#endif
