#include "worker/configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fatal.h"
#include "base/hash.h"
#include "conf/conf_read.h"
#include "io/certificates.h"
#include "worker/account.h"
#include "worker/key_files.h"

#define PLACE_MAX ((size_t) 8192)
#define ERRORS_MAX 20

/* ---- the file itself ---- */

static int
cannot_read(const char *file, const char *why, struct buf *errors)
{
	const char *cure = "";

	if (errno == ENOENT)
		cure = "; \"culvert --help-config=sample\" prints one to begin with";
	else if (errno == EACCES)
		cure = "; the user that starts culvert must be allowed to read it";
	else if (errno == EINVAL)
		cure = "; -c wants a file (\"-c -\" reads standard input)";
	else if (errno == EFBIG)
		cure = "; that is no configuration";
	buf_printf(errors, "%s: cannot be read: %s%s\n", file, why, cure);
	return CV_ESYS;
}

static int
read_text(const char *file, const char *name, struct files *files, struct slice *text, struct buf *errors)
{
	const char *why = files_read(files, strcmp(file, "-") == 0 ? FILES_INPUT : file, text);

	return why != NULL ? cannot_read(name, why, errors) : 0;
}

/* ---- pages ---- */

int
configuration_check_pages(const struct conf *c, const char *place, struct buf *errors)
{
	const char *directory = c->pages.directory;
	int fd = directory != NULL ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	bool is_good = fd >= 0 && faccessat(AT_FDCWD, directory, X_OK, AT_EACCESS) == 0;

	if (directory != NULL && !is_good)
		buf_printf(errors, "%s %s: %s, expected a directory with pages\n", place, directory, strerror(errno));
	if (fd >= 0)
		close(fd);
	return directory == NULL || is_good ? 0 : CV_ESYS;
}

static int
check_pages(const struct conf *c, const char *name, struct buf *errors)
{
	struct buf place;
	int error;

	buf_init(&place, PLACE_MAX);
	buf_printf(&place, "%s:%u:%u: pages:", name, c->pages.place.line, c->pages.place.column);
	error = configuration_check_pages(c, buf_cstr(&place), errors);
	buf_fini(&place);
	return error;
}

/* ---- certificates of authorities ---- */

/* A file that was looked at, for whichever domain. */
struct seen {
	struct seen *next;
	struct hash_link by_path;
};

static void
forget(struct hash *by_path, struct seen *seen)
{
	struct seen *next;

	hash_fini(by_path);
	for (; seen != NULL; seen = next) {
		next = seen->next;
		free(seen);
	}
}

static int
check_authority(
	const struct conf_domain *d, const char *name, struct files *files, struct buf *errors, struct buf *notes)
{
	const struct conf_place place = d->ca_file_place;
	const char *wrong;
	struct slice text;
	struct buf why;
	int n = CV_ESYS;

	buf_init(&why, PLACE_MAX);
	wrong = files_read(files, d->ca_file, &text);
	if (wrong == NULL)
		n = certificates_check(d->ca_file, text, &why);
	else
		buf_printf(&why, "%s: %s", d->ca_file, wrong);
	if (n <= 0)
		buf_printf(errors,
			"%s:%u:%u: domains.%s.ca_file: %.*s, expected a file with the certificates of authorities (PEM)\n",
			name, place.line, place.column, d->name, SLICE_ARG(buf_slice(&why)));
	else if (notes != NULL)
		buf_printf(notes, "%s: %d certificate%s\n", d->ca_file, n, n > 1 ? "s" : "");
	buf_fini(&why);
	return n > 0 ? 0 : CV_ESYS;
}

/* Each file once, however many domains name it. */
static int
check_authorities(const struct conf *c, const char *name, struct files *files, struct buf *errors, struct buf *notes)
{
	struct seen *all = NULL;
	struct hash by_path;
	unsigned n_errors = 0;

	hash_init(&by_path, 0);
	for (size_t i = 0; i < c->n_domain && n_errors < ERRORS_MAX; i++) {
		const struct conf_domain *d = &c->domain[i];
		struct seen *seen;
		if (d->ca_file == NULL || hash_find(&by_path, slice_str(d->ca_file)) != NULL)
			continue;
		seen = xcalloc(1, sizeof *seen);
		seen->next = all;
		all = seen;
		hash_insert(&by_path, &seen->by_path, slice_str(d->ca_file));
		n_errors += check_authority(d, name, files, errors, notes) != 0;
	}
	forget(&by_path, all);
	return n_errors > 0 ? CV_ESYS : 0;
}

/* ---- certificates of our own ---- */

static int
check_keys(const struct conf *c, const char *name, struct files *files, struct buf *errors, struct buf *notes)
{
	struct credentials *all = key_files_read(c, c, name, files, errors, notes);
	int error = all != NULL ? 0 : CV_ESYS;

	credentials_unref(all);
	return error;
}

/* ---- users and groups ---- */

static int
unknown(const char *key, const char *value, struct conf_place place, const char *name, struct buf *errors)
{
	buf_printf(errors, "%s:%u:%u: %s: \"%s\", expected a %s of this machine, by name or number\n", name, place.line,
		place.column, key, value, strcmp(key, "listen.group") == 0 ? "group" : "user");
	return CV_ESYS;
}

static int
check_people(const struct conf *c, const char *name, struct buf *errors)
{
	struct account account;
	gid_t gid;
	int error = 0;

	if (c->user != NULL && !account_find(c->user, &account))
		error = unknown("user", c->user, c->user_place, name, errors);
	for (size_t i = 0; i < c->n_listen; i++) {
		const struct conf_listen *l = &c->listen[i];
		if (l->owner != NULL && !account_find(l->owner, &account))
			error = unknown("listen.owner", l->owner, l->owner_place, name, errors);
		if (l->group != NULL && !account_find_group(l->group, &gid))
			error = unknown("listen.group", l->group, l->group_place, name, errors);
	}
	return error;
}

/* ---- all of it ---- */

int
configuration_read(struct conf **out, const char *file, struct files *files, const struct hooks *hooks,
	struct buf *errors, struct buf *notes)
{
	const char *name = strcmp(file, "-") == 0 ? "standard input" : file;
	struct slice text;
	int error;

	*out = NULL;
	error = read_text(file, name, files, &text, errors);
	if (error == 0)
		error = conf_read(out, text, name, hooks, errors);
	if (error != 0)
		return error;
	error = check_pages(*out, name, errors);
	if (check_authorities(*out, name, files, errors, notes) != 0 || check_people(*out, name, errors) != 0)
		error = CV_ESYS;
	if (check_keys(*out, name, files, errors, notes) != 0)
		error = CV_ESYS;
	if (error != 0) {
		conf_unref(*out);
		*out = NULL;
	}
	return error;
}
