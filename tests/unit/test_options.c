/* The command line: what it answers, where, and with which status. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* Part of the daemon, not of libcore.a, but it needs nothing else. */
#include "worker/options.c"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ARGS_MAX 8

/* What a call wrote. */
struct answer {
	char out[32768], err[32768];
};

static FILE *
divert(int fd, int *before)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	*before = dup(fd);
	assert_true(*before >= 0 && dup2(fileno(f), fd) == fd);
	return f;
}

static void
restore(int fd, int before, FILE *f, char *text, size_t room)
{
	size_t n;

	dup2(before, fd);
	close(before);
	rewind(f);
	n = fread(text, 1, room - 1, f);
	text[n] = '\0';
	fclose(f);
}

static int
parse(const char *const *args, struct options *o, struct answer *a)
{
	char name[] = "culvert", *argv[ARGS_MAX + 2] = {name};
	int argc = 1, out, err, result;
	FILE *out_file, *err_file;

	/* getopt moves the pointers, never the letters. */
	for (; argc <= ARGS_MAX && args[argc - 1] != NULL; argc++)
		argv[argc] = (char *) (uintptr_t) args[argc - 1];
	fflush(stdout);
	out_file = divert(1, &out);
	err_file = divert(2, &err);
	o->files = files_new();
	result = options_parse(argc, argv, o);
	files_unref(o->files);
	fflush(stdout);
	restore(1, out, out_file, a->out, sizeof a->out);
	restore(2, err, err_file, a->err, sizeof a->err);
	return result;
}

/* A file with this text; the caller unlinks and frees its name. */
static char *
make_file(const char *text)
{
	char *name = strdup("/tmp/culvert-test-XXXXXX");
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
	close(fd);
	return name;
}

static const struct {
	const char *args[ARGS_MAX];
	int status;
	const char *err; /* all of it */
} refusals[] = {
	{{NULL}, 2, "culvert: nothing to serve; say -c FILE or --domain NAME (culvert --help tells more)\n"},
	{{"run", NULL}, 2, "culvert: nothing to serve; say -c FILE or --domain NAME (culvert --help tells more)\n"},
	{{"check", NULL}, 2, "culvert: nothing to check; say -c FILE or --domain NAME (culvert --help tells more)\n"},
	{{"--check-config", NULL}, 2,
		"culvert: nothing to check; say -c FILE or --domain NAME (culvert --help tells more)\n"},
	{{"-c", NULL}, 2, "culvert: -c wants a file\n"},
	{{"--config", NULL}, 2, "culvert: -c wants a file\n"},
	{{"--listen", NULL}, 2, "culvert: --listen wants a place: ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH\n"},
	{{"--domain", NULL}, 2, "culvert: --domain wants NAME or NAME=xmpp://HOST:PORT\n"},
	{{"-x", NULL}, 2, "culvert: unknown option -x; culvert --help lists them all\n"},
	{{"--foo", NULL}, 2, "culvert: --foo: no such option, or not in this form; culvert --help lists them all\n"},
	{{"--help=all", NULL}, 2,
		"culvert: --help=all: no such option, or not in this form; culvert --help lists them all\n"},
	{{"--check-config=x", NULL}, 2,
		"culvert: --check-config=x: no such option, or not in this form; culvert --help lists them all\n"},
	{{"--help-config=x", NULL}, 2,
		"culvert: --help-config=x: expected --help-config, --help-config=sample or --help-config=man\n"},
	{{"a.json", NULL}, 2, "culvert: a.json: not an option; a configuration file is named with -c a.json\n"},
	{{"a.json", "--help", NULL}, 2,
		"culvert: a.json: not an option; a configuration file is named with -c a.json\n"},
	{{"check", "a.json", NULL}, 2,
		"culvert: a.json: not an option; a configuration file is named with -c a.json\n"},
	{{"/etc/a", NULL}, 2, "culvert: /etc/a: not an option; a configuration file is named with -c /etc/a\n"},
	/* Words that are not known; the nearest may be one of those to come. */
	{{"chekc", NULL}, 2, "culvert: unknown word \"chekc\", did you mean \"check\"?\n"},
	{{"chekc", "-c", "a", NULL}, 2, "culvert: unknown word \"chekc\", did you mean \"check\"?\n"},
	{{"Run", NULL}, 2, "culvert: unknown word \"Run\", did you mean \"run\"?\n"},
	{{"session", NULL}, 2,
		"culvert: unknown word \"session\", did you mean \"sessions\"? It is not built yet; "
		"the log says when sessions begin and end, "
		"and SIGUSR1 writes counters to it\n"},
	{{"reload", NULL}, 2, "culvert: nothing to reload; say -c FILE, the one that culvert was started with\n"},
	{{"reload", "--domain", "a=b", NULL}, 2,
		"culvert: nothing to reload; say -c FILE, the one that culvert was started with\n"},
	{{"restart", NULL}, 2, "culvert: unknown word \"restart\"; culvert --help lists them all\n"},
	{{"", NULL}, 2, "culvert: unknown word \"\"; culvert --help lists them all\n"},
	{{"-", NULL}, 2, "culvert: unknown word \"-\"; culvert --help lists them all\n"},
	{{"-c", "a", "chekc", NULL}, 2, "culvert: unknown word \"chekc\", did you mean \"check\"?\n"},
	/* Words to come. */
	{{"sessions", NULL}, 2,
		"culvert: \"sessions\" is not built yet; the log says when sessions begin and end, "
		"and SIGUSR1 writes counters to it\n"},
	{{"sessions", "--help", NULL}, 2,
		"culvert: \"sessions\" is not built yet; the log says when sessions begin and end, "
		"and SIGUSR1 writes counters to it\n"},
	{{"kick", NULL}, 2, "culvert: \"kick\" is not built yet; the XMPP server can end a session\n"},
	{{"-c", "a", "kick", NULL}, 2, "culvert: \"kick\" is not built yet; the XMPP server can end a session\n"},
	{{"tail", NULL}, 2,
		"culvert: \"tail\" is not built yet; follow the log, which has more after \"log\": {\"level\": \"debug\"} and "
		"SIGHUP\n"},
	{{"upgrade", NULL}, 2,
		"culvert: \"upgrade\" is not built yet; stop the old culvert by SIGTERM and start the new one, which "
		"ends all sessions\n"},
	/* Words in the wrong place. */
	{{"-c", "a", "check", NULL}, 2,
		"culvert: \"check\" is behind an option; the word comes first, as in culvert check -c FILE\n"},
	{{"--", "run", NULL}, 2,
		"culvert: \"run\" is behind an option; the word comes first, as in culvert run -c FILE\n"},
	{{"run", "check", "-c", "a", NULL}, 2,
		"culvert: \"check\" is one word too many after \"run\"; a configuration file is named with -c\n"},
	{{"check", "-c", "a", "check", NULL}, 2,
		"culvert: \"check\" is one word too many after \"check\"; a configuration file is named with -c\n"},
	{{"check", "culvert", NULL}, 2,
		"culvert: \"culvert\" is one word too many after \"check\"; a configuration file is named with -c\n"},
	{{"check", "--foo", NULL}, 2,
		"culvert: --foo: no such option, or not in this form; culvert --help lists them all\n"},
	{{"run", "-c", NULL}, 2, "culvert: -c wants a file\n"},
	{{"-c", "a", "-c", "b", NULL}, 2, "culvert: -c is given twice; culvert reads one file\n"},
	{{"-c", "a", "--domain", "b=c", NULL}, 2,
		"culvert: -c and --listen or --domain exclude each other; write the listener and the domain into the file\n"},
	{{"--listen", ":0", NULL}, 2, "culvert: --listen alone reaches no domain; add --domain NAME\n"},
	{{"--pages", NULL}, 2, "culvert: --pages wants a directory\n"},
	{{"--pages", "a", "--pages", "b", NULL}, 2, "culvert: --pages is given twice; culvert serves one directory\n"},
	{{"-c", "a", "--pages", "b", NULL}, 2,
		"culvert: -c and --pages exclude each other; write \"pages\" into the file\n"},
	{{"--domain", "a.org=xmpp://localhost", "--pages", "/nonexistent", NULL}, 2,
		"--pages /nonexistent: No such file or directory, expected a directory with pages\n"},
	{{"--domain", "a.org=xmpp://localhost", "--pages", "/dev/null", NULL}, 2,
		"--pages /dev/null: Not a directory, expected a directory with pages\n"},
	{{"--domain", "a.org=", NULL}, 2, "--domain a.org=: expected NAME or NAME=xmpp://HOST:PORT\n"},
	{{"-c", "/nonexistent/culvert.json", NULL}, 1,
		"/nonexistent/culvert.json: cannot be read: No such file or directory; \"culvert --help-config=sample\" "
		"prints one to begin with\n"},
	{{"-c", "/", NULL}, 1, "/: cannot be read: a directory; -c wants a file (\"-c -\" reads standard input)\n"},
	{{"-c", "/dev/zero", NULL}, 1,
		"/dev/zero: cannot be read: a device; -c wants a file (\"-c -\" reads standard input)\n"},
	{{"-c", "/dev/null", NULL}, 1,
		"/dev/null: cannot be read: a device; -c wants a file (\"-c -\" reads standard input)\n"},
	{{"-c", "/dev/tty", NULL}, 1,
		"/dev/tty: cannot be read: a device; -c wants a file (\"-c -\" reads standard input)\n"},
	{{"-c", "a", "--connect", NULL}, 2, "culvert: --connect belongs to check: culvert check --connect -c FILE\n"},
};

static void
test_refusals(void **state)
{
	(void) state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct options o = {0};
		struct answer a;
		assert_int_equal(parse(refusals[i].args, &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, refusals[i].status);
		assert_null(o.conf);
		assert_string_equal(a.out, "");
		assert_string_equal(a.err, refusals[i].err);
	}
}

static void
test_answers(void **state)
{
	static const char *const version[] = {"--version", NULL}, *const list[] = {"--help-config", NULL},
				 *const sample[] = {"--help-config=sample", NULL},
				 *const man[] = {"--help-config=man", NULL};
	struct options o = {0};
	struct answer a;

	(void) state;
	assert_int_equal(parse(version, &o, &a), OPTIONS_EXIT);
	assert_int_equal(o.status, 0);
	assert_string_equal(a.out, "culvert " CULVERT_VERSION "\n");
	assert_int_equal(parse(list, &o, &a), OPTIONS_EXIT);
	assert_non_null(strstr(a.out, "\nbosh.wait\n"));
	assert_int_equal(parse(sample, &o, &a), OPTIONS_EXIT);
	assert_non_null(strstr(a.out, "\"wait\": 50,\n"));
	assert_int_equal(parse(man, &o, &a), OPTIONS_EXIT);
	assert_non_null(strstr(a.out, "\n\\fBbosh.wait\\fR ("));
	assert_int_equal(o.status, 0);
	assert_string_equal(a.err, "");
}

/* One screen of 24 lines and 80 columns, with room for the prompt. */
static void
test_help_fits(void **state)
{
	static const char *const args[] = {"-h", NULL};
	struct options o = {0};
	struct answer a;
	int lines = 0, column = 0;

	(void) state;
	assert_int_equal(parse(args, &o, &a), OPTIONS_EXIT);
	assert_int_equal(o.status, 0);
	for (const char *p = a.out; *p != '\0'; p++) {
		column = *p == '\n' ? 0 : column + 1;
		lines += *p == '\n';
		assert_true(column < 80 && *p != '\t');
	}
	assert_true(lines < 24);
}

/* --help has every word that works, and none to come. */
static void
test_help_words(void **state)
{
	static const char *const args[] = {"run", "--help", NULL};
	struct options o = {0};
	struct answer a;

	(void) state;
	assert_int_equal(parse(args, &o, &a), OPTIONS_EXIT);
	assert_int_equal(o.status, 0);
	assert_non_null(strstr(a.out, "\n  culvert [run] -c FILE             serve as the file says\n"));
	assert_non_null(
		strstr(a.out, "\n  culvert check -c FILE             only say what is wrong with it, or \"ok\"\n"));
	for (const struct word *w = words; w < words + N_WORDS; w++)
		assert_true(w->is_built == (w->form != NULL) && (w->is_built || strstr(a.out, w->what) == NULL));
}

static void
test_quick_start(void **state)
{
	static const char *const run[] = {"--listen", "127.0.0.1:0", "--listen=unix:/run/x", "--domain",
		"a.org=xmpp://127.0.0.1:5222", "--domain=b.org=xmpp://[::1]", "--domain=b.org=xmpps://xmpp.b.org",
		NULL};
	static const char *const check[] = {"--domain", "a.org=xmpp://localhost", "--check-config", NULL},
				 *const check_word[] = {"check", "--domain", "a.org=xmpp://localhost", NULL};
	struct options o = {0};
	struct answer a;

	(void) state;
	assert_int_equal(parse(run, &o, &a), OPTIONS_RUN);
	assert_int_equal(o.conf->n_listen, 2);
	assert_int_equal(o.conf->n_domain, 2);
	assert_int_equal(o.conf->domain[0].tls, TLS_IF_REQUIRED);
	assert_int_equal(o.conf->domain[1].tls, TLS_REQUIRED);
	assert_null(o.file);
	assert_string_equal(a.out, "");
	assert_string_equal(a.err, "");
	conf_unref(o.conf);

	assert_int_equal(parse(check, &o, &a), OPTIONS_EXIT);
	assert_int_equal(o.status, 0);
	assert_string_equal(a.out, "ok\n");
	assert_int_equal(parse(check_word, &o, &a), OPTIONS_EXIT);
	assert_int_equal(o.status, 0);
	assert_string_equal(a.out, "ok\n");
}

static void
test_file(void **state)
{
	char *right = make_file("{\"domains\": {\"a.org\": {\"connect\": \"xmpp://127.0.0.1\"}}}");
	char *wrong = make_file("{\n\t\"workers\": -1, \"domains\": {}, \"admin\": 1\n}");
	/* The same, with and without a word. */
	const char *const run[][5] = {{"-c", right}, {"run", "-c", right}, {"run", "--config", right}};
	const char *const check[][5] = {{"-c", right, "--check-config"}, {"check", "-c", right},
		{"run", "--check-config", "-c", right}, {"check", "--check-config", "-c", right}};
	const char *const bad[][5] = {
		{"-c", wrong}, {"run", "-c", wrong}, {"-c", wrong, "--check-config"}, {"check", "-c", wrong}};
	char expected[512];
	struct options o = {0};
	struct answer a;

	(void) state;
	for (size_t i = 0; i < COUNT(run); i++) {
		assert_int_equal(parse(run[i], &o, &a), OPTIONS_RUN);
		assert_string_equal(o.file, right);
		assert_int_equal(o.conf->n_domain, 1);
		conf_unref(o.conf);
	}
	for (size_t i = 0; i < COUNT(check); i++) {
		assert_int_equal(parse(check[i], &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, 0);
		assert_null(o.conf);
		assert_string_equal(a.out, "ok\n");
		assert_string_equal(a.err, "");
	}
	snprintf(expected, sizeof expected,
		"%s:2:13: workers: -1, expected a whole number from 0 to 256\n"
		"%s:2:32: admin: is not available in this version yet, expected this key left out\n",
		wrong, wrong);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(parse(bad[i], &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, 1);
		assert_string_equal(a.err, expected);
		assert_string_equal(a.out, "");
	}

	/* Authorities that are not there. */
	{
		char *lost = make_file(
			"{\"domains\": {\"a.org\": {\"connect\": \"xmpp://10.0.0.1\", \"ca_file\": \"/dev/null/ca\"}}}");
		const char *const no_ca[] = {"--check-config", "-c", lost, NULL};
		snprintf(expected, sizeof expected,
			"%s:1:65: domains.a.org.ca_file: /dev/null/ca: Not a directory, expected a file with the certificates of "
			"authorities (PEM)\n",
			lost);
		assert_int_equal(parse(no_ca, &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, 1);
		assert_null(o.conf);
		assert_string_equal(a.err, expected);
		unlink(lost);
		free(lost);
	}

	/* Pages that are not there: relative ones begin beside the file. */
	{
		char *lost = make_file(
			"{\"domains\": {\"a.org\": {\"connect\": \"xmpp://127.0.0.1\"}}, \"pages\": \"nothing\"}");
		const char *const no_pages[] = {"-c", lost, NULL};
		snprintf(expected, sizeof expected,
			"%s:1:66: pages: /tmp/nothing: No such file or directory, expected a directory with pages\n",
			lost);
		assert_int_equal(parse(no_pages, &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, 1);
		assert_null(o.conf);
		assert_string_equal(a.err, expected);
		unlink(lost);
		free(lost);
	}
	unlink(right);
	unlink(wrong);
	free(right);
	free(wrong);
}

/* Standard input as the configuration, which may be anything but a terminal. */
static void
test_standard_input(void **state)
{
	static const char *const check[] = {"check", "-c", "-", NULL};
	const char text[] =
		"{\"domains\": {\"a.org\": {\"connect\": \"xmpp://127.0.0.1\"}},\n\"pages\": \"/nonexistent\"}";
	static const struct {
		const char *path, *err;
	} others[] = {
		{"/dev/null",
			"standard input:1:1: top level: nothing, expected at least "
			"{\"domains\": {\"example.com\": {}}}\n"},
		{"/dev/zero", "standard input: cannot be read: larger than 16 MiB; that is no configuration\n"},
		{"/", "standard input: cannot be read: Is a directory\n"},
	};
	int before = dup(0), pipes[2];
	struct options o = {0};
	struct answer a;

	(void) state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], text, strlen(text)), (ssize_t) strlen(text));
	close(pipes[1]);
	dup2(pipes[0], 0);
	close(pipes[0]);
	assert_int_equal(parse(check, &o, &a), OPTIONS_EXIT);
	assert_string_equal(a.err,
		"standard input:2:10: pages: /nonexistent: No such file or directory, expected a directory with pages\n");
	for (size_t i = 0; i < COUNT(others); i++) {
		int fd = open(others[i].path, O_RDONLY);
		assert_true(fd >= 0);
		dup2(fd, 0);
		close(fd);
		assert_int_equal(parse(check, &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, 1);
		assert_string_equal(a.err, others[i].err);
	}
	dup2(before, 0);
	close(before);
}

static void
make_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void
make_directory(const char *path)
{
	assert_int_equal(mkdir(path, 0700), 0);
}

static void
make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof address), 0);
	close(fd);
}

static void
make_zero(const char *path)
{
	assert_int_equal(symlink("/dev/zero", path), 0);
}

static void
make_loop(const char *path)
{
	assert_int_equal(symlink(path, path), 0);
}

static void
make_enormous(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_equal(ftruncate(fd, (off_t) 1 << 40), 0);
	close(fd);
}

/* What is no file is refused at once, wherever it is named: none of these ends, or even begins, when it is read. */
static void
test_no_files(void **state)
{
	static const struct {
		void (*make)(const char *path);
		const char *what, *cure;
	} kinds[] = {
		{make_fifo, "a FIFO", "; -c wants a file (\"-c -\" reads standard input)"},
		{make_directory, "a directory", "; -c wants a file (\"-c -\" reads standard input)"},
		{make_socket, "a socket", "; -c wants a file (\"-c -\" reads standard input)"},
		{make_zero, "a device", "; -c wants a file (\"-c -\" reads standard input)"},
		{make_loop, "Too many levels of symbolic links", ""},
		{make_enormous, "larger than 16 MiB", "; that is no configuration"},
	};
	char directory[] = "/tmp/culvert-test-XXXXXX", path[64], file[64], expected[512], text[256];

	(void) state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/it", directory);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const char *const as_file[] = {"check", "-c", path, NULL}, *const as_ca[] = {"check", "-c", file, NULL};
		struct options o = {0};
		struct answer a;
		char *name;

		kinds[i].make(path);
		assert_int_equal(parse(as_file, &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, 1);
		snprintf(expected, sizeof expected, "%s: cannot be read: %s%s\n", path, kinds[i].what, kinds[i].cure);
		assert_string_equal(a.err, expected);

		snprintf(text, sizeof text,
			"{\"domains\": {\"a.org\": {\"connect\": \"xmpp://10.0.0.1\",\n \"ca_file\": \"%s\"}}}", path);
		name = make_file(text);
		snprintf(file, sizeof file, "%s", name);
		assert_int_equal(parse(as_ca, &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, 1);
		snprintf(expected, sizeof expected,
			"%s:2:13: domains.a.org.ca_file: %s: %s, expected a file with the certificates of authorities "
			"(PEM)\n",
			file, path, kinds[i].what);
		assert_string_equal(a.err, expected);
		unlink(file);
		free(name);
		assert_int_equal(remove(path), 0);
	}
	rmdir(directory);
}

#define CERTIFICATE \
	"-----BEGIN CERTIFICATE-----\n" \
	"MIIBhDCCASugAwIBAgIUB7oaxMd5+1PKfOkf3YSCFaAja6IwCgYIKoZIzj0EAwIw\n" \
	"FzEVMBMGA1UEAwwMY3VsdmVydCB0ZXN0MCAXDTI2MTEyODIyMzcxNFoYDzIxMjYx\n" \
	"MTA0MjIzNzE0WjAXMRUwEwYDVQQDDAxjdWx2ZXJ0IHRlc3QwWTATBgcqhkjOPQIB\n" \
	"BggqhkjOPQMBBwNCAAR9qe1KSBsNvoQJFcixvWXyVpFEvnN/aXQHBnIitclJ945g\n" \
	"4yeYcuTOMWuaQVOP0vjWvybUAvZ02XR+Bg2/mqSXo1MwUTAdBgNVHQ4EFgQUyneZ\n" \
	"4vwkTfV49GqQeEdeAofqvUkwHwYDVR0jBBgwFoAUyneZ4vwkTfV49GqQeEdeAofq\n" \
	"vUkwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAtAzkf8bzsc9IU\n" \
	"J2vbxOTAvxMy1JNiEDgIs94nZJsVcwIgQpndEeGqpEPNJk1xpvi3BU/7giPU30n2\n" \
	"jfqvcGYtJ2c=\n" \
	"-----END CERTIFICATE-----\n"
#define CA_END ", expected a file with the certificates of authorities (PEM)\n"

/* Each file of authorities is read, once; which certificate is broken is said. */
static void
test_authorities(void **state)
{
	static const struct {
		const char *pem, *out, *err; /* behind the file's name */
	} cases[] = {
		{CERTIFICATE, ": 1 certificate\nok\n", NULL},
		{"My own:\n" CERTIFICATE "# and\r\n" CERTIFICATE, ": 2 certificates\nok\n", NULL},
		{"", NULL, ": an empty file" CA_END},
		{"x", NULL, ": no certificate in it" CA_END},
		{"\n-----BEGIN PRIVATE KEY-----\nx\n", NULL, ":2: a PRIVATE KEY and no certificate" CA_END},
		{CERTIFICATE "x\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" CERTIFICATE, NULL,
			":13: certificate 2 is broken (X509 - The CRT/CRL/CSR format is invalid, e.g. different type expected)" CA_END},
		{"-----BEGIN CERTIFICATE-----\nAAAA\n" CERTIFICATE, NULL,
			":1: certificate 1 is broken (its end is missing)" CA_END},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *pem = make_file(cases[i].pem), text[512], expected[512], *file;
		struct options o = {0};
		struct answer a;

		snprintf(text, sizeof text,
			"{\"domains\": {\"b.org\": {\"connect\": \"xmpp://10.0.0.1\", \"ca_file\": \"%s\"},\n"
			"\"a.org\": {\"connect\": \"xmpp://10.0.0.1\", \"ca_file\": \"%s\"}}}",
			pem, pem);
		file = make_file(text);
		const char *const check[] = {"check", "-c", file, NULL};
		assert_int_equal(parse(check, &o, &a), OPTIONS_EXIT);
		assert_int_equal(o.status, cases[i].err != NULL);
		if (cases[i].err != NULL)
			snprintf(expected, sizeof expected, "%s:2:52: domains.a.org.ca_file: %s%s", file, pem,
				cases[i].err);
		else
			snprintf(expected, sizeof expected, "%s%s", pem, cases[i].out);
		assert_string_equal(cases[i].err != NULL ? a.err : a.out, expected);
		assert_string_equal(cases[i].err != NULL ? a.out : a.err, "");
		unlink(file);
		unlink(pem);
		free(file);
		free(pem);
	}
}

static void
print_libraries(struct buf *out)
{
	buf_append_str(out, "some 1.0\n");
}

static void
test_connect_and_more(void **state)
{
	static const char *const connect[] = {"check", "--connect", "--domain", "a.org=xmpp://localhost", NULL};
	static const char *const dumps[] = {"run", "--core-dumps", "--domain", "a.org=xmpp://localhost", NULL};
	static const char *const version[] = {"--version", NULL};
	struct options o = {0};
	struct answer a;

	(void) state;
	assert_int_equal(parse(connect, &o, &a), OPTIONS_CONNECT);
	assert_int_equal(o.conf->n_domain, 1);
	assert_false(o.has_core_dumps);
	conf_unref(o.conf);
	assert_int_equal(parse(dumps, &o, &a), OPTIONS_RUN);
	assert_true(o.has_core_dumps);
	conf_unref(o.conf);
	o.libraries = print_libraries;
	assert_int_equal(parse(version, &o, &a), OPTIONS_EXIT);
	assert_string_equal(a.out, "culvert " CULVERT_VERSION "\nsome 1.0\n");
}

/* An answer that cannot be written is no success: /dev/full says so. */
static void
test_full_disk(void **state)
{
	char name[] = "culvert", version[] = "--version", *argv[] = {name, version, NULL};
	int out = dup(1), err = dup(2), full = open("/dev/full", O_WRONLY), null = open("/dev/null", O_WRONLY);
	struct options o = {0};
	int result;

	(void) state;
	assert_true(full >= 0 && null >= 0);
	fflush(stdout);
	dup2(full, 1);
	dup2(null, 2);
	result = options_parse(2, argv, &o);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(full);
	close(null);
	clearerr(stdout);
	assert_int_equal(result, OPTIONS_EXIT);
	assert_int_equal(o.status, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_help_fits),
		cmocka_unit_test(test_help_words),
		cmocka_unit_test(test_quick_start),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_standard_input),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_connect_and_more),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
