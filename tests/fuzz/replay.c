/*
 * replay.c: gives a fuzzer each of its seeds once, without libFuzzer.
 *
 *      fuzz_NAME            all files in $srcdir/fuzz/seeds/NAME
 *      fuzz_NAME FILE...    these; what crashed it, for example
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "fuzz/input.h"

static unsigned count;

static bool
replay(const char *path, const char *name)
{
	struct buf text;
	struct slice input;
	FILE *file = fopen(path, "rb");
	size_t n;

	if (file == NULL) {
		printf("not ok %u - %s\n", ++count, name);
		perror(path);
		return false;
	}
	buf_init(&text, BUF_UNLIMITED);
	do {
		n = fread(buf_reserve(&text, 4096), 1, 4096, file);
		buf_commit(&text, n);
	} while (n > 0);
	fclose(file);
	input = exact(buf_slice(&text));
	buf_fini(&text);
	/* Said first: who crashes says no more. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput((const uint8_t *) input.p, input.n);
	exact_free(input);
	printf("ok %u - %s\n", ++count, name);
	return true;
}

static int
is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	const char *own = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
	struct dirent **entry;
	bool is_well = true;
	char directory[1024], path[2048];
	int n;

	for (int i = 1; i < argc; i++)
		is_well = replay(argv[i], argv[i]) && is_well;
	if (argc == 1) {
		snprintf(directory, sizeof directory, "%s/fuzz/seeds/%s", top, own + strlen("fuzz_"));
		n = scandir(directory, &entry, is_seed, alphasort);
		for (int i = 0; i < n; i++) {
			snprintf(path, sizeof path, "%s/%s", directory, entry[i]->d_name);
			is_well = replay(path, entry[i]->d_name) && is_well;
			free(entry[i]);
		}
		if (n > 0)
			free(entry);
		else
			fprintf(stderr, "%s: no seeds\n", directory);
	}
	printf("1..%u\n", count);
	return is_well && count > 0 ? 0 : 1;
}
