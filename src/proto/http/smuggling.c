#include "proto/http/smuggling.h"

#include "proto/http/upgrade.h"

static const struct slice upgrade_fields[SMUGGLING_UPGRADE_FIELDS] = {
	SLICE_INIT("connection"),
	SLICE_INIT("upgrade"),
	SLICE_INIT("sec-websocket-version"),
	SLICE_INIT("sec-websocket-key"),
	SLICE_INIT("sec-websocket-protocol"),
	SLICE_INIT("origin"),
};

void
smuggling_field(struct smuggling *f, struct slice name, struct slice value)
{
	struct slice v = slice_trim(value);

	f->is_field_odd = f->is_field_odd || !upgrade_is_field(name, value);
	if (slice_eq_nocase(name, SLICE("upgrade")) && upgrade_has_token(v, SLICE("websocket")))
		f->is_upgrade = true;
	/* What decides about an upgrade must not be said twice either. */
	for (size_t i = 0; i < SMUGGLING_UPGRADE_FIELDS; i++)
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
smuggling_is_odd(const struct smuggling *f, bool needs_host)
{
	return f->is_field_odd || f->content_lengths > 1 || f->transfer_encodings > 1 ||
		(f->content_lengths > 0 && f->transfer_encodings > 0) || f->hosts > 1 || (f->hosts == 0 && needs_host);
}

bool
smuggling_is_upgrade_odd(const struct smuggling *f)
{
	return f->is_upgrade_odd || f->content_lengths > 0 || f->transfer_encodings > 0;
}
