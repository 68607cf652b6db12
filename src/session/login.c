#include "session/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/wipe.h"
#include "proto/xml/tag.h"

#define NAME_MAX_BYTES 128 /* of a mechanism or a user: what is longer is cut */
#define RESPONSE_MAX 1024  /* bytes of a first response: in a longer one no name is looked for */

struct login {
	unsigned failures;
	char *mechanism, *user; /* of the last one; user: NULL when it is not known, or not to be */
};

static char *
keep(struct slice s)
{
	return xstrndup(s.p, s.n < NAME_MAX_BYTES ? s.n : NAME_MAX_BYTES);
}

static void
forget(struct login *l)
{
	free(l->mechanism);
	free(l->user);
	l->mechanism = l->user = NULL;
}

void
login_free(struct login *l)
{
	if (l == NULL)
		return;
	forget(l);
	free(l);
}

/* The value of an attribute of the element's start tag, as it was written; *s goes on with the tag's end. */
static struct slice
find_attribute(struct slice *s, const char *wanted)
{
	struct slice found = SLICE_NONE, name, value;

	slice_take_to(s, " \t\r\n/>");
	while (tag_attribute(s, &name, &value))
		if (slice_eq(name, slice_str(wanted)))
			found = value;
	return found;
}

/* The text of the first response: the content of <auth/>, or of a child of <authenticate/>. */
static struct slice
first_response(struct slice rest)
{
	static const char child[] = "<initial-response";
	const char *at = rest.n > 0 ? memmem(rest.p, rest.n, child, sizeof child - 1) : NULL;

	if (at != NULL)
		rest = slice_of(at, (size_t) (rest.p + rest.n - at));
	slice_take_to(&rest, ">");
	if (rest.n == 0)
		return SLICE_NONE;
	rest = slice_of(rest.p + 1, rest.n - 1);
	return slice_trim(slice_take_to(&rest, "<"));
}

/* PLAIN (RFC 4616): [authzid] NUL authcid NUL password. */
static struct slice
user_of_plain(struct slice message)
{
	struct slice other, rest, user, password;

	if (!slice_cut(message, '\0', &other, &rest) || !slice_cut(rest, '\0', &user, &password))
		return SLICE_NONE;
	return user;
}

/* SCRAM (RFC 5802, 7): n,,n=user,r=nonce */
static struct slice
user_of_scram(struct slice message)
{
	const char *at = memmem(message.p, message.n, ",n=", 3);
	struct slice rest;

	if (at == NULL)
		return SLICE_NONE;
	rest = slice_of(at + 3, (size_t) (message.p + message.n - at) - 3);
	return slice_take_to(&rest, ",");
}

/* What else stands in there is wiped: it may be a password. */
static char *
find_user(const struct hooks *hooks, struct slice mechanism, struct slice response)
{
	char bytes[RESPONSE_MAX];
	size_t n = hooks->from_base64(hooks->arg, response, bytes, sizeof bytes);
	struct slice message = slice_of(bytes, n), user = SLICE_NONE;
	char *kept = NULL;

	if (n > 0 && slice_eq(mechanism, SLICE("PLAIN")))
		user = user_of_plain(message);
	else if (n > 0 && slice_has_prefix(mechanism, SLICE("SCRAM-")))
		user = user_of_scram(message);
	if (slice_is_set(user))
		kept = keep(user);
	wipe(bytes, sizeof bytes);
	return kept;
}

void
login_begin(struct session *s, struct slice element)
{
	struct slice mechanism;

	if (!log_is_on(s->world->log, LOG_NOTICE))
		return;
	if (s->login == NULL)
		s->login = xcalloc(1, sizeof *s->login);
	forget(s->login);
	mechanism = find_attribute(&element, "mechanism");
	s->login->mechanism = keep(mechanism);
	if (s->conf->log.names)
		s->login->user = find_user(s->world->hooks, mechanism, first_response(element));
}

/* " user=..." where it is to be told and is known. */
static struct log_value
told_user(const struct login *l)
{
	struct log_value v = {""};

	if (l->user != NULL)
		snprintf(v.text, sizeof v.text, " user=%.500s", log_string(l->user).text);
	return v;
}

static void
succeed(struct session *s, ms_t now)
{
	log_event(s->world->log, LOG_INFO, "session logged in", "session=%llu mechanism=%s after_s=%.3f%s",
		(unsigned long long) s->number, log_string(s->login->mechanism).text,
		(double) (now - s->opened_at) / 1000, told_user(s->login).text);
	login_free(s->login);
	s->login = NULL;
}

static void
fail(struct session *s)
{
	s->login->failures++;
	log_event(s->world->log, LOG_NOTICE, "session login failed",
		"session=%llu transport=%s client=%s domain=%s mechanism=%s condition=%s failures=%u%s",
		(unsigned long long) s->number, s->front.transport->name, log_peer(s->world->log, &s->peer).text,
		s->domain->ascii, log_string(s->login->mechanism).text,
		log_string(upstream_error(s->upstream)->condition).text, s->login->failures, told_user(s->login).text);
}

void
login_answer(struct session *s, enum stanza_kind kind, ms_t now)
{
	if (s->login == NULL)
		return;
	if (kind == STANZA_SUCCESS || kind == STANZA_SUCCESS2)
		succeed(s, now);
	else if (kind == STANZA_FAILURE)
		fail(s);
}
