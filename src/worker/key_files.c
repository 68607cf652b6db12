#include "worker/key_files.h"

#include <errno.h>
#include <string.h>

struct reading {
	struct credentials *credentials;
	const char *name;
	struct files *files;
	struct buf *errors, *notes;
	bool is_bad;
};

static void
complain(struct reading *r, const struct conf_identity *i, size_t listener, struct slice words)
{
	buf_printf(r->errors, "%s:%u:%u: listen[%zu].tls: %.*s\n", r->name, i->place.line, i->place.column, listener,
		SLICE_ARG(words));
	r->is_bad = true;
}

static const char *
cure_of(int error)
{
	switch (error) {
	case EACCES:
		return "; the user that starts culvert must be allowed to read it, and to enter its directories";
	case ENOENT:
		return "; write its whole path";
	default:
		return "";
	}
}

static bool
read_file(struct reading *r, const struct conf_identity *i, size_t listener, const char *path, struct buf *text)
{
	struct slice bytes;
	const char *wrong = files_read(r->files, path, &bytes);
	struct buf words;

	if (wrong == NULL) {
		buf_append(text, bytes);
		return true;
	}
	buf_init(&words, BUF_UNLIMITED);
	buf_printf(&words, "%s: %s, expected a file (PEM)%s", path, wrong, cure_of(errno));
	complain(r, i, listener, buf_slice(&words));
	buf_fini(&words);
	return false;
}

/* written: where it stands in the configuration; listener: in the process. */
static void
read_identity(struct reading *r, const struct conf_identity *i, size_t written, size_t listener)
{
	struct credential *c = credentials_add(r->credentials, listener, i->certificate, i->key);
	struct buf error, notes;

	if (!read_file(r, i, written, i->certificate, &c->chain_text) ||
		!read_file(r, i, written, i->key, &c->key_text))
		return;
	buf_init(&error, BUF_UNLIMITED);
	buf_init(&notes, BUF_UNLIMITED);
	if (credential_check(c, &error, &notes) != 0)
		complain(r, i, written, buf_slice(&error));
	else if (r->notes != NULL)
		buf_append(r->notes, buf_slice(&notes));
	buf_fini(&notes);
	buf_fini(&error);
}

struct credentials *
key_files_read(const struct conf *c, const struct conf *running, const char *name, struct files *files,
	struct buf *errors, struct buf *notes)
{
	struct reading r = {
		.credentials = credentials_new(), .name = name, .files = files, .errors = errors, .notes = notes};

	for (size_t i = 0; i < running->n_listen; i++) {
		size_t k = conf_same_listen(c, running, i);
		bool is_there = k < c->n_listen && c->listen[k].n_tls > 0;
		const struct conf_listen *l = is_there ? &c->listen[k] : &running->listen[i];
		/* One that was opened without TLS shows nothing, whatever is written now. */
		for (size_t n = 0; running->listen[i].n_tls > 0 && n < l->n_tls; n++)
			read_identity(&r, &l->tls[n], is_there ? k : i, i);
	}
	if (!r.is_bad)
		return r.credentials;
	credentials_unref(r.credentials);
	return NULL;
}
