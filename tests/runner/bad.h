/*
 * bad.h: one line of a file of malformed inputs, and what it must give.
 */
#ifndef CULVERT_TESTS_BAD_H
#define CULVERT_TESTS_BAD_H

#include "runner/script.h"

/*
 * kind is the file's: who sends the bytes, and when.
 *
 *      bosh            as the first request     CONDITION | BODY
 *      bosh-session    within a session         REASON CONDITION | BODY
 *      websocket       as the first message     REASON ERROR CODE | MESSAGE
 *      websocket-open  within a stream          REASON ERROR CODE | MESSAGE
 *      server          instead of its header    REASON CONDITION ERROR | BYTES
 *      server-open     after the features       REASON CONDITION ERROR | BYTES
 *
 * REASON is the closing reason's name, - stands for no condition or error.
 */
void bad_line(struct script *s, struct slice kind, struct slice line);

#endif
