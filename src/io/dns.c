#include "io/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <net/if.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cache.h"
#include "base/fatal.h"
#include "base/list.h"

#define TRY_MS 2000 /* until a server is asked again, or the next one */
#define TRIES 2
#define MAX_ADDRESSES 16
#define RESOLV_CONF "/etc/resolv.conf"
#define LOOK_MS 1000 /* between two looks at it */

/* What is known, for how long; seconds. */
#define KNOWN_MAX 1024
#define TTL_MAX 3600
#define NOTHING_TTL 10 /* where the answer does not say (RFC 2308) */
#define NOTHING_TTL_MAX 300
#define FAILED_TTL 5 /* RFC 2308, 7: so that a resolver without answers is not asked for every client */

#define SRV_FIXED 6    /* bytes of a record before its target (RFC 2782) */
#define SOA_MINIMUM 16 /* bytes of a record behind its two names that stand before the minimum (RFC 1035, 3.3.13) */

/* A socket of the library's, watched by the loop. */
struct dns_socket {
	struct list link;
	struct dns *dns;
	ares_socket_t fd;
	uv_poll_t poll;
};

enum lookup_kind {
	LOOKUP_HOST,
	LOOKUP_SERVICE,
};

/* A name that is being looked up, once for all who wait for it: each would cost the library a walk over all others. */
struct lookup {
	struct dns *dns;
	enum lookup_kind kind;
	char *key; /* what is cached under; the name stands in it */
	const char *name;
	uint16_t port;   /* of a host */
	bool tls_direct; /* of a service */
	bool is_starting, is_done;
	struct list queries;
	struct list link; /* in dns->lookups */
};

struct dns_query {
	struct list link; /* in a lookup */
	void (*done)(void *arg, const struct dns_answer *answer);
	void *arg;
};

/* What is kept of an answer; its items stand behind. */
struct known {
	_Alignas(max_align_t) int status;
	size_t n;
};

struct dns {
	uv_loop_t *loop;
	const struct log *log;
	ares_channel channel;
	char *servers, *resolv_conf; /* servers: as the library wants them, NULL: the system's */
	uint16_t port;               /* of the system's; 0: the usual one */
	struct stat file;            /* resolv.conf, as it was */
	ms_t look_at;
	struct list sockets, lookups;
	struct cache known;
	uv_timer_t timer;
	bool is_late; /* a time-out is due, but we have not looked since */
	bool is_closing;
};

static void on_timer(uv_timer_t *timer);

/* Wakes up when the library's next time-out is due. */
static void
arm(struct dns *d)
{
	struct timeval tv, *next = ares_timeout(d->channel, NULL, &tv);

	d->is_late = false;
	if (next == NULL)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(&d->timer, on_timer, (uint64_t) tv.tv_sec * 1000 + (uint64_t) tv.tv_usec / 1000 + 1, 0);
}

/* An answer that came in time may not have been looked at: the loop goes round once more. */
static void
on_timer(uv_timer_t *timer)
{
	struct dns *d = timer->data;

	if (!d->is_late) {
		d->is_late = true;
		uv_timer_start(timer, on_timer, 1, 0);
		return;
	}
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(d);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct dns_socket *s = poll->data;
	struct dns *d = s->dns;
	ares_socket_t fd = s->fd;
	bool readable = status < 0 || (events & UV_READABLE) != 0;
	bool writable = status < 0 || (events & UV_WRITABLE) != 0;

	/* The library may close this socket while it works: s is not touched after. */
	ares_process_fd(d->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
	arm(d);
}

static void
on_socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* The library wants a socket watched, or no more (just before it closes it). */
static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = arg;
	struct dns_socket *s = NULL;

	for (struct list *link = d->sockets.next; link != &d->sockets && s == NULL; link = link->next)
		if (list_entry(link, struct dns_socket, link)->fd == fd)
			s = list_entry(link, struct dns_socket, link);
	if (!readable && !writable) {
		if (s != NULL) {
			list_remove(&s->link);
			uv_poll_stop(&s->poll);
			uv_close((uv_handle_t *) &s->poll, on_socket_closed);
		}
		return;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof *s);
		s->dns = d;
		s->fd = fd;
		must(uv_poll_init(d->loop, &s->poll, fd) == 0);
		s->poll.data = s;
		list_append(&d->sockets, &s->link);
	}
	uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

/* ---- whom to ask ---- */

/* False with a log line; then the channel stays as it was. */
static bool
open_channel(struct dns *d, ares_channel *channel)
{
	struct ares_options options = {
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = d,
		.timeout = TRY_MS,
		.tries = TRIES,
		.resolvconf_path = d->resolv_conf,
	};
	int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_RESOLVCONF, status;

	options.udp_port = options.tcp_port = d->port;
	if (d->port > 0)
		mask |= ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
	status = ares_init_options(channel, &options, mask);
	if (status == ARES_SUCCESS && d->servers != NULL) {
		status = ares_set_servers_ports_csv(*channel, d->servers);
		if (status != ARES_SUCCESS)
			ares_destroy(*channel);
	}
	if (status != ARES_SUCCESS)
		log_event(d->log, LOG_ERROR, "no resolver", "reason=%s", log_string(ares_strerror(status)).text);
	return status == ARES_SUCCESS;
}

static void
set_servers(struct dns *d, const struct conf_list *servers)
{
	struct buf csv;
	size_t n;

	free(d->servers);
	d->servers = NULL;
	if (servers->n == 0)
		return;
	buf_init(&csv, BUF_UNLIMITED);
	for (size_t i = 0; i < servers->n; i++)
		buf_printf(&csv, "%s%s", i > 0 ? "," : "", servers->v[i]);
	buf_append_char(&csv, '\0');
	d->servers = buf_take(&csv, &n);
}

/* No file is as good as an empty one. */
static bool
look_at_file(struct dns *d)
{
	struct stat now, old = d->file;

	if (stat(d->resolv_conf, &now) != 0)
		memset(&now, 0, sizeof now);
	d->file = now;
	d->look_at = (ms_t) uv_now(d->loop) + LOOK_MS;
	return now.st_ino != old.st_ino || now.st_dev != old.st_dev || now.st_size != old.st_size ||
		now.st_mtim.tv_sec != old.st_mtim.tv_sec || now.st_mtim.tv_nsec != old.st_mtim.tv_nsec;
}

static bool lookup_start(struct lookup *l);
static void lookup_free(struct lookup *l);

/* Another channel; what was asked by the old one is asked again. */
static void
renew(struct dns *d)
{
	ares_channel old = d->channel, next;
	struct list again, *link;

	if (!open_channel(d, &next))
		return;
	d->channel = next;
	cache_clear(&d->known);
	ares_destroy(old);
	list_init(&again);
	while ((link = list_shift(&d->lookups)) != NULL)
		list_append(&again, link);
	while ((link = list_shift(&again)) != NULL) {
		struct lookup *l = list_entry(link, struct lookup, link);
		list_append(&d->lookups, link);
		if (!lookup_start(l))
			lookup_free(l);
	}
}

static void
notice_changes(struct dns *d)
{
	if (d->servers != NULL || (ms_t) uv_now(d->loop) < d->look_at || !look_at_file(d))
		return;
	log_event(d->log, LOG_INFO, "resolver changed", "file=%s", log_string(d->resolv_conf).text);
	renew(d);
}

struct dns *
dns_new(uv_loop_t *loop, const struct conf_list *servers, const struct dns_system *system, uint64_t seed,
	const struct log *log)
{
	struct dns *d = xcalloc(1, sizeof *d);

	d->loop = loop;
	d->log = log;
	d->resolv_conf = xstrdup(system != NULL ? system->resolv_conf : RESOLV_CONF);
	d->port = system != NULL ? system->port : 0;
	list_init(&d->sockets);
	list_init(&d->lookups);
	cache_init(&d->known, KNOWN_MAX, seed);
	set_servers(d, servers);
	look_at_file(d);
	if (!open_channel(d, &d->channel)) {
		cache_fini(&d->known);
		free(d->servers);
		free(d->resolv_conf);
		free(d);
		return NULL;
	}
	must(uv_timer_init(loop, &d->timer) == 0);
	d->timer.data = d;
	return d;
}

void
dns_reload(struct dns *d, const struct conf_list *servers)
{
	set_servers(d, servers);
	look_at_file(d);
	renew(d);
}

static void
on_closed(uv_handle_t *handle)
{
	struct dns *d = handle->data;

	cache_fini(&d->known);
	free(d->servers);
	free(d->resolv_conf);
	free(d);
}

void
dns_close(struct dns *d)
{
	if (d == NULL)
		return;
	d->is_closing = true;
	ares_destroy(d->channel);
	uv_close((uv_handle_t *) &d->timer, on_closed);
}

/* ---- answers ---- */

static void
lookup_free(struct lookup *l)
{
	list_remove(&l->link);
	free(l->key);
	free(l);
}

/* Are there no such things, for certain? */
static bool
is_nothing(int status)
{
	return status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

static struct dns_answer
answer_of(enum lookup_kind kind, int status, const void *items, size_t n)
{
	struct dns_answer a = {.n = n, .has_failed = status != ARES_SUCCESS && !is_nothing(status)};

	if (kind == LOOKUP_HOST)
		a.address = items;
	else
		a.service = items;
	a.reason = status != ARES_SUCCESS ? ares_strerror(status) : kind == LOOKUP_HOST ? "no address" : "no service";
	return a;
}

/* Who asks for the same name meanwhile begins another lookup. */
static void
tell(struct lookup *l, const struct dns_answer *answer)
{
	struct list *link;

	list_remove(&l->link);
	while ((link = list_shift(&l->queries)) != NULL) {
		struct dns_query *q = list_entry(link, struct dns_query, link);
		if (!l->dns->is_closing)
			q->done(q->arg, answer);
		free(q);
	}
}

static void
keep(struct lookup *l, int status, const void *items, size_t n, size_t size, uint32_t ttl)
{
	struct known header = {.status = status, .n = n};
	struct buf value;

	if (ttl == 0 || l->dns->is_closing)
		return;
	buf_init(&value, BUF_UNLIMITED);
	buf_append(&value, slice_of((const char *) &header, sizeof header));
	if (n > 0)
		buf_append(&value, slice_of(items, n * size));
	cache_put(
		&l->dns->known, slice_str(l->key), buf_slice(&value), (ms_t) uv_now(l->dns->loop) + (ms_t) ttl * 1000);
	buf_fini(&value);
}

/* ttl: of what was found, or of the answer that there is nothing; 0: not said. */
static void
finish(struct lookup *l, int status, const void *items, size_t n, size_t size, uint32_t ttl)
{
	struct dns_answer answer = answer_of(l->kind, status, items, n);

	if (n > 0)
		ttl = ttl < TTL_MAX ? ttl : TTL_MAX;
	else if (answer.has_failed)
		ttl = FAILED_TTL;
	else
		ttl = ttl == 0 ? NOTHING_TTL : ttl < NOTHING_TTL_MAX ? ttl : NOTHING_TTL_MAX;
	keep(l, status, items, n, size, ttl);
	tell(l, &answer);
	l->is_done = true;
	if (!l->is_starting)
		lookup_free(l);
}

static void
on_host(void *arg, int status, int timeouts, struct ares_addrinfo *answer)
{
	struct lookup *l = arg;
	struct dns_address address[MAX_ADDRESSES];
	uint32_t ttl = TTL_MAX;
	size_t n = 0;

	(void) timeouts;
	if (status == ARES_EDESTRUCTION && !l->dns->is_closing) {
		ares_freeaddrinfo(answer);
		return;
	}
	if (status == ARES_SUCCESS) {
		for (struct ares_addrinfo_node *node = answer->nodes; node != NULL && n < MAX_ADDRESSES;
			node = node->ai_next) {
			if ((size_t) node->ai_addrlen > sizeof address[n].address)
				continue;
			memcpy(&address[n].address, node->ai_addr, (size_t) node->ai_addrlen);
			address[n++].n = (socklen_t) node->ai_addrlen;
			if (node->ai_ttl < (int) ttl)
				ttl = node->ai_ttl > 0 ? (uint32_t) node->ai_ttl : 0;
		}
	}
	if (answer != NULL)
		ares_freeaddrinfo(answer);
	finish(l, status, address, n, sizeof *address, n > 0 ? ttl : 0);
}

/* Into lower case; false when it is no host name: that would stand in the log, and be asked for. */
static bool
take_host(char *host)
{
	for (char *p = host; *p != '\0'; p++) {
		*p = slice_lower(*p);
		if (!slice_is_letter(*p) && !slice_is_digit(*p) && strchr("-_.", *p) == NULL)
			return false;
	}
	return true;
}

static bool
read_service(const ns_msg *message, const ns_rr *rr, struct srv_record *out)
{
	const unsigned char *data = ns_rr_rdata(*rr);
	char host[NS_MAXDNAME];
	int n;

	if (ns_rr_type(*rr) != ns_t_srv || ns_rr_rdlen(*rr) <= SRV_FIXED)
		return false;
	n = dn_expand(ns_msg_base(*message), ns_msg_end(*message), data + SRV_FIXED, host, sizeof host);
	if (n < 0 || n > ns_rr_rdlen(*rr) - SRV_FIXED)
		return false;
	*out = (struct srv_record){
		.priority = (uint16_t) ns_get16(data),
		.weight = (uint16_t) ns_get16(data + 2),
		.port = (uint16_t) ns_get16(data + 4),
	};
	if (strlen(host) >= sizeof out->host || !take_host(host))
		return false;
	if (strcmp(host, ".") != 0)
		memcpy(out->host, host, strlen(host) + 1);
	return true;
}

static size_t
read_services(ns_msg *message, struct srv_record *out, size_t max, bool tls_direct, uint32_t *ttl)
{
	size_t n = 0;
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(*message, ns_s_an) && n < max; i++) {
		if (ns_parserr(message, ns_s_an, i, &rr) != 0)
			return n;
		/* A CNAME on the way counts, too. */
		*ttl = ns_rr_ttl(rr) < *ttl ? ns_rr_ttl(rr) : *ttl;
		if (!read_service(message, &rr, &out[n]))
			continue;
		out[n++].tls_direct = tls_direct;
	}
	return n;
}

/* How long it may be believed that there is nothing (RFC 2308, 5); 0: not said. */
static uint32_t
read_nothing(ns_msg *message)
{
	ns_rr rr;

	for (int i = 0; i < ns_msg_count(*message, ns_s_ns); i++) {
		const unsigned char *end;
		uint32_t minimum;
		if (ns_parserr(message, ns_s_ns, i, &rr) != 0)
			return 0;
		if (ns_rr_type(rr) != ns_t_soa || ns_rr_rdlen(rr) < SOA_MINIMUM + 4)
			continue;
		end = ns_rr_rdata(rr) + ns_rr_rdlen(rr);
		minimum = (uint32_t) ns_get32(end - 4);
		return minimum < ns_rr_ttl(rr) ? minimum : ns_rr_ttl(rr);
	}
	return 0;
}

static void
on_service(void *arg, int status, int timeouts, unsigned char *bytes, int n_bytes)
{
	struct lookup *l = arg;
	struct srv_record service[SRV_MAX];
	uint32_t ttl = 0;
	size_t n = 0;
	ns_msg message;

	(void) timeouts;
	if (status == ARES_EDESTRUCTION && !l->dns->is_closing)
		return;
	if ((status == ARES_SUCCESS || is_nothing(status)) && bytes != NULL &&
		ns_initparse(bytes, n_bytes, &message) == 0) {
		if (status == ARES_SUCCESS) {
			ttl = TTL_MAX;
			n = read_services(&message, service, SRV_MAX, l->tls_direct, &ttl);
		}
		if (n == 0)
			ttl = read_nothing(&message);
	}
	finish(l, status, service, n, sizeof *service, ttl);
}

/* ---- questions ---- */

/* False when the answer came at once. */
static bool
lookup_start(struct lookup *l)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NUMERICSERV};
	char service[8];

	snprintf(service, sizeof service, "%u", (unsigned) l->port);
	l->is_starting = true;
	if (l->kind == LOOKUP_HOST)
		ares_getaddrinfo(l->dns->channel, l->name, service, &hints, on_host, l);
	else
		ares_query(l->dns->channel, l->name, ns_c_in, ns_t_srv, on_service, l);
	l->is_starting = false;
	arm(l->dns);
	return !l->is_done;
}

static struct lookup *
find(const struct dns *d, const char *key)
{
	for (struct list *link = d->lookups.next; link != &d->lookups; link = link->next) {
		struct lookup *l = list_entry(link, struct lookup, link);
		if (strcmp(l->key, key) == 0)
			return l;
	}
	return NULL;
}

/* Takes the lookup over, or lets it go for one that is under way. */
static struct dns_query *
wait_for(struct lookup *l, void (*done)(void *arg, const struct dns_answer *answer), void *arg)
{
	struct dns *d = l->dns;
	struct lookup *other = find(d, l->key);
	struct dns_query *q = xcalloc(1, sizeof *q);

	q->done = done;
	q->arg = arg;
	if (other != NULL)
		lookup_free(l);
	else
		list_append(&d->lookups, &l->link);
	list_append(other != NULL ? &other->queries : &l->queries, &q->link);
	if (other != NULL || lookup_start(l))
		return q;
	lookup_free(l);
	return NULL;
}

static struct dns_query *
ask(struct lookup *l, void (*done)(void *arg, const struct dns_answer *answer), void *arg)
{
	struct dns *d = l->dns;
	struct dns_answer answer;
	const struct known *known;
	struct slice value;
	void *copy;

	notice_changes(d);
	if (!cache_find(&d->known, slice_str(l->key), (ms_t) uv_now(d->loop), &value))
		return wait_for(l, done, arg);
	/* Whoever is told may ask for more, and so let go of this. */
	copy = xmalloc(value.n);
	memcpy(copy, value.p, value.n);
	known = copy;
	answer = answer_of(l->kind, known->status, known + 1, known->n);
	lookup_free(l);
	done(arg, &answer);
	free(copy);
	return NULL;
}

/* prefix tells the kinds apart, where they are cached. */
static struct lookup *
lookup_new(struct dns *d, enum lookup_kind kind, const char *prefix, const char *name)
{
	struct lookup *l = xcalloc(1, sizeof *l);
	size_t n = strlen(prefix);

	l->dns = d;
	l->kind = kind;
	l->key = xmalloc(n + strlen(name) + 1);
	memcpy(l->key, prefix, n);
	memcpy(l->key + n, name, strlen(name) + 1);
	l->name = l->key + n;
	list_init(&l->queries);
	list_init(&l->link);
	return l;
}

struct dns_query *
dns_resolve(struct dns *d, const char *host, uint16_t port, void (*done)(void *arg, const struct dns_answer *answer),
	void *arg)
{
	char prefix[16];
	struct lookup *l;

	snprintf(prefix, sizeof prefix, "%u ", (unsigned) port);
	l = lookup_new(d, LOOKUP_HOST, prefix, host);
	l->port = port;
	return ask(l, done, arg);
}

struct dns_query *
dns_services(struct dns *d, const char *name, bool tls_direct, void (*done)(void *arg, const struct dns_answer *answer),
	void *arg)
{
	struct lookup *l = lookup_new(d, LOOKUP_SERVICE, tls_direct ? "tls " : "tcp ", name);

	l->tls_direct = tls_direct;
	return ask(l, done, arg);
}

void
dns_cancel(struct dns_query *q)
{
	if (q == NULL)
		return;
	list_remove(&q->link);
	free(q);
}

/* "fe80::1%eth0", "fe80::1%2": the scope is an interface of this machine (RFC 4007, 11). */
static bool
read_ip6(const char *host, struct sockaddr_in6 *out)
{
	const char *scope = strchr(host, '%');
	char text[INET6_ADDRSTRLEN];
	uint64_t number;
	size_t n = scope != NULL ? (size_t) (scope - host) : strlen(host);

	if (n >= sizeof text)
		return false;
	memcpy(text, host, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, &out->sin6_addr) != 1)
		return false;
	if (scope == NULL)
		return true;
	out->sin6_scope_id = if_nametoindex(scope + 1);
	if (out->sin6_scope_id > 0)
		return true;
	if (!slice_number(slice_str(scope + 1), UINT32_MAX, &number))
		return false;
	out->sin6_scope_id = (uint32_t) number;
	return true;
}

bool
dns_literal(const char *host, uint16_t port, struct dns_address *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) &out->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &out->address;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		out->n = sizeof *v4;
		return true;
	}
	if (read_ip6(host, v6)) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		out->n = sizeof *v6;
		return true;
	}
	return false;
}

void
dns_versions(struct library *l)
{
	library_set(l, "c-ares", ARES_VERSION_STR, ares_version(NULL));
}
