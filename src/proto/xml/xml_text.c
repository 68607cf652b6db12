#include "proto/xml/xml_text.h"

#include <string.h>

#include "base/buf.h"

void
xml_split_name(const char *name, struct xml_element *element)
{
	const char *first = strchrnul(name, XML_SEPARATOR), *second;

	element->ns = element->prefix = SLICE_NONE;
	element->local = slice_of(name, (size_t) (first - name));
	if (*first == '\0')
		return;
	element->ns = element->local;
	second = strchrnul(first + 1, XML_SEPARATOR);
	element->local = slice_of(first + 1, (size_t) (second - first - 1));
	if (*second != '\0')
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
