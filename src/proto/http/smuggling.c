#include "proto/http/smuggling.h"

/* Control characters: to some readers one of them is the end of a line, or of everything. */
static bool
has_control(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (((unsigned char) text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] == 0x7f)
			return true;
	return false;
}

bool
smuggling_is_name(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char) name.p[i] <= ' ' || (unsigned char) name.p[i] >= 0x7f ||
			strchr("()<>@,;:\\\"/[]?={}", name.p[i]) != NULL)
			return false;
	return name.n > 0;
}

static void
doubt(struct smuggling *f, const char *reason)
{
	if (f->odd == NULL)
		f->odd = reason;
}

void
smuggling_line(struct smuggling *f, struct slice line)
{
	if (has_control(line))
		doubt(f, "The request line has a control character.");
}

/* RFC 9112, 5: a name right before its colon, and a value on one line. */
static void
judge_field(struct smuggling *f, struct slice name, struct slice value)
{
	/* What was wrong with the line before is mostly that it goes on in this one. */
	if (name.n > 0 && (name.p[0] == ' ' || name.p[0] == '\t'))
		f->odd = "A line of the head begins with a blank.";
	else if (!slice_is_set(value))
		doubt(f, "A line of the head is no header field.");
	else if (!smuggling_is_name(name))
		doubt(f, "A header field's name is none.");
	else if (has_control(value))
		doubt(f, "A header field has a control character.");
}

void
smuggling_field(struct smuggling *f, struct slice name, struct slice value)
{
	struct slice v = slice_trim(value);
	bool has_blank = slice_is_set(value) && v.p + v.n < value.p + value.n;

	judge_field(f, name, value);
	if (slice_eq_nocase(name, SLICE("content-length"))) {
		f->content_lengths++;
		if (!slice_number(v, UINT64_MAX / 2, &f->length))
			doubt(f, "The Content-Length is not a number.");
		if (has_blank)
			f->unread = "A blank behind a Content-Length is legal, but not read here.";
	} else if (slice_eq_nocase(name, SLICE("transfer-encoding"))) {
		f->transfer_encodings++;
		if (!slice_eq_nocase(v, SLICE("chunked")))
			doubt(f, "The Transfer-Encoding is not chunked, and nothing else.");
		if (has_blank)
			f->unread = "A blank behind a Transfer-Encoding is legal, but not read here.";
	} else if (slice_eq_nocase(name, SLICE("host"))) {
		f->hosts++;
	}
}

/* RFC 9112, 3.2, 6.1 and 6.3. */
const char *
smuggling_reason(const struct smuggling *f, bool is_http_1_1)
{
	if (f->odd != NULL)
		return f->odd;
	if (f->content_lengths > 1)
		return "There is more than one Content-Length.";
	if (f->transfer_encodings > 1)
		return "There is more than one Transfer-Encoding.";
	if (f->content_lengths > 0 && f->transfer_encodings > 0)
		return "There are both a Content-Length and a Transfer-Encoding.";
	if (f->transfer_encodings > 0 && !is_http_1_1)
		return "Only HTTP/1.1 knows a Transfer-Encoding.";
	if (f->hosts > 1)
		return "There is more than one Host header.";
	if (f->hosts == 0 && is_http_1_1)
		return "There is no Host header.";
	return NULL;
}
