#include "unit.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/dns.h"

#define SERVERS 2
#define WAIT_MS 10000 /* only what hangs takes so long */
#define NAME "_xmpp-client._tcp.one.test"

/* What somebody who asked was told. */
struct told {
	unsigned times;
	size_t n;
	bool has_failed;
	struct srv_record service[SRV_MAX];
};

struct fixture {
	uv_loop_t loop;
	struct dns *dns;
	int server[SERVERS]; /* sockets where queries come in */
	uint16_t port;       /* of all */
	char file[64];       /* instead of /etc/resolv.conf */
	struct sockaddr_in from;
};

static void
write_file(struct fixture *f, int server)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fprintf(file, "nameserver 127.0.0.%d\n", server + 1);
	assert_int_equal(fclose(file), 0);
}

static void
begin(struct fixture *f)
{
	static const struct conf_list none = {NULL, 0};
	struct dns_system system;
	int fd;

	*f = (struct fixture){.file = "/tmp/culvert-test-dns-XXXXXX"};
	fd = mkstemp(f->file);
	assert_true(fd >= 0);
	close(fd);
	for (int i = 0; i < SERVERS; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(f->port)};
		socklen_t n = sizeof a;
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t) i);
		f->server[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(f->server[i], (struct sockaddr *) &a, sizeof a), 0);
		assert_int_equal(getsockname(f->server[i], (struct sockaddr *) &a, &n), 0);
		f->port = ntohs(a.sin_port);
	}
	write_file(f, 0);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	system.resolv_conf = f->file;
	system.port = f->port;
	f->dns = dns_new(&f->loop, &none, &system, 1, NULL);
	assert_non_null(f->dns);
}

static void
end(struct fixture *f)
{
	dns_close(f->dns);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	for (int i = 0; i < SERVERS; i++)
		close(f->server[i]);
	unlink(f->file);
}

static void
on_told(void *arg, const struct dns_answer *answer)
{
	struct told *told = arg;

	told->times++;
	told->n = answer->n;
	told->has_failed = answer->has_failed;
	memcpy(told->service, answer->service, answer->n * sizeof *answer->service);
}

static struct dns_query *
ask(struct fixture *f, struct told *told)
{
	*told = (struct told){.n = SIZE_MAX};
	return dns_services(f->dns, NAME, false, on_told, told);
}

/* The query that has come to this server; 0: none has. */
static size_t
query_at(struct fixture *f, int server, unsigned char *bytes, size_t room, int wait_ms)
{
	struct pollfd p = {.fd = f->server[server], .events = POLLIN};
	socklen_t n = sizeof f->from;

	uv_run(&f->loop, UV_RUN_NOWAIT);
	if (poll(&p, 1, wait_ms) <= 0)
		return 0;
	return (size_t) recvfrom(f->server[server], bytes, room, 0, (struct sockaddr *) &f->from, &n);
}

/* A record of the question's name (RFC 1035, 4.1.3; RFC 2782). */
static size_t
put_record(unsigned char *out, unsigned type, unsigned ttl, const char *data, size_t n)
{
	const unsigned char head[] = {0xc0, 12, 0, (unsigned char) type, 0, 1, 0, 0, (unsigned char) (ttl >> 8),
		(unsigned char) ttl, 0, (unsigned char) n};

	memcpy(out, head, sizeof head);
	memcpy(out + sizeof head, data, n);
	return sizeof head + n;
}

struct record {
	unsigned type, ttl;
	const char *data;
	size_t n;
};

#define SRV(ttl, text) \
	{ \
		33, (ttl), (text), sizeof(text) - 1 \
	}
#define SOA(ttl, text) \
	{ \
		6, (ttl), (text), sizeof(text) - 1 \
	}

/* Answers the query that is to come, and lets the answer arrive. */
static void
answer(struct fixture *f, unsigned rcode, const struct record *record, size_t n, bool is_authority)
{
	unsigned char bytes[1024];
	size_t used = query_at(f, 0, bytes, 512, WAIT_MS);

	assert_true(used > 12);
	bytes[2] |= 0x80;
	bytes[3] = (unsigned char) (0x80 | rcode);
	bytes[is_authority ? 9 : 7] = (unsigned char) n;
	for (size_t i = 0; i < n; i++)
		used += put_record(bytes + used, record[i].type, record[i].ttl, record[i].data, record[i].n);
	assert_int_equal(
		sendto(f->server[0], bytes, used, 0, (struct sockaddr *) &f->from, sizeof f->from), (ssize_t) used);
}

static void
wait_for(struct fixture *f, const struct told *told, unsigned times)
{
	while (told->times < times)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(told->times, times);
}

static bool
is_asked(struct fixture *f, int server, int wait_ms)
{
	unsigned char bytes[512];

	return query_at(f, server, bytes, sizeof bytes, wait_ms) > 0;
}

/* A changed resolv.conf counts, for what is under way too. */
static void
resolv_conf_changes(void **state)
{
	struct told first, second;
	struct dns_query *one, *other;
	struct fixture f;

	(void) state;
	begin(&f);
	one = ask(&f, &first);
	assert_non_null(one);
	assert_true(is_asked(&f, 0, WAIT_MS));
	assert_false(is_asked(&f, 1, 0));
	/* The file is looked at once a second at most. */
	write_file(&f, 1);
	usleep(1100000);
	uv_update_time(&f.loop);
	second = (struct told){0};
	other = dns_services(f.dns, "_xmpp-client._tcp.two.test", false, on_told, &second);
	assert_non_null(other);
	assert_true(is_asked(&f, 1, WAIT_MS));
	assert_true(is_asked(&f, 1, WAIT_MS));
	assert_int_equal(first.times + second.times, 0);
	end(&f);
}

/* Who asks for the same is told by the same answer, which is kept; who has lost interest is not told. */
static void
one_query_for_all(void **state)
{
	static const struct record record[] = {
		SRV(60, "\0\12\0\5\24\146\1A\0"), SRV(60, "\0\1\0\0\24\147\3a_b\4TEST\0")};
	struct told told[4];
	struct dns_query *q;
	struct fixture f;

	(void) state;
	begin(&f);
	assert_non_null(ask(&f, &told[0]));
	assert_non_null(ask(&f, &told[1]));
	q = ask(&f, &told[2]);
	dns_cancel(q);
	answer(&f, 0, record, 2, false);
	wait_for(&f, &told[0], 1);
	assert_int_equal(told[1].times, 1);
	assert_int_equal(told[2].times, 0);
	assert_false(is_asked(&f, 0, 0));
	assert_null(ask(&f, &told[3]));
	for (size_t i = 0; i < 4; i += 3) {
		const struct srv_record *r = told[i].service;
		assert_int_equal(told[i].n, 2);
		assert_false(told[i].has_failed);
		assert_string_equal(r[0].host, "a");
		assert_true(r[0].priority == 10 && r[0].weight == 5 && r[0].port == 5222);
		assert_string_equal(r[1].host, "a_b.test");
		assert_int_equal(r[1].port, 5223);
	}
	end(&f);
}

/* What names no host is no server; "." is one that is not offered. */
static void
strange_targets(void **state)
{
	static const struct record record[] = {
		SRV(60, "\0\1\0\0\24\146\3a\nb\0"),
		SRV(60, "\0\2\0\0\24\146\1 \0"),
		SRV(60, "\0\3\0\0\24\146\5short"), /* without its end */
		SRV(60, "\0\4\0\0\24"),
		SRV(60, "\0\5\0\0\24\146\3a.b\0"),
		{16, 60, "\3txt", 4},
		SRV(60, "\0\6\0\0\0\0\0"),
		SRV(60, "\0\7\0\0\24\146\2ok\0"),
	};
	struct told told;
	struct fixture f;

	(void) state;
	begin(&f);
	assert_non_null(ask(&f, &told));
	answer(&f, 0, record, COUNT(record), false);
	wait_for(&f, &told, 1);
	assert_int_equal(told.n, 2);
	assert_string_equal(told.service[0].host, "");
	assert_int_equal(told.service[0].priority, 6);
	assert_string_equal(told.service[1].host, "ok");
	end(&f);
}

/* That there is nothing is known as long as the zone says (RFC 2308, 5). */
static void
nothing(void **state)
{
	static const struct record soa[] = {SOA(600, "\0\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1")};
	struct told told;
	struct fixture f;

	(void) state;
	begin(&f);
	assert_non_null(ask(&f, &told));
	answer(&f, 3, soa, 1, true);
	wait_for(&f, &told, 1);
	assert_int_equal(told.n, 0);
	assert_false(told.has_failed);
	assert_null(ask(&f, &told));
	assert_int_equal(told.times, 1);
	/* A second later it is asked again. */
	usleep(1100000);
	uv_update_time(&f.loop);
	assert_non_null(ask(&f, &told));
	assert_true(is_asked(&f, 0, WAIT_MS));
	end(&f);
}

/* A TTL of 0 is for those who asked already. */
static void
not_kept(void **state)
{
	static const struct record record[] = {SRV(0, "\0\1\0\0\24\146\1a\0")};
	struct told told;
	struct fixture f;

	(void) state;
	begin(&f);
	assert_non_null(ask(&f, &told));
	answer(&f, 0, record, 1, false);
	wait_for(&f, &told, 1);
	assert_int_equal(told.n, 1);
	assert_non_null(ask(&f, &told));
	assert_true(is_asked(&f, 0, WAIT_MS));
	end(&f);
}

static void
reload(void **state)
{
	char server[32], *list[] = {server};
	const struct conf_list servers = {list, 1};
	struct told told;
	struct fixture f;

	(void) state;
	begin(&f);
	assert_non_null(ask(&f, &told));
	assert_true(is_asked(&f, 0, WAIT_MS));
	snprintf(server, sizeof server, "127.0.0.2:%u", (unsigned) f.port);
	dns_reload(f.dns, &servers);
	assert_true(is_asked(&f, 1, WAIT_MS));
	assert_int_equal(told.times, 0);
	end(&f);
}

static void
literals(void **state)
{
	static const char *const bad[] = {
		"", "localhost", "1.2.3", "::1%", "[::1]", "1.2.3.4%lo", "fe80::1%no-such-interface0"};
	struct dns_address a;

	(void) state;
	assert_true(dns_literal("192.0.2.1", 5222, &a));
	assert_int_equal(a.address.ss_family, AF_INET);
	assert_int_equal(ntohs(((struct sockaddr_in *) &a.address)->sin_port), 5222);
	assert_true(dns_literal("2001:db8::1", 1, &a));
	assert_int_equal(a.address.ss_family, AF_INET6);
	assert_int_equal(((struct sockaddr_in6 *) &a.address)->sin6_scope_id, 0);
	assert_true(dns_literal("fe80::1%lo", 1, &a));
	assert_int_equal(((struct sockaddr_in6 *) &a.address)->sin6_scope_id, if_nametoindex("lo"));
	assert_true(dns_literal("fe80::1%7", 1, &a));
	assert_int_equal(((struct sockaddr_in6 *) &a.address)->sin6_scope_id, 7);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (dns_literal(bad[i], 1, &a))
			fail_msg("%s is an address", bad[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolv_conf_changes),
		cmocka_unit_test(one_query_for_all),
		cmocka_unit_test(strange_targets),
		cmocka_unit_test(nothing),
		cmocka_unit_test(not_kept),
		cmocka_unit_test(reload),
		cmocka_unit_test(literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
