#include "proto/http/smuggling.h"

/* A name of token characters (RFC 9110, 5.6.2) right before the colon, and a value without control characters. */
bool
smuggling_is_field(struct slice name, struct slice value)
{
	if (name.n == 0)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char) name.p[i] <= ' ' || (unsigned char) name.p[i] >= 0x7f ||
			strchr("()<>@,;:\\\"/[]?={}", name.p[i]) != NULL)
			return false;
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char) value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
			return false;
	return true;
}

void
smuggling_field(struct smuggling *f, struct slice name, struct slice value)
{
	struct slice v = slice_trim(value);

	f->is_field_odd = f->is_field_odd || !smuggling_is_field(name, value);
	if (slice_eq_nocase(name, SLICE("content-length"))) {
		f->content_lengths++;
		f->is_field_odd = f->is_field_odd || !slice_number(v, UINT64_MAX / 2, &f->length);
	} else if (slice_eq_nocase(name, SLICE("transfer-encoding"))) {
		f->transfer_encodings++;
		f->is_field_odd = f->is_field_odd || !slice_eq_nocase(v, SLICE("chunked"));
	} else if (slice_eq_nocase(name, SLICE("host"))) {
		f->hosts++;
	}
}

bool
smuggling_is_odd(const struct smuggling *f, bool needs_host)
{
	return f->is_field_odd || f->content_lengths > 1 || f->transfer_encodings > 1 ||
		(f->content_lengths > 0 && f->transfer_encodings > 0) || f->hosts > 1 || (f->hosts == 0 && needs_host);
}
