#include "proto/xml/markup.h"

#include <string.h>

enum {
	BEFORE,     /* the "<" is next */
	OPENED,     /* "<" */
	BLANK,      /* in a start tag, behind white space: an attribute may begin */
	TAG,        /* in a start tag, outside of quotes */
	QUOTED,     /* in an attribute's value */
	SLASH,      /* "/" of <a/> */
	END_OPENED, /* "</" */
	END_TAG,
	CDATA_OPEN, /* "<!", as far as it matches */
	CDATA_TEXT,
	CDATA_CLOSE,  /* "]" ... */
	CDATA_CLOSES, /* ... and another one */
	QUESTION,     /* "<?", as far as it matches */
	DECLARATION,
	DECLARATION_CLOSE, /* "?" */
};

static const char cdata[] = "<![CDATA[", declaration[] = "<?xml", namespace[] = "xmlns";

/* What is of interest in a start tag. */
static const bool stops[256] = {['<'] = true,
	['>'] = true,
	['/'] = true,
	[':'] = true,
	['\''] = true,
	['"'] = true,
	[' '] = true,
	['\t'] = true,
	['\r'] = true,
	['\n'] = true};
/* The same of an end tag. */
static const bool end_stops[256] = {['<'] = true, ['>'] = true, ['/'] = true, ['\''] = true, ['"'] = true};

/* The byte behind "<". */
static void
open_markup(struct markup *m, char c)
{
	m->matched = 2;
	if (c == '/')
		m->state = END_OPENED;
	else if (c == '!')
		m->state = CDATA_OPEN;
	else if (c == '?')
		m->state = QUESTION;
	else if (markup_begins_name(c))
		m->state = TAG;
	else
		m->kind = MARKUP_MALFORMED;
}

/* Behind "<!" comes a section, a comment or a DTD. */
static void
match_cdata(struct markup *m, char c)
{
	if (c != cdata[m->matched])
		m->kind = m->matched == 2 && (c == '-' || c == 'D') ? MARKUP_RESTRICTED : MARKUP_MALFORMED;
	else if (++m->matched == sizeof cdata - 1)
		m->state = CDATA_TEXT;
}

/* Behind "<?" comes "xml" and a blank, or it is an instruction. */
static void
match_declaration(struct markup *m, char c)
{
	if (m->matched < sizeof declaration - 1) {
		if (c != declaration[m->matched++])
			m->kind = MARKUP_RESTRICTED;
	} else if (markup_ends_name(c) && c != '>' && c != '/') {
		m->state = DECLARATION;
	} else {
		m->kind = MARKUP_RESTRICTED;
	}
}

/* A byte of a start tag that is of interest. */
static void
tag_stop(struct markup *m, char c)
{
	switch (c) {
	case '<':
		m->kind = MARKUP_MALFORMED;
		break;
	case '>':
		m->kind = MARKUP_START;
		break;
	case '/':
		m->state = SLASH;
		break;
	case ':':
		if (m->colons < UINT16_MAX)
			m->colons++;
		break;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		m->state = BLANK;
		m->matched = 0;
		break;
	default:
		m->quote = c;
		m->value = 0;
		m->state = QUOTED;
		if (++m->attributes > MARKUP_ATTRIBUTES)
			m->kind = MARKUP_TOO_MANY;
	}
}

/* Behind white space: does the name of an attribute begin that declares a namespace?  "=" belongs to the one before. */
static const char *
feed_blank(struct markup *m, const char *p, const char *end)
{
	while (p < end && m->matched < sizeof namespace - 1 && *p == namespace[m->matched]) {
		m->matched++;
		p++;
	}
	if (p == end)
		return p;
	/* Neither "=" nor another blank begins a name. */
	if (m->matched > 0 || (*p != '=' && !stops[(unsigned char) *p]))
		m->is_declaration = m->matched == sizeof namespace - 1 && (*p == '=' || stops[(unsigned char) *p]);
	m->state = TAG;
	return p;
}

static const char *
feed_tag(struct markup *m, const char *p, const char *end)
{
	while (p < end && m->kind == MARKUP_UNFINISHED) {
		if (m->state == TAG) {
			while (p < end && !stops[(unsigned char) *p])
				p++;
			if (p < end)
				tag_stop(m, *p++);
		} else if (m->state == BLANK) {
			p = feed_blank(m, p, end);
		} else if (m->state == QUOTED) {
			const char *from = p;
			while (p < end && *p != m->quote && *p != '<')
				p++;
			m->value += (size_t) (p - from);
			if (p == end)
				break;
			if (m->is_declaration && m->value > m->longest)
				m->longest = m->value;
			m->is_declaration = false;
			if (*p++ == '<')
				m->kind = MARKUP_MALFORMED;
			m->state = TAG;
		} else {
			m->kind = *p++ == '>' ? MARKUP_EMPTY : MARKUP_MALFORMED;
		}
	}
	return p;
}

static const char *
feed_cdata(struct markup *m, const char *p, const char *end)
{
	while (p < end && m->kind == MARKUP_UNFINISHED) {
		if (m->state == CDATA_TEXT) {
			p = memchr(p, ']', (size_t) (end - p));
			if (p == NULL)
				return end;
			m->state = CDATA_CLOSE;
		} else if (*p == ']') {
			m->state = CDATA_CLOSES;
		} else if (m->state == CDATA_CLOSES && *p == '>') {
			m->kind = MARKUP_CDATA;
		} else {
			m->state = CDATA_TEXT;
		}
		p++;
	}
	return p;
}

const char *
markup_feed(struct markup *m, const char *p, const char *end)
{
	while (p < end && m->kind == MARKUP_UNFINISHED) {
		switch (m->state) {
		case BEFORE:
			if (*p++ != '<')
				m->kind = MARKUP_MALFORMED;
			else if (p < end)
				open_markup(m, *p++);
			else
				m->state = OPENED;
			break;
		case OPENED:
			open_markup(m, *p++);
			break;
		case TAG:
		case BLANK:
		case QUOTED:
		case SLASH:
			p = feed_tag(m, p, end);
			break;
		case END_OPENED:
			m->state = END_TAG;
			if (!markup_begins_name(*p++))
				m->kind = MARKUP_MALFORMED;
			break;
		case END_TAG:
			while (p < end && !end_stops[(unsigned char) *p])
				p++;
			if (p < end)
				m->kind = *p++ == '>' ? MARKUP_END : MARKUP_MALFORMED;
			break;
		case CDATA_OPEN:
			match_cdata(m, *p++);
			break;
		case QUESTION:
			match_declaration(m, *p++);
			break;
		case DECLARATION:
		case DECLARATION_CLOSE:
			if (m->state == DECLARATION_CLOSE && *p == '>')
				m->kind = MARKUP_DECLARATION;
			else if (*p == '<')
				m->kind = MARKUP_MALFORMED;
			m->state = *p++ == '?' ? DECLARATION_CLOSE : DECLARATION;
			break;
		default:
			p = feed_cdata(m, p, end);
		}
	}
	return p;
}
