#include "io/redirect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/secure_url.h"
#include "io/beneath.h"
#include "io/http_answer.h"

#define CHALLENGES "/.well-known/acme-challenge/"
#define TOKEN_MAX 255
#define PORT_HTTPS 443

/* base64url, without padding (RFC 8555, 8.3). */
static bool
is_token(struct slice s)
{
	if (s.n == 0 || s.n > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_letter(s.p[i]) && !slice_is_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

/*
 * The file itself, or where clients of ACME put it that are given the
 * directory as a root of the web (certbot's --webroot).
 */
static int
open_challenge(const char *directory, struct slice token)
{
	char name[sizeof CHALLENGES + TOKEN_MAX];
	int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

	if (root < 0)
		return -1;
	snprintf(name, sizeof name, "%.*s", SLICE_ARG(token));
	fd = beneath_open(root, name);
	if (fd < 0) {
		snprintf(name, sizeof name, "%s%.*s", &CHALLENGES[1], SLICE_ARG(token));
		fd = beneath_open(root, name);
	}
	close(root);
	return fd;
}

static void
answer_challenge(struct http *http, const struct context *c, const struct http_request *rq, const char *directory)
{
	static const struct http_field fields[] = {
		{"Content-Type", "application/octet-stream"},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
	};
	struct slice token = slice_of(rq->path.p + sizeof CHALLENGES - 1, rq->path.n - (sizeof CHALLENGES - 1));
	int fd = is_token(token) && http_is_reading(rq) ? open_challenge(directory, token) : -1;
	struct stat st;

	log_event(c->log, LOG_INFO, fd >= 0 ? "ACME challenge" : "ACME challenge not found", "client=%s token=%s",
		log_peer(c->log, rq->peer).text, log_value(token).text);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		http_reply_file(http, rq->id, 200, fields, sizeof fields / sizeof *fields, fd, (uint64_t) st.st_size);
		return;
	}
	if (fd >= 0)
		close(fd);
	http_answer_text(http, c, rq, 404, "No such challenge.\n", NULL, NULL);
}

/* The first listener with TLS. */
static uint16_t
secure_port(const struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].conf->n_tls > 0 && l->v[i].conf->unix_path == NULL)
			return l->v[i].port;
	return PORT_HTTPS;
}

/* What is asked again must be the same, a POST with its body, too: so 308 but for who only reads. */
static void
send_away(struct http *http, const struct context *c, const struct http_request *rq)
{
	struct buf url;

	buf_init(&url, SECURE_URL_MAX + 512);
	if (secure_url(c->conf, secure_port(c->listeners), slice_trim(http_header(rq, "Host")), rq->target, &url))
		http_answer_text(http, c, rq, http_is_reading(rq) ? 301 : 308, "This is served by https only.\n",
			"Location", buf_cstr(&url));
	else
		http_answer_text(
			http, c, rq, 400, "This is served by https only, and the request names no host.\n", NULL, NULL);
	buf_fini(&url);
}

bool
redirect_answer(struct http *http, const struct context *c, const struct http_request *rq)
{
	const struct conf_listen *l = listeners_of(c->listeners, rq->peer)->conf;

	if (l->acme != NULL && slice_has_prefix(rq->path, SLICE(CHALLENGES)))
		answer_challenge(http, c, rq, l->acme);
	else if (l->redirect)
		send_away(http, c, rq);
	else
		return false;
	return true;
}
