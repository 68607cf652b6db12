/*
 * closing.h: every reason a session can end, one row each, and everything
 * follows from the row: what a BOSH client reads (XEP-0124, 17.2), what a
 * WebSocket client reads (RFC 6120, 4.9.3; RFC 6455, 7.4.1), what the log says.
 *
 * Without a BOSH condition the <body type='terminate'/> carries none, without
 * a stream error the stream is closed in the ordinary way.
 */
#ifndef CULVERT_PROTO_CLOSING_H
#define CULVERT_PROTO_CLOSING_H

#include "base/log.h"
#include "proto/xml/xml.h"

/* clang-format off */
/*    name            BOSH condition              stream error                WS code  log level    operator text */
#define CLOSING_ROWS(X) \
	X(NONE,           NULL,                       NULL,                       1000, LOG_DEBUG,   "not closing") \
	X(CLIENT_CLOSED,  NULL,                       NULL,                       1000, LOG_INFO,    "closed by the client") \
	X(CLIENT_GONE,    NULL,                       NULL,                       1000, LOG_INFO,    "client connection lost") \
	X(INACTIVE,       "item-not-found",           "connection-timeout",       1000, LOG_INFO,    "no request within the inactivity period") \
	X(RID_WINDOW,     "item-not-found",           NULL,                       1008, LOG_INFO,    "a request number (rid) that is too low or too high") \
	X(RID_FORGOTTEN,  "item-not-found",           NULL,                       1008, LOG_INFO,    "a request number (rid) repeated after its answer was let go") \
	X(OVERACTIVE,     "policy-violation",         "policy-violation",         1008, LOG_INFO,    "too many requests at a time") \
	X(POLLING,        "policy-violation",         "policy-violation",         1008, LOG_INFO,    "empty requests sooner than the polling interval allows") \
	X(REPEATS,        "policy-violation",         "policy-violation",         1008, LOG_INFO,    "the same rid too often") \
	X(KEY,            "item-not-found",           "policy-violation",         1008, LOG_NOTICE,  "a wrong or missing key") \
	X(BAD_BODY,       "bad-request",              "bad-format",               1002, LOG_INFO,    "not the element expected here") \
	X(MALFORMED,      "bad-request",              "not-well-formed",          1007, LOG_INFO,    "not well-formed XML") \
	X(RESTRICTED,     "bad-request",              "restricted-xml",           1007, LOG_INFO,    "DTD, comment, processing instruction or entity") \
	X(NAMESPACE,      "bad-request",              "invalid-namespace",        1002, LOG_INFO,    "wrong namespace") \
	X(OLD_HEADER,     "bad-request",              "bad-format",               1002, LOG_INFO,    "stream:stream where RFC 7395 has <open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>") \
	X(SECOND_OPEN,    "bad-request",              "bad-format",               1002, LOG_INFO,    "a second stream, without a login that ends the first") \
	X(STREAM_ELEMENT, "bad-request",              "unsupported-stanza-type",  1002, LOG_INFO,    "an element of the stream itself, where only stanzas and the like belong") \
	X(HOP_BY_HOP,     "bad-request",              "unsupported-stanza-type",  1002, LOG_INFO,    "TLS or compression asked for, which was not offered") \
	X(NOT_TEXT,       "bad-request",              "bad-format",               1003, LOG_INFO,    "binary message") \
	X(UNMASKED,       "bad-request",              "bad-format",               1002, LOG_INFO,    "a frame without a mask") \
	X(TOO_BIG,        "policy-violation",         "policy-violation",         1009, LOG_NOTICE,  "larger than the limit") \
	X(NO_ROOM,        "internal-server-error",    "resource-constraint",      1013, LOG_NOTICE,  "more memory for all clients and servers than limits.buffer_total allows") \
	X(SLOW_UPLOAD,    "policy-violation",         "policy-violation",         1008, LOG_INFO,    "a message or request that comes too slowly") \
	X(SLOW_DOWNLOAD,  "policy-violation",         "policy-violation",         1008, LOG_INFO,    "what is sent is taken too slowly") \
	X(TOO_DEEP,       "policy-violation",         "policy-violation",         1008, LOG_NOTICE,  "elements nested too deeply") \
	X(QUEUE_FULL,     "policy-violation",         "resource-constraint",      1008, LOG_NOTICE,  "more undelivered bytes than the limit") \
	X(LIMITED,        "policy-violation",         "policy-violation",         1008, LOG_INFO,    "more sessions than the limits allow") \
	X(LOGIN_FAILURES, "policy-violation",         "policy-violation",         1008, LOG_NOTICE,  "too many failed logins") \
	X(NO_TO,          "improper-addressing",      "improper-addressing",      1008, LOG_INFO,    "no domain given in \"to\"") \
	X(HOST_UNKNOWN,   "host-unknown",             "host-unknown",             1008, LOG_INFO,    "domain not configured") \
	X(VERSION,        "bad-request",              "unsupported-version",      1002, LOG_INFO,    "unsupported version") \
	X(CONNECT_FAILED, "remote-connection-failed", "remote-connection-failed", 1001, LOG_WARNING, "cannot connect to the server") \
	X(SERVER_GONE,    "remote-connection-failed", "remote-connection-failed", 1001, LOG_INFO,    "upstream connection lost") \
	X(SERVER_CLOSED,  NULL,                       NULL,                       1000, LOG_INFO,    "closed by the server") \
	X(SERVER_ERROR,   "remote-stream-error",      NULL,                       1000, LOG_INFO,    "stream error from the server") \
	X(SERVER_XML,     "remote-connection-failed", "remote-connection-failed", 1001, LOG_WARNING, "the server sent what is not an XMPP stream") \
	X(SERVER_TOO_BIG, "remote-connection-failed", "policy-violation",         1001, LOG_WARNING, "the server sent an element that is larger, or harder to read, than allowed") \
	X(NO_OPEN,        "bad-request",              "connection-timeout",       1008, LOG_INFO,    "no stream opened in time") \
	X(NO_LOGIN,       "policy-violation",         "connection-timeout",       1008, LOG_INFO,    "no login in time") \
	X(SERVER_SILENT,  "remote-connection-failed", "remote-connection-failed", 1001, LOG_WARNING, "the server did not open its stream in time") \
	X(SERVER_TLS,     "remote-connection-failed", "remote-connection-failed", 1001, LOG_WARNING, "the server demands TLS, which is off for this domain") \
	X(SERVER_NO_TLS,  "remote-connection-failed", "remote-connection-failed", 1001, LOG_WARNING, "the server offers no TLS, which is required for this domain") \
	X(TLS_FAILED,     "remote-connection-failed", "remote-connection-failed", 1001, LOG_WARNING, "TLS with the server failed") \
	X(SHUTDOWN,       "system-shutdown",          "system-shutdown",          1001, LOG_INFO,    "culvert is shutting down")
/* clang-format on */

enum closing {
#define X(name, condition, error, code, level, text) CLOSING_##name,
	CLOSING_ROWS(X)
#undef X
		CLOSING_REASONS,
};

struct closing_row {
	const char *name;      /* "RID_WINDOW": the log's and the counters' word */
	const char *condition; /* BOSH terminal binding condition, or NULL */
	const char *error;     /* defined condition of a stream error, or NULL */
	unsigned ws_code;
	enum log_level level;
	const char *text;
};

/* The row of a reason; never NULL. */
const struct closing_row *closing_row(enum closing reason);
/* The row's text when it is for a client to read too: what goes on behind us is for the operator alone.  Or NULL. */
const char *closing_text(enum closing reason);
/* What it means that a client's document could not be read, or was stopped by its reader (CLOSING_NONE). */
enum closing closing_of_xml(enum xml_result result);

/*
 * The HTTP status with which a BOSH client of old is told: one that gave no
 * version reads these (XEP-0124, 17.1), and conditions that have none.
 */
unsigned closing_http_status(enum closing reason);

#endif
