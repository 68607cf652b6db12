#include "proto/xml/xml_text.h"

#include <string.h>

#include "base/buf.h"

void
xml_split_name(const char *name, struct xml_element *element)
{
	const char *first = strchr(name, XML_SEPARATOR);
	const char *second;

	element->ns = SLICE_NONE;
	element->prefix = SLICE_NONE;
	if (first == NULL) {
		element->local = slice_str(name);
		return;
	}
	element->ns = slice_of(name, (size_t) (first - name));
	second = strchr(first + 1, XML_SEPARATOR);
	if (second == NULL) {
		element->local = slice_str(first + 1);
		return;
	}
	element->local = slice_of(first + 1, (size_t) (second - first - 1));
	element->prefix = slice_str(second + 1);
}

struct slice
xml_attribute(const struct xml_element *element, const char *ns, const char *local)
{
	size_t n_ns = strlen(ns), n_local = strlen(local);

	for (const char **a = element->attributes; *a != NULL; a += 2) {
		const char *name = *a;
		if (n_ns > 0) {
			if (strncmp(name, ns, n_ns) != 0 || name[n_ns] != XML_SEPARATOR)
				continue;
			name += n_ns + 1;
		}
		if (strncmp(name, local, n_local) == 0 &&
			(name[n_local] == '\0' || (n_ns > 0 && name[n_local] == XML_SEPARATOR)))
			return slice_str(a[1]);
	}
	return SLICE_NONE;
}

int
xml_escape(struct buf *b, struct slice text)
{
	int error = 0;

	for (size_t i = 0; i < text.n && error == 0; i++) {
		switch (text.p[i]) {
		case '&':
			error = buf_append_str(b, "&amp;");
			break;
		case '<':
			error = buf_append_str(b, "&lt;");
			break;
		case '>':
			error = buf_append_str(b, "&gt;");
			break;
		case '\'':
			error = buf_append_str(b, "&apos;");
			break;
		case '"':
			error = buf_append_str(b, "&quot;");
			break;
		default:
			error = buf_append_char(b, text.p[i]);
		}
	}
	return error;
}
