#include "worker/libraries.h"

#include <string.h>
#include <uv.h>

#include "base/library.h"
#include "conf/json.h"
#include "io/crypto.h"
#include "io/dns.h"
#include "io/http.h"
#include "io/idn.h"
#include "io/ws.h"
#include "proto/xml/xml.h"

static void
uv_versions(struct library *l)
{
	unsigned v = uv_version();
	const unsigned built[] = {UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH};
	const unsigned runs[] = {v >> 16 & 0xff, v >> 8 & 0xff, v & 0xff};

	library_set_numbers(l, "libuv", built, runs);
}

void
libraries_print(struct buf *out)
{
	static void (*const all[])(struct library *) = {http_versions, ws_versions, xml_versions, json_versions,
		crypto_versions, uv_versions, dns_versions, idn_versions};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct library l;
		all[i](&l);
		buf_printf(out, "%s %s", l.name, l.runs);
		if (strcmp(l.built, l.runs) != 0)
			buf_printf(out, " (built with %s)", l.built);
		buf_append_char(out, '\n');
	}
}
