/* main.c: culvert-bench, the stand-in server and the load generator in one program. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fatal.h"
#include "bench/bosh.h"
#include "bench/load.h"
#include "bench/server.h"
#include "bench/tcp.h"
#include "bench/ws.h"

static const char help[] =
	"culvert-bench measures what culvert, or a proxy, costs per session and message.\n"
	"\n"
	"  culvert-bench server PORT     a stand-in XMPP server: any login succeeds, messages come back;\n"
	"                                port 0: any; prints \"listening port=N\"\n"
	"  culvert-bench load OPTION...  logs sessions in and sends messages\n"
	"  culvert-bench port            prints a TCP port that is free\n"
	"\n"
	"      --transport=KIND    ws, bosh or tcp (a native stream)\n"
	"      --port=PORT         of 127.0.0.1, where the sessions connect to\n"
	"      --pid=PID           the measured process; several are summed up\n"
	"      --sessions=N        that log in (2000)\n"
	"      --active=N          of these send messages (100)\n"
	"      --at-once=N         logins that go on at the same time (50)\n"
	"      --size=N[,N...]     bytes of a message's text, a round for each (100)\n"
	"      --seconds=N         each round lasts (10); 0: logins only\n"
	"      --warm-up=N         seconds before each round that do not count (1)\n"
	"      --quiet=N           seconds all sessions stay idle after the logins (2)\n"
	"      --rate=N            one round more, with N messages a second of the first size\n"
	"      --json              one JSON object instead of lines\n"
	"      --stepwise          waits for a line of input before and after the messages\n"
	"\n"
	"A round without a rate is a closed loop: each active session sends when its last message\n"
	"has come back.  The exit status is 1 when a login failed or a message came back wrong.\n";

enum {
	OPT_TRANSPORT = 256,
	OPT_PORT,
	OPT_PID,
	OPT_SESSIONS,
	OPT_ACTIVE,
	OPT_AT_ONCE,
	OPT_SIZE,
	OPT_SECONDS,
	OPT_WARM_UP,
	OPT_QUIET,
	OPT_RATE,
	OPT_JSON,
	OPT_STEPWISE,
};

static const struct option long_options[] = {
	{"transport", required_argument, NULL, OPT_TRANSPORT},
	{"port", required_argument, NULL, OPT_PORT},
	{"pid", required_argument, NULL, OPT_PID},
	{"sessions", required_argument, NULL, OPT_SESSIONS},
	{"active", required_argument, NULL, OPT_ACTIVE},
	{"at-once", required_argument, NULL, OPT_AT_ONCE},
	{"size", required_argument, NULL, OPT_SIZE},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"warm-up", required_argument, NULL, OPT_WARM_UP},
	{"quiet", required_argument, NULL, OPT_QUIET},
	{"rate", required_argument, NULL, OPT_RATE},
	{"json", no_argument, NULL, OPT_JSON},
	{"stepwise", no_argument, NULL, OPT_STEPWISE},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

_Noreturn static void
usage(const char *why)
{
	fprintf(stderr, "culvert-bench: %s; see culvert-bench --help\n", why);
	exit(2);
}

static unsigned
number(struct slice text, unsigned min, unsigned max)
{
	uint64_t value = 0;

	if (!slice_number(text, max, &value) || value < min) {
		fprintf(stderr, "culvert-bench: %.*s is not a number from %u to %u\n", SLICE_ARG(text), min, max);
		exit(2);
	}
	return (unsigned) value;
}

static const struct transport *
find_transport(const char *name)
{
	static const struct transport *all[] = {&transport_ws, &transport_bosh, &transport_tcp};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	usage("--transport is ws, bosh or tcp");
}

static void
read_sizes(struct load_options *o, const char *text)
{
	for (o->n_sizes = 0; *text != '\0'; o->n_sizes++) {
		struct slice one = slice_of(text, strcspn(text, ","));
		if (o->n_sizes == LOAD_SIZES)
			usage("too many sizes");
		o->size[o->n_sizes] = number(one, 1, 60000);
		text += one.n + (text[one.n] == ',');
	}
}

static void
read_option(struct load_options *o, int option, const char *value)
{
	struct slice text = slice_str(value);

	switch (option) {
	case OPT_TRANSPORT:
		o->transport = find_transport(value);
		return;
	case OPT_PORT:
		o->port = (uint16_t) number(text, 1, 65535);
		return;
	case OPT_PID:
		if (o->measured.n == PROCESS_MAX)
			usage("too many processes");
		o->measured.pid[o->measured.n++] = (pid_t) number(text, 1, 1u << 30);
		return;
	case OPT_SESSIONS:
		o->sessions = number(text, 1, 1000000);
		return;
	case OPT_ACTIVE:
		o->active = number(text, 1, 1000000);
		return;
	case OPT_AT_ONCE:
		o->at_once = number(text, 1, 100000);
		return;
	case OPT_SIZE:
		read_sizes(o, value);
		return;
	case OPT_SECONDS:
		o->seconds = number(text, 0, 3600);
		return;
	case OPT_WARM_UP:
		o->warm_up = number(text, 0, 3600);
		return;
	case OPT_QUIET:
		o->quiet = number(text, 0, 3600);
		return;
	case OPT_RATE:
		o->rate = number(text, 1, 100000);
		return;
	case OPT_JSON:
		o->is_json = true;
		return;
	case OPT_STEPWISE:
		o->is_stepwise = true;
		return;
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:
		exit(2); /* getopt has said why */
	}
}

static int
load(int argc, char **argv)
{
	struct load_options o = {
		.sessions = 2000,
		.active = 100,
		.at_once = 50,
		.seconds = 10,
		.warm_up = 1,
		.quiet = 2,
		.size = {100},
		.n_sizes = 1,
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		read_option(&o, option, optarg);
	if (optind < argc || o.transport == NULL || o.port == 0)
		usage("load needs --transport and --port, and nothing but options");
	if (o.active > o.sessions)
		o.active = o.sessions;
	return load_run(&o);
}

/* Free now; nobody can promise more. */
static int
print_port(void)
{
	uint16_t port = 0;

	close(sock_listen(&port));
	printf("%u\n", (unsigned) port);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "load") == 0)
		return load(argc - 1, argv + 1);
	if (strcmp(what, "server") == 0 && argc == 3)
		server_run((uint16_t) number(slice_str(argv[2]), 0, 65535));
	if (strcmp(what, "port") == 0 && argc == 2)
		return print_port();
	if (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0) {
		fputs(help, stdout);
		return 0;
	}
	usage("say server, load or port");
}
