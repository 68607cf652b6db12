#include "io/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/features.h"
#include "io/beneath.h"
#include "proto/http/static_file.h"

#define DATE_MAX 32
#define KEPT "public, max-age=86400"

struct pages {
	struct http *http;
	const struct log *log;
	int directory; /* -1: there are none */
};

static const char none_text[] = "There is nothing here.\n";
static const char none_html[] = "<!DOCTYPE html>\n"
				"<html lang=\"en\">\n"
				"<meta charset=\"utf-8\">\n"
				"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
				"<meta name=\"color-scheme\" content=\"light dark\">\n"
				"<title>Nothing here</title>\n"
				"<h1>There is nothing here</h1>\n"
				"<p>The address may be mistyped, or the page was moved.\n"
				"</html>\n";

void
pages_set_conf(struct pages *p, const struct conf *conf)
{
	if (p->directory >= 0)
		close(p->directory);
	p->directory = -1;
	if (conf->pages.is_on)
		p->directory = open(conf->pages.directory != NULL ? conf->pages.directory : CULVERT_PAGES,
			O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct pages *
pages_new(struct http *http, const struct conf *conf, const struct log *log)
{
	struct pages *p = xcalloc(1, sizeof *p);

	p->http = http;
	p->log = log;
	p->directory = -1;
	pages_set_conf(p, conf);
	return p;
}

void
pages_free(struct pages *p)
{
	if (p == NULL)
		return;
	if (p->directory >= 0)
		close(p->directory);
	free(p);
}

static bool
is_reading(const struct http_request *rq)
{
	return slice_eq(rq->method, SLICE("GET")) || slice_eq(rq->method, SLICE("HEAD"));
}

void
pages_answer_none(struct pages *p, const struct http_request *rq)
{
	static const struct http_field html[] = {
		{"Content-Type", "text/html; charset=utf-8"},
		{"Cache-Control", "no-store"},
		{"Content-Security-Policy", "default-src 'none'"},
		{"X-Content-Type-Options", "nosniff"},
	};
	static const struct http_field text[] = {
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
	};
	struct slice accept = http_header(rq, "Accept");

	if (slice_is_set(accept) && memmem(accept.p, accept.n, "text/html", 9) != NULL)
		http_reply(p->http, rq->id, 404, html, sizeof html / sizeof *html, slice_str(none_html));
	else
		http_reply(p->http, rq->id, 404, text, sizeof text / sizeof *text, slice_str(none_text));
}

/*
 * "dir" where "dir/" is meant: the links of its page would lead elsewhere.
 * Relative to the last part of the path, so that it holds behind a proxy
 * that shows us under another path, too.
 */
static void
redirect(struct pages *p, const struct http_request *rq)
{
	char location[3 * STATIC_FILE_PATH_MAX + 8];
	size_t begin = rq->path.n;
	struct http_field fields[] = {{"Location", location}, {"Cache-Control", "no-cache"}};

	while (begin > 0 && rq->path.p[begin - 1] != '/')
		begin--;
	snprintf(location, sizeof location, "./%.*s/", (int) (rq->path.n - begin), rq->path.p + begin);
	http_reply(p->http, rq->id, 301, fields, sizeof fields / sizeof *fields, SLICE(""));
}

static void
refuse_method(struct pages *p, const struct http_request *rq)
{
	static const struct http_field fields[] = {
		{"Allow", "GET, HEAD"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"X-Content-Type-Options", "nosniff"},
	};

	http_reply(p->http, rq->id, 405, fields, sizeof fields / sizeof *fields, SLICE("A page takes GET.\n"));
}

/* Takes fd over. */
static void
send_file(struct pages *p, const struct http_request *rq, const char *file, int fd, const struct stat *st)
{
	const struct static_file_type *type = static_file_type(file);
	char etag[STATIC_FILE_ETAG_MAX], date[DATE_MAX];
	struct http_field fields[] = {
		{"ETag", etag},
		{"Last-Modified", date},
		{"Cache-Control", type->is_kept ? KEPT : "no-cache"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Type", type->content_type},
	};
	size_t n = sizeof fields / sizeof *fields;
	struct tm tm;

	static_file_etag(etag, (uint64_t) st->st_size, st->st_mtim.tv_sec, (uint32_t) st->st_mtim.tv_nsec);
	if (gmtime_r(&st->st_mtim.tv_sec, &tm) == NULL ||
		strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		snprintf(date, sizeof date, "Thu, 01 Jan 1970 00:00:00 GMT");
	if (static_file_is_known(http_header(rq, "If-None-Match"), http_header(rq, "If-Modified-Since"), etag, date)) {
		close(fd);
		http_reply(p->http, rq->id, 304, fields, n - 1, SLICE(""));
		return;
	}
	http_reply_file(p->http, rq->id, 200, fields, n, fd, (uint64_t) st->st_size);
}

/* A file that is there and cannot be read is for the administrator to know of, not for the world. */
static bool
complain(struct pages *p, const struct http_request *rq, const char *file)
{
	static const struct http_field fields[] = {{"Retry-After", "1"}, {"Cache-Control", "no-store"}};
	bool is_short;

	if (errno == ENOENT)
		return false;
	is_short = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
	log_event(p->log, LOG_NOTICE, "page not served", "file=%s reason=%s", log_string(file).text,
		log_string(strerror(errno)).text);
	if (!is_short)
		return false;
	http_reply(p->http, rq->id, 503, fields, sizeof fields / sizeof *fields, SLICE(""));
	return true;
}

bool
pages_answer(struct pages *p, const struct http_request *rq)
{
	char file[STATIC_FILE_PATH_MAX];
	struct stat st = {.st_mode = 0};
	int fd;

	if (p->directory < 0 || !static_file_path(rq->path, file))
		return false;
	fd = beneath_open(p->directory, file);
	if (fd < 0)
		return complain(p, rq, file);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_reading(rq)) {
		send_file(p, rq, file, fd, &st);
		return true;
	}
	close(fd);
	if (S_ISDIR(st.st_mode) && rq->path.p[rq->path.n - 1] != '/' && is_reading(rq))
		redirect(p, rq);
	else if (S_ISREG(st.st_mode) && !is_reading(rq))
		refuse_method(p, rq);
	else
		return false;
	return true;
}
