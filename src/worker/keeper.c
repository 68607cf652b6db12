#include "worker/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/features.h"
#include "base/list.h"
#include "base/ms.h"
#include "worker/account.h"
#include "worker/channel.h"
#include "worker/configuration.h"
#include "worker/control.h"
#include "worker/key_files.h"
#include "worker/log_sink.h"
#include "worker/ports.h"
#include "worker/signals.h"
#include "worker/spawn.h"

#define PAUSE_MS INT64_C(100) /* before a serving process is replaced; each in a row waits twice as long ... */
#define PAUSE_MAX_MS INT64_C(30000)
#define FAILURES_MAX 10        /* ... and after so many we end */
#define WELL_MS INT64_C(60000) /* who has lived so long begins a new row */

/* A serving process. */
struct child {
	struct list link;
	pid_t pid;
	struct channel *channel; /* NULL: closed */
	bool is_ready;           /* it has been once */
	bool is_asked;           /* to take next_files; has not answered yet */
	ms_t since;
};

struct keeper {
	const char *file; /* as in struct options */
	const struct hooks *hooks;
	struct log_sink *sink;
	struct log log;
	int signals;
	struct ports ports;
	struct spawn *spawn;
	struct control *control;
	struct list children;

	/* What serving processes begin with. */
	const struct conf *conf;
	struct files *files;

	/* A reload that is under way; NULL: none. */
	const struct conf *next_conf;
	struct files *next_files;
	struct buf words;  /* of who refuses it */
	struct buf notes;  /* of who takes it */
	bool is_due_again; /* somebody asked for another meanwhile */

	bool has_served; /* a serving process was ready once */
	bool is_stopping, is_over;
	unsigned failures; /* in a row */
	ms_t restart_at;   /* -1: nobody is to be replaced */
	int status;
};

static ms_t
clock_now(void)
{
	struct timespec now;

	must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (ms_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what is said to serving processes ---- */

static void
send_files(struct channel *channel, const struct files *files)
{
	struct handover h = {.kind = HANDOVER_FILE};

	for (size_t i = 0; files_at(files, i, &h.name, &h.text); i++)
		channel_send(channel, &h, -1);
}

static void
send_all(const struct keeper *k, struct channel *channel)
{
	struct handover listener = {.kind = HANDOVER_LISTENER};
	int log = log_sink_opened(k->sink);

	send_files(channel, k->files);
	for (; listener.index < k->ports.n; listener.index++)
		channel_send(channel, &listener, k->ports.v[listener.index].fd);
	if (log >= 0)
		channel_send(channel, &(struct handover){.kind = HANDOVER_LOG}, log);
	channel_send(channel, &(struct handover){.kind = HANDOVER_START}, -1);
}

static void
signal_all(const struct keeper *k, int number)
{
	for (struct list *l = k->children.next; l != &k->children; l = l->next)
		kill(list_entry(l, struct child, link)->pid, number);
}

/* ---- starting ---- */

/* Who is to serve.  False: we cannot become him, with a line without its end in error. */
static bool
find_account(const struct conf *conf, struct account *who, struct buf *error)
{
	account_of_process(who);
	if (conf->user == NULL)
		return true;
	if (!account_find(conf->user, who)) {
		buf_printf(error, "there is no user %s any more; change \"user\"", conf->user);
		return false;
	}
	if (who->uid == geteuid() || geteuid() == 0)
		return true;
	buf_printf(error,
		"only root can become the user %s; start culvert as root or as this user, or leave \"user\" out",
		conf->user);
	return false;
}

/* False, with a line without its end in error, when it cannot be. */
static bool
start(struct keeper *k, struct buf *error)
{
	struct account who;
	struct child *child;
	int channel;
	pid_t pid;

	if (!find_account(k->conf, &who, error) || !ports_open(&k->ports, k->conf, &who, error))
		return false;
	pid = spawn_start(k->spawn, &who, &channel, error);
	if (pid < 0)
		return false;
	child = xcalloc(1, sizeof *child);
	child->pid = pid;
	child->since = clock_now();
	child->channel = channel_new(channel, false);
	list_append(&k->children, &child->link);
	send_all(k, child->channel);
	log_event(&k->log, LOG_NOTICE, "serving process started", "pid=%ld user=%s uid=%lu", (long) pid,
		log_string(k->conf->user).text, (unsigned long) who.uid);
	return true;
}

/* Another one that ended by itself, or could not be started. */
static void
plan_restart(struct keeper *k, ms_t now)
{
	ms_t pause = PAUSE_MS << k->failures;

	if (++k->failures > FAILURES_MAX) {
		log_event(&k->log, LOG_ERROR, "no serving process stays alive", "tries=%u", FAILURES_MAX);
		k->status = EXIT_FAILURE;
		k->is_over = true;
		return;
	}
	k->restart_at = now + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
}

static void
restart(struct keeper *k, ms_t now)
{
	struct buf error;

	k->restart_at = -1;
	buf_init(&error, BUF_UNLIMITED);
	if (!start(k, &error)) {
		log_event(&k->log, LOG_ERROR, "no serving process", "reason=%s", log_value(buf_slice(&error)).text);
		plan_restart(k, now);
	}
	buf_fini(&error);
}

/* ---- reload ---- */

/* One line of the log for each line of text. */
static void
log_lines(const struct log *log, const char *event, struct slice text)
{
	struct slice line;

	while (text.n > 0) {
		slice_cut(text, '\n', &line, &text);
		log_event(log, LOG_ERROR, event, "complaint=%s", log_value(line).text);
		text = slice_trim(text);
	}
}

static void
refuse(struct keeper *k, struct slice words)
{
	log_lines(&k->log, "configuration wrong, the old one stays", words);
	control_end(k->control, false, words);
}

/* Takes it over, where one is to be replaced. */
static void
accept_next(struct keeper *k)
{
	conf_unref(k->conf);
	files_unref(k->files);
	k->conf = k->next_conf;
	k->files = k->next_files;
	k->log.level = k->conf->log.level;
	buf_append_str(&k->notes, "reloaded\n");
	control_end(k->control, true, buf_slice(&k->notes));
}

static void begin_reload(struct keeper *k);

/* Once nobody is waited for. */
static void
settle_reload(struct keeper *k)
{
	bool is_due_again = k->is_due_again;

	for (struct list *l = k->children.next; l != &k->children; l = l->next)
		if (list_entry(l, struct child, link)->is_asked)
			return;
	if (k->words.n > 0) {
		refuse(k, buf_slice(&k->words));
		conf_unref(k->next_conf);
		files_unref(k->next_files);
	} else {
		accept_next(k);
	}
	buf_fini(&k->words);
	buf_fini(&k->notes);
	k->next_conf = NULL;
	k->next_files = NULL;
	k->is_due_again = false;
	if (is_due_again)
		begin_reload(k);
}

static void
ask_all(struct keeper *k)
{
	for (struct list *l = k->children.next; l != &k->children; l = l->next) {
		struct child *child = list_entry(l, struct child, link);
		if (child->channel == NULL)
			continue;
		child->is_asked = true;
		send_files(child->channel, k->next_files);
		channel_send(child->channel, &(struct handover){.kind = HANDOVER_RELOAD}, -1);
	}
	settle_reload(k);
}

/* Listeners that the new configuration has not stay open, and go on to show what they did. */
static bool
read_old_keys(const struct keeper *k, const struct conf *next, struct files *files, struct buf *errors)
{
	struct credentials *all = key_files_read(next, k->ports.conf, k->file, files, errors, NULL);

	credentials_unref(all);
	return all != NULL;
}

static void
begin_reload(struct keeper *k)
{
	struct conf *next = NULL;
	struct files *files;
	struct buf errors;

	if (k->next_files != NULL) {
		k->is_due_again = true;
		return;
	}
	control_begin(k->control);
	if (k->file == NULL || strcmp(k->file, "-") == 0) {
		log_event(&k->log, LOG_WARNING, "nothing to reload", "reason=%s",
			log_string(k->file == NULL ? "started without a configuration file"
						   : "the configuration came from standard input")
				.text);
		return;
	}
	files = files_new();
	buf_init(&errors, BUF_UNLIMITED);
	if (configuration_read(&next, k->file, files, k->hooks, &errors, NULL) == 0 &&
		read_old_keys(k, next, files, &errors)) {
		k->next_conf = next;
		k->next_files = files;
		ask_all(k);
	} else {
		refuse(k, buf_slice(&errors));
		conf_unref(next);
		files_unref(files);
	}
	buf_fini(&errors);
}

/* ---- what serving processes say ---- */

static void
hear_message(struct keeper *k, struct child *child, const struct handover *h)
{
	if (h->kind == HANDOVER_READY) {
		child->is_ready = k->has_served = true;
		return;
	}
	if (!child->is_asked)
		return;
	child->is_asked = false;
	if (h->kind == HANDOVER_REFUSED)
		buf_append(&k->words, h->text.n > 0 ? h->text : SLICE("refused\n"));
	else if (k->notes.n == 0) /* all say the same */
		buf_append(&k->notes, h->text);
	settle_reload(k);
}

/* One that hangs up, or talks nonsense, is hung up on; then it ends. */
static void
hear(struct keeper *k, struct child *child)
{
	enum channel_result result = CHANNEL_MESSAGE;
	struct handover h;
	int fd;

	while (child->channel != NULL && result != CHANNEL_AGAIN) {
		result = channel_receive(child->channel, &h, &fd);
		if (result == CHANNEL_MESSAGE) {
			hear_message(k, child, &h);
		} else if (result == CHANNEL_CLOSED) {
			channel_free(child->channel);
			child->channel = NULL;
		}
	}
	if (child->channel != NULL)
		channel_flush(child->channel);
}

/* ---- how they end ---- */

static void
log_end(const struct keeper *k, const struct child *child, int status)
{
	if (WIFSIGNALED(status))
		log_event(&k->log, LOG_ERROR, "serving process ended", "pid=%ld signal=%d reason=%s", (long) child->pid,
			WTERMSIG(status), log_string(strsignal(WTERMSIG(status))).text);
	else
		log_event(&k->log, LOG_ERROR, "serving process ended", "pid=%ld status=%d", (long) child->pid,
			WEXITSTATUS(status));
}

static void
bury(struct keeper *k, struct child *child, int status)
{
	ms_t now = clock_now();
	bool was_asked = child->is_asked;

	list_remove(&child->link);
	channel_free(child->channel);
	if (WIFSIGNALED(status) || (!k->is_stopping && k->has_served))
		log_end(k, child, status);
	if (k->is_stopping || !k->has_served) {
		/* One that never served has said why. */
		k->status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
		k->is_over = list_is_empty(&k->children);
	} else {
		if (now - child->since >= WELL_MS)
			k->failures = 0;
		plan_restart(k, now);
	}
	free(child);
	if (was_asked) {
		buf_append_str(&k->words, "the serving process ended over it\n");
		settle_reload(k);
	}
}

/* As the first process of a container we may be told of others, too. */
static void
bury_all(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (struct list *l = k->children.next; l != &k->children; l = l->next) {
			struct child *child = list_entry(l, struct child, link);
			if (child->pid != pid)
				continue;
			bury(k, child, status);
			break;
		}
	}
}

/* ---- signals ---- */

/* Nobody is accepted any more, not even into a queue. */
static void
stop(struct keeper *k, int number)
{
	ports_close(&k->ports);
	k->is_stopping = true;
	k->restart_at = -1;
	k->is_over = list_is_empty(&k->children);
	signal_all(k, number);
}

static void
take_signals(struct keeper *k)
{
	struct signalfd_siginfo info;

	while (read(k->signals, &info, sizeof info) == (ssize_t) sizeof info) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			stop(k, (int) info.ssi_signo);
			break;
		case SIGUSR1:
			signal_all(k, SIGUSR1);
			break;
		case SIGHUP:
			begin_reload(k);
			break;
		case SIGALRM:
			log_sink_tell(k->sink);
			break;
		default:
			bury_all(k);
		}
	}
}

static int
open_signals(void)
{
	static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD};

	signal(SIGCHLD, SIG_DFL);
	return signals_open(ours, sizeof ours / sizeof *ours);
}

/* ---- all ---- */

static struct pollfd *
append(struct pollfd *p, int fd, bool is_pending)
{
	*p = (struct pollfd){.fd = fd, .events = (short) (POLLIN | (is_pending ? POLLOUT : 0))};
	return p + 1;
}

/* Sleeps until something happens. */
static void
await(const struct keeper *k)
{
	size_t n = 1 + CONTROL_FDS;
	struct pollfd *p, *end;
	ms_t now = clock_now();

	for (struct list *l = k->children.next; l != &k->children; l = l->next)
		n++;
	p = end = xcalloc(n, sizeof *p);
	end = append(end, k->signals, false);
	for (struct list *l = k->children.next; l != &k->children; l = l->next) {
		const struct child *child = list_entry(l, struct child, link);
		if (child->channel != NULL)
			end = append(end, channel_fd(child->channel), channel_is_pending(child->channel));
	}
	end += control_fds(k->control, end);
	must(poll(p, (nfds_t) (end - p), k->restart_at < 0 ? -1 : (int) ms_max(k->restart_at - now, 0)) >= 0 ||
		errno == EINTR);
	free(p);
}

/* One round of whatever has come. */
static void
turn(struct keeper *k)
{
	struct list *next;
	ms_t now;

	await(k);
	for (struct list *l = k->children.next; l != &k->children; l = next) {
		next = l->next;
		hear(k, list_entry(l, struct child, link));
	}
	take_signals(k);
	if (control_step(k->control))
		begin_reload(k);
	now = clock_now();
	if (k->restart_at >= 0 && now >= k->restart_at)
		restart(k, now);
}

static void
open_control(struct keeper *k)
{
	if (k->file == NULL || strcmp(k->file, "-") == 0)
		return;
	k->control = control_open(k->file);
	if (k->control == NULL)
		log_event(&k->log, LOG_NOTICE, "no reload by command", "reason=%s cure=%s",
			log_string(strerror(errno)).text, log_string("SIGHUP does the same").text);
}

static void
fini(struct keeper *k)
{
	control_close(k->control);
	ports_close(&k->ports);
	spawn_free(k->spawn);
	conf_unref(k->next_conf);
	files_unref(k->next_files);
	conf_unref(k->conf);
	files_unref(k->files);
	buf_fini(&k->words);
	buf_fini(&k->notes);
	close(k->signals);
	log_sink_free(k->sink);
}

int
keeper_run(int argc, char **argv, struct options *o)
{
	struct keeper k = {.file = o->file,
		.hooks = o->hooks,
		.conf = o->conf,
		.files = o->files,
		.restart_at = -1,
		.log = {.sink = log_sink_take, .level = o->conf->log.level, .addresses = o->conf->log.addresses}};
	struct buf error;

	o->conf = NULL;
	o->files = NULL;
	ports_init(&k.ports);
	list_init(&k.children);
	buf_init(&k.words, BUF_UNLIMITED);
	buf_init(&k.notes, BUF_UNLIMITED);
	buf_init(&error, BUF_UNLIMITED);
	k.signals = open_signals();
	must(k.signals >= 0);
	k.sink = log_sink_new(-1);
	k.log.arg = k.sink;
	k.spawn = spawn_new(argc, argv);
	if (!start(&k, &error)) {
		fprintf(stderr, "culvert: %.*s\n", SLICE_ARG(buf_slice(&error)));
		k.status = EXIT_FAILURE;
		k.is_over = true;
	} else {
		account_keep_few_rights();
		open_control(&k);
		MEMORY_TRIM();
	}
	buf_fini(&error);
	while (!k.is_over)
		turn(&k);
	fini(&k);
	return k.status;
}
