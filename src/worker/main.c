/*
 * main.c: arguments, limits, threads and signals.  The main thread only waits
 * for signals; everything else happens in the workers and the acceptor.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/features.h"
#include "base/flood.h"
#include "io/crypto.h"
#include "io/idn.h"
#include "worker/accept.h"
#include "worker/handshake.h"
#include "worker/options.h"
#include "worker/worker.h"

#define MAX_WORKERS 64
#define HANDSHAKE_THREADS 2
#define DESCRIPTORS 64 /* that a process without clients has, with room to spare */
#define DESCRIPTORS_PER_WORKER 16
#define LARGE_BLOCK 131072      /* bytes of memory that are worth giving back at once */
#define FEW_DESCRIPTORS 4096    /* below, clients may come to wait */
#define MAX_DESCRIPTORS 1048576 /* libraries keep tables as long as the limit */

struct process {
	const struct conf *conf;
	struct log log;
	unsigned n_workers;
	struct worker *worker[MAX_WORKERS];
	struct mailbox *mailbox[MAX_WORKERS];
	struct handshakes *handshakes;
	struct listeners *listeners;
	struct acceptor *acceptor;
};

/* What the log's sink knows, whichever thread calls it. */
struct sink {
	pthread_mutex_t mutex;
	struct flood flood;
	uint64_t lost;
};

/* One write per line, so that lines of several threads do not mix. */
static void
write_line(const struct timespec *ts, enum log_level level, struct slice line)
{
	char text[1280];
	struct tm tm;
	int n;

	gmtime_r(&ts->tv_sec, &tm);
	n = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %.*s\n", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts->tv_nsec / 1000000,
		log_level_name(level), SLICE_ARG(line));
	if (n >= (int) sizeof text) {
		n = (int) sizeof text - 1;
		text[n - 1] = '\n';
	}
	if (write(STDERR_FILENO, text, (size_t) n) < 0)
		return; /* there is nowhere left to say so */
}

/* Says of which lines there were more, in other seconds than this one. */
static void
tell_left_out(struct sink *sink, const struct timespec *ts, int64_t second)
{
	const char *event;
	uint64_t lines;
	char text[128];

	while (flood_next(&sink->flood, second, &event, &lines)) {
		snprintf(
			text, sizeof text, "lines left out event=\"%s\" lines=%llu", event, (unsigned long long) lines);
		write_line(ts, LOG_WARNING, slice_str(text));
	}
}

/* A pipe that nobody reads would stop whoever writes: then lines are lost, and counted. */
static bool
can_write(struct sink *sink, const struct timespec *ts)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
	char text[64];

	if (poll(&fd, 1, 0) == 0) {
		sink->lost++;
		return false;
	}
	if (sink->lost > 0) {
		snprintf(text, sizeof text, "log was blocked lines=%llu", (unsigned long long) sink->lost);
		sink->lost = 0;
		write_line(ts, LOG_WARNING, slice_str(text));
	}
	return true;
}

/* Debugging wants every line. */
static void
take_line(void *arg, enum log_level level, struct slice line)
{
	struct sink *sink = arg;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	pthread_mutex_lock(&sink->mutex);
	if (can_write(sink, &ts)) {
		tell_left_out(sink, &ts, ts.tv_sec);
		if (level == LOG_DEBUG || flood_admit(&sink->flood, line, ts.tv_sec))
			write_line(&ts, level, line);
	}
	pthread_mutex_unlock(&sink->mutex);
}

/* The last of all: no thread but this one is left. */
static void
end_log(struct sink *sink)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	tell_left_out(sink, &ts, -1);
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
		log_event(
			&p->log, LOG_NOTICE, "no pages", "directory=%s reason=\"%s\"", CULVERT_PAGES, strerror(errno));
}

/*
 * As many descriptors as we may have, before a library makes its tables.  The
 * libraries do not survive having too few to begin with, so that is an error
 * here; having few for clients is worth a word.
 */
static int
raise_descriptors(const struct process *p)
{
	static const char cure[] = "raise the limit of open files: ulimit -n, or LimitNOFILE= of a systemd service";
	rlim_t needed = DESCRIPTORS + DESCRIPTORS_PER_WORKER * count_workers(p->conf) + p->conf->n_listen;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	if (limit.rlim_max > MAX_DESCRIPTORS)
		limit.rlim_max = MAX_DESCRIPTORS;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_event(&p->log, LOG_WARNING, "descriptor limit not raised", "reason=\"%s\"", strerror(errno));
	if (limit.rlim_cur < needed) {
		fprintf(stderr, "culvert: only %lu files may be open, and it takes %lu to start; %s\n",
			(unsigned long) limit.rlim_cur, (unsigned long) needed, cure);
		return -1;
	}
	if (limit.rlim_cur < FEW_DESCRIPTORS)
		log_event(&p->log, LOG_WARNING, "few descriptors", "limit=%lu clients=%lu cure=\"%s\"",
			(unsigned long) limit.rlim_cur, (unsigned long) (limit.rlim_cur - needed) / 3, cure);
	return 0;
}

static int
start(struct process *p)
{
	struct worker_config config = {
		.conf = p->conf, .log = &p->log, .mailboxes = p->mailbox, .handshakes = &p->handshakes};
	struct buf error;

	buf_init(&error, BUF_UNLIMITED);
	look_for_pages(p);
	config.listeners = p->listeners = listeners_new(p->conf);
	config.n_workers = p->n_workers = count_workers(p->conf);
	config.first_number = choose_first_number();
	if (choose_generation(&config.generation) != 0) {
		fprintf(stderr, "culvert: the system gives no entropy for random numbers\n");
		return -1;
	}
	for (unsigned i = 0; i < p->n_workers; i++) {
		config.index = i;
		p->worker[i] = worker_new(&config);
		if (p->worker[i] == NULL)
			return -1;
		p->mailbox[i] = worker_mailbox(p->worker[i]);
	}
	p->acceptor = acceptor_new(p->listeners, p->mailbox, p->n_workers, &p->log, &error);
	if (p->acceptor == NULL) {
		fprintf(stderr, "culvert: %.*s\n", SLICE_ARG(buf_slice(&error)));
		buf_fini(&error);
		return -1;
	}
	p->handshakes = handshakes_new(HANDSHAKE_THREADS, p->mailbox);
	must(p->handshakes != NULL);
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
		uint64_t sum = 0; \
		for (unsigned i = 0; i < p->n_workers; i++) \
			sum += atomic_load_explicit(&worker_counters(p->worker[i])->name, memory_order_relaxed); \
		n += (size_t) snprintf( \
			text + n, sizeof text - n, "%s" #name "=%llu", n > 0 ? " " : "", (unsigned long long) sum); \
	} while (0);
	COUNTER_ROWS(X)
#undef X
	log_event(&p->log, LOG_NOTICE, "counters", "%s", text);
}

/* What a running process cannot change. */
static void
warn_of_restart(const struct process *p, const struct conf *next)
{
	const struct conf *old = p->conf;
	bool is_same = next->n_listen == old->n_listen;

	for (size_t i = 0; is_same && i < next->n_listen; i++) {
		const struct conf_listen *a = &next->listen[i], *b = &old->listen[i];
		if (a->unix_path != NULL && b->unix_path != NULL)
			is_same = strcmp(a->unix_path, b->unix_path) == 0 && a->mode == b->mode;
		else if (a->unix_path == NULL && b->unix_path == NULL)
			is_same = strcmp(a->address, b->address) == 0 && a->port == b->port;
		else
			is_same = false;
	}
	if (!is_same)
		log_event(&p->log, LOG_WARNING, "needs a restart", "key=listen");
	if (next->workers != old->workers)
		log_event(&p->log, LOG_WARNING, "needs a restart", "key=workers");
	if (strcmp(next->node, old->node) != 0)
		log_event(&p->log, LOG_WARNING, "needs a restart", "key=node");
	if (!conf_list_eq(&next->resolver_servers, &old->resolver_servers))
		log_event(&p->log, LOG_WARNING, "needs a restart", "key=resolver.servers");
}

/* One line of the log for each line of text. */
static void
log_lines(const struct log *log, const char *event, struct slice text)
{
	struct slice line;

	while (text.n > 0) {
		slice_cut(text, '\n', &line, &text);
		log_event(log, LOG_ERROR, event, "%.*s", SLICE_ARG(line));
		text = slice_trim(text);
	}
}

/* SIGHUP: sessions to come live by the new configuration, unless it is wrong. */
static void
reload(struct process *p, const char *file, const struct hooks *hooks)
{
	struct conf *next = NULL;
	struct buf errors;

	if (file == NULL) {
		log_event(&p->log, LOG_WARNING, "nothing to reload", "reason=\"started without a configuration file\"");
		return;
	}
	buf_init(&errors, BUF_UNLIMITED);
	if (options_read_file(&next, file, hooks, &errors) != 0) {
		log_lines(&p->log, "configuration wrong, the old one stays:", buf_slice(&errors));
		buf_fini(&errors);
		return;
	}
	buf_fini(&errors);
	warn_of_restart(p, next);
	for (unsigned i = 0; i < p->n_workers; i++) {
		struct mail *mail = mail_new(MAIL_CONF);
		mail->conf = conf_ref(next);
		mailbox_post(p->mailbox[i], mail);
	}
	handshakes_reload(p->handshakes);
	log_event(&p->log, LOG_NOTICE, "configuration reloaded", "file=%s domains=%zu", file, next->n_domain);
	p->log.level = next->log.level;
	conf_unref(p->conf);
	p->conf = next;
	look_for_pages(p);
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
	listeners_free(p->listeners);
}

int
main(int argc, char **argv)
{
	struct sink sink = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct process p = {.log = {.sink = take_line, .arg = &sink}};
	struct hooks hooks = {.to_ascii = idn_to_ascii};
	struct options options = {.hooks = &hooks};
	sigset_t signals;
	int signal_number = 0;

	MEMORY_GIVE_BACK(LARGE_BLOCK);
	if (options_parse(argc, argv, &options) == OPTIONS_EXIT)
		return options.status;
	p.conf = options.conf;
	p.log.level = p.conf->log.level;

	/* Threads inherit this: signals come to sigwait() here and nowhere else. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	if (raise_descriptors(&p) != 0 || start(&p) != 0)
		return EXIT_FAILURE;
	while (sigwait(&signals, &signal_number) != 0 || signal_number == SIGUSR1 || signal_number == SIGHUP) {
		if (signal_number == SIGUSR1)
			log_counters(&p);
		else if (signal_number == SIGHUP)
			reload(&p, options.file, &hooks);
	}
	log_event(&p.log, LOG_NOTICE, "culvert stops", "signal=%s", signal_number == SIGINT ? "INT" : "TERM");
	stop(&p);
	end_log(&sink);
	conf_unref(p.conf);
	return EXIT_SUCCESS;
}
