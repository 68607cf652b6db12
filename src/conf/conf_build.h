/*
 * conf_build.h: putting a struct conf together, whether from a file or from
 * arguments.  Inside conf/ only.
 */
#ifndef CULVERT_CONF_CONF_BUILD_H
#define CULVERT_CONF_CONF_BUILD_H

#include "base/hooks.h"
#include "conf/conf.h"

/* Empty, one reference: without defaults, listeners, domains. */
struct conf *conf_new(void);

/* With a unix path there is no address and no port, whatever the defaults said; a relative directory begins where the file is. */
void conf_listen_settle(struct conf_listen *l, const char *file);
/* Relative files begin where the configuration's file is. */
void conf_identity_settle(struct conf_identity *i, const char *file);
/* Takes over what *i holds and leaves it empty. */
void conf_add_identity(struct conf_listen *l, struct conf_identity *i);
/* Makes response_lines and response_names of response_header. */
void conf_fields_settle(struct conf *c);
/* A relative directory of pages begins where the file is. */
void conf_pages_settle(struct conf *c, const char *file);
/* Takes over what *l holds and leaves it empty. */
void conf_add_listen(struct conf *c, struct conf_listen *l);
/* Takes over what *d holds and leaves it empty.  d->ascii must be new; conf_sort_domains() is still to come. */
void conf_add_domain(struct conf *c, struct conf_domain *d);
/* When domains have been added, before conf_find_domain(). */
void conf_sort_domains(struct conf *c);
/* The same listener, written earlier: its index.  n_listen when there is none, or when the kernel picks the port. */
size_t conf_find_listen(const struct conf *c, const struct conf_listen *l);

/*
 * Makes d->ascii of a name that is not ASCII.  Returns NULL, or words for
 * what was expected.  hooks may be NULL.
 */
const char *conf_domain_to_ascii(struct conf_domain *d, const struct hooks *hooks);
/* It is "*". */
void conf_domain_set_any(struct conf_domain *d);
/*
 * Gives tls and verify, unless written, the defaults that follow from all
 * targets; so it is called again when one has come.  Returns the first target
 * that d->tls contradicts, or NULL.
 */
const struct conf_target *conf_domain_settle(struct conf_domain *d, bool is_tls_written, bool is_verify_written);

/* What is wrong in the whole when each value is right: the words in the same form as all errors, or NULL; *key is whose. */
const char *conf_contradiction(const struct conf *c, const char **key);

#endif
