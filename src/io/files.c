#include "io/files.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fatal.h"
#include "base/hash.h"
#include "io/whole_file.h"

struct file {
	struct hash_link by_name;
	char *name;
	char *text;
	size_t n;
};

struct files {
	atomic_int refs;
	bool is_sealed;
	struct hash by_name;
	struct file **file; /* in the order they came */
	size_t n;
};

struct files *
files_new(void)
{
	struct files *f = xcalloc(1, sizeof *f);

	atomic_init(&f->refs, 1);
	hash_init(&f->by_name, 0);
	return f;
}

struct files *
files_ref(struct files *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

/* Keys are among them: all of it goes. */
static void
free_file(struct file *file)
{
	explicit_bzero(file->text, file->n);
	free(file->text);
	free(file->name);
	free(file);
}

void
files_unref(struct files *f)
{
	if (f == NULL || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
		return;
	hash_fini(&f->by_name);
	for (size_t i = 0; i < f->n; i++)
		free_file(f->file[i]);
	free(f->file);
	free(f);
}

static struct file *
keep(struct files *f, struct slice name, struct slice text)
{
	struct file *file = xcalloc(1, sizeof *file);

	file->name = xstrndup(name.p, name.n);
	file->text = xmalloc(text.n + 1);
	memcpy(file->text, text.p, text.n);
	file->n = text.n;
	f->file = xrealloc(f->file, (f->n + 1) * sizeof *f->file);
	f->file[f->n++] = file;
	hash_insert(&f->by_name, &file->by_name, slice_str(file->name));
	return file;
}

void
files_add(struct files *f, struct slice name, struct slice text)
{
	must(hash_find(&f->by_name, name) == NULL);
	keep(f, name, text);
}

void
files_seal(struct files *f)
{
	f->is_sealed = true;
}

/* The file as it is now, unless it cannot be read: then errno says why, too. */
static const char *
read_file(struct files *f, const char *path, struct file **file)
{
	const char *wrong;
	struct buf text;
	int error;

	buf_init(&text, BUF_UNLIMITED);
	wrong = *path == '\0' ? whole_file_read_input(&text) : whole_file_read(path, &text);
	error = errno;
	if (wrong == NULL)
		*file = keep(f, slice_str(path), buf_slice(&text));
	if (text.p != NULL)
		explicit_bzero(text.p, text.cap);
	buf_fini(&text);
	errno = error;
	return wrong;
}

const char *
files_read(struct files *f, const char *path, struct slice *text)
{
	struct hash_link *link = hash_find(&f->by_name, slice_str(path));
	struct file *file = link != NULL ? hash_entry(link, struct file, by_name) : NULL;
	const char *wrong = NULL;

	*text = SLICE("");
	if (file == NULL && f->is_sealed) {
		errno = ENOENT;
		return "is not among the files that were handed over";
	}
	if (file == NULL)
		wrong = read_file(f, path, &file);
	if (wrong == NULL)
		*text = slice_of(file->text, file->n);
	return wrong;
}

bool
files_at(const struct files *f, size_t i, struct slice *name, struct slice *text)
{
	if (i >= f->n)
		return false;
	*name = slice_str(f->file[i]->name);
	*text = slice_of(f->file[i]->text, f->file[i]->n);
	return true;
}
