#include "worker/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fatal.h"
#include "base/features.h"
#include "base/nearest.h"
#include "conf/conf_arguments.h"
#include "conf/conf_help.h"
#include "conf/conf_read.h"

#define FILE_MAX_BYTES ((size_t) 16 << 20) /* larger is no configuration but a mistake, such as a device */
#define TEXT_MAX ((size_t) 1 << 20)        /* of complaints and help */

enum {
	STATUS_OK = 0,
	STATUS_CONF = 1,
	STATUS_USAGE = 2,
};

enum {
	OPT_CHECK = 256,
	OPT_LISTEN,
	OPT_DOMAIN,
	OPT_PAGES,
	OPT_HELP_CONFIG,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check-config", no_argument, NULL, OPT_CHECK},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"domain", required_argument, NULL, OPT_DOMAIN},
	{"pages", required_argument, NULL, OPT_PAGES},
	{"help", no_argument, NULL, 'h'},
	{"help-config", optional_argument, NULL, OPT_HELP_CONFIG},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/* The first argument may be a word, which says what to do. */
struct word {
	const char *name;
	bool is_built, is_check;
	const char *form; /* how it is written, for --help */
	const char *what; /* it does, for --help; of one that is not built yet: what can be done meanwhile */
};

/* "run" is what no word means. */
static const struct word words[] = {
	{"run", true, false, "[run] -c FILE", "serve as the file says"},
	{"check", true, true, "check -c FILE", "only say what is wrong with it, or \"ok\""},
	{"sessions", .what = "the log says when sessions begin and end, and SIGUSR1 writes counters to it"},
	{"kick", .what = "the XMPP server can end a session"},
	{"tail", .what = "follow the log, which has more after \"log\": {\"level\": \"debug\"} and SIGHUP"},
	{"upgrade", .what = "stop the old culvert by SIGTERM and start the new one, which ends all sessions"},
};

#define N_WORDS (sizeof words / sizeof words[0])

static const char help_head[] = "culvert carries XMPP streams from web browsers (BOSH and WebSocket, one port)\n"
				"to any XMPP server.\n"
				"\n";
static const char help_options[] = "  culvert [run] [--listen WHERE]... --domain NAME=TARGET... [--pages DIR]\n"
				   "                                    quick start without a file\n"
				   "\n"
				   "  -c, --config=FILE     the configuration, see culvert.json(5)\n"
				   "      --check-config    the same as the word \"check\"\n"
				   "      --listen=WHERE    ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH;\n"
				   "                        may be repeated; default :5280\n"
				   "      --domain=NAME=TARGET\n"
				   "                        an XMPP domain and its server, xmpp://HOST:PORT or\n"
				   "                        xmpps://HOST:PORT; may be repeated\n"
				   "      --pages=DIR       serve the files of this directory, too\n"
				   "  -h, --help            this text\n"
				   "      --help-config     every key of the configuration; =sample: as a file\n"
				   "  -V, --version         the version\n"
				   "\n"
				   "Example:\n"
				   "  culvert --listen 127.0.0.1:5280 --domain example.com=xmpp://127.0.0.1:5222\n";

/* What the arguments said, before any of it is done. */
struct request {
	const struct word *word; /* NULL: none, which means "run" */
	const char *file, *pages;
	bool is_check;
	const char **listen, **domain; /* each with room for all of argv; the strings are argv's */
	size_t n_listen, n_domain;
};

static int
stop(struct options *o, int status)
{
	o->status = status;
	return OPTIONS_EXIT;
}

static int usage(struct options *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int
usage(struct options *o, const char *format, ...)
{
	va_list ap;

	fputs("culvert: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs("\n", stderr);
	return stop(o, STATUS_USAGE);
}

/* What was asked for went to stdout; a full disk there is not success. */
static int
answered(struct options *o)
{
	if (fflush(stdout) == 0)
		return stop(o, STATUS_OK);
	fprintf(stderr, "culvert: cannot write: %s\n", strerror(errno));
	return stop(o, STATUS_CONF);
}

static int
help(struct options *o)
{
	fputs(help_head, stdout);
	for (const struct word *w = words; w < words + N_WORDS; w++)
		if (w->is_built)
			printf("  culvert %-25s %s\n", w->form, w->what);
	fputs(help_options, stdout);
	return answered(o);
}

static int
help_config(struct options *o, const char *form)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (form == NULL || strcmp(form, "list") == 0)
		conf_help_list(&text);
	else if (strcmp(form, "sample") == 0)
		conf_help_sample(&text);
	else if (strcmp(form, "man") == 0)
		conf_help_man(&text);
	else
		return usage(
			o, "--help-config=%s: expected --help-config, --help-config=sample or --help-config=man", form);
	fwrite(buf_slice(&text).p, 1, text.n, stdout);
	buf_fini(&text);
	return answered(o);
}

/* The file ------------------------------------------------------------- */

static int
cannot_read(const char *file, const char *why, struct buf *errors)
{
	buf_printf(errors, "%s: cannot be read: %s\n", file, why);
	return CV_ESYS;
}

/* The same for errno, with what would help. */
static int
cannot_open(const char *file, struct buf *errors)
{
	const char *cure = "";

	if (errno == ENOENT)
		cure = "; \"culvert --help-config=sample\" prints one to begin with";
	else if (errno == EACCES)
		cure = "; the user that starts culvert must be allowed to read it";
	else if (errno == EISDIR)
		cure = "; -c wants a file";
	buf_printf(errors, "%s: cannot be read: %s%s\n", file, strerror(errno), cure);
	return CV_ESYS;
}

static int
read_bytes(int fd, const char *file, struct buf *text, struct buf *errors)
{
	for (;;) {
		char *room = buf_reserve(text, 64 << 10);
		ssize_t n;

		if (room == NULL)
			return cannot_read(file, "larger than 16 MiB, expected a configuration", errors);
		n = read(fd, room, 64 << 10);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_commit(text, (size_t) n);
		else if (errno != EINTR)
			return cannot_open(file, errors);
	}
}

/* Pages that somebody asked for must be there; at_fault is where it was written. */
static int
check_pages(struct conf **conf, const char *at_fault, struct buf *errors)
{
	const char *directory = (*conf)->pages.directory;
	int fd = directory != NULL ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || directory == NULL)
		return 0;
	buf_printf(errors, "%s %s: %s, expected a directory with pages\n", at_fault, directory, strerror(errno));
	conf_unref(*conf);
	*conf = NULL;
	return CV_ESYS;
}

/* What is in it is read with the first connection that needs it; that it is there and may be read is said at once. */
static int
check_authorities(struct conf **conf, const char *file, struct buf *errors)
{
	int error = 0;

	for (size_t i = 0; i < (*conf)->n_domain; i++) {
		const struct conf_domain *d = &(*conf)->domain[i];
		int fd = d->ca_file != NULL ? open(d->ca_file, O_RDONLY | O_CLOEXEC) : -1;
		if (fd >= 0)
			close(fd);
		if (fd >= 0 || d->ca_file == NULL)
			continue;
		buf_printf(errors,
			"%s: domains.%s.ca_file: %s: %s, expected a file with the certificates of authorities (PEM)\n",
			file, d->name, d->ca_file, strerror(errno));
		error = CV_ESYS;
	}
	if (error != 0) {
		conf_unref(*conf);
		*conf = NULL;
	}
	return error;
}

int
options_read_file(struct conf **out, const char *file, const struct hooks *hooks, struct buf *errors)
{
	struct buf text;
	int error;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	*out = NULL;
	if (fd < 0)
		return cannot_open(file, errors);
	buf_init(&text, FILE_MAX_BYTES);
	error = read_bytes(fd, file, &text, errors);
	if (error == 0)
		error = conf_read(out, buf_slice(&text), file, hooks, errors);
	buf_fini(&text);
	close(fd);
	if (error == 0) {
		struct buf place;
		buf_init(&place, TEXT_MAX);
		buf_printf(&place, "%s: pages:", file);
		error = check_pages(out, buf_cstr(&place), errors);
		buf_fini(&place);
	}
	if (error == 0)
		error = check_authorities(out, file, errors);
	return error;
}

/* The word ------------------------------------------------------------- */

static const struct word *
find_word(const char *text)
{
	for (const struct word *w = words; w < words + N_WORDS; w++)
		if (strcmp(w->name, text) == 0)
			return w;
	return NULL;
}

static int
unknown_word(struct options *o, const char *text)
{
	const struct word *best = NULL;
	struct nearest nearest;

	nearest_init(&nearest, slice_str(text));
	for (const struct word *w = words; w < words + N_WORDS; w++)
		if (nearest_try(&nearest, slice_str(w->name)))
			best = w;
	if (best == NULL)
		return usage(o, "unknown word \"%s\"; culvert --help lists them all", text);
	if (!best->is_built)
		return usage(o, "unknown word \"%s\", did you mean \"%s\"? It is not built yet; %s", text, best->name,
			best->what);
	return usage(o, "unknown word \"%s\", did you mean \"%s\"?", text, best->name);
}

static bool
is_file_name(const char *text)
{
	return strpbrk(text, "./") != NULL;
}

static int
refuse_file(struct options *o, const char *text)
{
	return usage(o, "%s: not an option; a configuration file is named with -c %s", text, text);
}

/* It is unknown, or not built yet. */
static int
refuse_word(struct options *o, const char *text)
{
	const struct word *w = find_word(text);

	if (w != NULL)
		return usage(o, "\"%s\" is not built yet; %s", text, w->what);
	if (is_file_name(text))
		return refuse_file(o, text);
	return unknown_word(o, text);
}

/* What no option has taken: a file without its -c, a word too many, or one too late. */
static int
refuse_rest(struct options *o, const struct request *r, const char *text)
{
	const struct word *w = find_word(text);

	if (is_file_name(text))
		return refuse_file(o, text);
	if (r->word != NULL)
		return usage(o, "\"%s\" is one word too many after \"%s\"; a configuration file is named with -c", text,
			r->word->name);
	if (w != NULL && w->is_built)
		return usage(
			o, "\"%s\" is behind an option; the word comes first, as in culvert %s -c FILE", text, text);
	return refuse_word(o, text);
}

/* OPTIONS_RUN: r->word is the word, or NULL. */
static int
read_word(int argc, char **argv, struct options *o, struct request *r)
{
	if (argc < 2 || argv[1][0] == '-')
		return OPTIONS_RUN;
	r->word = find_word(argv[1]);
	if (r->word == NULL || !r->word->is_built)
		return refuse_word(o, argv[1]);
	r->is_check = r->word->is_check;
	return OPTIONS_RUN;
}

/* The options ---------------------------------------------------------- */

static int
bad_option(struct options *o, int code, char **argv)
{
	/*
	 * optopt is the letter of a short option that is unknown, or what stands for a long one that is known but
	 * not in this form, such as 'h' for --help=x.
	 */
	if (code == ':' && optopt == OPT_LISTEN)
		return usage(o, "--listen wants a place: ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH");
	if (code == ':' && optopt == OPT_DOMAIN)
		return usage(o, "--domain wants NAME=xmpp://HOST:PORT");
	if (code == ':' && optopt == OPT_PAGES)
		return usage(o, "--pages wants a directory");
	if (code == ':')
		return usage(o, "-c wants a file");
	if (optopt > 0 && optopt < 256 && optopt != 'h' && optopt != 'V')
		return usage(o, "unknown option -%c; culvert --help lists them all", optopt);
	return usage(o, "%s: no such option, or not in this form; culvert --help lists them all", argv[optind - 1]);
}

/* OPTIONS_RUN: *r says what to do. */
static int
read_options(int argc, char **argv, struct options *o, struct request *r)
{
	int code;

	optind = 0; /* from the beginning, however often we are called */
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":c:hV", long_options, NULL)) != -1) {
		switch (code) {
		case 'c':
			if (r->file != NULL)
				return usage(o, "-c is given twice; culvert reads one file");
			r->file = optarg;
			break;
		case OPT_CHECK:
			r->is_check = true;
			break;
		case OPT_LISTEN:
			r->listen[r->n_listen++] = optarg;
			break;
		case OPT_DOMAIN:
			r->domain[r->n_domain++] = optarg;
			break;
		case OPT_PAGES:
			if (r->pages != NULL)
				return usage(o, "--pages is given twice; culvert serves one directory");
			r->pages = optarg;
			break;
		case 'h':
			return help(o);
		case OPT_HELP_CONFIG:
			return help_config(o, optarg);
		case 'V':
			puts("culvert " CULVERT_VERSION);
			return answered(o);
		default:
			return bad_option(o, code, argv);
		}
	}
	if (optind < argc)
		return refuse_rest(o, r, argv[optind]);
	if (r->file != NULL && r->pages != NULL)
		return usage(o, "-c and --pages exclude each other; write \"pages\" into the file");
	if (r->file != NULL && r->n_listen + r->n_domain > 0)
		return usage(o,
			"-c and --listen or --domain exclude each other; write the listener and the domain into the file");
	if (r->file == NULL && r->n_domain == 0 && r->n_listen > 0)
		return usage(o, "--listen alone reaches no domain; add --domain NAME=xmpp://HOST:PORT");
	if (r->file == NULL && r->n_domain == 0)
		return usage(o,
			"nothing to %s; say -c FILE or --domain NAME=xmpp://HOST:PORT (culvert --help tells more)",
			r->is_check ? "check" : "serve");
	return OPTIONS_RUN;
}

static int
read_conf(struct options *o, const struct request *r)
{
	struct buf errors;
	int error;

	buf_init(&errors, TEXT_MAX);
	if (r->file != NULL)
		error = options_read_file(&o->conf, r->file, o->hooks, &errors);
	else
		error = conf_read_arguments(
			&o->conf, r->listen, r->n_listen, r->domain, r->n_domain, o->hooks, &errors);
	if (error == 0 && r->pages != NULL) {
		error = conf_read_pages_argument(o->conf, r->pages, &errors);
		if (error == 0)
			error = check_pages(&o->conf, "--pages", &errors);
	}
	fwrite(buf_slice(&errors).p, 1, errors.n, stderr);
	buf_fini(&errors);
	if (error != 0) {
		conf_unref(o->conf);
		o->conf = NULL;
		return stop(o, r->file != NULL ? STATUS_CONF : STATUS_USAGE);
	}
	o->file = r->file;
	if (!r->is_check)
		return OPTIONS_RUN;
	conf_unref(o->conf);
	o->conf = NULL;
	puts("ok");
	return answered(o);
}

int
options_parse(int argc, char **argv, struct options *o)
{
	struct request r = {0};
	int result;

	o->status = STATUS_OK;
	o->conf = NULL;
	o->file = NULL;
	r.listen = xcalloc((size_t) argc + 1, sizeof *r.listen);
	r.domain = xcalloc((size_t) argc + 1, sizeof *r.domain);
	result = read_word(argc, argv, o, &r);
	/* The word stands where getopt expects the name of the program. */
	if (result == OPTIONS_RUN)
		result = read_options(argc - (r.word != NULL), argv + (r.word != NULL), o, &r);
	if (result == OPTIONS_RUN)
		result = read_conf(o, &r);
	free(r.domain);
	free(r.listen);
	return result;
}
