#include "io/idn.h"

#include <idn2.h>

#define DOMAIN_MAX 1024 /* bytes of UTF-8 we look at */

/* Letters, digits, hyphens, dots and the signs of an address literal need no library. */
static bool
copy_plain(struct slice domain, char *out, size_t room)
{
	if (domain.n >= room)
		return false;
	for (size_t i = 0; i < domain.n; i++) {
		char c = slice_lower(domain.p[i]);
		if (!slice_is_letter(c) && !slice_is_digit(c) && strchr("-.:[]_", c) == NULL)
			return false;
		out[i] = c;
	}
	out[domain.n] = '\0';
	return true;
}

bool
idn_to_ascii(void *arg, struct slice domain, char *out, size_t room)
{
	char text[DOMAIN_MAX], *ascii = NULL;
	bool is_plain = true, done;

	(void) arg;
	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (domain.n == 0 || domain.n >= sizeof text || memchr(domain.p, '\0', domain.n) != NULL)
		return false;
	for (size_t i = 0; i < domain.n; i++)
		is_plain = is_plain && (unsigned char) domain.p[i] < 0x80;
	if (is_plain)
		return copy_plain(domain, out, room);
	memcpy(text, domain.p, domain.n);
	text[domain.n] = '\0';
	if (idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	done = copy_plain(slice_str(ascii), out, room);
	idn2_free(ascii);
	return done;
}

void
idn_versions(struct library *l)
{
	library_set(l, "libidn2", IDN2_VERSION, idn2_check_version(NULL));
}
