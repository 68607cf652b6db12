#include "proto/xml/tag.h"

bool
tag_attribute(struct slice *s, struct slice *name, struct slice *value)
{
	const char *end;

	*s = slice_skip_space(*s);
	if (s->n == 0 || s->p[0] == '>' || s->p[0] == '/')
		return false;
	*name = slice_take_to(s, "= \t\r\n>");
	*s = slice_skip_space(*s);
	if (s->n < 2 || s->p[0] != '=')
		return false;
	*s = slice_skip_space(slice_of(s->p + 1, s->n - 1));
	if (s->n < 2 || (s->p[0] != '\'' && s->p[0] != '"'))
		return false;
	end = memchr(s->p + 1, s->p[0], s->n - 1);
	if (end == NULL)
		return false;
	*value = slice_of(s->p + 1, (size_t) (end - s->p - 1));
	*s = slice_of(end + 1, (size_t) (s->p + s->n - end - 1));
	return true;
}
