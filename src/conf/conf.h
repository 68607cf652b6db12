/*
 * conf.h: what the administrator asked for, as one struct that never changes
 * once it is made (conf_read.h, conf_arguments.h).  Workers share it and
 * count references; a reload makes a new one.
 *
 * The rows of conf_table.c say which keys there are.  What a reader of this
 * struct may rely on: every value lies within its row's range, lists have no
 * NULL in them, strings are UTF-8 without NUL, times are in milliseconds,
 * sizes in bytes.
 */
#ifndef CULVERT_CONF_CONF_H
#define CULVERT_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/ms.h"
#include "base/network.h"
#include "base/peer.h"
#include "base/settings.h"
#include "base/slice.h"

#define CONF_PORT_WEB 5280   /* where culvert listens unless told otherwise */
#define CONF_PORT_XMPP 5222  /* where xmpp:// connects unless told otherwise */
#define CONF_PORT_XMPPS 5223 /* where xmpps:// connects unless told otherwise */

/* For a number that is null: the process finds out. */
#define CONF_AUTOMATIC SIZE_MAX
#define CONF_AUTOMATIC_NUMBER ((unsigned) -1)

/* Where in its file something was written, both counted from 1; a column is a character, a tab is one.  Line 0: in none. */
struct conf_place {
	unsigned line, column;
};

struct conf_list {
	char **v;
	size_t n;
};

struct conf_field {
	char *name, *value;
};

/* A certificate that a listener shows: two files, as written, but relative ones from where the configuration is. */
struct conf_identity {
	struct conf_place place;
	char *certificate, *key;
};

/* One listening socket: either an address and port, or a unix path and mode. */
struct conf_listen {
	char *address;   /* "*", a literal without brackets, or a host name; NULL for a unix socket */
	uint16_t port;   /* 0: the kernel picks */
	char *unix_path; /* NULL for TCP */
	unsigned mode;   /* permissions of the unix socket */
	char *owner;     /* name or number of the user it belongs to; NULL: see conf.user */
	char *group;     /* of the group; NULL: the same */
	struct conf_place owner_place, group_place;
	bool proxy_protocol; /* each connection begins with a PROXY header */

	struct conf_identity *tls; /* none: without TLS */
	size_t n_tls;
	unsigned hsts; /* of Strict-Transport-Security, in seconds; 0: not sent */

	bool redirect; /* to https, whatever is asked */
	char *acme;    /* directory of challenges; NULL: none */
};

/* One address of a server; those of a domain are tried in order. */
struct conf_target {
	char *host; /* literal without brackets, or a host name */
	uint16_t port;
	bool tls_direct; /* TLS from the first byte (xmpps://) */
	bool loopback;   /* written as a loopback literal or "localhost" */
};

struct conf_domain {
	struct conf_place place, ca_file_place;
	char *name;  /* as written, ASCII letters in lower case: for people */
	char *ascii; /* its A-label form in lower case: for comparing */
	bool by_dns; /* its servers are found by DNS */
	/*
	 * "*", or made of it by conf_any_domain(): whoever names it chooses its servers, too, so those are
	 * judged (proto/net/special.h).  Always by_dns, TLS_REQUIRED and verify, without server_name.
	 */
	bool is_any;
	const struct network *allowed; /* made of "*": allow_address of its configuration */
	size_t n_allowed;
	struct conf_target *connect;
	size_t n_connect;    /* at least 1, unless by_dns: then 0 */
	enum tls_policy tls; /* not TLS_OFF when a target is tls_direct */
	bool verify;         /* the server's certificate */
	enum acks_policy acks;
	char *ca_file;           /* of the issuers to trust, as written; NULL: the system's */
	unsigned proxy_protocol; /* the version in which its servers are told of the client; 0: they are not */
	char *server_name;       /* asked for by SNI and looked for in the certificate, ASCII; NULL: the domain */
	ms_t keepalive;          /* the longest silence towards the server that is not broken by a space; 0: any */
	ms_t tcp_keepalive;      /* of a silent server, until the kernel asks whether it is there; 0: it does not */
	ms_t tcp_user_timeout;   /* for a server to acknowledge what it was sent; 0: the kernel's own */
};

/*
 * What a living session keeps, and what a reload changes for it too, stands in
 * one place for all keys: conf_row_when() of conf_table.h.  A session holds a
 * reference to the configuration it began with and asks that one.
 */
struct conf_websocket {
	ms_t ping;         /* between pings on a quiet connection; 0: none */
	ms_t pong_timeout; /* from a ping to its answer */
	size_t max_message;
	bool require_subprotocol;
};

struct conf_limits {
	unsigned connections;       /* of clients; 0: no such limit; CONF_AUTOMATIC_NUMBER; changed at once */
	struct quota_rules quota;   /* changed at once */
	unsigned acks;              /* unconfirmed stanzas that are many; 0: never */
	size_t stanza;              /* the largest element passed on, either way */
	size_t buffer_total;        /* all that is kept for peers; 0: no such limit; CONF_AUTOMATIC; changed at once */
	size_t queue;               /* bytes kept per session and direction; never less than stanza */
	ms_t header_timeout;        /* from accept to the end of a request head; 0: none; changed at once */
	ms_t first_message_timeout; /* from a WebSocket upgrade to the client's first message; 0: none */
	ms_t auth_timeout;          /* from a session's creation to the end of its authentication; 0: none */
	size_t upload_rate;         /* bytes a second of what a client is sending, at least; 0: none */
	size_t download_rate;       /* of what it is sent; 0: none */
	ms_t upload_time;           /* for one message, or the body of one request; 0: any */
	ms_t auth_timeout_max;      /* the same, however much client and server say to each other; 0: any */
	unsigned connects_per_upstream; /* on their way to one server at a time; 0: any number */
	ms_t connect_timeout;           /* for resolving and connecting, all candidates together; 0: none */
};

struct conf {
	struct conf_listen *listen; /* in the order written */
	size_t n_listen;            /* at least 1 */

	/* Absolute, without trailing slash; a request may have one.  Empty: this transport is off. */
	struct conf_list bosh_paths;
	struct conf_list websocket_paths;

	/* Files for whatever is none of these paths. */
	struct {
		bool is_on;
		char *directory; /* NULL: the one that was installed */
		struct conf_place place;
	} pages;

	char *public_url;    /* "https://host[:port][/path]", host in lower case, no slash at its end; NULL: not said */
	char *public_origin; /* the same without its path */

	/*
	 * Header fields of every answer, the same as lines ("name: value\r\n"), and their names ("name, name");
	 * both "" when there are none.
	 */
	struct conf_field *response_header;
	size_t n_response_header;
	char *response_lines, *response_names;

	struct conf_domain *domain;    /* sorted by ascii; so "*" is the first */
	size_t n_domain;               /* at least 1 */
	struct network *allow_address; /* special-purpose ranges that domains of "*" may reach all the same */
	size_t n_allow_address;

	struct bosh_settings bosh;
	struct conf_websocket websocket;

	/*
	 * "*", or scheme://host[:port] as browsers send it: lower case, no default port, no slash.  The host may be
	 * "*.example.com": the names right below.
	 */
	struct conf_list origins;
	bool cors_credentials;         /* then every origin is one name */
	struct network *trusted_proxy; /* whose word on their clients is believed */
	size_t n_trusted_proxy;
	struct network *deny; /* whose clients are refused */
	size_t n_deny;
	enum forwarded_kind client_address_header; /* where they say whom they speak for */
	/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53"; empty: the system's. */
	struct conf_list resolver_servers;

	struct conf_limits limits;
	ms_t drain;       /* that sessions take to end when the process does; 0: none; changed at once */
	unsigned workers; /* 0: one per core */
	char *node;       /* 1 to 16 ASCII letters and digits */
	char *user;       /* name or number of who serves; NULL: who starts culvert */
	struct conf_place user_place;
	struct {
		enum log_level level;
		bool names; /* the log may say who logs in */
		enum log_addresses addresses;
	} log;

	_Atomic int refs; /* only conf_ref and conf_unref touch it */
};

/* One more reference; returns c. */
const struct conf *conf_ref(const struct conf *c);
/* One reference less; the last one frees.  c may be NULL. */
void conf_unref(const struct conf *c);

/* Each frees what the struct holds, and leaves it empty. */
void conf_identity_fini(struct conf_identity *i);
void conf_listen_fini(struct conf_listen *l);
void conf_domain_fini(struct conf_domain *d);

/* The domain whose A-label form this is (ASCII letters compare without case), or NULL: it is not written.  Never "*". */
const struct conf_domain *conf_find_domain(const struct conf *c, struct slice ascii);

/*
 * For a domain that is not written, where "*" is: one with the settings of "*"
 * and this name, for conf_any_domain_free(); it must not outlive c.  Otherwise
 * NULL; *why says then what is wrong with the name, or is NULL: no "*".
 */
struct conf_domain *conf_any_domain(const struct conf *c, struct slice ascii, const char **why);
/* NULL is fine. */
void conf_any_domain_free(struct conf_domain *d);

/* Is this host name, in ASCII, one of the domains, or below one? */
bool conf_has_name(const struct conf *c, struct slice name);

/* The same strings in the same order? */
bool conf_list_eq(const struct conf_list *a, const struct conf_list *b);

/* Where the listener running->listen[i] stands in c, which may be later: an index, or c->n_listen when it is not there. */
size_t conf_same_listen(const struct conf *c, const struct conf *running, size_t i);

/* Calls tell for each key that differs and that a running process cannot change (conf_row_when() of conf_table.h). */
void conf_each_restart(
	const struct conf *running, const struct conf *next, void (*tell)(void *arg, const char *key), void *arg);

/* Is this client, as far as it is known, refused?  A trusted proxy is no client. */
bool conf_is_denied(const struct conf *c, const struct peer *client);

/* Is what this peer says of its own client believed?  Who reached a unix socket of ours was let in by its mode. */
bool conf_is_trusted(const struct conf *c, const struct peer *peer);

#endif
