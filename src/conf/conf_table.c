#include "conf/conf_table.h"

#include <stdlib.h>

#include "base/fatal.h"
#include "base/nearest.h"

#define MIB (INT64_C(1) << 20)
#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define STANZA_MIN 10000 /* a server must take this much (RFC 6120, 13.12) */

#define CONTAINER(k, t, text) \
	{ \
		.key = (k), .type = (t), .is_built = true, .help = (text) \
	}
#define LATER(k) \
	{ \
		.key = (k) \
	}
#define VALUE(k, t, where, least, most, otherwise, text) \
	{ \
		.key = (k), .type = (t), .is_built = true, where, .min = (least), .max = (most), \
		.fallback = (otherwise), .help = (text) \
	}
#define TEXT(k, t, in, function, otherwise, example, text) \
	{ \
		.key = (k), .type = (t), .is_built = true, .base = (in), .take = (function), .fallback = (otherwise), \
		.sample = (example), .help = (text) \
	}

#define WORD(k, list, where, otherwise, example, text) \
	{ \
		.key = (k), .type = CONF_WORD, .is_built = true, .words = (list), where, .fallback = (otherwise), \
		.sample = (example), .help = (text) \
	}

#define TOP(member) .base = CONF_BASE_TOP, .offset = offsetof(struct conf, member)
#define LISTEN(member) .base = CONF_BASE_LISTEN, .offset = offsetof(struct conf_listen, member)
#define DOMAIN(member) .base = CONF_BASE_DOMAIN, .offset = offsetof(struct conf_domain, member)

/* A word's value is written as an unsigned. */
_Static_assert(sizeof(enum tls_policy) == sizeof(unsigned) && sizeof(enum log_level) == sizeof(unsigned) &&
		sizeof(enum acks_policy) == sizeof(unsigned) && sizeof(enum forwarded_kind) == sizeof(unsigned) &&
		sizeof(enum log_addresses) == sizeof(unsigned),
	"sizes of enums");

static const struct conf_word tls_words[] = {
	{"required", TLS_REQUIRED, NULL},
	{"optional", TLS_OPTIONAL, "when the server offers it"},
	{"if-required", TLS_IF_REQUIRED, "when the server demands it, or offers no login without"},
	{"off", TLS_OFF, NULL},
	{NULL, 0, NULL},
};

static const struct conf_word header_words[] = {
	{"x-forwarded-for", FORWARDED_FOR, NULL},
	{"forwarded", FORWARDED_RFC, "RFC 7239"},
	{"none", FORWARDED_NONE, "the address that connects counts"},
	{NULL, 0, NULL},
};

static const struct conf_word address_words[] = {
	{"full", LOG_ADDRESSES_FULL, NULL},
	{"network", LOG_ADDRESSES_NETWORK, "of IPv4 the first 24 bits, of IPv6 the first 48"},
	{"none", LOG_ADDRESSES_NONE, "\"-\" in their place"},
	{NULL, 0, NULL},
};

static const struct conf_word acks_words[] = {
	{"auto", ACKS_AUTO, "they go back to the server, if it offers stream management"},
	{"off", ACKS_OFF, NULL},
	{NULL, 0, NULL},
};

static const struct conf_word level_words[] = {
#define X(name, word) {word, LOG_##name, NULL},
	LOG_LEVEL_ROWS(X)
#undef X
		{NULL, 0, NULL},
};

static const struct conf_row table[] = {
	CONTAINER("", CONF_OBJECT, "The whole file."),

	CONTAINER("listen", CONF_LIST_OF_OBJECTS,
		"Where browsers connect. A listener has either an address and a port, or a unix socket. "
		"Default: one listener, with the defaults below."),
	CONTAINER("listen[]", CONF_OBJECT, "One listener."),
	TEXT("listen[].address", CONF_STRING, CONF_BASE_LISTEN, conf_take_listen_address, "\"*\"", NULL,
		"An IPv4 or IPv6 address, a host name, or \"*\" for all addresses of this machine."),
	VALUE("listen[].port", CONF_PORT, LISTEN(port), 0, UINT16_MAX, "5280",
		"0 lets the system choose a free port; the log says which."),
	{.key = "listen[].tls",
		.type = CONF_LIST_OF_OBJECTS,
		.is_built = true,
		.base = CONF_BASE_LISTEN,
		.help = "Certificates, each like {\"certificate\":\"fullchain.pem\",\"key\":\"privkey.pem\"}: with them the listener "
			"speaks TLS (https, wss). A client is shown the one for the name that it asks for (SNI), else the first. "
			"For one name there may be two, with an RSA and an ECDSA key. A reload reads the files again.",
		.sample = "[]"},
	CONTAINER("listen[].tls[]", CONF_OBJECT, "One certificate."),
	TEXT("listen[].tls[].certificate", CONF_STRING, CONF_BASE_IDENTITY, conf_take_certificate, NULL,
		"\"fullchain.pem\"",
		"File with the certificate and behind it those of its issuers (PEM), like certbot's fullchain.pem. A relative path "
		"starts at the directory of this file. Needed."),
	TEXT("listen[].tls[].key", CONF_STRING, CONF_BASE_IDENTITY, conf_take_key, NULL, "\"privkey.pem\"",
		"File with its private key (PEM, without a passphrase), like certbot's privkey.pem. A relative path "
		"starts at the directory of this file. Needed."),
	VALUE("listen[].hsts", CONF_NUMBER, LISTEN(hsts), 0, INT32_MAX, "0",
		"Of a listener with tls: seconds for which browsers shall come to this host by https only "
		"(Strict-Transport-Security, RFC 6797), like 31536000. 0: not said."),
	VALUE("listen[].redirect", CONF_BOOL, LISTEN(redirect), 0, 0, "false",
		"Send everybody to the same address by https, instead of serving sessions: for port 80. The port there is that of the "
		"first listener with tls. With public_url a Host that is not known leads to public_url's."),
	TEXT("listen[].acme", CONF_STRING, CONF_BASE_LISTEN, conf_take_acme, "null", NULL,
		"Directory with the answers to challenges of ACME, for /.well-known/acme-challenge/ on this listener, also beside "
		"redirect: what certbot is given as --webroot-path, or the directory of the files themselves. A relative path "
		"starts at the directory of this file."),
	{.key = "listen[].unix",
		.type = CONF_STRING,
		.is_built = true,
		.base = CONF_BASE_LISTEN,
		.take = conf_take_listen_unix,
		.help = "Path of a unix socket, instead of address and port.",
		.sample = "\"/run/culvert/web.sock\"",
		.is_alternative = true},
	TEXT("listen[].mode", CONF_STRING, CONF_BASE_LISTEN, conf_take_listen_mode, "\"0660\"", NULL,
		"Permissions of the unix socket, in octal."),
	TEXT("listen[].owner", CONF_STRING, CONF_BASE_LISTEN, conf_take_listen_owner, "null", NULL,
		"User that the unix socket belongs to, by name or number. null: the one of user. Only root can give files away."),
	TEXT("listen[].group", CONF_STRING, CONF_BASE_LISTEN, conf_take_listen_group, "null", NULL,
		"Group that the unix socket belongs to, by name or number: with mode 0660, who may connect. null: that of the "
		"owner."),
	VALUE("listen[].proxy_protocol", CONF_BOOL, LISTEN(proxy_protocol), 0, 0, "false",
		"Each connection begins with the header of the PROXY protocol, version 1 or 2 (HAProxy: send-proxy), which names "
		"the client. Only trusted_proxies, or who comes by the unix socket, may connect then. What client_address_header "
		"says counts only if that client is a trusted proxy, too."),

	CONTAINER("paths", CONF_OBJECT,
		"The paths of the two transports: each a path or a list of paths. A slash at the end of a request's path "
		"makes no difference. An empty list turns a transport off."),
	TEXT("paths.bosh", CONF_STRINGS, CONF_BASE_TOP, conf_take_bosh_path, "\"/http-bind\"", NULL,
		"Paths for BOSH. host-meta shows the first."),
	TEXT("paths.websocket", CONF_STRINGS, CONF_BASE_TOP, conf_take_websocket_path, "\"/xmpp-websocket\"", NULL,
		"Paths for WebSocket. host-meta shows the first."),
	{.key = "pages",
		.type = CONF_SWITCH,
		.is_built = true,
		TOP(pages.is_on),
		.take = conf_take_pages,
		.fallback = "true",
		.help = "Directory with the files for all other paths. A relative path starts at the directory of this file. true: the "
			"pages that were installed with culvert. false: none. Names that begin with a dot are not served, "
			"and links that lead out of the directory are not followed."},
	TEXT("public_url", CONF_STRING, CONF_BASE_TOP, conf_take_public_url, "null", NULL,
		"The address of culvert as browsers see it: \"https://HOST[:PORT]\", with a path when a proxy shows culvert "
		"below one. Clients find it at /.well-known/host-meta (XEP-0156). When it is not set, culvert takes the host "
		"of a request that came by https. Its own pages may always connect (see origins)."),
	{.key = "response_headers",
		.type = CONF_FIELDS,
		.is_built = true,
		.take = conf_take_response_value,
		.fallback = "{}",
		.help = "Header fields to add to every HTTP answer, like {\"x-shard\": \"s1\"}. Pages of origins may read "
			"them."},

	CONTAINER("domains", CONF_MAP_OF_OBJECTS,
		"The XMPP domains that clients may log in to, by name. For any other they get the error host-unknown. At least one "
		"is needed. \"*\" stands for any public domain that is not written: see ANY PUBLIC DOMAIN in culvert.json(5) before you use it."),
	CONTAINER("domains.*", CONF_OBJECT, "One domain."),
	TEXT("domains.*.connect", CONF_STRINGS, CONF_BASE_DOMAIN, conf_take_connect, "\"dns\"",
		"[\"xmpp://127.0.0.1:5222\"]",
		"The domain's servers. \"dns\": as the SRV records _xmpps-client._tcp and _xmpp-client._tcp of the domain "
		"have them, or when there are none, the domain itself as a host, port 5222. Or one address, or a list, tried "
		"in this order: \"xmpp://HOST:PORT\" (without a port: 5222), or, for TLS from the first byte, "
		"\"xmpps://HOST:PORT\" (without a port: 5223). IPv6 addresses stand in brackets, a link's with its "
		"interface: \"[fe80::1%eth0]\". A server that has failed is tried last for a minute."),
	WORD("domains.*.tls", tls_words, DOMAIN(tls), NULL, "\"if-required\"",
		"TLS to an xmpp:// server (STARTTLS): {}. Default: "
		"\"if-required\" when every server is written as a loopback address or \"localhost\", otherwise "
		"\"required\". Without TLS everybody on the network between can read everything, passwords too."),
	{.key = "domains.*.verify",
		.type = CONF_BOOL,
		.is_built = true,
		DOMAIN(verify),
		.help = "Use TLS only with a server whose certificate is valid for the domain, by a DNS name (\"*.\" stands for "
			"one label), an SRVName of _xmpp-client or an XmppAddr; the name of the host it runs on does not count. "
			"Default: false when every server is written as a loopback address or \"localhost\", otherwise true.",
		.sample = "false"},
	TEXT("domains.*.ca_file", CONF_STRING, CONF_BASE_DOMAIN, conf_take_ca_file, "null", NULL,
		"File with the certificates (PEM) of the issuers to trust, instead of the system's. A relative path "
		"starts at the directory where culvert was started. It has no effect when verify is false."),
	TEXT("domains.*.server_name", CONF_STRING, CONF_BASE_DOMAIN, conf_take_server_name, "null", NULL,
		"Host name to tell the server (SNI) and to look for in its certificate, instead of the domain."),
	VALUE("domains.*.proxy_protocol", CONF_NUMBER, DOMAIN(proxy_protocol), 0, 2, "0",
		"Tell the server the client's address by the PROXY protocol of this version, so that its log, bans and limits are "
		"about clients and not about culvert. The server must expect it on this port: ejabberd with use_proxy_protocol; "
		"Prosody behind an HAProxy. 0: no."),
	VALUE("domains.*.keepalive", CONF_SECONDS, DOMAIN(keepalive), 0, HOUR, "0",
		"When a client that is logged in says nothing for this long, culvert sends its server a space (RFC 6120, 4.6.1): for "
		"servers that end silent sessions. 0: never."),
	VALUE("domains.*.tcp_keepalive", CONF_SECONDS, DOMAIN(tcp_keepalive), 0, HOUR, "60",
		"When a server has sent nothing for this long, the kernel asks whether it is there (TCP keep-alive), then three times "
		"more, a quarter of this time apart. 0: it does not ask."),
	VALUE("domains.*.tcp_user_timeout", CONF_SECONDS, DOMAIN(tcp_user_timeout), 0, HOUR, "60",
		"A server that has not acknowledged for this long what it was sent is taken for gone (TCP_USER_TIMEOUT, RFC 5482). "
		"0: the kernel's own limit, some 15 minutes."),
	WORD("domains.*.acks", acks_words, DOMAIN(acks), "\"auto\"", NULL,
		"What becomes of messages that a BOSH client did not receive before its session ended: {}. Such a server keeps "
		"them, or returns them to who sent them (XEP-0198); otherwise culvert can only answer those with an error that "
		"it still has."),

	CONTAINER("bosh", CONF_OBJECT, "BOSH (XEP-0124, XEP-0206). Clients may ask for less, not for more."),
	VALUE("bosh.wait", CONF_SECONDS, TOP(bosh.wait), 100, HOUR, "50",
		"How long a request is held open, at most. Many proxies cut a connection after 60 silent seconds."),
	VALUE("bosh.hold", CONF_NUMBER, TOP(bosh.hold), 1, 16, "2",
		"How many requests of one session are held open, at most."),
	VALUE("bosh.inactivity", CONF_SECONDS, TOP(bosh.inactivity), 100, DAY, "150",
		"A session without an open request ends after this time."),
	VALUE("bosh.polling", CONF_SECONDS, TOP(bosh.polling), 0, HOUR, "2",
		"The shortest time between two empty requests of a client that polls; one that comes sooner waits for its answer. "
		"0: no such limit."),
	VALUE("bosh.maxpause", CONF_SECONDS, TOP(bosh.maxpause), 0, DAY, "300",
		"The longest pause a client may announce. 0: clients cannot pause."),
	VALUE("bosh.max_body", CONF_BYTES, TOP(bosh.max_body), STANZA_MIN, 256 * MIB, "1048576",
		"The largest body of one request."),

	CONTAINER("websocket", CONF_OBJECT, "WebSocket (RFC 7395)."),
	VALUE("websocket.ping", CONF_SECONDS, TOP(websocket.ping), 0, HOUR, "25",
		"When the client has sent nothing for this long, culvert sends it a ping. 0: never."),
	VALUE("websocket.pong_timeout", CONF_SECONDS, TOP(websocket.pong_timeout), 100, HOUR, "20",
		"A client that has not answered a ping after this time is taken for gone, and its session ends."),
	VALUE("websocket.max_message", CONF_BYTES, TOP(websocket.max_message), STANZA_MIN, 256 * MIB, "1048576",
		"The largest message, all its fragments together."),
	VALUE("websocket.require_subprotocol", CONF_BOOL, TOP(websocket.require_subprotocol), 0, 0, "true",
		"Refuse clients that do not offer the subprotocol \"xmpp\", as the RFC demands."),

	TEXT("origins", CONF_STRINGS, CONF_BASE_TOP, conf_take_origin, "[\"*\"]", NULL,
		"Web sites whose pages may connect, by BOSH or WebSocket: \"https://chat.example.com\", "
		"\"https://*.example.com\" for the names right below one, \"capacitor://localhost\" and the like for "
		"applications, \"file://\", or \"*\" for all, the origin \"null\" too. "
		"A client without an Origin header may, too, and so may pages of the same host that they connect to (Host, "
		"or X-Forwarded-Host of a trusted proxy) if its name is known: an address, localhost, the host of public_url "
		"or of an origin in this list, one of domains or a name below it. "
		"With an empty list only these may, and no CORS headers are sent; the log says for each page that is "
		"refused which Origin and Host were seen, and what to do."),
	VALUE("cors_credentials", CONF_BOOL, TOP(cors_credentials), 0, 0, "false",
		"Pages of these origins may send cookies along: for a balancer in front that needs one. Each origin must be "
		"listed by its name."),
	TEXT("deny", CONF_STRINGS, CONF_BASE_TOP, conf_take_deny, "[]", NULL,
		"Addresses and networks of clients that are refused: the connection is closed, or, behind a trusted proxy, the "
		"request answered with 403. trusted_proxies themselves are never refused."),
	TEXT("trusted_proxies", CONF_STRINGS, CONF_BASE_TOP, conf_take_trusted_proxy, "[\"127.0.0.0/8\", \"::1\"]",
		NULL,
		"Addresses and networks of proxies whose X-Forwarded-Proto, X-Forwarded-Host and client_address_header are believed. Requests "
		"that come by a unix socket are always believed."),
	WORD("client_address_header", header_words, TOP(client_address_header), "\"x-forwarded-for\"", NULL,
		"Where trusted proxies say whom they speak for: {}. The client is the right-most address there that is no "
		"trusted proxy's; the log shows it. Of other peers the field is not read."),

	CONTAINER("limits", CONF_OBJECT, "What one client may cost."),
	VALUE("limits.sessions", CONF_NUMBER, TOP(limits.quota.sessions), 0, 100000000, "0",
		"How many sessions there may be, of all clients. 0: as many as culvert has descriptors for; the log says at start "
		"how many."),
	VALUE("limits.sessions_per_address", CONF_NUMBER, TOP(limits.quota.sessions_per_address), 0, 100000000, "0",
		"How many sessions one client address may have. The first 64 bits of an IPv6 address count as one. This and "
		"the next three do not count for trusted_proxies, unix sockets, and when a proxy does not tell the address. "
		"0: no limit."),
	VALUE("limits.new_sessions_per_second", CONF_NUMBER, TOP(limits.quota.new_per_second), 0, 1000000, "0",
		"How many sessions one client address may begin in a second. 0: no limit."),
	VALUE("limits.new_sessions_burst", CONF_NUMBER, TOP(limits.quota.burst), 0, 1000000, "0",
		"How many of them may begin at once, after a quiet time. 0: as many as in a second."),
	VALUE("limits.connections", CONF_NUMBER, TOP(limits.connections), 0, 1048576, "null",
		"Connections of clients at the same time. The next client is answered with 503, or its connection is closed. "
		"null: two thirds of the files that culvert may open (LimitNOFILE= of systemd, ulimit -n), and fewer while "
		"connections to servers take more than the rest; the log says at start how many. 0: no such limit."),
	VALUE("limits.connects_per_upstream", CONF_NUMBER, TOP(limits.connects_per_upstream), 0, 100000, "50",
		"How many connections to one server may be on their way at a time, from the first packet until the server has opened "
		"the client's stream. The others wait, for limits.connect_timeout at most; addresses of clients take turns. The "
		"workers share the number, and each has at least one. 0: no limit."),
	VALUE("limits.stanza", CONF_BYTES, TOP(limits.stanza), STANZA_MIN, 256 * MIB, "1048576",
		"The largest stanza, in either direction."),
	VALUE("limits.queue", CONF_BYTES, TOP(limits.queue), STANZA_MIN, 1024 * MIB, "2097152",
		"Bytes kept for one session and direction while the other side is slow. Not less than limits.stanza."),
	VALUE("limits.buffer_total", CONF_BYTES, TOP(limits.buffer_total), 0, 1024 * 1024 * MIB, "null",
		"Bytes kept for all clients and servers together. Each may have as much as is left of three quarters of them; who "
		"asks for more is refused, or its session ends. The last quarter is for those who want little. It should be three "
		"times limits.stanza or more. null: half of the memory limit of culvert's control group or process, or a quarter of "
		"the machine's memory if that is less; the log says at start how much. 0: no such limit."),
	VALUE("limits.acks", CONF_NUMBER, TOP(limits.acks), 0, 1000000, "80",
		"When so many stanzas of one server are unconfirmed by a BOSH client, the client is made to confirm them sooner, and "
		"the log says so: servers keep a few hundred. The session goes on. 0: never."),
	VALUE("limits.auth_failures_per_minute", CONF_NUMBER, TOP(limits.quota.failures_per_minute), 0, 1000000, "10",
		"How many logins from one client address may fail in a minute because of wrong, expired or disabled "
		"credentials (SASL and SASL2). When there are that many, the session ends, and this address can begin no other for "
		"some seconds (6 by default). 0: no limit."),
	VALUE("limits.header_timeout", CONF_SECONDS, TOP(limits.header_timeout), 0, HOUR, "10",
		"A connection whose request head is not complete after this time is closed. 0: never."),
	VALUE("limits.upload_rate", CONF_BYTES, TOP(limits.upload_rate), 0, 256 * MIB, "2048",
		"Bytes a second that a client has to send at least, while a WebSocket message or the body of a request is under "
		"way; measured over some 10 seconds. Who sends nothing at all for 60 seconds is too slow, too. The session ends "
		"with policy-violation, other requests are answered with 408. 0: any rate."),
	VALUE("limits.download_rate", CONF_BYTES, TOP(limits.download_rate), 0, 256 * MIB, "512",
		"Bytes a second that a client has to take at least, while there is more for it than its connection takes; "
		"measured in the same way. A WebSocket session ends with policy-violation; of BOSH only the connection is closed, "
		"and the client may ask for the answer again. 0: any rate."),
	VALUE("limits.upload_time", CONF_SECONDS, TOP(limits.upload_time), 0, HOUR, "600",
		"One message, or the body of one request, must be whole after this time, however fast it comes. 0: never."),
	VALUE("limits.first_message_timeout", CONF_SECONDS, TOP(limits.first_message_timeout), 0, HOUR, "10",
		"A WebSocket client that has not sent its first message after this time is disconnected. 0: never."),
	VALUE("limits.auth_timeout", CONF_SECONDS, TOP(limits.auth_timeout), 0, HOUR, "120",
		"A session that has not logged in after this time ends. Each exchange of stanzas with the server begins it anew: "
		"a registration with a form takes minutes. 0: never."),
	VALUE("limits.auth_timeout_max", CONF_SECONDS, TOP(limits.auth_timeout_max), 0, HOUR, "600",
		"A session that has not logged in after this time ends, however much it exchanges. 0: never."),
	VALUE("limits.connect_timeout", CONF_SECONDS, TOP(limits.connect_timeout), 0, HOUR, "20",
		"Time to find and reach one of the domain's servers: DNS, connections, TLS, and the server's first answer, all "
		"attempts together. Who has the time of others behind it gets a share. 0: no limit."),

	LATER("admin"),
	CONTAINER("resolver", CONF_OBJECT, "How host names are resolved."),
	TEXT("resolver.servers", CONF_STRINGS, CONF_BASE_TOP, conf_take_resolver, "[]", NULL,
		"Addresses of DNS servers, like \"192.0.2.1\" or \"[2001:db8::1]:53\". Empty: those of the system, as "
		"/etc/resolv.conf has them; a change of that file counts within a second or so."),
	TEXT("allow_addresses", CONF_STRINGS, CONF_BASE_TOP, conf_take_allow_address, "[]", NULL,
		"Addresses and networks that are not public (private, loopback and the like) and that the servers of "
		"\"*\" among domains may have all the same."),
	VALUE("drain", CONF_SECONDS, TOP(drain), 0, HOUR, "10",
		"How long culvert takes to end its sessions when it is told to stop (SIGTERM), one after the other: so their clients "
		"do not all come back to another one in the same moment. New sessions are refused meanwhile. A second SIGTERM, or "
		"SIGINT, ends all at once; so does 0."),
	VALUE("workers", CONF_NUMBER, TOP(workers), 0, 256, "0",
		"Threads that serve clients. 0: one per processor core."),
	TEXT("node", CONF_STRING, CONF_BASE_TOP, conf_take_node, "\"n\"", NULL,
		"Name of this culvert, 1 to 16 letters and digits. Every session id begins with it."),
	TEXT("user", CONF_STRING, CONF_BASE_TOP, conf_take_user, "null", NULL,
		"Who serves clients, when root starts culvert: a user, by name or number, with the groups he is in. Root's rights "
		"stay with a small process that opens the listeners and reads this file and those named in it; who serves needs "
		"to read the pages only. null: who starts culvert."),
	CONTAINER("log", CONF_OBJECT, "The log goes to standard error, one line per event."),
	WORD("log.level", level_words, TOP(log.level), "\"info\"", NULL,
		"Lines of this level and of more important ones are written: {}."),
	VALUE("log.names", CONF_BOOL, TOP(log.names), 0, 0, "false",
		"Say in the log who logs in, or tried to: the user names of logins by PLAIN and SCRAM. Otherwise the log "
		"has addresses, but no names."),
	WORD("log.addresses", address_words, TOP(log.addresses), "\"full\"", NULL,
		"How much of clients' addresses the log shows: {}. Servers' addresses are always shown."),
	LATER("log.format"),
	LATER("log.to"),
};

#define N_ROWS (sizeof table / sizeof table[0])
_Static_assert(N_ROWS <= CONF_ROWS_MAX, "seen[] of the reader must hold every row");

const struct conf_row *
conf_rows(size_t *n)
{
	*n = N_ROWS;
	return table;
}

/* Where the leaf begins: "listen" | "[]" | ".port". */
static size_t
container_length(const char *key)
{
	size_t n = strlen(key);

	if (n >= 2 && strcmp(key + n - 2, "[]") == 0)
		return n - 2;
	while (n > 0 && key[n] != '.')
		n--;
	return n;
}

const char *
conf_row_leaf(const struct conf_row *row)
{
	const char *leaf = row->key + container_length(row->key);

	return *leaf == '.' ? leaf + 1 : leaf;
}

bool
conf_row_is_in(const struct conf_row *row, const struct conf_row *container)
{
	if (row->key[0] == '\0')
		return false;
	return slice_eq(slice_of(row->key, container_length(row->key)), slice_str(container->key));
}

bool
conf_row_is_key(const struct conf_row *row)
{
	return row->key[0] != '\0' && strchr("[*", conf_row_leaf(row)[0]) == NULL;
}

const struct conf_row *
conf_row_find(const struct conf_row *container, struct slice leaf)
{
	for (const struct conf_row *row = table; row < table + N_ROWS; row++)
		if (slice_eq(slice_str(conf_row_leaf(row)), leaf) && conf_row_is_in(row, container))
			return row;
	return NULL;
}

/* A slip of the pen among the container's own keys first; then the right key in the wrong place. */
const struct conf_row *
conf_row_guess(const struct conf_row *container, struct slice leaf)
{
	const struct conf_row *best = NULL;
	struct nearest nearest;

	nearest_init(&nearest, leaf);
	for (const struct conf_row *row = table; row < table + N_ROWS; row++)
		if (row->is_built && conf_row_is_key(row) && conf_row_is_in(row, container) &&
			nearest_try(&nearest, slice_str(conf_row_leaf(row))))
			best = row;
	for (const struct conf_row *row = table; best == NULL && row < table + N_ROWS; row++)
		if (row->is_built && conf_row_is_key(row) && slice_eq_nocase(leaf, slice_str(conf_row_leaf(row))))
			best = row;
	return best;
}

bool
conf_row_may_be_null(const struct conf_row *row)
{
	return row->fallback != NULL && strcmp(row->fallback, "null") == 0;
}

void
conf_row_null(const struct conf_row *row, void *base)
{
	void *place = (char *) base + row->offset;

	if (row->type == CONF_NUMBER)
		*(unsigned *) place = CONF_AUTOMATIC_NUMBER;
	else if (row->type == CONF_BYTES)
		*(size_t *) place = CONF_AUTOMATIC;
}

bool
conf_row_number(const struct conf_row *row, void *base, struct slice json)
{
	void *place = (char *) base + row->offset;
	char *text = xstrndup(json.p, json.n);
	double x = strtod(text, NULL);
	int64_t value;

	free(text);
	if (row->type == CONF_SECONDS)
		x *= 1000;
	/* Compared as doubles: what does not fit an integer must not become one. */
	if (!(x >= (double) row->min && x <= (double) row->max))
		return false;
	value = row->type == CONF_SECONDS ? (int64_t) (x + 0.5) : (int64_t) x;
	if (row->type == CONF_SECONDS ? (value == 0 && x > 0) : ((double) value != x))
		return false;
	switch (row->type) {
	case CONF_NUMBER:
		*(unsigned *) place = (unsigned) value;
		return true;
	case CONF_PORT:
		*(uint16_t *) place = (uint16_t) value;
		return true;
	case CONF_BYTES:
		*(size_t *) place = (size_t) value;
		return true;
	case CONF_SECONDS:
		*(ms_t *) place = value;
		return true;
	default:
		must(!"a number's row");
		return false;
	}
}

bool
conf_row_word(const struct conf_row *row, void *base, struct slice word)
{
	for (const struct conf_word *w = row->words; w->word != NULL; w++) {
		if (slice_eq(slice_str(w->word), word)) {
			*(unsigned *) (void *) ((char *) base + row->offset) = w->value;
			return true;
		}
	}
	return false;
}

/* What stands between the quotes of a list of strings, or of one; none of them has an escape in it. */
static void
take_strings(const struct conf_row *row, void *base)
{
	const char *begin = row->fallback, *end;

	while ((begin = strchr(begin, '"')) != NULL && (end = strchr(begin + 1, '"')) != NULL) {
		struct slice s = slice_of(begin + 1, (size_t) (end - begin - 1));
		must(row->type == CONF_WORD ? conf_row_word(row, base, s) : row->take(base, s) == NULL);
		begin = end + 1;
	}
}

/* A default is one word of JSON, or a list of strings; {} is what a new struct has. */
static void
set_default(const struct conf_row *row, void *base)
{
	if (conf_row_may_be_null(row)) {
		conf_row_null(row, base);
		return;
	}
	switch (row->type) {
	case CONF_BOOL:
	case CONF_SWITCH:
		*(bool *) ((char *) base + row->offset) = strcmp(row->fallback, "true") == 0;
		return;
	case CONF_WORD:
	case CONF_STRING:
	case CONF_STRINGS:
		take_strings(row, base);
		return;
	case CONF_FIELDS:
		return;
	default:
		must(conf_row_number(row, base, slice_str(row->fallback)));
	}
}

void
conf_rows_default(enum conf_base which, void *base, const bool *seen)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (table[i].base == which && table[i].is_built && table[i].fallback != NULL && !seen[i])
			set_default(&table[i], base);
}

/* "a", "b" (when ...) or "c" */
static void
append_words(const struct conf_word *words, bool with_when, struct buf *out)
{
	for (const struct conf_word *w = words; w->word != NULL; w++) {
		if (w > words)
			buf_append_str(out, w[1].word != NULL ? ", " : " or ");
		buf_printf(out, "\"%s\"", w->word);
		if (with_when && w->when != NULL)
			buf_printf(out, " (%s)", w->when);
	}
}

/* These keys, and all below them. */
static const struct {
	const char *key;
	enum conf_when when;
} whens[] = {
	{"listen", CONF_RESTART},
	{"paths", CONF_AT_ONCE},
	{"pages", CONF_AT_ONCE},
	{"public_url", CONF_AT_ONCE},
	{"response_headers", CONF_AT_ONCE},
	{"bosh.max_body", CONF_AT_ONCE},
	{"origins", CONF_AT_ONCE},
	{"cors_credentials", CONF_AT_ONCE},
	{"deny", CONF_AT_ONCE},
	{"trusted_proxies", CONF_AT_ONCE},
	{"limits.connections", CONF_AT_ONCE},
	{"client_address_header", CONF_AT_ONCE},
	{"limits.sessions", CONF_AT_ONCE},
	{"limits.sessions_per_address", CONF_AT_ONCE},
	{"limits.new_sessions_per_second", CONF_AT_ONCE},
	{"limits.new_sessions_burst", CONF_AT_ONCE},
	{"limits.auth_failures_per_minute", CONF_AT_ONCE},
	{"limits.buffer_total", CONF_AT_ONCE},
	{"limits.header_timeout", CONF_AT_ONCE},
	{"resolver", CONF_AT_ONCE},
	{"drain", CONF_AT_ONCE},
	{"workers", CONF_RESTART},
	{"node", CONF_RESTART},
	{"user", CONF_RESTART},
	{"log.level", CONF_AT_ONCE},
	{"log.addresses", CONF_AT_ONCE},
};

enum conf_when
conf_row_when(const struct conf_row *row)
{
	for (size_t i = 0; i < sizeof whens / sizeof *whens; i++) {
		size_t n = strlen(whens[i].key);
		if (strncmp(row->key, whens[i].key, n) == 0 && strchr(".[", row->key[n]) != NULL)
			return whens[i].when;
	}
	return CONF_NEXT;
}

void
conf_row_help(const struct conf_row *row, struct buf *out)
{
	const char *gap = row->words != NULL ? strstr(row->help, "{}") : NULL;

	if (gap == NULL) {
		buf_append_str(out, row->help);
	} else {
		buf_append(out, slice_of(row->help, (size_t) (gap - row->help)));
		append_words(row->words, true, out);
		buf_append_str(out, gap + 2);
	}
	/* Of a list's members the list has said it. */
	if (!conf_row_is_key(row) || row->type == CONF_OBJECT || strstr(row->key, "[]") != NULL)
		return;
	if (conf_row_when(row) == CONF_AT_ONCE)
		buf_append_str(out, " A reload changes it at once.");
	else if (conf_row_when(row) == CONF_RESTART)
		buf_append_str(out, " A change takes a restart.");
}

void
conf_row_expected(const struct conf_row *row, struct buf *out)
{
	long long min = row->min, max = row->max;
	const char *or_null = conf_row_may_be_null(row) ? ", or null" : "";

	switch (row->type) {
	case CONF_OBJECT:
	case CONF_MAP_OF_OBJECTS:
		buf_append_str(out, "an object: {...}");
		return;
	case CONF_LIST_OF_OBJECTS:
		buf_append_str(out, "a list of objects: [{...}]");
		return;
	case CONF_BOOL:
		buf_append_str(out, "true or false");
		return;
	case CONF_NUMBER:
	case CONF_PORT:
		buf_printf(out, "a whole number from %lld to %lld%s", min, max, or_null);
		return;
	case CONF_BYTES:
		buf_printf(out, "a whole number of bytes from %lld to %lld%s", min, max, or_null);
		return;
	case CONF_SECONDS:
		buf_printf(out, "seconds from %g to %g", (double) min / 1000, (double) max / 1000);
		return;
	case CONF_WORD:
		append_words(row->words, false, out);
		return;
	case CONF_STRING:
		buf_append_str(out, conf_row_may_be_null(row) ? "a string or null" : "a string");
		return;
	case CONF_STRINGS:
		buf_append_str(out, "a string or a list of strings");
		return;
	case CONF_SWITCH:
		buf_append_str(out, "a string, true or false");
		return;
	case CONF_FIELDS:
		buf_append_str(out, "an object of strings: {...}");
		return;
	}
}
