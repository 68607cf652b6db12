/*
 * conf_value.h: the meaning of one string of the configuration, wherever it
 * was written.  Inside conf/ only.
 *
 * Each conf_take_x() looks at s, which has no NUL in it, and puts its meaning
 * into the struct at base: a struct conf, conf_listen, conf_identity or conf_domain, as its
 * row in conf_table.c says.  Returns NULL, or (changing nothing) words for
 * what was expected: "expected ...".
 */
#ifndef CULVERT_CONF_CONF_VALUE_H
#define CULVERT_CONF_CONF_VALUE_H

#include "conf/conf.h"

typedef const char *conf_take(void *base, struct slice s);

/* What is expected where both were written. */
extern const char conf_dns_alone[];
/* What is expected of a host that is not ASCII; who knows how to write it as A-labels can say more. */
extern const char conf_ascii_host[];

/* base: struct conf */
conf_take conf_take_bosh_path;
conf_take conf_take_websocket_path;
conf_take conf_take_pages; /* the directory; also puts pages on */
conf_take conf_take_public_url;
conf_take conf_take_response_name;  /* adds a field, without a value */
conf_take conf_take_response_value; /* of the field added last */
conf_take conf_take_origin;
conf_take conf_take_trusted_proxy; /* adds one */
conf_take conf_take_deny;          /* adds one */
conf_take conf_take_allow_address; /* adds one */
conf_take conf_take_resolver;
conf_take conf_take_node;
conf_take conf_take_user;
/* base: struct conf_listen */
conf_take conf_take_listen_address;
conf_take conf_take_listen_unix;
conf_take conf_take_listen_mode;
conf_take conf_take_listen_owner;
conf_take conf_take_listen_group;
conf_take conf_take_listen; /* "ADDRESS:PORT", ":PORT", "[IPV6]:PORT" or "unix:/PATH": all of it */
conf_take conf_take_acme;
/* base: struct conf_identity */
conf_take conf_take_certificate;
conf_take conf_take_key;
/* base: struct conf_domain */
conf_take conf_take_connect; /* adds one target */
conf_take conf_take_ca_file;
conf_take conf_take_server_name;
conf_take conf_take_domain_name; /* name and, when all is ASCII, ascii */

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT, as a browser would write it into its Host field. */
bool conf_is_web_host(struct slice s);

/* Adds a copy of s. */
void conf_list_add(struct conf_list *list, struct slice s);
/* Lower-case copy of s (ASCII letters only).  The caller frees. */
char *conf_lower(struct slice s);

#endif
