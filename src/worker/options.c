#include "worker/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fatal.h"
#include "base/features.h"
#include "base/nearest.h"
#include "conf/conf_arguments.h"
#include "conf/conf_help.h"
#include "worker/configuration.h"

#define TEXT_MAX ((size_t) 1 << 20) /* of complaints and help */

enum {
	STATUS_OK = 0,
	STATUS_CONF = 1,
	STATUS_USAGE = 2,
};

enum {
	OPT_CHECK = 256,
	OPT_CONNECT,
	OPT_CORE_DUMPS,
	OPT_LISTEN,
	OPT_DOMAIN,
	OPT_PAGES,
	OPT_HELP_CONFIG,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check-config", no_argument, NULL, OPT_CHECK},
	{"connect", no_argument, NULL, OPT_CONNECT},
	{"core-dumps", no_argument, NULL, OPT_CORE_DUMPS},
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
	bool is_built, is_check, is_reload;
	const char *form; /* how it is written, for --help */
	const char *what; /* it does, for --help; of one that is not built yet: what can be done meanwhile */
};

/* "run" is what no word means. */
static const struct word words[] = {
	{"run", true, false, false, "[run] -c FILE", "serve as the file says"},
	{"check", true, true, false, "check -c FILE", "only say what is wrong with it, or \"ok\""},
	{"reload", true, false, true, "reload -c FILE", "culvert that runs reads the file again"},
	{"sessions", .what = "the log says when sessions begin and end, and SIGUSR1 writes counters to it"},
	{"kick", .what = "the XMPP server can end a session"},
	{"tail", .what = "follow the log, which has more after \"log\": {\"level\": \"debug\"} and SIGHUP"},
	{"upgrade", .what = "stop the old culvert by SIGTERM and start the new one, which ends all sessions"},
};

#define N_WORDS (sizeof words / sizeof words[0])

static const char help_head[] = "culvert carries XMPP streams from browsers (BOSH, WebSocket) to XMPP servers.\n"
				"\n";
static const char help_options[] = "  culvert [run] [--listen WHERE]... --domain NAME[=SERVER]... [--pages DIR]\n"
				   "                                    quick start without a file\n"
				   "\n"
				   "  -c, --config=FILE     the configuration, culvert.json(5); -: standard input\n"
				   "      --check-config    the same as the word \"check\"\n"
				   "      --connect         with check: also connect to each server\n"
				   "      --listen=WHERE    ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH;\n"
				   "                        may be repeated; default :5280\n"
				   "      --domain=NAME[=xmpp[s]://HOST:PORT]\n"
				   "                        a domain; with its server, or DNS is asked\n"
				   "      --pages=DIR       serve the files of this directory, too\n"
				   "      --core-dumps      allow core dumps; they contain passwords\n"
				   "  -h, --help            this text\n"
				   "      --help-config     every key of the configuration; =sample: as a file\n"
				   "  -V, --version         the version, and those of the libraries\n"
				   "\n"
				   "Example:\n"
				   "  culvert --listen 127.0.0.1:5280 --domain example.com=xmpp://127.0.0.1:5222\n";

/* What the arguments said, before any of it is done. */
struct request {
	const struct word *word; /* NULL: none, which means "run" */
	const char *file, *pages;
	bool is_check, is_connect;
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
version(struct options *o)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (o->libraries != NULL)
		o->libraries(&text);
	puts("culvert " CULVERT_VERSION);
	fwrite(buf_slice(&text).p, 1, text.n, stdout);
	buf_fini(&text);
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
		return usage(o, "--domain wants NAME or NAME=xmpp://HOST:PORT");
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
		case OPT_CONNECT:
			r->is_connect = true;
			break;
		case OPT_CORE_DUMPS:
			o->has_core_dumps = true;
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
			return version(o);
		default:
			return bad_option(o, code, argv);
		}
	}
	if (optind < argc)
		return refuse_rest(o, r, argv[optind]);
	if (r->word != NULL && r->word->is_reload && r->file == NULL)
		return usage(o, "nothing to reload; say -c FILE, the one that culvert was started with");
	if (r->is_connect && !r->is_check)
		return usage(o, "--connect belongs to check: culvert check --connect -c FILE");
	if (r->file != NULL && r->pages != NULL)
		return usage(o, "-c and --pages exclude each other; write \"pages\" into the file");
	if (r->file != NULL && r->n_listen + r->n_domain > 0)
		return usage(o,
			"-c and --listen or --domain exclude each other; write the listener and the domain into the file");
	if (r->file == NULL && r->n_domain == 0 && r->n_listen > 0)
		return usage(o, "--listen alone reaches no domain; add --domain NAME");
	if (r->file == NULL && r->n_domain == 0)
		return usage(o, "nothing to %s; say -c FILE or --domain NAME (culvert --help tells more)",
			r->is_check ? "check" : "serve");
	return OPTIONS_RUN;
}

/* What is there to be checked is right. */
static int
checked(struct options *o, const struct request *r, struct buf *notes)
{
	fwrite(buf_slice(notes).p, 1, notes->n, stdout);
	if (r->is_connect)
		return OPTIONS_CONNECT;
	conf_unref(o->conf);
	o->conf = NULL;
	puts("ok");
	return answered(o);
}

static int
read_conf(struct options *o, const struct request *r)
{
	struct buf errors, notes;
	int error, result = OPTIONS_RUN;

	buf_init(&errors, TEXT_MAX);
	buf_init(&notes, TEXT_MAX);
	if (r->file != NULL)
		error = configuration_read(&o->conf, r->file, o->files, o->hooks, &errors, &notes);
	else
		error = conf_read_arguments(
			&o->conf, r->listen, r->n_listen, r->domain, r->n_domain, o->hooks, &errors);
	if (error == 0 && r->pages != NULL) {
		error = conf_read_pages_argument(o->conf, r->pages, &errors);
		if (error == 0)
			error = configuration_check_pages(o->conf, "--pages", &errors);
	}
	fwrite(buf_slice(&errors).p, 1, errors.n, stderr);
	buf_fini(&errors);
	o->file = r->file;
	if (error != 0) {
		conf_unref(o->conf);
		o->conf = NULL;
		result = stop(o, r->file != NULL ? STATUS_CONF : STATUS_USAGE);
	} else if (r->is_check) {
		result = checked(o, r, &notes);
	}
	buf_fini(&notes);
	return result;
}

int
options_parse(int argc, char **argv, struct options *o)
{
	struct request r = {0};
	int result;

	o->status = STATUS_OK;
	o->conf = NULL;
	o->file = NULL;
	o->has_core_dumps = false;
	r.listen = xcalloc((size_t) argc + 1, sizeof *r.listen);
	r.domain = xcalloc((size_t) argc + 1, sizeof *r.domain);
	result = read_word(argc, argv, o, &r);
	/* The word stands where getopt expects the name of the program. */
	if (result == OPTIONS_RUN)
		result = read_options(argc - (r.word != NULL), argv + (r.word != NULL), o, &r);
	if (result == OPTIONS_RUN && r.word != NULL && r.word->is_reload) {
		o->file = r.file;
		result = OPTIONS_RELOAD;
	} else if (result == OPTIONS_RUN) {
		result = read_conf(o, &r);
	}
	free(r.domain);
	free(r.listen);
	return result;
}
