/*
 * upgrade.h: looks at a request head and says where its connection goes.  Not an
 * HTTP parser: libmicrohttpd or libwebsockets still reads every byte of it.
 *
 *      valid upgrade on a WebSocket path   -> libwebsockets
 *      invalid one                         -> refused here, with status and reason
 *      anything that looks like HTTP       -> libmicrohttpd
 *      anything else                       -> closed
 */
#ifndef CULVERT_PROTO_HTTP_UPGRADE_H
#define CULVERT_PROTO_HTTP_UPGRADE_H

#include "base/buf.h"
#include "base/hooks.h"
#include "base/slice.h"
#include "proto/http/origin.h"
#include "proto/http/place.h"

#define UPGRADE_MAX 16384 /* bytes of a head we look at */

enum upgrade_verdict {
	UPGRADE_MORE, /* not complete yet */
	UPGRADE_HTTP,
	UPGRADE_WEBSOCKET,
	UPGRADE_REFUSED, /* upgrade_refusal() writes the answer */
	UPGRADE_GARBAGE, /* not HTTP: close */
};

enum upgrade_refused {
	UPGRADE_REFUSED_REQUEST,     /* 400 */
	UPGRADE_REFUSED_ORIGIN,      /* 403 */
	UPGRADE_REFUSED_VERSION,     /* 426 */
	UPGRADE_REFUSED_SUBPROTOCOL, /* 400 */
	UPGRADE_REFUSED_SIZE,        /* 431 */
};

struct upgrade_rules {
	struct places places;
	struct origins origins;
	bool require_subprotocol;
	const struct hooks *hooks;
};

struct upgrade {
	enum upgrade_refused refused;
	const char *reason; /* a sentence for who reads the refusal */
	size_t n;           /* bytes of the head, its empty line included */
};

/* Judges what is there of a head.  Accepts any bytes. */
enum upgrade_verdict upgrade_judge(const struct upgrade_rules *rules, struct slice bytes, struct upgrade *head);

/*
 * The same judgement for an upgrade whose head a library has read already:
 * values of the headers, unset when absent.  UPGRADE_WEBSOCKET or UPGRADE_REFUSED.
 */
struct upgrade_fields {
	struct slice connection, upgrade, version, key, origin, host, subprotocol;
};
enum upgrade_verdict
upgrade_judge_fields(const struct upgrade_rules *rules, const struct upgrade_fields *u, struct upgrade *head);

/*
 * Appends the whole HTTP answer of a refusal, connection closed after it;
 * lines are further header fields, each with its line end.  0 or CV_EFULL.
 */
int upgrade_refusal(struct buf *out, const struct upgrade *head, struct slice lines);
/* Its status code. */
unsigned upgrade_status(const struct upgrade *head);

/* Is this a field as two readers would read it alike?  No blanks in the name, no control characters in the value. */
bool upgrade_is_field(struct slice name, struct slice value);
/* Does a comma-separated list hold this token, without regard to case? */
bool upgrade_has_token(struct slice list, struct slice token);

#endif
