/*
 * upgrade.h: the one judge of request heads: may two readers differ on one,
 * and is it a good upgrade to WebSocket?  It is shown a request line and the
 * fields behind it, in the order they came, whoever has read them: the door,
 * which peeks at the bytes of a connection's first head, or the HTTP library,
 * on a connection that served requests before.
 *
 *      upgrade_begin(&u, rules, method, target, version);
 *      for each field: upgrade_field(&u, name, value);
 *      upgrade_judge(&u)
 *          WEBSOCKET   u.head is what the WebSocket library is given: a head of ours,
 *                      in which nothing but the key is the client's
 *          REFUSED     upgrade_refusal() writes the answer
 *          HTTP        no upgrade, and nothing is wrong with the head
 */
#ifndef CULVERT_PROTO_HTTP_UPGRADE_H
#define CULVERT_PROTO_HTTP_UPGRADE_H

#include "base/buf.h"
#include "base/hooks.h"
#include "base/slice.h"
#include "proto/http/origin.h"
#include "proto/http/place.h"
#include "proto/http/proxied.h"
#include "proto/http/smuggling.h"

#define UPGRADE_VERSION "13" /* of WebSocket: RFC 6455 */
#define UPGRADE_MAX 16384    /* bytes of a head we look at */
#define UPGRADE_KEY 24       /* letters of a key */
#define UPGRADE_HEAD_MAX 256 /* room for a head of ours */
#define UPGRADE_ITEM 64      /* what the HTTP library needs for a field, an argument or a cookie, besides its text */

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
	UPGRADE_REFUSED_ROOM,        /* 503; not the upgrade's fault */
	UPGRADE_REFUSED_CONNECTION,  /* 503; one too many */
	UPGRADE_REFUSED_LIMIT,       /* 429 */
	UPGRADE_REFUSED_CLIENT,      /* 403 */
};

struct upgrade_rules {
	struct places places;
	struct origins origins;
	struct proxied_rules proxied; /* who has connected; of one that is trusted X-Forwarded-Host is believed too */
	bool require_subprotocol;
	const struct hooks *hooks;
	size_t room; /* the most that the HTTP library has for a head; 0: any */
};

/* An upgrade that was found good, as a value. */
struct upgrade_head {
	char key[UPGRADE_KEY + 1];
	bool has_xmpp; /* the subprotocol was offered */
};

/* What is known of a request so far; the slices are its reader's. */
struct upgrade {
	const struct upgrade_rules *rules;
	struct smuggling framing;
	struct proxied proxied;
	bool is_get;                    /* of a WebSocket path */
	bool is_http_1_1, is_odd;       /* odd: what may come once came twice */
	bool is_websocket;              /* Upgrade says so */
	bool is_upgrade;                /* Connection says so */
	bool has_subprotocol, has_xmpp; /* there is a list, and it offers xmpp */
	struct slice version, key;      /* unset when absent */
	struct origin_asked asked;
	unsigned forwarded_hosts;
	size_t room; /* what the HTTP library needs to keep it, at least */

	/* The verdict. */
	struct upgrade_head head;
	struct peer client; /* whose request it is, as far as it was read */
	enum upgrade_refused refused;
	enum origin_verdict origin; /* of UPGRADE_REFUSED_ORIGIN: why */
	const char *reason;         /* a sentence for who reads the refusal */
	unsigned retry_after;       /* of those that are worth another try, in seconds; 0: not said */
	size_t n;                   /* upgrade_look(): bytes of the client's head, its empty line included */
};

void upgrade_begin(struct upgrade *u, const struct upgrade_rules *rules, struct slice method, struct slice target,
	struct slice version);
/* The next field as it came, blanks around the value included; as smuggling_field(). */
void upgrade_field(struct upgrade *u, struct slice name, struct slice value);
/* UPGRADE_HTTP, UPGRADE_WEBSOCKET or UPGRADE_REFUSED. */
enum upgrade_verdict upgrade_judge(struct upgrade *u);
/* A good one comes from somebody who is not served: now it is REFUSED, with 403; reason: a sentence that lasts. */
void upgrade_deny(struct upgrade *u, const char *reason);
/* A good one comes at a bad time: now it is REFUSED, with 429 (RFC 6585, 4); seconds: until it may come again, 0: not said. */
void upgrade_limit(struct upgrade *u, unsigned seconds);
/* Does it ask for WebSocket, well or badly?  False also when not all of it has come. */
bool upgrade_is_meant(const struct upgrade *u);

/*
 * The same of a connection's first bytes, any bytes, as far as they have come.
 * No HTTP parser: a library still reads every byte of what is no upgrade.
 */
enum upgrade_verdict upgrade_look(struct upgrade *u, const struct upgrade_rules *rules, struct slice bytes);

/* Writes the head for the WebSocket library; returns its length. */
size_t upgrade_write(const struct upgrade_head *head, char out[UPGRADE_HEAD_MAX]);

/*
 * Appends the whole HTTP answer of a refusal, connection closed after it;
 * lines are further header fields, each with its line end.  0 or CV_EFULL.
 */
int upgrade_refusal(struct buf *out, const struct upgrade *u, struct slice lines);
/* For who writes the answer otherwise: its status code, and whether it names the version that is spoken (RFC 6455, 4.4). */
unsigned upgrade_status(const struct upgrade *u);
bool upgrade_names_version(const struct upgrade *u);

#endif
