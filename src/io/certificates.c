#include "io/certificates.h"

#include <mbedtls/asn1.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fatal.h"
#include "io/whole_file.h"

#define BEGIN "-----BEGIN "
#define CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"
#define NAME_MAX_SHOWN 40
#define DN_MAX 512

struct reading {
	struct mbedtls_x509_crt *chain;
	const char *file;
	bool is_lenient;
	struct buf *error;
	int n;    /* certificates that were read */
	int seen; /* and those that were not */
	bool is_broken;
};

static unsigned
line_of(struct slice text, const char *at)
{
	unsigned line = 1;

	for (const char *p = text.p; p < at; p++)
		line += *p == '\n';
	return line;
}

static const char *
find(struct slice text, const char *words)
{
	return text.n > 0 ? memmem(text.p, text.n, words, strlen(words)) : NULL;
}

/* One block of the text, from its first line to its last.  The library wants a NUL behind it. */
static void
read_block(struct reading *r, struct slice text, struct slice block)
{
	struct buf copy;
	char why[128];
	int status;

	r->seen++;
	buf_init(&copy, BUF_UNLIMITED);
	buf_append(&copy, block);
	status = mbedtls_x509_crt_parse(r->chain, (const unsigned char *) buf_cstr(&copy), copy.n + 1);
	buf_fini(&copy);
	if (status == 0) {
		r->n++;
		return;
	}
	if (!r->is_broken && !r->is_lenient) {
		mbedtls_strerror(status, why, sizeof why);
		if (find(block, END) == NULL)
			snprintf(why, sizeof why, "its end is missing");
		buf_printf(r->error, "%s:%u: certificate %d is broken (%s)", r->file, line_of(text, block.p), r->seen,
			why);
	}
	r->is_broken = true;
}

static void
read_blocks(struct reading *r, struct slice text)
{
	struct slice rest = text;
	const char *begin, *end, *next;

	while ((begin = find(rest, CERTIFICATE)) != NULL && (r->is_lenient || !r->is_broken)) {
		rest = slice_of(begin + 1, rest.n - (size_t) (begin + 1 - rest.p));
		end = find(rest, END);
		next = find(rest, BEGIN);
		/* One without an end goes up to the next. */
		if (end == NULL || (next != NULL && next < end))
			end = next != NULL ? next : rest.p + rest.n;
		else
			end += strlen(END);
		read_block(r, text, slice_of(begin, (size_t) (end - begin)));
		rest = slice_of(end, (size_t) (text.p + text.n - end));
	}
}

/* What is there instead of a certificate, such as a key. */
static void
describe_other(struct reading *r, struct slice text)
{
	const char *begin = find(text, BEGIN);
	struct slice name;

	if (text.n == 0) {
		buf_printf(r->error, "%s: an empty file", r->file);
		return;
	}
	if (begin == NULL) {
		buf_printf(r->error, "%s: no certificate in it", r->file);
		return;
	}
	name = slice_of(begin + strlen(BEGIN), (size_t) (text.p + text.n - begin) - strlen(BEGIN));
	name = slice_take_to(&name, "-\n");
	buf_printf(r->error, "%s:%u: a %.*s and no certificate", r->file, line_of(text, begin),
		name.n < NAME_MAX_SHOWN ? (int) name.n : NAME_MAX_SHOWN, name.p);
}

static void
read_text(struct reading *r, struct slice text)
{
	if (find(text, CERTIFICATE) != NULL) {
		read_blocks(r, text);
		return;
	}
	if (find(text, BEGIN) == NULL && text.n > 0 &&
		mbedtls_x509_crt_parse_der(r->chain, (const unsigned char *) text.p, text.n) == 0)
		r->n = 1;
	else
		describe_other(r, text);
}

int
certificates_load_text(
	struct mbedtls_x509_crt *chain, const char *file, struct slice text, bool is_lenient, struct buf *error)
{
	struct reading r = {.chain = chain, .file = file, .is_lenient = is_lenient, .error = error};

	read_text(&r, text);
	if (r.is_broken && !is_lenient)
		return CV_EINVAL;
	return r.n > 0 ? r.n : CV_EINVAL;
}

int
certificates_load(struct mbedtls_x509_crt *chain, const char *file, bool is_lenient, struct buf *error)
{
	const char *wrong;
	struct buf text;
	int n = CV_EINVAL;

	buf_init(&text, BUF_UNLIMITED);
	wrong = whole_file_read(file, &text);
	if (wrong == NULL)
		n = certificates_load_text(chain, file, buf_slice(&text), is_lenient, error);
	else
		buf_printf(error, "%s: %s", file, wrong);
	buf_fini(&text);
	return n;
}

int
certificates_check(const char *file, struct slice text, struct buf *error)
{
	mbedtls_x509_crt chain;
	int n;

	mbedtls_x509_crt_init(&chain);
	n = certificates_load_text(&chain, file, text, false, error);
	mbedtls_x509_crt_free(&chain);
	return n;
}

/* RFC 4985 and RFC 6120, 13.7.1.4: what the library leaves as it is.  False: a name of another kind, or broken. */
static bool
read_other_name(const mbedtls_x509_buf *raw, struct identity *i)
{
	static const struct {
		struct slice oid;
		int tag;
		enum identity_kind kind;
	} known[] = {
		{SLICE_INIT(MBEDTLS_OID_ON "\x07"), MBEDTLS_ASN1_IA5_STRING, IDENTITY_SRV},
		{SLICE_INIT(MBEDTLS_OID_ON "\x05"), MBEDTLS_ASN1_UTF8_STRING, IDENTITY_XMPP},
	};
	unsigned char *p = raw->p;
	const unsigned char *end = raw->p + raw->len;
	struct slice oid;
	size_t n;

	if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_OID) != 0)
		return false;
	oid = slice_of((const char *) p, n);
	p += n;
	if (mbedtls_asn1_get_tag(&p, end, &n, MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED) != 0 ||
		p + n != end)
		return false;
	for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
		if (!slice_eq(oid, known[k].oid))
			continue;
		*i = (struct identity){.kind = known[k].kind};
		if (mbedtls_asn1_get_tag(&p, end, &n, known[k].tag) != 0 || p + n != end)
			return false;
		i->name = slice_of((const char *) p, n);
		return true;
	}
	return false;
}

static bool
read_name(const mbedtls_x509_buf *raw, struct identity *i)
{
	switch (raw->tag & MBEDTLS_ASN1_TAG_VALUE_MASK) {
	case MBEDTLS_X509_SAN_DNS_NAME:
		*i = (struct identity){IDENTITY_DNS, slice_of((const char *) raw->p, raw->len)};
		return true;
	case MBEDTLS_X509_SAN_OTHER_NAME:
		return read_other_name(raw, i);
	default:
		return false;
	}
}

/* Where there are other names of any kind, be they none that we know, the common name is not looked at. */
struct identity *
certificates_names(const struct mbedtls_x509_crt *certificate, size_t *n)
{
	const mbedtls_x509_sequence *name = &certificate->subject_alt_names;
	const mbedtls_x509_name *part = &certificate->subject;
	bool has_names = (certificate->ext_types & MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) != 0;
	struct identity *v = NULL, i;

	*n = 0;
	for (; name != NULL && name->buf.p != NULL; name = name->next) {
		if (!read_name(&name->buf, &i))
			continue;
		v = xrealloc(v, (*n + 1) * sizeof *v);
		v[(*n)++] = i;
	}
	for (; !has_names && part != NULL; part = part->next) {
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) != 0)
			continue;
		v = xrealloc(v, (*n + 1) * sizeof *v);
		v[(*n)++] = (struct identity){IDENTITY_COMMON, slice_of((const char *) part->val.p, part->val.len)};
	}
	return v;
}

/* The subject is told apart. */
static void
append_names(const struct mbedtls_x509_crt *certificate, struct buf *out)
{
	size_t n;
	struct identity *v = certificates_names(certificate, &n);

	if (n > 0 && v[0].kind != IDENTITY_COMMON) {
		buf_append_str(out, " for ");
		identity_describe(v, n, out);
	}
	free(v);
}

void
certificates_describe(const struct mbedtls_x509_crt *certificate, struct buf *out)
{
	const mbedtls_x509_time *end = &certificate->valid_to;
	char subject[DN_MAX] = "?", issuer[DN_MAX] = "?";

	(void) mbedtls_x509_dn_gets(subject, sizeof subject, &certificate->subject);
	(void) mbedtls_x509_dn_gets(issuer, sizeof issuer, &certificate->issuer);
	buf_printf(out, "%s", subject[0] != '\0' ? subject : "(no name)");
	append_names(certificate, out);
	buf_printf(out, "; by %s; until %04d-%02d-%02d", issuer, end->year, end->mon, end->day);
}
