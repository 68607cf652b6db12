/*
 * script.h: one script and its statements.  The language is described in
 * tests/README.
 */
#ifndef CULVERT_TESTS_SCRIPT_H
#define CULVERT_TESTS_SCRIPT_H

#include "runner/world.h"

struct script {
	const char *path;
	unsigned line;
	struct world world;
	bool is_begun;   /* the world stands; conf and workers come before */
	struct buf conf; /* its text, without the domains' */
	unsigned n_workers;
	size_t log_seen; /* of world.log_text */
	bool is_failed;
	struct buf report; /* what is wrong, where */
	struct buf expanded;
};

void script_init(struct script *s, const char *path, bool is_verbose);
void script_fini(struct script *s);

/* The world begins, with what conf and workers said. */
void script_begin(struct script *s);
/* One line.  When something is wrong, is_failed is set and report says what. */
void script_line(struct script *s, struct slice line);
/* Nothing may be left that nobody expected. */
void script_end(struct script *s);

/* Says what is wrong at this line, and what happened before; only the first time. */
void script_fail(struct script *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A client whose stream is open and whose features are read, as "client NAME bosh|websocket" makes it. */
struct client *script_client(struct script *s, struct slice name, bool is_websocket, struct slice attributes);
/* The request's answer as it came, or unset; the oldest with this rid that the script has not looked at. */
struct request *script_request(struct client *c, uint64_t rid);
/* A WebSocket that stands, nothing said. */
struct client *script_websocket(struct script *s, struct slice name);
/* Text with what is written short written out; good until the next call. */
struct slice script_expand(struct script *s, const struct client *c, struct slice text);

#define SCRIPT_HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " \
	"id='s1' from='example.org' version='1.0' xml:lang='en'>"
#define SCRIPT_FEATURES \
	"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" \
	"<mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>"

#endif
