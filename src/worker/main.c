/*
 * main.c: arguments, and the serving process: limits, threads, what the keeper
 * says.  The main thread only waits for the keeper and for signals; everything
 * else happens in the workers and the acceptor.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/features.h"
#include "io/crypto.h"
#include "io/idn.h"
#include "worker/accept.h"
#include "worker/configuration.h"
#include "worker/control.h"
#include "worker/handshake.h"
#include "worker/keeper.h"
#include "worker/key_files.h"
#include "worker/libraries.h"
#include "worker/log_sink.h"
#include "worker/memory.h"
#include "worker/options.h"
#include "worker/precautions.h"
#include "worker/probe.h"
#include "worker/serving.h"
#include "worker/worker.h"

#define MAX_WORKERS 64
#define HANDSHAKE_THREADS 2
#define DRAIN_LOOK 50  /* ms between two looks whether all sessions have ended */
#define DESCRIPTORS 64 /* that a process without clients has, with room to spare */
#define DESCRIPTORS_PER_WORKER 16
#define LARGE_BLOCK 131072      /* bytes of memory that are worth giving back at once */
#define FEW_DESCRIPTORS 4096    /* below, clients may come to wait */
#define MAX_DESCRIPTORS 1048576 /* libraries keep tables as long as the limit */

struct process {
	struct serving *serving;
	const struct conf *conf;
	const struct conf *first; /* what does not change without a restart is as it says */
	struct log_sink *sink;
	struct log log;
	pthread_mutex_t quota_mutex;
	struct quota_lock quota_lock;
	struct quota *quota;
	unsigned n_workers;
	struct worker *worker[MAX_WORKERS];
	struct mailbox *mailbox[MAX_WORKERS];
	struct handshakes *handshakes;
	struct listeners *listeners;
	struct acceptor *acceptor;
	struct counters unheard; /* the acceptor counts in them */
	struct budget_pool budget;
	struct sockets sockets;
	unsigned descriptors; /* that may be open */
};

static void
lock_quota(void *arg)
{
	pthread_mutex_lock(arg);
}

static void
unlock_quota(void *arg)
{
	pthread_mutex_unlock(arg);
}

/* One for all workers.  The seed is a secret: addresses that meet in the table cannot be chosen. */
static int
open_quota(struct process *p)
{
	struct crypto *c = crypto_new();
	uint64_t seed;

	if (c == NULL)
		return -1;
	crypto_random(c, &seed, sizeof seed);
	crypto_free(c);
	must(pthread_mutex_init(&p->quota_mutex, NULL) == 0);
	p->quota_lock = (struct quota_lock){&p->quota_mutex, lock_quota, unlock_quota};
	p->quota = quota_new(seed, &p->quota_lock);
	return 0;
}

static unsigned
count_workers(const struct conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = conf->workers > 0 ? conf->workers : cores > 0 ? (unsigned) cores : 1;

	return n < MAX_WORKERS ? n : MAX_WORKERS;
}

/* Sids of an earlier process must not be taken for ours. */
static int
choose_generation(uint32_t *generation)
{
	struct crypto *c = crypto_new();

	if (c == NULL)
		return -1;
	crypto_random(c, generation, sizeof *generation);
	crypto_free(c);
	return 0;
}

/*
 * Numbers of sessions go on rising over restarts, for who reads the log, as
 * long as the clock does: no process opens so many in a millisecond.
 */
static uint64_t
choose_first_number(void)
{
	enum { PER_MS = 256, EPOCH = 1767225600 /* 2026 begins */ };
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec < EPOCH)
		return 0;
	return ((uint64_t) (now.tv_sec - EPOCH) * 1000 + (uint64_t) now.tv_nsec / 1000000) * PER_MS;
}

/* Without the pages that come with culvert all else works, so this is only said. */
static void
look_for_pages(const struct process *p)
{
	if (p->conf->pages.is_on && p->conf->pages.directory == NULL && access(CULVERT_PAGES, X_OK) != 0)
		log_event(&p->log, LOG_NOTICE, "no pages", "directory=%s reason=%s", log_string(CULVERT_PAGES).text,
			log_string(strerror(errno)).text);
}

/* What the process takes for itself. */
static unsigned
own_descriptors(const struct conf *conf)
{
	return DESCRIPTORS + DESCRIPTORS_PER_WORKER * count_workers(conf) + (unsigned) conf->n_listen;
}

/*
 * As many descriptors as we may have, before a library makes its tables.  The
 * libraries do not survive having too few to begin with, so that is an error
 * here; having few for clients is worth a word.
 */
static int
raise_descriptors(struct process *p)
{
	static const char cure[] = "raise the limit of open files: ulimit -n, or LimitNOFILE= of a systemd service";
	rlim_t needed = own_descriptors(p->conf);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (limit.rlim_max > MAX_DESCRIPTORS)
		limit.rlim_max = MAX_DESCRIPTORS;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_event(&p->log, LOG_WARNING, "descriptor limit not raised", "reason=%s",
			log_string(strerror(errno)).text);
	if (limit.rlim_cur < needed) {
		fprintf(stderr, "culvert: only %lu files may be open, and it takes %lu to start; %s\n",
			(unsigned long) limit.rlim_cur, (unsigned long) needed, cure);
		return -1;
	}
	p->descriptors = (unsigned) limit.rlim_cur;
	if (limit.rlim_cur < FEW_DESCRIPTORS)
		log_event(&p->log, LOG_WARNING, "few descriptors", "limit=%lu clients=%lu cure=%s",
			(unsigned long) limit.rlim_cur, (unsigned long) (limit.rlim_cur - needed) / 3,
			log_string(cure).text);
	return 0;
}

/* What all peers together may cost in memory ... */
static void
set_budget(struct process *p, const struct conf *conf)
{
	size_t max = conf->limits.buffer_total;
	struct memory memory = {.from = "configuration"};
	char quoted[LOG_QUOTED];

	if (max == CONF_AUTOMATIC)
		max = memory_find("", &memory) ? memory_share(&memory) : 0;
	p->budget.max = max;
	log_event(&p->log, LOG_NOTICE, "memory for peers", "buffer_total=%zu from=%s limit=%llu", max,
		log_quote(quoted, slice_str(memory.from)), (unsigned long long) memory.limit);
}

/*
 * ... and in descriptors.  A BOSH client has two connections and one to its
 * server, a WebSocket client one and one: clients get two thirds at most, and
 * are turned away before a server could not be reached for want of one.
 */
static void
set_sockets(struct process *p, const struct conf *conf)
{
	unsigned own = own_descriptors(conf) + SOCKETS_REFUSED, max = conf->limits.connections;
	unsigned all = p->descriptors > own ? p->descriptors - own : 1;
	bool is_automatic = max == CONF_AUTOMATIC_NUMBER;
	unsigned sessions;

	if (is_automatic)
		max = all > 1 ? all / 3 * 2 + all % 3 : 1;
	if (max == 0)
		all = 0;
	/* By one connection any number of BOSH sessions may come, and each takes one to its server. */
	sessions = all - all / 3;
	p->sockets.max_clients = max;
	p->sockets.max_all = all;
	quota_set_room(p->quota, sessions);
	log_event(&p->log, LOG_NOTICE, "connections of clients",
		"connections=%u with_servers=%u sessions=%u from=%s nofile=%u", max, all, sessions,
		is_automatic ? "nofile" : "configuration", p->descriptors);
}

/* One line of the log for each line of text. */
static void
log_lines(const struct log *log, enum log_level level, const char *event, struct slice text)
{
	struct slice line;

	while (text.n > 0) {
		slice_cut(text, '\n', &line, &text);
		log_event(log, level, event, "complaint=%s", log_value(line).text);
		text = slice_trim(text);
	}
}

/* What our listeners show; NULL when some of it cannot be used, which is appended to errors. */
static struct credentials *
read_keys(const struct process *p, const struct conf *conf, const char *file, struct buf *errors)
{
	struct credentials *all;
	struct buf notes;

	buf_init(&notes, BUF_UNLIMITED);
	all = key_files_read(conf, p->first, file, serving_files(p->serving), errors, &notes);
	if (all != NULL)
		log_lines(&p->log, LOG_WARNING, "certificate", buf_slice(&notes));
	buf_fini(&notes);
	return all;
}

static int
start_handshakes(struct process *p, const char *file)
{
	struct credentials *credentials;
	struct buf errors;

	buf_init(&errors, BUF_UNLIMITED);
	credentials = read_keys(p, p->conf, file != NULL ? file : "", &errors);
	fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&errors)));
	buf_fini(&errors);
	if (credentials == NULL)
		return -1;
	p->handshakes = handshakes_new(HANDSHAKE_THREADS, p->mailbox, serving_files(p->serving), credentials, &p->log);
	credentials_unref(credentials);
	must(p->handshakes != NULL);
	return 0;
}

/* The listeners, as the keeper has opened them. */
static struct acceptor *
open_acceptor(struct process *p)
{
	int *fd = xcalloc(p->listeners->n, sizeof *fd);
	struct acceptor *a;

	must(serving_take_listeners(p->serving, fd, p->listeners->n));
	a = acceptor_new(p->listeners, fd, p->mailbox, p->n_workers, &p->sockets, &p->unheard, &p->log);
	free(fd);
	return a;
}

static int
start(struct process *p, const char *file)
{
	struct worker_config config = {.conf = p->conf,
		.log = &p->log,
		.budget = &p->budget,
		.sockets = &p->sockets,
		.mailboxes = p->mailbox,
		.handshakes = &p->handshakes};

	look_for_pages(p);
	set_budget(p, p->conf);
	config.listeners = p->listeners = listeners_new(p->conf);
	config.n_workers = p->n_workers = count_workers(p->conf);
	config.first_number = choose_first_number();
	if (choose_generation(&config.generation) != 0 || open_quota(p) != 0) {
		fprintf(stderr, "culvert: the system gives no entropy for random numbers\n");
		return -1;
	}
	config.quota = p->quota;
	set_sockets(p, p->conf);
	for (unsigned i = 0; i < p->n_workers; i++) {
		config.index = i;
		p->worker[i] = worker_new(&config);
		if (p->worker[i] == NULL)
			return -1;
		p->mailbox[i] = worker_mailbox(p->worker[i]);
	}
	p->acceptor = open_acceptor(p);
	if (start_handshakes(p, file) != 0)
		return -1;
	for (unsigned i = 0; i < p->n_workers; i++)
		must(worker_start(p->worker[i]) == 0);
	must(acceptor_start(p->acceptor) == 0);
	log_event(&p->log, LOG_NOTICE, "culvert ready", "version=%s workers=%u domains=%zu", CULVERT_VERSION,
		p->n_workers, p->conf->n_domain);
	return 0;
}

static void
log_counters(const struct process *p)
{
	char text[1024];
	size_t n = 0;

#define X(name, help) \
	do { \
		uint64_t sum = atomic_load_explicit(&p->unheard.name, memory_order_relaxed); \
		for (unsigned i = 0; i < p->n_workers; i++) \
			sum += atomic_load_explicit(&worker_counters(p->worker[i])->name, memory_order_relaxed); \
		n += (size_t) snprintf( \
			text + n, sizeof text - n, "%s" #name "=%llu", n > 0 ? " " : "", (unsigned long long) sum); \
	} while (0);
	COUNTER_ROWS(X)
#undef X
	log_event(&p->log, LOG_NOTICE, "counters", "%s", text);
}

/* Where it is told what a reload cannot change. */
struct restarts {
	const struct log *log;
	struct buf notes;
};

static void
tell_restart(void *arg, const char *key)
{
	struct restarts *r = arg;

	log_event(r->log, LOG_WARNING, "needs a restart", "key=%s", log_string(key).text);
	buf_printf(&r->notes, "%s: the change takes a restart\n", key);
}

/* Sessions to come live by the new configuration, unless it is wrong. */
static void
reload(struct process *p, const char *file, const struct hooks *hooks)
{
	struct restarts restarts = {.log = &p->log};
	struct files *files = serving_files(p->serving);
	struct conf *next = NULL;
	struct credentials *credentials = NULL;
	struct buf errors;

	buf_init(&errors, BUF_UNLIMITED);
	if (configuration_read(&next, file, files, hooks, &errors, NULL) == 0)
		credentials = read_keys(p, next, file, &errors);
	if (credentials == NULL) {
		serving_reloaded(p->serving, false, buf_slice(&errors));
		buf_fini(&errors);
		conf_unref(next);
		return;
	}
	buf_fini(&errors);
	buf_init(&restarts.notes, BUF_UNLIMITED);
	conf_each_restart(p->first, next, tell_restart, &restarts);
	set_budget(p, next);
	set_sockets(p, next);
	for (unsigned i = 0; i < p->n_workers; i++) {
		struct mail *mail = mail_new(MAIL_CONF);
		mail->conf = conf_ref(next);
		mailbox_post(p->mailbox[i], mail);
	}
	handshakes_reload(p->handshakes, files);
	handshakes_show(p->handshakes, credentials);
	credentials_unref(credentials);
	log_event(&p->log, LOG_NOTICE, "configuration reloaded", "file=%s domains=%zu", log_string(file).text,
		next->n_domain);
	p->log.level = next->log.level;
	p->log.addresses = next->log.addresses;
	conf_unref(p->conf);
	p->conf = next;
	look_for_pages(p);
	serving_reloaded(p->serving, true, buf_slice(&restarts.notes));
	buf_fini(&restarts.notes);
}

static void
stop(struct process *p)
{
	acceptor_stop(p->acceptor);
	for (unsigned i = 0; i < p->n_workers; i++)
		mailbox_post(p->mailbox[i], mail_new(MAIL_STOP));
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_join(p->worker[i]);
	handshakes_stop(p->handshakes);
	log_counters(p);
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_free(p->worker[i]);
	quota_free(p->quota);
	listeners_free(p->listeners);
}

static uint64_t
count_sessions(const struct process *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->n_workers; i++) {
		const struct counters *c = worker_counters(p->worker[i]);
		n += atomic_load_explicit(&c->sessions_opened, memory_order_relaxed) -
			atomic_load_explicit(&c->sessions_closed, memory_order_relaxed);
	}
	return n;
}

/* Sessions end one after the other, until all have, the time is over, or somebody says that it is enough. */
static void
drain(struct process *p)
{
	ms_t left = p->conf->drain;

	if (left == 0 || count_sessions(p) == 0)
		return;
	log_event(&p->log, LOG_NOTICE, "sessions are ended", "sessions=%llu within_s=%.3f",
		(unsigned long long) count_sessions(p), (double) left / 1000);
	for (unsigned i = 0; i < p->n_workers; i++) {
		struct mail *mail = mail_new(MAIL_DRAIN);
		mail->ms = left;
		mailbox_post(p->mailbox[i], mail);
	}
	for (; left > 0 && count_sessions(p) > 0; left -= DRAIN_LOOK) {
		enum serving_event event = serving_next(p->serving, DRAIN_LOOK);
		if (event == SERVING_TERMINATE || event == SERVING_INTERRUPT || event == SERVING_ORPHANED)
			return;
		if (event == SERVING_USR1)
			log_counters(p);
		else if (event == SERVING_ALARM)
			log_sink_tell(p->sink);
		else if (event == SERVING_RELOAD)
			serving_reloaded(p->serving, false, SLICE("culvert stops"));
	}
}

/* Serves until it is told to end. */
static int
serve(struct process *p, const struct options *options)
{
	enum serving_event event;

	if (raise_descriptors(p) != 0 || start(p, options->file) != 0)
		return EXIT_FAILURE;
	serving_ready(p->serving);
	do {
		event = serving_next(p->serving, -1);
		if (event == SERVING_USR1)
			log_counters(p);
		else if (event == SERVING_RELOAD)
			reload(p, options->file, options->hooks);
		else if (event == SERVING_ALARM)
			log_sink_tell(p->sink);
	} while (event != SERVING_TERMINATE && event != SERVING_INTERRUPT && event != SERVING_ORPHANED);
	log_event(&p->log, LOG_NOTICE, "culvert stops", "signal=%s",
		event == SERVING_INTERRUPT           ? "INT"
			: event == SERVING_TERMINATE ? "TERM"
						     : "- reason=\"the process that started this one is gone\"");
	if (event == SERVING_TERMINATE)
		drain(p);
	stop(p);
	return EXIT_SUCCESS;
}

/* The serving process, which the keeper has started. */
static int
run_serving(struct options *options, struct serving *serving)
{
	struct process p = {.serving = serving, .log = {.sink = log_sink_take}, .conf = options->conf};
	int status;

	/* Those that count are serving_files(): others are not to stay. */
	files_unref(options->files);
	options->files = NULL;
	p.sink = p.log.arg = log_sink_new(serving_take_log(serving));
	p.first = conf_ref(p.conf);
	p.log.level = p.conf->log.level;
	p.log.addresses = p.conf->log.addresses;
	status = serve(&p, options);
	log_sink_free(p.sink);
	conf_unref(p.first);
	conf_unref(p.conf);
	return status;
}

static int
probe(struct options *options)
{
	int status;

	files_seal(options->files);
	status = probe_all(options->conf, options->files) ? EXIT_SUCCESS : EXIT_FAILURE;
	conf_unref(options->conf);
	return status;
}

/* What the arguments ask for; serving is NULL but in a serving process. */
static int
run(int argc, char **argv, struct options *options, struct serving *serving)
{
	switch (options_parse(argc, argv, options)) {
	case OPTIONS_RELOAD:
		return control_reload(options->file);
	case OPTIONS_RUN:
		precautions_core_dumps(options->has_core_dumps);
		return serving != NULL ? run_serving(options, serving) : keeper_run(argc, argv, options);
	case OPTIONS_CONNECT:
		precautions_core_dumps(options->has_core_dumps);
		return probe(options);
	default:
		return options->status;
	}
}

int
main(int argc, char **argv)
{
	struct hooks hooks = {.to_ascii = idn_to_ascii};
	struct options options = {.hooks = &hooks, .libraries = libraries_print};
	struct serving *serving = NULL;
	int status;

	MEMORY_GIVE_BACK(LARGE_BLOCK);
	precautions_take_standard_descriptors();
	if (argc > 1 && strcmp(argv[1], SERVING_WORD) == 0) {
		/* Before secrets come. */
		precautions_core_dumps(false);
		serving = serving_new();
		if (serving == NULL) {
			fprintf(stderr, "culvert: only culvert itself starts a \"" SERVING_WORD "\" process\n");
			return EXIT_FAILURE;
		}
		argv[1] = argv[0];
		argc--;
		argv++;
	}
	options.files = serving != NULL ? files_ref(serving_files(serving)) : files_new();
	status = run(argc, argv, &options, serving);
	files_unref(options.files);
	serving_free(serving);
	return status;
}
