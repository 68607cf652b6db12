#include "proto/framing.h"

#include "proto/head.h"

static const struct slice upgrade_fields[FRAMING_UPGRADE_FIELDS] = {
	SLICE("connection"),
	SLICE("upgrade"),
	SLICE("sec-websocket-version"),
	SLICE("sec-websocket-key"),
	SLICE("sec-websocket-protocol"),
	SLICE("origin"),
};

void
framing_field(struct framing *f, struct slice name, struct slice value)
{
	struct slice v = slice_trim(value);

	f->is_field_odd = f->is_field_odd || !head_is_field(name, value);
	if (slice_eq_nocase(name, SLICE("upgrade")) && head_has_token(v, SLICE("websocket")))
		f->is_upgrade = true;
	/* What decides about an upgrade must not be said twice either. */
	for (size_t i = 0; i < FRAMING_UPGRADE_FIELDS; i++)
		if (slice_eq_nocase(name, upgrade_fields[i]) && ++f->upgrade[i] > 1)
			f->is_upgrade_odd = true;
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
framing_is_odd(const struct framing *f, bool needs_host)
{
	return f->is_field_odd || f->content_lengths > 1 || f->transfer_encodings > 1 ||
	       (f->content_lengths > 0 && f->transfer_encodings > 0) || f->hosts > 1 || (f->hosts == 0 && needs_host);
}

bool
framing_is_upgrade_odd(const struct framing *f)
{
	return f->is_upgrade_odd || f->content_lengths > 0 || f->transfer_encodings > 0;
}
