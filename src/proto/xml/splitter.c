#include "proto/xml/splitter.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "proto/xml/plain_text.h"

#define REFERENCE_MAX 64 /* bytes of a character reference between elements */
#define SKIPPED_MAX 4096 /* bytes kept of an element that is left out */

enum where {
	HEADER,
	BETWEEN,   /* elements */
	INSIDE,    /* an element */
	REFERENCE, /* a character reference between elements */
	ENDED,     /* the root was <root/>: its end is still to be told */
};

/* What one call looks at.  The piece that goes on is kept, then [from, p). */
struct look {
	struct splitter *s;
	const char *from, *p, *end;
	uint32_t open[XML_DEPTH_MAX + 1];
};

void
splitter_init(struct splitter *s, struct xml_limits limits, bool skips)
{
	*s = (struct splitter){.limits = limits, .skips = skips};
	if (s->limits.depth > XML_DEPTH_MAX)
		s->limits.depth = XML_DEPTH_MAX;
	buf_init(&s->kept, limits.element > SPLITTER_HEADER_MAX ? limits.element : SPLITTER_HEADER_MAX);
}

/* The unfinished piece is let go. */
static void
drop_piece(struct splitter *s)
{
	buf_fini(&s->kept);
	free(s->open);
	s->open = NULL;
	s->is_kept_given = false;
}

void
splitter_fini(struct splitter *s)
{
	drop_piece(s);
	free(s->root);
	s->root = NULL;
}

void
splitter_open(struct splitter *s)
{
	splitter_fini(s);
	splitter_init(s, s->limits, s->skips);
}

struct slice
splitter_root(const struct splitter *s)
{
	return slice_of(s->root, s->root_n);
}

size_t
splitter_unfinished(const struct splitter *s)
{
	return s->kept.n > 0 ? s->kept.cap : 0;
}

/* How far the piece goes, up to the place that is looked at. */
static size_t
length(const struct look *l)
{
	return l->s->kept.n + (size_t) (l->p - l->from);
}

static char
byte_at(const struct look *l, size_t at)
{
	const struct buf *kept = &l->s->kept;

	return at < kept->n ? kept->p[kept->start + at] : l->from[at - kept->n];
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The whole piece, in one place. */
static struct slice
whole_piece(struct look *l)
{
	struct splitter *s = l->s;

	if (s->kept.n == 0)
		return slice_of(l->from, (size_t) (l->p - l->from));
	must(buf_append(&s->kept, slice_of(l->from, (size_t) (l->p - l->from))) == 0);
	s->is_kept_given = true;
	return buf_slice(&s->kept);
}

static void
begin_piece(struct look *l)
{
	l->from = l->p;
	l->s->depth = 0;
	l->s->work = 0;
	l->s->longest = l->s->root_longest;
	l->s->has_long_text = false;
}

/* Goes on in the markup, or begins one: false when its end has not come. */
static bool
read_markup(struct look *l)
{
	struct splitter *s = l->s;

	if (!s->is_in_markup) {
		s->is_in_markup = true;
		s->markup = (struct markup){.kind = MARKUP_UNFINISHED};
		s->markup_at = length(l);
	}
	l->p = markup_feed(&s->markup, l->p, l->end);
	if (s->markup.kind == MARKUP_UNFINISHED)
		return false;
	s->is_in_markup = false;
	return true;
}

/* Is this end tag that of the start tag at this place?  The names are compared as they are written. */
static bool
is_end_of(const struct look *l, size_t open)
{
	size_t end = l->s->markup_at + 2;
	char c;

	for (open++; !markup_ends_name(c = byte_at(l, end)); end++)
		if (byte_at(l, open++) != c)
			return false;
	return markup_ends_name(byte_at(l, open));
}

static bool
is_end_of_root(const struct look *l)
{
	const struct splitter *s = l->s;
	size_t at = s->markup_at + 2;

	for (size_t i = 0; i < s->root_n; i++)
		if (byte_at(l, at++) != s->root[i])
			return false;
	while (is_space(byte_at(l, at)))
		at++;
	return byte_at(l, at) == '>';
}

/* A section between elements may hold white space and nothing else. */
static bool
is_section_blank(const struct look *l)
{
	size_t n = length(l) - 3;

	for (size_t at = sizeof "<![CDATA[" - 1; at < n; at++)
		if (!is_space(byte_at(l, at)))
			return false;
	return true;
}

/* What the kinds of markup that may stand nowhere mean. */
static enum splitter_event
refuse_markup(enum markup_kind kind)
{
	switch (kind) {
	case MARKUP_RESTRICTED:
		return SPLITTER_RESTRICTED;
	case MARKUP_TOO_MANY:
		return SPLITTER_TOO_BIG;
	default:
		return SPLITTER_MALFORMED;
	}
}

static void
keep_root_name(struct look *l)
{
	struct splitter *s = l->s;
	size_t from = s->markup_at + 1, to = from;

	while (!markup_ends_name(byte_at(l, to)))
		to++;
	s->root = xmalloc(to - from + 1);
	for (size_t at = from; at < to; at++)
		s->root[at - from] = byte_at(l, at);
	s->root_n = to - from;
}

/*
 * The XML declaration, which can only come first, and the root's start tag.
 * Anything else is refused as soon as it shows.
 */
static enum splitter_event
look_for_header(struct look *l, struct slice *piece)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
	struct splitter *s = l->s;
	size_t at;

	while (l->p < l->end) {
		at = length(l);
		if (at > SPLITTER_HEADER_MAX)
			return SPLITTER_TOO_BIG;
		if (!s->is_in_markup && *l->p != '<') {
			if (!is_space(*l->p) && (at >= sizeof mark - 1 || *l->p != mark[at]))
				return SPLITTER_MALFORMED;
			l->p++;
			continue;
		}
		if (!read_markup(l))
			break;
		if (s->markup.kind == MARKUP_DECLARATION &&
			(s->markup_at == 0 || (s->markup_at == sizeof mark - 1 && byte_at(l, 0) == mark[0])))
			continue;
		if (s->markup.kind != MARKUP_START && s->markup.kind != MARKUP_EMPTY)
			return refuse_markup(s->markup.kind);
		if (length(l) > SPLITTER_HEADER_MAX)
			return SPLITTER_TOO_BIG;
		keep_root_name(l);
		markup_work(&s->markup, &s->root_longest);
		s->where = s->markup.kind == MARKUP_START ? BETWEEN : ENDED;
		*piece = whole_piece(l);
		return SPLITTER_HEADER;
	}
	return length(l) > SPLITTER_HEADER_MAX ? SPLITTER_TOO_BIG : SPLITTER_MORE;
}

/* A reference between elements ends: it must stand for white space. */
static enum splitter_event
judge_reference(const struct look *l)
{
	static const char *const predefined[] = {"lt", "gt", "amp", "apos", "quot"};
	char name[REFERENCE_MAX + 1];
	size_t n = length(l) - 2;
	unsigned long c;

	for (size_t i = 0; i < n; i++)
		name[i] = byte_at(l, i + 1);
	name[n] = '\0';
	if (name[0] == '#') {
		bool is_hex = name[1] == 'x';
		const char *digits = name + (is_hex ? 2 : 1);
		if (*digits == '\0' || digits[strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
			return SPLITTER_MALFORMED;
		c = strtoul(digits, NULL, is_hex ? 16 : 10);
		return c < 128 && is_space((char) c) ? SPLITTER_MORE : SPLITTER_TEXT;
	}
	for (size_t i = 0; i < sizeof predefined / sizeof *predefined; i++)
		if (strcmp(name, predefined[i]) == 0)
			return SPLITTER_TEXT;
	return markup_begins_name(name[0]) ? SPLITTER_RESTRICTED : SPLITTER_MALFORMED;
}

static enum splitter_event
look_for_reference_end(struct look *l)
{
	while (l->p < l->end) {
		char c = *l->p++;
		if (c == ';') {
			enum splitter_event event = judge_reference(l);
			l->s->where = BETWEEN;
			drop_piece(l->s);
			l->from = l->p;
			return event;
		}
		if (length(l) > REFERENCE_MAX || c == '\0' || is_space(c) || c == '<')
			return SPLITTER_MALFORMED;
	}
	return SPLITTER_MORE;
}

/* A byte that is no white space, between elements. */
static enum splitter_event
refuse_text(char c)
{
	unsigned char u = (unsigned char) c;

	/* No byte of UTF-8, or a control character. */
	return u < ' ' || (u >= 0x80 && (u < 0xc2 || u > 0xf4)) ? SPLITTER_MALFORMED : SPLITTER_TEXT;
}

/* The element is above the limit: of its bytes only the first are kept from here on. */
static enum splitter_event
skip(struct look *l)
{
	struct splitter *s = l->s;
	struct buf first;
	size_t n = length(l) < SKIPPED_MAX ? length(l) : SKIPPED_MAX, had = s->kept.n < n ? s->kept.n : n;

	if (!s->skips)
		return SPLITTER_TOO_BIG;
	buf_init(&first, s->kept.max);
	must(buf_append(&first, slice_of(buf_slice(&s->kept).p, had)) == 0);
	must(buf_append(&first, slice_of(l->from, n - had)) == 0);
	drop_piece(s);
	s->kept = first;
	s->is_skipping = true;
	return SPLITTER_MORE;
}

/* Counts what the names of a start tag make for a parser: false when it is too much. */
static bool
count_tag(struct look *l)
{
	struct splitter *s = l->s;

	s->work += markup_work(&s->markup, &s->longest);
	return s->is_skipping || !markup_is_too_much(s->work, length(l));
}

/* Markup stands complete; l->p is behind it. */
static enum splitter_event
take_markup(struct look *l, struct slice *piece)
{
	struct splitter *s = l->s;
	bool is_outer = s->where == BETWEEN;

	switch ((enum markup_kind) s->markup.kind) {
	case MARKUP_START:
		s->where = INSIDE;
		if (s->depth > s->limits.depth)
			return SPLITTER_TOO_DEEP;
		l->open[s->depth++] = (uint32_t) s->markup_at;
		return count_tag(l) ? SPLITTER_MORE : SPLITTER_TOO_BIG;
	case MARKUP_EMPTY:
		if (s->depth > s->limits.depth)
			return SPLITTER_TOO_DEEP;
		if (!count_tag(l))
			return SPLITTER_TOO_BIG;
		break;
	case MARKUP_END:
		if (is_outer && s->is_skipping)
			return SPLITTER_TOO_BIG;
		if (is_outer)
			return is_end_of_root(l) ? SPLITTER_END : SPLITTER_MALFORMED;
		if (!s->is_skipping && !is_end_of(l, l->open[s->depth - 1]))
			return SPLITTER_MALFORMED;
		s->depth--;
		break;
	case MARKUP_CDATA:
		if (is_outer && (s->is_skipping || !is_section_blank(l)))
			return SPLITTER_TEXT;
		if (is_outer) {
			drop_piece(s);
			l->from = l->p;
		}
		s->has_long_text = s->has_long_text || length(l) - s->markup_at > PLAIN_TEXT_MIN;
		return SPLITTER_MORE;
	default:
		return refuse_markup(s->markup.kind);
	}
	if (s->depth > 0)
		return SPLITTER_MORE;
	s->where = BETWEEN;
	if (s->is_skipping) {
		s->is_skipping = false;
		s->is_kept_given = true;
		*piece = buf_slice(&s->kept);
		return SPLITTER_SKIPPED;
	}
	*piece = whole_piece(l);
	return SPLITTER_ELEMENT;
}

static enum splitter_event
look_for_element_end(struct look *l, struct slice *piece)
{
	struct splitter *s = l->s;
	enum splitter_event event;
	bool is_complete;

	while (l->p < l->end) {
		if (!s->is_in_markup && s->where == INSIDE) {
			const char *next = memchr(l->p, '<', (size_t) (l->end - l->p));
			const char *to = next != NULL ? next : l->end;
			s->has_long_text = s->has_long_text || to - l->p >= PLAIN_TEXT_MIN;
			l->p = to;
		}
		is_complete = l->p < l->end && read_markup(l);
		/* Before it is judged: what is said must not depend on how the bytes are cut. */
		if (!s->is_skipping && length(l) > s->limits.element && (event = skip(l)) != SPLITTER_MORE)
			return event;
		if (!is_complete)
			continue;
		event = take_markup(l, piece);
		if (event != SPLITTER_MORE || s->where != INSIDE)
			return event;
	}
	return SPLITTER_MORE;
}

static enum splitter_event
look_between(struct look *l, struct slice *piece)
{
	struct splitter *s = l->s;

	if (!s->is_in_markup) {
		while (l->p < l->end && is_space(*l->p))
			l->p++;
		begin_piece(l);
		if (l->p == l->end)
			return SPLITTER_MORE;
		if (*l->p == '&') {
			l->p++;
			s->where = REFERENCE;
			return SPLITTER_MORE;
		}
		if (*l->p != '<')
			return refuse_text(*l->p);
	}
	return look_for_element_end(l, piece);
}

/* The bytes are used up: what is unfinished of them is kept. */
static enum splitter_event
keep_piece(struct look *l)
{
	struct splitter *s = l->s;

	if (s->is_skipping || l->from == l->p)
		return SPLITTER_MORE;
	if (buf_append(&s->kept, slice_of(l->from, (size_t) (l->p - l->from))) != 0)
		return SPLITTER_TOO_BIG;
	free(s->open);
	s->open = NULL;
	if (s->depth > 0) {
		s->open = xmalloc(s->depth * sizeof *s->open);
		memcpy(s->open, l->open, s->depth * sizeof *s->open);
	}
	return SPLITTER_MORE;
}

enum splitter_event
splitter_next(struct splitter *s, struct slice *rest, struct slice *piece)
{
	enum splitter_event event = SPLITTER_MORE;
	struct look l; /* its room for open tags stays as it is */

	l.s = s;
	l.from = l.p = rest->p;
	l.end = rest->p + rest->n;
	if (s->broken != SPLITTER_MORE)
		return s->broken;
	if (s->is_kept_given)
		drop_piece(s);
	if (s->where == ENDED)
		return s->broken = SPLITTER_END;
	if (s->open != NULL)
		memcpy(l.open, s->open, s->depth * sizeof *s->open);
	while (event == SPLITTER_MORE && l.p < l.end) {
		switch ((enum where) s->where) {
		case HEADER:
			event = look_for_header(&l, piece);
			break;
		case BETWEEN:
			event = look_between(&l, piece);
			break;
		case REFERENCE:
			event = look_for_reference_end(&l);
			break;
		default:
			event = look_for_element_end(&l, piece);
		}
	}
	if (event == SPLITTER_MORE)
		event = keep_piece(&l);
	*rest = slice_of(l.p, (size_t) (l.end - l.p));
	if (event != SPLITTER_MORE && event != SPLITTER_HEADER && event != SPLITTER_ELEMENT &&
		event != SPLITTER_SKIPPED) {
		s->broken = event;
		drop_piece(s);
	}
	return event;
}
