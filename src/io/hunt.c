#include "io/hunt.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cache.h"
#include "base/fatal.h"
#include "base/list.h"
#include "base/state.h"
#include "io/find.h"
#include "proto/net/race.h"
#include "proto/net/special.h"

#define MAX_ADDRESSES 16
#define PROBES 3        /* of TCP keep-alive, that a server may leave without an answer */
#define FAILED_MS 60000 /* so long who has failed comes last */
#define REFUSAL 128     /* room for why an address is refused */
#define FAILED_MAX 1024 /* of whom that is known */

static const char no_answer[] = "no answer in time";

struct hunts {
	uv_loop_t *loop;
	struct dns *dns;
	struct context *context;
	const struct hunt_handler *handler;
	struct cache failed; /* servers, by name, and addresses */
};

/* A socket that is being connected; lives until the loop lets go of it. */
struct knock {
	uv_poll_t poll;
	int fd;            /* -1: somebody else has it */
	struct hunt *hunt; /* NULL: given up */
	struct list link;  /* in hunt->knocks */
	size_t server, address;
	ms_t began;
	bool is_counted; /* among the process's sockets, where its hunt has others */
};

/* A server that may be tried. */
struct place {
	struct hunt *hunt;
	size_t index;
	char *host, *name; /* the name has the port, too */
	uint16_t port;
	bool tls_direct;
	struct dns_query *query;
	struct dns_address *address; /* as it was resolved */
	size_t n_addresses, n_failed;
	ms_t began; /* the lookup */
};

enum hunt_state {
	HUNT_BEGINS,
	HUNT_ASKS, /* DNS, which servers there are */
	HUNT_TRIES,
	HUNT_LED,  /* one of them is connected */
	HUNT_OVER, /* nobody is left */
};

static const struct state states[] = {
	[HUNT_BEGINS] = {"begins", STEP(HUNT_ASKS) | STEP(HUNT_TRIES)},
	[HUNT_ASKS] = {"asks", STEP(HUNT_TRIES) | STEP(HUNT_OVER)},
	[HUNT_TRIES] = {"tries", STEP(HUNT_LED) | STEP(HUNT_OVER)},
	[HUNT_LED] = {"led", STEP(HUNT_TRIES)},
	[HUNT_OVER] = {"over", 0},
};

struct hunt {
	struct hunts *all;
	enum hunt_state state;
	void *arg;
	const struct conf_domain *domain;
	uint64_t number;
	struct race race;
	struct find *find; /* ASKS */
	struct place *place;
	size_t n_places;
	struct list knocks;
	size_t server, address; /* LED: who is connected, or a step further */
	ms_t led_from;          /* since when it is tried, or makes its next step */
	enum closing closing;
	char reason[HUNT_REASON];
};

static ms_t
now_of(const struct hunt *h)
{
	return (ms_t) uv_now(h->all->loop);
}

static void
set_state(struct hunt *h, enum hunt_state to)
{
	struct trace trace = {.log = h->all->context->log, .kind = "session", .number = h->number};

	state_step(states, "hunt", &trace, h->state, to);
	h->state = to;
}

static void
set_due(struct hunt *h, ms_t at)
{
	h->all->handler->due(h->arg, at);
}

static void
lose(struct hunt *h)
{
	set_state(h, HUNT_OVER);
	set_due(h, MS_NEVER);
	h->all->handler->lost(h->arg);
}

/* ---- in words ---- */

void
hunt_write_address(const struct dns_address *a, char *out, size_t room)
{
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (a == NULL || a->n == 0 ||
		getnameinfo((const struct sockaddr *) &a->address, a->n, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(out, room, "-");
	else
		snprintf(out, room, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

/* For debugging: what is done next. */
static void
tell_step(const struct hunt *h, const char *event, const struct place *p, const struct dns_address *a)
{
	char address[PEER_TEXT];

	if (!log_is_on(h->all->context->log, LOG_DEBUG))
		return;
	hunt_write_address(a, address, sizeof address);
	log_event(h->all->context->log, LOG_DEBUG, event, "session=%llu server=%s address=%s",
		(unsigned long long) h->number, log_string(p->name).text, address);
}

/* ---- who has failed lately ---- */

static struct slice
key_of(const struct dns_address *a)
{
	return slice_of((const char *) &a->address, a->n);
}

static bool
has_failed(const struct hunt *h, struct slice key)
{
	struct slice none;

	return cache_find(&h->all->failed, key, now_of(h), &none);
}

/* address: NULL when there is none. */
static void
remember_failure(struct hunt *h, struct place *p, const struct dns_address *a)
{
	ms_t until = now_of(h) + FAILED_MS;

	if (a != NULL)
		cache_put(&h->all->failed, key_of(a), SLICE_NONE, until);
	if (a == NULL || ++p->n_failed >= p->n_addresses)
		cache_put(&h->all->failed, slice_str(p->name), SLICE_NONE, until);
}

/*
 * One server has failed, or one address of it; others may be left.  Of
 * domains of "*" nothing is remembered: whoever names one chooses the
 * addresses, and would have those of other domains come last.
 */
static void
note_failure(
	struct hunt *h, struct place *p, const struct dns_address *a, ms_t since, enum closing closing, const char *why)
{
	char address[PEER_TEXT];

	hunt_write_address(a, address, sizeof address);
	log_event(h->all->context->log, LOG_INFO, "upstream attempt failed",
		"session=%llu domain=%s server=%s address=%s after_s=%.3f reason=%s", (unsigned long long) h->number,
		h->domain->ascii, log_string(p->name).text, address, (double) (now_of(h) - since) / 1000,
		log_string(why).text);
	h->closing = closing;
	snprintf(h->reason, sizeof h->reason, "%.100s: %s", p->name, why);
	if (closing != CLOSING_NO_ROOM && !h->domain->is_any)
		remember_failure(h, p, a);
}

/* ---- sockets ---- */

static void
on_knock_closed(uv_handle_t *handle)
{
	struct knock *k = handle->data;

	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

/* The loop lets go of the socket later. */
static void
give_up_knock(struct knock *k)
{
	if (k->is_counted)
		k->hunt->all->context->sockets->servers--;
	k->hunt = NULL;
	list_remove(&k->link);
	uv_poll_stop(&k->poll);
	uv_close((uv_handle_t *) &k->poll, on_knock_closed);
}

static void
give_up_knocks(struct hunt *h)
{
	while (!list_is_empty(&h->knocks))
		give_up_knock(list_entry(h->knocks.next, struct knock, link));
}

/* This one it is, unless something comes of it. */
static void
lead(struct hunt *h, const struct knock *k, int fd)
{
	h->server = k->server;
	h->address = k->address;
	h->led_from = k->began;
	set_state(h, HUNT_LED);
	race_lead(&h->race, h->server, h->address, now_of(h));
	give_up_knocks(h);
	set_due(h, MS_NEVER);
	h->all->handler->reached(h->arg, fd);
}

/* The loop still looks at the knock, which is freed later. */
static void
fail_knock(struct knock *k, const char *why)
{
	struct hunt *h = k->hunt;
	struct place *p = &h->place[k->server];

	race_failed(&h->race, k->server, k->address);
	note_failure(h, p, &p->address[k->address], k->began, CLOSING_CONNECT_FAILED, why);
	give_up_knock(k);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct knock *k = poll->data;
	struct hunt *h = k->hunt;
	int error = 0, fd = k->fd;
	socklen_t n = sizeof error;

	(void) events;
	if (h == NULL)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || (status < 0 && error == 0))
		error = error != 0 ? error : ECONNABORTED;
	if (error == 0) {
		k->fd = -1;
		lead(h, k, fd);
	} else {
		fail_knock(k, strerror(error));
		hunt_go_on(h);
	}
}

/* A server whose machine is gone says nothing: the kernel finds out. */
static void
look_after(int fd, const struct conf_domain *domain)
{
	int one = 1, probes = PROBES, idle = (int) (domain->tcp_keepalive + 999) / 1000;
	int between = idle / 4 > 0 ? idle / 4 : 1;
	unsigned timeout = (unsigned) domain->tcp_user_timeout;

	if (idle > 0) {
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	}
	if (timeout > 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

/* False with a reason in errno. */
static bool
connect_to(struct hunt *h, const struct race_step *step)
{
	const struct dns_address *a = &h->place[step->server].address[step->address];
	struct knock *k;
	int one = 1;
	int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	look_after(fd, h->domain);
	if (connect(fd, (const struct sockaddr *) &a->address, a->n) != 0 && errno != EINPROGRESS) {
		int error = errno;
		close(fd);
		errno = error;
		return false;
	}
	k = xcalloc(1, sizeof *k);
	k->fd = fd;
	k->hunt = h;
	k->server = step->server;
	k->address = step->address;
	k->began = now_of(h);
	k->is_counted = !list_is_empty(&h->knocks);
	if (k->is_counted)
		h->all->context->sockets->servers++;
	list_append(&h->knocks, &k->link);
	must(uv_poll_init(h->all->loop, &k->poll, fd) == 0);
	k->poll.data = k;
	uv_poll_start(&k->poll, UV_WRITABLE, on_poll);
	return true;
}

/* Why this address must not be reached, for the log; false: it may be. */
static bool
is_refused(const struct hunt *h, const struct dns_address *a, char why[REFUSAL])
{
	unsigned char address[NETWORK_BYTES];
	const char *range;

	if (!h->domain->is_any)
		return false;
	if (a->address.ss_family == AF_INET)
		network_map(&((const struct sockaddr_in *) &a->address)->sin_addr, address);
	else
		memcpy(address, &((const struct sockaddr_in6 *) &a->address)->sin6_addr, sizeof address);
	range = special_refused(address, a->address.ss_family == AF_INET6, h->domain->allowed, h->domain->n_allowed);
	if (range != NULL)
		snprintf(why, REFUSAL, "not a public address (%s), and not in allow_addresses", range);
	return range != NULL;
}

static void
try_address(struct hunt *h, const struct race_step *step)
{
	struct place *p = &h->place[step->server];
	const struct dns_address *a = &p->address[step->address];
	char refusal[REFUSAL];
	const char *why = refusal;

	if (!is_refused(h, a, refusal)) {
		if (connect_to(h, step))
			return;
		why = strerror(errno);
	}
	race_failed(&h->race, step->server, step->address);
	note_failure(h, p, a, now_of(h), CLOSING_CONNECT_FAILED, why);
}

/* So many addresses has the server; none: why. */
static void
take_addresses(struct place *p, const struct dns_address *address, size_t n, const char *why)
{
	struct hunt *h = p->hunt;
	struct race_address known[MAX_ADDRESSES] = {{0}};

	n = n < MAX_ADDRESSES ? n : MAX_ADDRESSES;
	for (size_t i = 0; i < n; i++) {
		known[i].is_ip6 = address[i].address.ss_family == AF_INET6;
		known[i].is_late = has_failed(h, key_of(&address[i]));
	}
	race_resolved(&h->race, p->index, known, n);
	p->n_addresses = n;
	if (n > 0) {
		p->address = xrealloc(p->address, n * sizeof *address);
		memcpy(p->address, address, n * sizeof *address);
	} else {
		note_failure(h, p, NULL, p->began, CLOSING_CONNECT_FAILED, why);
	}
}

static void
on_resolved(void *arg, const struct dns_answer *answer)
{
	struct place *p = arg;

	p->query = NULL;
	take_addresses(p, answer->address, answer->n, answer->reason);
	/* Any number may have waited for this name. */
	p->hunt->all->handler->later(p->hunt->arg);
}

static void
resolve(struct hunt *h, struct place *p)
{
	struct dns_address literal;

	p->began = now_of(h);
	if (h->domain->is_any && !special_has_port(p->port)) {
		take_addresses(p, NULL, 0, "not a port for XMPP: neither 443, 5222, 5223 nor 1024 and above");
		return;
	}
	if (dns_literal(p->host, p->port, &literal)) {
		take_addresses(p, &literal, 1, NULL);
		return;
	}
	tell_step(h, "upstream lookup", p, NULL);
	p->query = dns_resolve(h->all->dns, p->host, p->port, on_resolved, p);
}

/* As far as it goes without waiting. */
void
hunt_go_on(struct hunt *h)
{
	struct race_step step;

	while (h->state == HUNT_TRIES) {
		step = race_next(&h->race, now_of(h));
		switch (step.kind) {
		case RACE_RESOLVE:
			resolve(h, &h->place[step.server]);
			break;
		case RACE_CONNECT:
			try_address(h, &step);
			break;
		case RACE_WAIT:
			set_due(h, step.until);
			return;
		case RACE_LOST:
			lose(h);
			return;
		}
	}
}

/* ---- which servers there are ---- */

/* The next in order.  Room for it has been made. */
static void
add_place(struct hunt *h, const char *host, uint16_t port, bool tls_direct, unsigned rank)
{
	struct place *p = &h->place[h->n_places];
	struct buf name;
	size_t n;

	*p = (struct place){
		.hunt = h, .index = h->n_places, .host = xstrdup(host), .port = port, .tls_direct = tls_direct};
	buf_init(&name, HUNT_SERVER);
	buf_printf(&name, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, (unsigned) port);
	buf_append_char(&name, '\0');
	p->name = buf_take(&name, &n);
	h->n_places++;
	race_add_server(&h->race, rank, has_failed(h, slice_str(p->name)));
}

static void
make_room(struct hunt *h, size_t n)
{
	h->place = xcalloc(n, sizeof *h->place);
}

/* The domain itself is the host (RFC 6120, 3.2.2). */
static void
take_domain(struct hunt *h)
{
	make_room(h, 1);
	add_place(h, h->domain->ascii, CONF_PORT_XMPP, false, 0);
}

/* In the order of the list. */
static void
take_list(struct hunt *h)
{
	make_room(h, h->domain->n_connect);
	for (size_t i = 0; i < h->domain->n_connect; i++) {
		const struct conf_target *t = &h->domain->connect[i];
		add_place(h, t->host, t->port, t->tls_direct, (unsigned) i);
	}
}

static void
take_records(struct hunt *h, struct srv_record *record, size_t n)
{
	find_order(record, n, h->all->context->hooks);
	make_room(h, n);
	for (size_t i = 0; i < n; i++)
		add_place(h, record[i].host, record[i].port, record[i].tls_direct, record[i].priority);
}

static void
on_found(void *arg, const struct find_result *result)
{
	struct hunt *h = arg;

	h->find = NULL;
	if (result->trouble != NULL)
		log_event(h->all->context->log, LOG_INFO, "upstream lookup failed", "session=%llu domain=%s reason=%s",
			(unsigned long long) h->number, h->domain->ascii, log_string(result->trouble).text);
	if (result->outcome == SRV_NOT_OFFERED) {
		h->closing = CLOSING_CONNECT_FAILED;
		snprintf(h->reason, sizeof h->reason, "DNS says that the domain has no server for clients (SRV \".\")");
		lose(h);
		return;
	}
	if (result->outcome == SRV_FOUND)
		take_records(h, result->record, result->n);
	else
		take_domain(h);
	set_state(h, HUNT_TRIES);
	h->all->handler->later(h->arg);
}

/* DNS has half of the time. */
static void
search(struct hunt *h)
{
	const struct race *race = &h->race;
	ms_t now = now_of(h);

	set_state(h, HUNT_ASKS);
	set_due(h, race->give_up_at == MS_NEVER ? MS_NEVER : now + (race->give_up_at - now) / 2);
	h->find = find_servers(h->all->dns, h->domain->ascii, h->domain->tls != TLS_OFF, on_found, h);
}

void
hunt_start(struct hunt *h)
{
	struct dns_address literal;

	if (h->domain->by_dns && !dns_literal(h->domain->ascii, CONF_PORT_XMPP, &literal)) {
		search(h);
		return;
	}
	if (h->domain->by_dns)
		take_domain(h);
	else
		take_list(h);
	set_state(h, HUNT_TRIES);
	hunt_go_on(h);
}

/* Those who have had their time. */
static void
expire_attempts(struct hunt *h, ms_t now)
{
	struct race_step step;

	while (race_expired(&h->race, now, &step)) {
		struct place *p = &h->place[step.server];
		if (step.kind == RACE_RESOLVE) {
			dns_cancel(p->query);
			p->query = NULL;
			take_addresses(p, NULL, 0, no_answer);
			continue;
		}
		for (struct list *link = h->knocks.next; link != &h->knocks; link = link->next) {
			struct knock *k = list_entry(link, struct knock, link);
			if (k->server == step.server && k->address == step.address) {
				fail_knock(k, no_answer);
				break;
			}
		}
	}
	if (race_is_over(&h->race, now))
		lose(h);
	else
		hunt_go_on(h);
}

void
hunt_expire(struct hunt *h, ms_t now)
{
	if (h->state == HUNT_ASKS)
		find_conclude(h->find);
	else if (h->state == HUNT_TRIES)
		expire_attempts(h, now);
}

/* ---- who leads ---- */

static struct place *
leader(const struct hunt *h)
{
	must(h->state == HUNT_LED);
	return &h->place[h->server];
}

const char *
hunt_server(const struct hunt *h)
{
	return leader(h)->name;
}

const struct dns_address *
hunt_address(const struct hunt *h)
{
	return &leader(h)->address[h->address];
}

bool
hunt_is_direct(const struct hunt *h)
{
	return leader(h)->tls_direct;
}

ms_t
hunt_lead(struct hunt *h)
{
	ms_t until = race_lead(&h->race, h->server, h->address, now_of(h));

	h->led_from = now_of(h);
	return until;
}

void
hunt_add_time(struct hunt *h, ms_t more)
{
	race_add_time(&h->race, more);
}

bool
hunt_has_more(const struct hunt *h)
{
	return race_has_more(&h->race, now_of(h));
}

void
hunt_leader_failed(struct hunt *h, enum closing closing, const char *why)
{
	struct place *p = leader(h);

	race_failed(&h->race, h->server, h->address);
	note_failure(h, p, &p->address[h->address], h->led_from, closing, why);
	set_state(h, HUNT_TRIES);
}

void
hunt_settle(struct hunt *h)
{
	cache_forget(&h->all->failed, slice_str(hunt_server(h)));
	cache_forget(&h->all->failed, key_of(hunt_address(h)));
}

size_t
hunt_count(const struct hunt *h)
{
	return h->n_places;
}

enum closing
hunt_closing(const struct hunt *h)
{
	return h->closing;
}

const char *
hunt_reason(const struct hunt *h)
{
	return h->reason;
}

/* ---- a hunt, and all of them ---- */

struct hunt *
hunt_new(struct hunts *all, void *arg, const struct conf_domain *domain, ms_t timeout, uint64_t number)
{
	struct hunt *h = xcalloc(1, sizeof *h);

	h->all = all;
	h->arg = arg;
	h->domain = domain;
	h->number = number;
	h->closing = CLOSING_CONNECT_FAILED;
	list_init(&h->knocks);
	race_init(&h->race, timeout, now_of(h));
	return h;
}

void
hunt_free(struct hunt *h)
{
	if (h == NULL)
		return;
	find_cancel(h->find);
	give_up_knocks(h);
	for (size_t i = 0; i < h->n_places; i++) {
		dns_cancel(h->place[i].query);
		free(h->place[i].host);
		free(h->place[i].name);
		free(h->place[i].address);
	}
	race_fini(&h->race);
	free(h->place);
	free(h);
}

struct hunts *
hunts_new(uv_loop_t *loop, struct dns *dns, struct context *context, const struct hunt_handler *handler)
{
	struct hunts *all = xcalloc(1, sizeof *all);
	uint64_t seed;

	all->loop = loop;
	all->dns = dns;
	all->context = context;
	all->handler = handler;
	context->hooks->random(context->hooks->arg, &seed, sizeof seed);
	cache_init(&all->failed, FAILED_MAX, seed);
	return all;
}

void
hunts_free(struct hunts *all)
{
	cache_fini(&all->failed);
	free(all);
}
