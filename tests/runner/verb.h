/*
 * verb.h: what clients and servers do in a script: "a sends ...", "w hears ...",
 * "server gets ...".  line is what stands behind the name.
 */
#ifndef CULVERT_TESTS_VERB_H
#define CULVERT_TESTS_VERB_H

#include "runner/script.h"

void verb_bosh(struct script *s, struct client *c, unsigned worker, struct slice line);
void verb_websocket(struct script *s, struct client *c, struct slice line);
void verb_server(struct script *s, struct client *c, struct slice line);

/* The creation request: what the line says, and for the rest what clients usually say; name= leaves one out. */
void verb_create(struct script *s, struct client *c, unsigned worker, struct slice line);
/* <open/> with these attributes. */
void verb_open(struct script *s, struct client *c, struct slice line);

/* What they share: fails when seen is not what is expected, */
void verb_expect(struct script *s, const char *what, struct slice expected, struct slice seen);
/* when something is left of the line; */
void verb_expect_no_more(struct script *s, struct slice line);
/* how many, after "after", 0 without; */
size_t verb_amount(struct script *s, struct slice *line);
/* the value of one among attributes, or unset. */
struct slice verb_attribute(struct slice attributes, struct slice name);

#endif
