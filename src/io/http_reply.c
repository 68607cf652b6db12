#include "io/http_reply.h"

#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/http_parts.h"
#include "io/tcp_info.h"

static const struct listener *
listener_of(const struct request *rq)
{
	return listeners_of(rq->http->context->listeners, &rq->connection->peer);
}

static void
answer(struct request *rq, struct MHD_Response *response, unsigned status, const struct http_field *fields,
	size_t n_fields)
{
	const struct conf *conf = rq->http->context->conf;
	char hsts[LISTENER_HSTS];

	must(response != NULL);
	for (size_t i = 0; i < n_fields; i++)
		MHD_add_response_header(response, fields[i].name, fields[i].value);
	for (size_t i = 0; i < conf->n_response_header; i++)
		MHD_add_response_header(response, conf->response_header[i].name, conf->response_header[i].value);
	if (listener_hsts(listener_of(rq), hsts))
		MHD_add_response_header(response, "Strict-Transport-Security", hsts);
	if (rq->is_last)
		MHD_add_response_header(response, "Connection", "close");
	rq->response = response;
	rq->status = status;
	if (pace_answer(&rq->connection->pace))
		list_append(&rq->http->to_resume, &rq->due);
}

static void
write_field(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s: %s\r\n", name, value);
}

/*
 * The library takes no answer to what it is still reading.  All earlier ones
 * are written, so there is nothing before this one.
 */
static void
answer_late(struct request *rq, unsigned status, const struct http_field *fields, size_t n_fields, struct slice body)
{
	const struct conf *conf = rq->http->context->conf;
	int fd = rq->connection->fd;
	char hsts[LISTENER_HSTS];
	struct buf out;

	buf_init(&out, BUF_UNLIMITED);
	buf_printf(
		&out, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", status, MHD_get_reason_phrase_for(status), body.n);
	for (size_t i = 0; i < n_fields; i++)
		write_field(&out, fields[i].name, fields[i].value);
	for (size_t i = 0; i < conf->n_response_header; i++)
		write_field(&out, conf->response_header[i].name, conf->response_header[i].value);
	if (listener_hsts(listener_of(rq), hsts))
		write_field(&out, "Strict-Transport-Security", hsts);
	buf_append_str(&out, "\r\n");
	buf_append(&out, body);
	(void) send(fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	buf_fini(&out);
	(void) pace_answer(&rq->connection->pace);
}

/* The request, if it still waits for its answer. */
static struct request *
find_waiting(const struct http *h, struct req_id id)
{
	struct request *rq = slots_find(&h->requests, id.slot, id.use);

	return rq != NULL && pace_is_unanswered(&rq->connection->pace) ? rq : NULL;
}

unsigned
http_waiting(const struct http *h)
{
	const struct request *rq;
	uint32_t i = 0;
	unsigned n = 0;

	while ((rq = slots_next(&h->requests, &i)) != NULL)
		n += pace_is_unanswered(&rq->connection->pace);
	return n;
}

bool
http_held(struct http *h, struct req_id id, struct http_request *rq)
{
	struct request *held = find_waiting(h, id);

	if (held == NULL)
		return false;
	*rq = (struct http_request){.id = id, .library = held->library, .tag = held->tag};
	return true;
}

void
http_reply(struct http *h, struct req_id id, unsigned status, const struct http_field *fields, size_t n_fields,
	struct slice body)
{
	struct request *rq = find_waiting(h, id);

	if (rq == NULL)
		return;
	if (rq->is_late) {
		answer_late(rq, status, fields, n_fields, body);
		return;
	}
	answer(rq,
		MHD_create_response_from_buffer(
			body.n, (void *) (uintptr_t) (body.n > 0 ? body.p : ""), MHD_RESPMEM_MUST_COPY),
		status, fields, n_fields);
	rq->answer = body.n;
	charge(rq);
	if (body.n >= HTTP_LARGE) {
		rq->unsent = body.n;
		tcp_info_keep_little(rq->connection->fd);
		list_append(&h->untold, &rq->untold);
	}
}

/* The library gives the file to the kernel to send, a piece at a time. */
void
http_reply_file(struct http *h, struct req_id id, unsigned status, const struct http_field *fields, size_t n_fields,
	int fd, uint64_t size)
{
	struct request *rq = find_waiting(h, id);

	if (rq == NULL || size == 0) {
		close(fd);
		http_reply(h, id, status, fields, n_fields, SLICE(""));
		return;
	}
	answer(rq, MHD_create_response_from_fd64(size, fd), status, fields, n_fields);
}

void
http_cut(struct http *h, struct req_id id)
{
	struct request *rq = slots_find(&h->requests, id.slot, id.use);

	if (rq != NULL && rq->unsent > 0) {
		/* The socket is the library's: it sees the end and closes it. */
		shutdown(rq->connection->fd, SHUT_RDWR);
		return;
	}
	if (rq == NULL || !pace_is_unanswered(&rq->connection->pace))
		return;
	rq->connection->is_gone = true; /* the library is told so when it comes back to it */
	if (pace_answer(&rq->connection->pace))
		list_append(&h->to_resume, &rq->due);
}
