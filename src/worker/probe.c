#include "worker/probe.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "io/crypto.h"
#include "io/dial.h"
#include "proto/stream/upstream.h"
#include "worker/candidates.h"
#include "worker/handshake.h"
#include "worker/mailbox.h"

#define PARALLEL 16 /* servers at a time */
#define HANDSHAKE_THREADS 2
#define SERVER_MS \
	10000         /* to connect to one of them, if limits.connect_timeout is not less; as long again for the rest */
#define ALL_MS 300000 /* after that nobody else is tried */
#define TICK_MS 50
#define VECTORS 16

/* One server of one domain. */
struct item {
	const struct conf_domain *domain;
	const struct candidates *candidates; /* of the domain */
	size_t target;                       /* of these; where there are none, there is nothing to try */
	bool is_done, has_failed;
	struct buf text; /* what was found */
};

/* Where a server is tried; the next comes after it. */
struct slot {
	struct probes *all;
	unsigned index;
	struct dial_handler handler;
	struct dialer *dialer;
	struct item *item;         /* NULL: none */
	struct conf_domain domain; /* with this server alone; borrows the rest */
	struct dial *dial;         /* NULL: it is gone */
	struct upstream *upstream;
	enum upstream_leg leg;
	bool has_address;
	uint64_t job; /* of the handshake under way */
	ms_t until;
};

struct probes {
	const struct conf *conf;
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_timer_t timer;
	struct crypto *crypto;
	struct hooks hooks;
	struct dns *dns;
	struct sockets sockets;
	struct context context; /* without log and limits */
	struct mailbox *mailbox;
	struct mailbox *mailboxes[PARALLEL]; /* the same for all */
	struct handshakes *handshakes;
	struct xml_readers readers;
	struct trace trace;
	struct slot slot[PARALLEL];
	struct candidates *candidates;
	struct item *item;
	size_t n_items, n_begun, n_told, n_failed;
	ms_t until;
};

static ms_t
now_of(const struct probes *p)
{
	return (ms_t) uv_now(&p->loop);
}

/* ---- what is said ---- */

static void
tell_domain(const struct item *i)
{
	printf("%s\n", i->domain->name);
	if (i->candidates->remark != NULL)
		printf("  (%s)\n", i->candidates->remark);
}

static void
tell_server(const struct item *i)
{
	const struct conf_target *t = &i->candidates->target[i->target];
	const struct srv_record *r = i->candidates->record;
	bool is_v6 = strchr(t->host, ':') != NULL;

	printf("  %s://%s%s%s:%u", t->tls_direct ? "xmpps" : "xmpp", is_v6 ? "[" : "", t->host, is_v6 ? "]" : "",
		(unsigned) t->port);
	if (r != NULL)
		printf(" (priority %u, weight %u)", (unsigned) r[i->target].priority, (unsigned) r[i->target].weight);
	printf("\n");
}

/* In order, as far as it is known. */
static void
tell(struct probes *p)
{
	for (; p->n_told < p->n_items && p->item[p->n_told].is_done; p->n_told++) {
		struct item *i = &p->item[p->n_told];
		if (i->target == 0)
			tell_domain(i);
		if (i->target < i->candidates->n)
			tell_server(i);
		printf("%.*s", SLICE_ARG(buf_slice(&i->text)));
		buf_fini(&i->text);
		fflush(stdout);
	}
}

static void
say_failed(struct probes *p, struct item *i, const char *why)
{
	buf_printf(&i->text, "    FAILED: %s\n", why);
	i->is_done = i->has_failed = true;
	p->n_failed++;
}

static void
say_address(struct slot *s)
{
	const struct dns_address *a = dial_address(s->dial);
	char host[NI_MAXHOST], port[NI_MAXSERV];
	bool is_v6 = a->address.ss_family == AF_INET6;

	if (s->has_address)
		return;
	s->has_address = true;
	if (getnameinfo((const struct sockaddr *) &a->address, a->n, host, sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		buf_printf(&s->item->text, "    reached %s%s%s:%s\n", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}

/* What the handshake came to, also one that failed. */
static void
say_tls(struct slot *s, const struct tls_job *job)
{
	struct buf *out = &s->item->text;

	if (job->tls != NULL) {
		buf_append_str(out, "    ");
		tls_describe(job->tls, out);
		buf_printf(out, ", %s\n", job->server.is_direct ? "from the first byte" : "by STARTTLS");
	}
	if (job->certificate != NULL)
		buf_printf(out, "    certificate %s\n", job->certificate);
}

/* How a session of this domain will be carried. */
static void
say_policy(struct slot *s)
{
	static const char *const without[] = {
		[TLS_OPTIONAL] = "the server offers no TLS, and \"tls\" is \"optional\"",
		[TLS_IF_REQUIRED] = "the server does not demand TLS, and \"tls\" is \"if-required\"",
		[TLS_OFF] = "\"tls\" is \"off\"",
	};
	struct buf *out = &s->item->text;

	if (s->leg == UPSTREAM_SECURE)
		buf_printf(out, "    policy: with TLS, the certificate is %s\n",
			s->domain.verify ? "checked, and valid" : "not checked (\"verify\" is false)");
	else
		buf_printf(out, "    policy: without TLS: %s; %s\n", without[s->domain.tls],
			s->leg == UPSTREAM_LOCAL ? "it stays on this machine"
						 : "PASSWORDS CROSS THE NETWORK IN THE CLEAR");
}

/* ---- one server ---- */

static void
free_slot(struct slot *s)
{
	dial_drop(s->dial);
	s->dial = NULL;
	upstream_free(s->upstream);
	s->upstream = NULL;
	s->item = NULL;
	s->job = 0;
}

static void
succeed(struct slot *s)
{
	say_policy(s);
	s->item->is_done = true;
	free_slot(s);
}

static void
lose(struct slot *s, const char *why)
{
	say_failed(s->all, s->item, why);
	free_slot(s);
}

static void
renew_upstream(struct slot *s)
{
	struct probes *p = s->all;
	const struct xml_limits xml = {p->conf->limits.stanza, XML_DEPTH_MAX};

	upstream_free(s->upstream);
	s->upstream = upstream_new(xml, &p->readers, &p->trace);
	upstream_set_tls(s->upstream, s->domain.tls);
}

/* Writes what there is to write; what the socket does not take now, it takes when it is asked again. */
static void
flush(struct slot *s)
{
	struct iovec v[VECTORS];
	int n;
	size_t done;

	while ((n = upstream_out(s->upstream, v, VECTORS)) > 0) {
		done = dial_write(s->dial, v, n);
		if (done == 0)
			return;
		upstream_written(s->upstream, done);
	}
}

static void
explain(struct slot *s, enum closing reason, const struct stanza *error)
{
	char text[256], quoted[LOG_QUOTED];

	if (error == NULL) {
		lose(s, closing_row(reason)->text);
		return;
	}
	snprintf(text, sizeof text, "%s: %s", closing_row(reason)->text,
		log_quote(quoted, slice_of(error->bytes, error->n)));
	lose(s, text);
}

/* The features that a client would see are the end of it. */
static void
go_on(struct slot *s, enum closing reason)
{
	struct stanza *st, *error = NULL;
	bool has_features = false;

	while ((st = upstream_next_down(s->upstream)) != NULL) {
		has_features = has_features || st->kind == STANZA_FEATURES;
		if (st->kind == STANZA_STREAM_ERROR && error == NULL)
			error = st;
		else
			stanza_free(st);
	}
	if (reason != CLOSING_NONE) {
		explain(s, reason, error);
	} else if (has_features) {
		succeed(s);
	} else {
		flush(s);
		if (upstream_wants_tls(s->upstream))
			dial_start_tls(s->dial);
	}
	stanza_free(error);
}

static void
on_connected(void *owner, enum upstream_leg leg)
{
	struct slot *s = owner;
	char version[] = "1.0";
	const struct stream_header h = {.to = s->domain.name, .version = version};

	say_address(s);
	s->leg = leg;
	upstream_open(s->upstream, &h, leg);
	flush(s);
}

static void
on_data(void *owner, struct slice bytes)
{
	struct slot *s = owner;

	go_on(s, upstream_feed(s->upstream, bytes));
}

static void
on_writable(void *owner)
{
	flush(owner);
}

static void
on_gone(void *owner, enum closing reason, const char *why)
{
	struct slot *s = owner;

	(void) reason;
	s->dial = NULL;
	lose(s, why);
}

/* Where a server has several addresses, and the stream of one does not begin. */
static void
on_again(void *owner)
{
	struct slot *s = owner;

	s->has_address = false;
	renew_upstream(s);
}

static void
on_crowd(void *arg)
{
	const struct slot *s = arg;

	dialer_run(s->dialer);
}

static void
on_handshake(void *arg, struct tls_job *job)
{
	struct slot *s = arg;

	s->job = job->id;
	job->worker = s->index;
	job->is_curious = true;
	handshakes_post(s->all->handshakes, job);
}

/* A handshake is back; whose server was given up meanwhile, the dialer knows. */
static void
receive(void *arg, struct mail *mail)
{
	struct probes *p = arg;
	struct slot *s;

	must(mail->kind == MAIL_SECURED);
	s = &p->slot[mail->job->worker];
	if (s->item != NULL && s->job == mail->job->id) {
		tls_job_look(mail->job);
		say_tls(s, mail->job);
	}
	dialer_secured(s->dialer, mail->job);
	mail->job = NULL;
}

static void
begin(struct slot *s, struct item *i)
{
	struct probes *p = s->all;
	const struct conf_limits *limits = &p->conf->limits;
	ms_t timeout = limits->connect_timeout > 0 ? ms_min(limits->connect_timeout, SERVER_MS) : SERVER_MS;

	s->item = i;
	s->has_address = false;
	s->domain = *i->domain;
	s->domain.by_dns = false;
	s->domain.connect = &i->candidates->target[i->target];
	s->domain.n_connect = 1;
	s->until = now_of(p) + 2 * timeout;
	renew_upstream(s);
	s->dial = dial_connect(s->dialer, s, &s->domain, NULL, timeout, 0);
}

static void
begin_next(struct slot *s)
{
	struct probes *p = s->all;
	struct item *i = &p->item[p->n_begun++];

	if (i->candidates->n > 0)
		begin(s, i);
	else if (i->domain->is_any)
		i->is_done = true;
	else
		say_failed(p, i, "there is no server to try");
}

/* ---- all of them ---- */

static void
close_all(struct probes *p)
{
	uv_prepare_stop(&p->prepare);
	uv_close((uv_handle_t *) &p->prepare, NULL);
	uv_close((uv_handle_t *) &p->timer, NULL);
	mailbox_close(p->mailbox);
	dns_close(p->dns);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct probes *p = prepare->data;

	for (struct slot *s = p->slot; s < p->slot + PARALLEL; s++) {
		dialer_run(s->dialer);
		if (s->item == NULL && p->n_begun < p->n_items && now_of(p) < p->until)
			begin_next(s);
	}
	while (p->n_begun < p->n_items && now_of(p) >= p->until)
		say_failed(p, &p->item[p->n_begun++], "not tried: all together took too long");
	tell(p);
	if (p->n_told == p->n_items)
		close_all(p);
}

static void
on_timer(uv_timer_t *timer)
{
	struct probes *p = timer->data;

	for (struct slot *s = p->slot; s < p->slot + PARALLEL; s++) {
		dialer_expire(s->dialer, now_of(p));
		if (s->item != NULL && now_of(p) >= s->until)
			lose(s, s->has_address ? "it did not open its stream in time" : "no answer in time");
	}
}

static void
list_items(struct probes *p)
{
	const struct conf *conf = p->conf;
	size_t n = 0;

	p->candidates = candidates_find(conf, &p->loop, p->dns, &p->hooks);
	for (size_t i = 0; i < conf->n_domain; i++)
		n += p->candidates[i].n > 0 ? p->candidates[i].n : 1;
	p->item = xcalloc(n, sizeof *p->item);
	for (size_t i = 0; i < conf->n_domain; i++) {
		size_t k = 0;
		do {
			struct item *item = &p->item[p->n_items++];
			item->domain = &conf->domain[i];
			item->candidates = &p->candidates[i];
			item->target = k;
			buf_init(&item->text, BUF_UNLIMITED);
		} while (++k < p->candidates[i].n);
	}
}

static void
give_random(void *arg, void *bytes, size_t n)
{
	crypto_random(arg, bytes, n);
}

static bool
open_parts(struct probes *p, struct files *files)
{
	uint64_t seed;

	p->crypto = crypto_new();
	if (p->crypto == NULL) {
		fprintf(stderr, "culvert: the system gives no entropy for random numbers\n");
		return false;
	}
	crypto_random(p->crypto, &seed, sizeof seed);
	p->hooks = (struct hooks){.arg = p->crypto, .random = give_random};
	p->context.hooks = &p->hooks;
	must(uv_loop_init(&p->loop) == 0);
	p->dns = dns_new(&p->loop, &p->conf->resolver_servers, NULL, seed, NULL);
	if (p->dns == NULL) {
		fprintf(stderr, "culvert: the resolver cannot be set up; look at \"resolver\" and /etc/resolv.conf\n");
		return false;
	}
	p->mailbox = mailbox_new(&p->loop, receive, p);
	for (unsigned i = 0; i < PARALLEL; i++)
		p->mailboxes[i] = p->mailbox;
	p->handshakes = handshakes_new(HANDSHAKE_THREADS, p->mailboxes, files, NULL, NULL);
	must(p->handshakes != NULL);
	xml_readers_init(&p->readers, seed);
	must(uv_prepare_init(&p->loop, &p->prepare) == 0 && uv_timer_init(&p->loop, &p->timer) == 0);
	p->prepare.data = p->timer.data = p;
	return true;
}

static void
open_slot(struct probes *p, unsigned i)
{
	struct slot *s = &p->slot[i];

	s->all = p;
	s->index = i;
	s->handler = (struct dial_handler){
		.arg = s,
		.connected = on_connected,
		.again = on_again,
		.handshake = on_handshake,
		.data = on_data,
		.writable = on_writable,
		.gone = on_gone,
		.crowd = on_crowd,
	};
	s->dialer = dialer_new(&p->loop, p->dns, &s->handler, &p->context);
}

static void
free_parts(struct probes *p)
{
	handshakes_stop(p->handshakes);
	mailbox_free(p->mailbox);
	for (unsigned i = 0; i < PARALLEL; i++)
		dialer_free(p->slot[i].dialer);
	xml_readers_fini(&p->readers);
	must(uv_loop_close(&p->loop) == 0);
	crypto_free(p->crypto);
	free(p->item);
	candidates_free(p->candidates, p->conf);
}

bool
probe_all(const struct conf *conf, struct files *files)
{
	struct probes *p = xcalloc(1, sizeof *p);
	bool is_good;

	p->context.sockets = &p->sockets;
	p->conf = conf;
	if (!open_parts(p, files))
		return false;
	list_items(p);
	for (unsigned i = 0; i < PARALLEL; i++)
		open_slot(p, i);
	p->until = now_of(p) + ALL_MS;
	uv_prepare_start(&p->prepare, on_prepare);
	uv_timer_start(&p->timer, on_timer, TICK_MS, TICK_MS);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	free_parts(p);
	is_good = p->n_failed == 0;
	if (is_good)
		printf("ok\n");
	else
		printf("FAILED: %zu of %zu servers\n", p->n_failed, p->n_items);
	is_good = fflush(stdout) == 0 && is_good;
	free(p);
	return is_good;
}
