/* The configuration: every key, every complaint, and that documents say what the table says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/fatal.h"
#include "conf/conf.h"
#include "conf/conf_arguments.h"
#include "conf/conf_help.h"
#include "conf/conf_read.h"
#include "conf/conf_table.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define ROOM ((size_t) 1 << 20)

/* A domain that is right, for files that are about something else; they have it last. */
#define D "\"domains\":{\"a.org\":{\"connect\":\"xmpp://127.0.0.1\"}}"
#define DNS_ALONE_ARGUMENT ": expected \"dns\" alone, or addresses alone\n"
#define DNS_ALONE ", expected \"dns\" alone, or addresses alone\n"
#define NO_DOMAIN "domains: no domain, expected \"domains\": {\"example.com\": {}}\n"
#define TWICE(at) "a key given twice, expected each key once; the first is at " at "\n"
#define LATER "is not available in this version yet, expected this key left out\n"
#define ORIGIN ", expected \"*\" or SCHEME://HOST[:PORT] without a path\n"
#define TARGET ", expected \"dns\", xmpp://HOST[:PORT] or xmpps://HOST[:PORT]\n"
#define OFF " beside \"tls\": \"off\", expected xmpp://, or another \"tls\"\n"
#define TLS_WORD ", expected \"required\", \"optional\", \"if-required\" or \"off\"\n"
#define HOST_NAME ", expected a host name\n"
#define AS_ASCII ", expected the host in ASCII: xn--bcher-kva.example\n"
#define PORT ", expected a port from 1 to 65535\n"
#define PATH \
	", expected a path like \"/http-bind\": \"/\", then letters, digits, - . _ ~ ! $ ' ( ) * + , ; = : @ and " \
	"single \"/\"\n"
#define RESOLVER ", expected an address with or without port: \"192.0.2.1\", \"192.0.2.1:53\" or \"[2001:db8::1]:53\"\n"
#define BELOW ", expected https://*.DOMAIN, with a dot in DOMAIN, for the names right below it\n"
#define FILES ", expected \"file://\", which is all that browsers say of files\n"
#define CREDENTIALS \
	": is true, expected \"origins\" with each site by its name, like \"https://chat.example.com\", and none with " \
	"\"*\"\n"
#define URL ", expected \"https://HOST[:PORT]\", perhaps with a path\n"
#define NAME ", expected the name of a header field: letters, digits, - and others of RFC 9110, 5.6.2\n"
#define FIELD ", expected 1 to 256 characters, no control characters, no blank at either end\n"
#define NETWORK \
	", expected an address or a network like \"192.0.2.1\", \"10.0.0.0/8\" or \"2001:db8::/32\", nothing set behind " \
	"the prefix\n"
#define TOP_KEYS \
	"listen, paths, pages, public_url, response_headers, domains, bosh, websocket, origins, cors_credentials, deny, trusted_proxies, client_address_header, limits, resolver, allow_addresses, drain, workers, node, user, log\n"

static bool
hook_to_ascii(void *arg, struct slice domain, char *out, size_t room)
{
	(void) arg;
	if (!slice_eq(domain,
		    SLICE("b\xc3\xbc"
			  "cher.example")))
		return false;
	assert_true(room > 30);
	memcpy(out, "xn--bcher-kva.example", 22);
	return true;
}

static const struct hooks hooks = {.to_ascii = hook_to_ascii};

/* Reads a file called "f"; *errors is made. */
static struct conf *
read_text(struct slice text, struct buf *errors)
{
	struct conf *c;
	/* A copy that ends where the text ends, so that a look beyond is noticed. */
	char *exact = xmalloc(text.n > 0 ? text.n : 1);
	int error;

	if (text.n > 0)
		memcpy(exact, text.p, text.n);
	buf_init(errors, ROOM);
	error = conf_read(&c, slice_of(exact, text.n), "f", &hooks, errors);
	free(exact);
	assert_int_equal(error, c != NULL ? 0 : CV_EINVAL);
	assert_int_equal(errors->n == 0, c != NULL);
	return c;
}

static struct conf *
good(const char *text)
{
	struct buf errors;
	struct conf *c = read_text(slice_str(text), &errors);

	if (c == NULL)
		fail_msg("%s\ngave: %s", text, buf_cstr(&errors));
	buf_fini(&errors);
	return c;
}

/* True when the text gives exactly these complaints. */
static bool
is_bad(struct slice text, const char *expected)
{
	struct buf errors;
	struct conf *c = read_text(text, &errors);
	bool is_so = c == NULL && strcmp(buf_cstr(&errors), expected) == 0;

	if (!is_so)
		print_error("%.*s\ngave:     %sexpected: %s", SLICE_ARG(text), buf_cstr(&errors), expected);
	conf_unref(c);
	buf_fini(&errors);
	return is_so;
}

/* Complaints ----------------------------------------------------------- */

static const struct {
	const char *text, *errors;
} bad[] = {
	/* What is not there. */
	{"", "f:1:1: top level: nothing, expected at least {\"domains\": {\"example.com\": {}}}\n"},
	{" \n // x\n/* y */", "f:1:1: top level: nothing, expected at least {\"domains\": {\"example.com\": {}}}\n"},
	{"{}", "f:1:1: " NO_DOMAIN},
	{"\n  {}", "f:2:3: " NO_DOMAIN},
	{"{\"workers\":1,\n\t\"domains\": {}}", "f:2:2: " NO_DOMAIN},
	{"{\"domains\":{\"a.org\":{\"connect\":[]}}}",
		"f:1:22: domains.a.org.connect: an empty list, expected \"dns\" or [\"xmpp://HOST:PORT\"]\n"},
	{"{\"listen\": []," D "}", "f:1:12: listen: an empty list, expected at least one listener\n"},

	/* Text that is not JSON. */
	{"{", "f:1:2: top level: the file ends here, expected \"}\"\n"},
	{"{\"domains\":{\"a.org\":{", "f:1:22: domains.a.org: the file ends here, expected \"}\"\n"},
	{"{\"domains\":{\"a.org\":{\"connect\":[\n",
		"f:2:1: domains.a.org.connect: the file ends here, expected \"]\"\n"},
	{"{\"workers\":", "f:1:12: workers: the file ends here, expected \"}\"\n"},
	{"{\"node\":\"n", "f:1:9: node: a string without end, expected its end\n"},
	{"{\n/* x", "f:2:1: top level: a comment without end, expected its end\n"},
	{"{\n/*/", "f:2:1: top level: a comment without end, expected its end\n"},
	{"{\"workers\":1,,\"node\":\"n\"}", "f:1:14: top level: \",\", expected a key in double quotes\n"},
	{"{\"workers\":1,}", "f:1:13: top level: a trailing comma, expected none before \"}\"\n"},
	{"{\"workers\" 1}", "f:1:12: workers: \"1\", expected \":\" and a value\n"},
	{"{\"workers\":1 \"node\":\"n\"}", "f:1:14: top level: a string, expected \",\" or \"}\"\n"},
	{"{\"origins\":[\"*\" /* , */ \"*\"]}", "f:1:25: origins: a string, expected \",\" or \"]\"\n"},
	{"{\"origins\":[\"*\",]}", "f:1:16: origins: a trailing comma, expected none before \"]\"\n"},
	{"{\"origins\":[\"*\"/*,:*/ ,// x\n/* } */]}",
		"f:1:23: origins: a trailing comma, expected none before \"]\"\n"},
	{"{\"bosh\":{\"hold\":1},\n}", "f:1:19: top level: a trailing comma, expected none before \"}\"\n"},
	{"{\"workers\":,}", "f:1:12: workers: \",\", expected a value\n"},
	{"{\"origins\":[,]}", "f:1:13: origins: \",\", expected a value\n"},
	{"{,}", "f:1:2: top level: \",\", expected a key in double quotes\n"},
	{"{\"workers\":]", "f:1:12: workers: \"]\", expected a value\n"},
	{"{\"workers\":tru}", "f:1:12: workers: \"tru\", expected true, false, or a string in double quotes\n"},
	{"{\"workers\":-}", "f:1:12: workers: \"-\", expected more digits\n"},
	{"{\"workers\":1.}", "f:1:12: workers: \"1.\", expected more digits\n"},
	{"{workers:1}",
		"f:1:2: top level: \"workers\", expected JSON: strings and keys stand in double quotes, comments "
		"after // or between /* and */\n"},
	{"{'node':1}",
		"f:1:2: top level: \"'\", expected JSON: strings and keys stand in double quotes, comments after "
		"// or between /* and */\n"},
	{"# x\n{}",
		"f:1:1: top level: \"#\", expected JSON: strings and keys stand in double quotes, comments after // or "
		"between /* and */\n"},
	{"{\"node\":\"n\n\"}",
		"f:1:9: node: a string, expected no line ends or control characters inside (is the closing "
		"quote missing?)\n"},
	{"{\"node\":\"\\q\"}",
		"f:1:9: node: a string, expected one of \" \\ / b f n r t u after each backslash inside\n"},
	{"{\"node\":\"\\u00g0\"}", "f:1:9: node: a string, expected four hexadecimal digits after each \\u inside\n"},
	{"{" D "} x", "f:1:54: top level: \"x\", expected nothing after the closing \"}\"\n"},
	{"{" D "}{}", "f:1:53: top level: \"{\", expected nothing after the closing \"}\"\n"},
	{"{\"node\":\"\xff\"}", "f:1:10: top level: the byte 0xff, expected UTF-8 text\n"},
	{"{ // M\xfcller\n}", "f:1:7: top level: the byte 0xfc, expected UTF-8 text\n"},
	{"{\"\xc3\xa9\": \"\xc0\x80\"}", "f:1:8: top level: the byte 0xc0, expected UTF-8 text\n"},
	{"\xed\xa0\x80", "f:1:1: top level: the byte 0xed, expected UTF-8 text\n"},
	{"\xf4\x90\x80\x80", "f:1:1: top level: the byte 0xf4, expected UTF-8 text\n"},
	{"{}\xe2\x82", "f:1:3: top level: the byte 0xe2, expected UTF-8 text\n"},
	{"\xef\xbb\xbf{}", "f:1:1: top level: a byte order mark, expected a file without one\n"},
	/* A value error before it is still told. */
	{"{\"workers\":-1,\n",
		"f:1:12: workers: -1, expected a whole number from 0 to 256\n"
		"f:2:1: top level: the file ends here, expected \"}\"\n"},

	/* Types. */
	{"[]", "f:1:1: top level: a list, expected an object: {...}\n"},
	{" 12 ", "f:1:2: top level: 12, expected an object: {...}\n"},
	{"\"x\"", "f:1:1: top level: \"x\", expected an object: {...}\n"},
	{"{\"bosh\":[1,{\"x\":[]}]," D "}", "f:1:9: bosh: a list, expected an object: {...}\n"},
	{"{\"bosh\":null," D "}", "f:1:9: bosh: null, expected an object: {...}\n"},
	{"{\"domains\":[\"a.org\"]}", "f:1:12: domains: a list, expected an object: {...}\n"},
	{"{\"domains\":{\"a.org\":\"xmpp://127.0.0.1\"}}",
		"f:1:21: domains.a.org: \"xmpp://127.0.0.1\", expected an object: {...}\n"},
	{"{\"listen\":{\"port\":1}," D "}", "f:1:11: listen: an object, expected a list of objects: [{...}]\n"},
	{"{\"listen\":[{},7,"
	 "[]]," D "}",
		"f:1:15: listen[1]: 7, expected an object: {...}\n"
		"f:1:17: listen[2]: a list, expected an object: {...}\n"},
	{"{\"workers\":\"2\"," D "}", "f:1:12: workers: \"2\", expected a whole number from 0 to 256\n"},
	{"{\"workers\":{}," D "}", "f:1:12: workers: an object, expected a whole number from 0 to 256\n"},
	{"{\"websocket\":{\"require_subprotocol\":1}," D "}",
		"f:1:37: websocket.require_subprotocol: 1, expected true or false\n"},
	{"{\"node\":false," D "}", "f:1:9: node: false, expected a string\n"},
	{"{\"node\":[\"n\"]," D "}", "f:1:9: node: a list, expected a string\n"},
	{"{\"origins\":true," D "}", "f:1:12: origins: true, expected a string or a list of strings\n"},
	{"{\"origins\":[\"*\",[\"*\"],{},1]," D "}",
		"f:1:17: origins[1]: a list, expected a string\n"
		"f:1:23: origins[2]: an object, expected a string\n"
		"f:1:26: origins[3]: 1, expected a string\n"},
	{"{\"node\":\"a\\u0000b\"," D "}", "f:1:9: node: \"a\\x00b\", expected a string without NUL in it\n"},
	{"{\"nod\\u0000\":1," D "}", "f:1:2: \"nod\\x00\": unknown key, did you mean \"node\"?\n"},

	/* Ranges. */
	{"{\"workers\":257," D "}", "f:1:12: workers: 257, expected a whole number from 0 to 256\n"},
	{"{\"workers\":1.5," D "}", "f:1:12: workers: 1.5, expected a whole number from 0 to 256\n"},
	{"{\"workers\":1e400," D "}", "f:1:12: workers: 1e400, expected a whole number from 0 to 256\n"},
	{"{\"workers\":-1e400," D "}", "f:1:12: workers: -1e400, expected a whole number from 0 to 256\n"},
	{"{\"workers\":18446744073709551617," D "}",
		"f:1:12: workers: 18446744073709551617, expected a whole number from 0 to 256\n"},
	{"{\"workers\":11111111112222222222333333333344444444445," D "}",
		"f:1:12: workers: 1111111111222222222233333333334444444444..., expected a whole number from 0 to 256\n"},
	{"{\"bosh\":{\"wait\":0.09}," D "}", "f:1:17: bosh.wait: 0.09, expected seconds from 0.1 to 3600\n"},
	{"{\"bosh\":{\"wait\":3600.001}," D "}", "f:1:17: bosh.wait: 3600.001, expected seconds from 0.1 to 3600\n"},
	{"{\"bosh\":{\"hold\":0}," D "}", "f:1:17: bosh.hold: 0, expected a whole number from 1 to 16\n"},
	{"{\"bosh\":{\"max_body\":9999}," D "}",
		"f:1:21: bosh.max_body: 9999, expected a whole number of bytes from 10000 to 268435456\n"},
	/* Not 0, which would mean something else. */
	{"{\"limits\":{\"header_timeout\":0.0001}," D "}",
		"f:1:29: limits.header_timeout: 0.0001, expected seconds from 0 to 3600\n"},
	{"{\"listen\":[{\"port\":65536}]," D "}",
		"f:1:20: listen[0].port: 65536, expected a whole number from 0 to 65535\n"},

	/* Keys. */
	{"{\"wrokers\":1," D "}", "f:1:2: wrokers: unknown key, did you mean \"workers\"?\n"},
	{"{\"bosh\":{\n  \"weit\":{\"x\":[1]}, \"hold\":0}," D "}",
		"f:2:3: bosh.weit: unknown key, did you mean \"wait\"?\n"
		"f:2:28: bosh.hold: 0, expected a whole number from 1 to 16\n"},
	{"{\"max_body\":1," D "}", "f:1:2: max_body: unknown key, did you mean \"bosh.max_body\"?\n"},
	{"{\"zebra\":1," D "}", "f:1:2: zebra: unknown key, expected one of " TOP_KEYS},
	{"{\"\":1," D "}", "f:1:2: : unknown key, expected one of " TOP_KEYS},
	{"{\"*\":1," D "}", "f:1:2: *: unknown key, expected one of " TOP_KEYS},
	{"{\"bosh.wait\":1," D "}", "f:1:2: bosh.wait: unknown key, expected one of " TOP_KEYS},
	{"{\"a b\":1," D "}", "f:1:2: \"a b\": unknown key, expected one of " TOP_KEYS},
	{"{\"log\":{\"\\u001b[1m\":1}," D "}",
		"f:1:9: log.\"\\x1b[1m\": unknown key, expected one of level, names, addresses\n"},
	{"{\"listen\":[{},{\"prot\":1}]," D "}", "f:1:16: listen[1].prot: unknown key, did you mean \"port\"?\n"},
	{"{\"domains\":{\"a.org\":{\"conect\":1,\"connect\":\"xmpp://[::1]\"}}}",
		"f:1:22: domains.a.org.conect: unknown key, did you mean \"connect\"?\n"},
	{"{\"allow_addresses\":10," D "}", "f:1:20: allow_addresses: 10, expected a string or a list of strings\n"},
	{"{\"allow_addresses\":\"127.0.0.1/8\"," D "}",
		"f:1:20: allow_addresses: \"127.0.0.1/8\", expected an address or a network like \"192.0.2.1\", "
		"\"10.0.0.0/8\" or \"2001:db8::/32\", nothing set behind the prefix\n"},
	{"{\"admin\":{\"listen\":[{}]}," D "}", "f:1:2: admin: " LATER},
	{"{\"listen\":[{\"hsts\":1}]," D "}", "f:1:13: listen[0]: \"hsts\" without TLS, expected \"tls\" beside it\n"},
	{"{\"listen\":[{\"tls\":[{\"certificate\":\"a\",\"key\":\"b\"}],\"redirect\":true}]," D "}",
		"f:1:51: listen[0]: \"redirect\" with TLS, expected it on a listener without \"tls\"\n"},
	{"{\"listen\":[{\"acme\":\"\",\"hsts\":-1}]," D "}",
		"f:1:20: listen[0].acme: \"\", expected the path of a directory\n"
		"f:1:30: listen[0].hsts: -1, expected a whole number from 0 to 2147483647\n"},
	/* TLS: each with both files. */
	{"{\"listen\":[{\"tls\":{}}]," D "}",
		"f:1:19: listen[0].tls: an object, expected a list of objects: [{...}]\n"},
	{"{\"listen\":[{\"tls\":[\"a.pem\"]}]," D "}",
		"f:1:20: listen[0].tls[0]: \"a.pem\", expected an object: {...}\n"},
	{"{\"listen\":[{},{\"port\":1,\"tls\":[{\"certificate\":\"a\",\"key\":\"b\"},{\"key\":\"\"}]}]," D "}",
		"f:1:69: listen[1].tls[1].key: \"\", expected the path of a file\n"},
	{"{\"listen\":[{\"tls\":[{\"key\":\"b\"}]}]," D "}",
		"f:1:20: listen[0].tls[0]: no \"certificate\", expected {\"certificate\": FILE, \"key\": FILE}\n"},
	{"{\"listen\":[{\"tls\":[{\"certificate\":\"b\"}]}]," D "}",
		"f:1:20: listen[0].tls[0]: no \"key\", expected {\"certificate\": FILE, \"key\": FILE}\n"},
	{"{\"listen\":[{\"tls\":[{\"certificat\":\"a\"}]}]," D "}",
		"f:1:21: listen[0].tls[0].certificat: unknown key, did you mean \"certificate\"?\n"},
	{"{\"listen\":[{\"tls\":[{\"key\":\"a\",\"key\":\"b\",\"certificate\":\"c\"}]}]," D "}",
		"f:1:31: listen[0].tls[0].key: " TWICE("1:21")},
	{"{\"node\":\"n\",\"node\":\"m\"," D "}", "f:1:13: node: " TWICE("1:2")},
	{"{\"bosh\":{},\"bosh\":{}," D "}", "f:1:12: bosh: " TWICE("1:2")},
	{"{\"bosh\":{\"hold\":1,\"h\\u006fld\":1}," D "}", "f:1:19: bosh.hold: " TWICE("1:10")},
	{"{\"listen\":[{\"port\":1},{\"port\":2,\n\"port\":3}]," D "}", "f:2:1: listen[1].port: " TWICE("1:24")},
	{"{" D "," D "}", "f:1:53: domains: " TWICE("1:2")},
	/* Columns are characters; a tab is one, and so is a letter of two bytes. */
	{"{\t/* \xc3\xa4\xe2\x82\xac */ \"x\":1," D "}", "f:1:12: x: unknown key, expected one of " TOP_KEYS},
	{"{// x\r\n\r\n \"x\":1," D "}", "f:3:2: x: unknown key, expected one of " TOP_KEYS},

	/* Listeners. */
	{"{\"listen\":[{\"address\":\"1.2.3\"},{\"address\":\"127.0.0.1:80\"},{\"address\":\"\"}]," D "}",
		"f:1:23: listen[0].address: \"1.2.3\", expected \"*\", an address or a host name (the port has its own key)\n"
		"f:1:43: listen[1].address: \"127.0.0.1:80\", expected \"*\", an address or a host name (the port has its own "
		"key)\n"
		"f:1:70: listen[2].address: \"\", expected \"*\", an address or a host name (the port has its own key)\n"},
	{"{\"listen\":[{\"unix\":\"x\"}]," D "}",
		"f:1:20: listen[0].unix: \"x\", expected an absolute path of at most 107 bytes\n"},
	{"{\"listen\":[{\"unix\":\"/x\",\"port\":1}]," D "}",
		"f:1:12: listen[0]: both an address and a unix socket, expected one of them\n"},
	{"{\"listen\":[{\"mode\":\"0660\"}]," D "}",
		"f:1:13: listen[0]: \"mode\" without a unix socket, expected \"unix\" beside it\n"},
	{"{\"listen\":[{\"group\":\"a\"}]," D "}",
		"f:1:13: listen[0]: \"group\" without a unix socket, expected \"unix\" beside it\n"},
	{"{\"listen\":[{\"port\":1,\"owner\":\"a\"}]," D "}",
		"f:1:22: listen[0]: \"owner\" without a unix socket, expected \"unix\" beside it\n"},
	{"{\"listen\":[{\"unix\":\"/x\",\"owner\":\"\"}]," D "}",
		"f:1:33: listen[0].owner: \"\", expected the name or number of a user\n"},
	{"{\"listen\":[{\"unix\":\"/x\",\"group\":\"a b\"}]," D "}",
		"f:1:33: listen[0].group: \"a b\", expected the name or number of a group\n"},
	{"{\"user\":\"a:b\"," D "}", "f:1:9: user: \"a:b\", expected the name or number of a user\n"},
	{"{\"user\":\"../x\"," D "}", "f:1:9: user: \"../x\", expected the name or number of a user\n"},
	{"{\"user\":1," D "}", "f:1:9: user: 1, expected a string or null\n"},
	{"{\"listen\":[{\"unix\":\"/x\",\"mode\":\"0888\"}]," D "}",
		"f:1:32: listen[0].mode: \"0888\", expected permissions in octal like \"0660\"\n"},
	{"{\"listen\":[{\"unix\":\"/x\",\"mode\":432}]," D "}", "f:1:32: listen[0].mode: 432, expected a string\n"},
	{"{\"listen\":[{\"port\":0},{\"port\":0},{},\n{\"port\":5280}]," D "}",
		"f:2:1: listen[3]: the same as an earlier one, expected each listener once\n"},

	/* Paths. */
	{"{\"paths\":{\"bosh\":\"http-bind\"}," D "}", "f:1:18: paths.bosh: \"http-bind\"" PATH},
	{"{\"paths\":{\"bosh\":[\"/a\",\"/\",\"/a//\",\"/%41\"]}," D "}",
		"f:1:24: paths.bosh[1]: \"/\"" PATH "f:1:28: paths.bosh[2]: \"/a//\"" PATH
		"f:1:35: paths.bosh[3]: \"/%41\"" PATH},
	{"{\"paths\":{\"websocket\":\"/a?b\"}," D "}", "f:1:23: paths.websocket: \"/a?b\"" PATH},
	{"{\"paths\":{\"websocket\":\"/x/\",\"bosh\":[\"/y\",\"/x\"]}," D "}",
		"f:1:11: paths.websocket: has a path that paths.bosh has too, expected different paths\n"},
	{"{\"paths\":{\"bosh\":\"/xmpp-websocket\"}," D "}",
		"f:1:2: paths.websocket: has a path that paths.bosh has too, expected different paths\n"},
	{"{\"paths\":{\"bosh\":[],\"websocket\":[]}," D "}",
		"f:1:2: paths: both transports are off, expected at least one path\n"},

	/* Pages. */
	{"{\"pages\":\"\"," D "}", "f:1:10: pages: \"\", expected the path of a directory, true or false\n"},
	{"{\"pages\":null," D "}", "f:1:10: pages: null, expected a string, true or false\n"},
	{"{\"pages\":1," D "}", "f:1:10: pages: 1, expected a string, true or false\n"},
	{"{\"pages\":[\"/a\"]," D "}", "f:1:10: pages: a list, expected a string, true or false\n"},
	{"{\"pages\":{}," D "}", "f:1:10: pages: an object, expected a string, true or false\n"},

	/* The public address. */
	{"{\"public_url\":\"http://a.org\"," D "}", "f:1:15: public_url: \"http://a.org\"" URL},
	{"{\"public_url\":\"https://\"," D "}", "f:1:15: public_url: \"https://\"" URL},
	{"{\"public_url\":\"https:///x\"," D "}", "f:1:15: public_url: \"https:///x\"" URL},
	{"{\"public_url\":\"https://a b\"," D "}", "f:1:15: public_url: \"https://a b\"" URL},
	{"{\"public_url\":\"https://u@a\"," D "}", "f:1:15: public_url: \"https://u@a\"" URL},
	{"{\"public_url\":\"https://a:0\"," D "}", "f:1:15: public_url: \"https://a:0\"" PORT},
	{"{\"public_url\":\"https://a/b//c\"," D "}", "f:1:15: public_url: \"https://a/b//c\"" URL},
	{"{\"public_url\":\"https://a/b?c\"," D "}", "f:1:15: public_url: \"https://a/b?c\"" URL},
	{"{\"public_url\":\"https://a/<\"," D "}", "f:1:15: public_url: \"https://a/<\"" URL},
	{"{\"public_url\":\"\"," D "}", "f:1:15: public_url: \"\"" URL},
	{"{\"public_url\":true," D "}", "f:1:15: public_url: true, expected a string or null\n"},

	/* Fields of answers. */
	{"{\"response_headers\":{\"x-a\":\"b\",\"X-A\":\"b\"}," D "}",
		"f:1:32: response_headers: \"X-A\", expected each field once\n"},
	{"{\"response_headers\":{\"\":\"b\",\"a b\":\"c\",\"a:\":\"c\",\"\u00e4\":\"c\"}," D "}",
		"f:1:22: response_headers: \"\"" NAME "f:1:29: response_headers: \"a b\"" NAME
		"f:1:39: response_headers: \"a:\"" NAME "f:1:48: response_headers: \"\\xc3\\xa4\"" NAME},
	{"{\"response_headers\":{\"Content-Length\":\"5\",\"access-control-x\":\"5\"}," D "}",
		"f:1:22: response_headers: \"Content-Length\", expected a field that culvert does not write itself\n"
		"f:1:43: response_headers: \"access-control-x\", expected a field that culvert does not write itself\n"},
	{"{\"response_headers\":{\"a\":\"\",\"b\":\"x\\r\\nC: d\",\"c\":\" x\",\"d\":\"x \",\"e\":\"\\u0000\"}," D "}",
		"f:1:26: response_headers.a: \"\"" FIELD "f:1:33: response_headers.b: \"x\\x0d\\x0aC: d\"" FIELD
		"f:1:49: response_headers.c: \" x\"" FIELD "f:1:58: response_headers.d: \"x \"" FIELD
		"f:1:67: response_headers.e: \"\\x00\", expected a string without NUL in it\n"},
	{"{\"response_headers\":{\"a\":1,\"b\":null,\"c\":[\"x\"],\"d\":{\"x\":\"y\"}}," D "}",
		"f:1:26: response_headers.a: 1, expected a string\n"
		"f:1:32: response_headers.b: null, expected a string\n"
		"f:1:41: response_headers.c: a list, expected a string\n"
		"f:1:51: response_headers.d: an object, expected a string\n"},
	{"{\"response_headers\":\"x\"," D "}",
		"f:1:21: response_headers: \"x\", expected an object of strings: {...}\n"},
	{"{\"response_headers\":[]," D "}", "f:1:21: response_headers: a list, expected an object of strings: {...}\n"},
	{"{\"response_headers\":{\"a\":\"x\",\"b\":\"x\",\"c\":\"x\",\"d\":\"x\",\"e\":\"x\",\"f\":\"x\",\"g\":\"x\",\"h\":\"x\","
	 "\"i\":\"x\"}," D "}",
		"f:1:86: response_headers: \"i\", expected at most 8 fields\n"},

	/* Proxies. */
	{"{\"trusted_proxies\":[\"10.0.0.1/8\",\"::1\",\"localhost\",\"10.0.0.0/33\",1]," D "}",
		"f:1:21: trusted_proxies[0]: \"10.0.0.1/8\"" NETWORK "f:1:40: trusted_proxies[2]: \"localhost\"" NETWORK
		"f:1:52: trusted_proxies[3]: \"10.0.0.0/33\"" NETWORK
		"f:1:66: trusted_proxies[4]: 1, expected a string\n"},

	/* Domains. */
	{"{\"domains\":{\"*\":{\"connect\":\"xmpp://127.0.0.1\"}}}",
		"f:1:18: domains.*.connect: not for any public domain, expected \"dns\"\n"},
	{"{\"domains\":{\"*\":{\"connect\":\"xmpp://10.0.0.1\"}}}",
		"f:1:18: domains.*.connect: not for any public domain, expected \"dns\"\n"},
	{"{\"domains\":{\"*\":{\"tls\":\"off\"}}}",
		"f:1:18: domains.*.tls: not for any public domain, expected \"required\"\n"},
	{"{\"domains\":{\"*\":{\"tls\":\"optional\"}}}",
		"f:1:18: domains.*.tls: not for any public domain, expected \"required\"\n"},
	{"{\"domains\":{\"*\":{\"verify\":false}}}",
		"f:1:18: domains.*.verify: not for any public domain, expected true\n"},
	{"{\"domains\":{\"*\":{\"server_name\":\"a.org\"}}}",
		"f:1:18: domains.*.server_name: not for any public domain, expected this key left out\n"},
	{"{\"domains\":{\"*\":{\"proxy_protocol\":2}}}",
		"f:1:18: domains.*.proxy_protocol: not for any public domain, expected 0\n"},
	{"{\"domains\":{\"*\":{},\"*\":{}}}",
		"f:1:20: domains.*: a domain given twice, expected each once; the first is at 1:13\n"},
	{"{\"domains\":{\"*.a.org\":{}}}",
		"f:1:13: domains.*.a.org: \"*.a.org\", expected a domain like example.com\n"},
	{"{\"domains\":{\"\":{},\"a b\":{},\"a..b\":1,\"a.\":[],\"a@b\":{}}}",
		"f:1:13: domains.: \"\", expected a domain like example.com\n"
		"f:1:19: domains.\"a b\": \"a b\", expected a domain like example.com\n"
		"f:1:28: domains.a..b: \"a..b\", expected a domain like example.com\n"
		"f:1:37: domains.a.: \"a.\", expected a domain without a dot at its end\n"
		"f:1:45: domains.a@b: \"a@b\", expected a domain like example.com\n"},
	{"{\"domains\":{\"b\xc3\xbc.de\":{}}}",
		"f:1:13: domains.b\xc3\xbc.de: \"b\\xc3\\xbc.de\", expected a valid domain (IDNA 2008)\n"},
	{"{\"domains\":{\"a.org\":{\"connect\":\"xmpp://localhost\"},\"A.ORG\":{}}}",
		"f:1:52: domains.A.ORG: a domain given twice, expected each once; the first is at 1:13\n"},
	{"{\"domains\":{\"a.org\":{\"connect\":[\"DNS\",\"xmpps:/h\",\"https://h\",\"xmpp://\",\"xmpp://h:0\",\"xmpp://h/\","
	 "\"xmpp://u@h\",\"xmpp://::1\",\"xmpp://[::1\",\"xmpp://1.2.3\",\"xmpp://h:\"]}}}",
		"f:1:33: domains.a.org.connect[0]: \"DNS\"" TARGET
		"f:1:39: domains.a.org.connect[1]: \"xmpps:/h\"" TARGET
		"f:1:50: domains.a.org.connect[2]: \"https://h\"" TARGET
		"f:1:62: domains.a.org.connect[3]: \"xmpp://\"" TARGET
		"f:1:72: domains.a.org.connect[4]: \"xmpp://h:0\"" PORT
		"f:1:85: domains.a.org.connect[5]: \"xmpp://h/\"" TARGET
		"f:1:97: domains.a.org.connect[6]: \"xmpp://u@h\"" TARGET
		"f:1:110: domains.a.org.connect[7]: \"xmpp://::1\"" TARGET
		"f:1:123: domains.a.org.connect[8]: \"xmpp://[::1\"" TARGET
		"f:1:137: domains.a.org.connect[9]: \"xmpp://1.2.3\"" TARGET
		"f:1:152: domains.a.org.connect[10]: \"xmpp://h:\"" TARGET},
	{"{\"domains\":{\"a.org\":{\"connect\":[\"xmpp://h:65536\",\"xmpps://[::1]:99999999999999999999\",\"xmpp://10.0.0.1:00\","
	 "\"xmpp://b\xc3\xbc"
	 "cher.example:5222\",\"xmpp://\xc3\xa4\"],\"server_name\":\"b\xc3\xbc"
	 "cher.example\"}},\n"
	 "\"listen\":[{\"address\":\"b\xc3\xbc"
	 "cher.example\"}],\"public_url\":\"https://b\xc3\xbc"
	 "cher.example/x\"}",
		"f:1:33: domains.a.org.connect[0]: \"xmpp://h:65536\"" PORT
		"f:1:50: domains.a.org.connect[1]: \"xmpps://[::1]:99999999999999999999\"" PORT
		"f:1:87: domains.a.org.connect[2]: \"xmpp://10.0.0.1:00\"" PORT
		"f:1:108: domains.a.org.connect[3]: \"xmpp://b\\xc3\\xbccher.example:5222\"" AS_ASCII
		"f:1:137: domains.a.org.connect[4]: \"xmpp://\\xc3\\xa4\", expected the host in ASCII (xn--...)\n"
		"f:1:163: domains.a.org.server_name: \"b\\xc3\\xbccher.example\"" AS_ASCII
		"f:2:22: listen[0].address: \"b\\xc3\\xbccher.example\"" AS_ASCII
		"f:2:54: public_url: \"https://b\\xc3\\xbccher.example/x\"" AS_ASCII},
	{"{\"domains\":{\"a\":{\"connect\":[\"dns\",\"xmpp://h\",\"dns\"]},\"b\":{\"connect\":[\"xmpp://h\",\"dns\"]}}}",
		"f:1:35: domains.a.connect[1]: \"xmpp://h\"" DNS_ALONE "f:1:46: domains.a.connect[2]: \"dns\"" DNS_ALONE
		"f:1:81: domains.b.connect[1]: \"dns\"" DNS_ALONE},
	{"{\"domains\":{\"a.org\":{\"connect\":[\"xmpp://[fe80::1%]\",\"xmpp://[10.0.0.1%eth0]\",\"xmpp://[fe80::1%a b]\","
	 "\"xmpp://fe80::1%eth0\",\"xmpp://[fe80::1%0123456789abcdef]\"]}}}",
		"f:1:33: domains.a.org.connect[0]: \"xmpp://[fe80::1%]\"" TARGET
		"f:1:53: domains.a.org.connect[1]: \"xmpp://[10.0.0.1%eth0]\"" TARGET
		"f:1:78: domains.a.org.connect[2]: \"xmpp://[fe80::1%a b]\"" TARGET
		"f:1:101: domains.a.org.connect[3]: \"xmpp://fe80::1%eth0\"" TARGET
		"f:1:123: domains.a.org.connect[4]: \"xmpp://[fe80::1%0123456789abcdef]\"" TARGET},
	{"{\"domains\":{\"a.org\":{\"connect\":[\"xmpps://\",\"xmpps://h:0\",\"xmpps://::1\",\"XMPPS://h\",\"xmpps:h\"]}}}",
		"f:1:33: domains.a.org.connect[0]: \"xmpps://\"" TARGET
		"f:1:44: domains.a.org.connect[1]: \"xmpps://h:0\"" PORT
		"f:1:58: domains.a.org.connect[2]: \"xmpps://::1\"" TARGET
		"f:1:72: domains.a.org.connect[3]: \"XMPPS://h\"" TARGET
		"f:1:84: domains.a.org.connect[4]: \"xmpps:h\"" TARGET},
	{"{\"domains\":{\"a.org\":{\"connect\":[\"xmpp://127.0.0.1\",\n\"xmpps://10.0.0.5\"],\"tls\":\"off\"}}}",
		"f:2:1: domains.a.org.connect: xmpps:// to 10.0.0.5" OFF},
	{"{\"domains\":{\"a.org\":{\"tls\":\"off\",\"connect\":\"xmpps://localhost:5222\"}}}",
		"f:1:44: domains.a.org.connect: xmpps:// to localhost" OFF},
	{"{\"domains\":{\"a.org\":{\"connect\":\"xmpp://localhost\",\"tls\":\"\"},\"b\":{\"tls\":\"Required\"},"
	 "\"c\":{\"tls\":\"no\"},\"d\":{\"tls\":true},\"e\":{\"tls\":null}}}",
		"f:1:57: domains.a.org.tls: \"\"" TLS_WORD "f:1:72: domains.b.tls: \"Required\"" TLS_WORD
		"f:1:95: domains.c.tls: \"no\"" TLS_WORD "f:1:112: domains.d.tls: true" TLS_WORD
		"f:1:129: domains.e.tls: null" TLS_WORD},
	{"{\"domains\":{\"a\":{\"verify\":null},\"b\":{\"verify\":\"yes\"},\"c\":{\"verify\":1}}}",
		"f:1:27: domains.a.verify: null, expected true or false\n"
		"f:1:47: domains.b.verify: \"yes\", expected true or false\n"
		"f:1:68: domains.c.verify: 1, expected true or false\n"},
	{"{\"domains\":{\"a\":{\"ca_file\":\"\"},\"b\":{\"ca_file\":false},\"c\":{\"ca_file\":[null]},"
	 "\"d\":{\"ca_file\":\"a\\u0000\"}}}",
		"f:1:28: domains.a.ca_file: \"\", expected the path of a file\n"
		"f:1:47: domains.b.ca_file: false, expected a string or null\n"
		"f:1:69: domains.c.ca_file: a list, expected a string or null\n"
		"f:1:92: domains.d.ca_file: \"a\\x00\", expected a string without NUL in it\n"},
	{"{\"domains\":{\"a\":{\"server_name\":\"\"},\"b\":{\"server_name\":\"192.0.2.1\"},\"c\":{\"server_name\":\"::1\"},"
	 "\"d\":{\"server_name\":\"x.org.\"},\"e\":{\"server_name\":\"b\xc3\xbc.de\"},\"f\":{\"server_name\":\"*.x.org\"},"
	 "\"g\":{\"server_name\":0}}}",
		"f:1:32: domains.a.server_name: \"\"" HOST_NAME "f:1:55: domains.b.server_name: \"192.0.2.1\"" HOST_NAME
		"f:1:87: domains.c.server_name: \"::1\"" HOST_NAME
		"f:1:113: domains.d.server_name: \"x.org.\", expected a host name without a dot at its end\n"
		"f:1:142: domains.e.server_name: \"b\\xc3\\xbc.de\", expected the host in ASCII (xn--...)\n"
		"f:1:170: domains.f.server_name: \"*.x.org\"" HOST_NAME
		"f:1:200: domains.g.server_name: 0, expected a string or null\n"},
	{"{\"domains\":{\"a\":{\"ca_file\":null,\"ca_file\":\"x\",\"connect\":\"xmpp://[::1]\"}}}",
		"f:1:33: domains.a.ca_file: " TWICE("1:18")},
	{"{\"websocket\":{\"ping\":null,\"pong_timeout\":0}," D "}",
		"f:1:22: websocket.ping: null, expected seconds from 0 to 3600\n"
		"f:1:42: websocket.pong_timeout: 0, expected seconds from 0.1 to 3600\n"},
	{"{\"limits\":{\"first_message_timeout\":-1,\"auth_timeout\":\"60\"}," D "}",
		"f:1:36: limits.first_message_timeout: -1, expected seconds from 0 to 3600\n"
		"f:1:54: limits.auth_timeout: \"60\", expected seconds from 0 to 3600\n"},

	/* Words. */
	{"{\"origins\":[\"null\"]," D "}",
		"f:1:13: origins[0]: \"null\", expected SCHEME://HOST[:PORT], or \"*\", which alone admits the origin \"null\"\n"},
	{"{\"origins\":[\"https://a.org/\",\"a.org\",\"https://\",\"//a.org\",\"https://a.org:0\",\"https://a b\","
	 "\"https://*.org\"]," D "}",
		"f:1:13: origins[0]: \"https://a.org/\"" ORIGIN "f:1:30: origins[1]: \"a.org\"" ORIGIN
		"f:1:38: origins[2]: \"https://\"" ORIGIN "f:1:49: origins[3]: \"//a.org\"" ORIGIN
		"f:1:59: origins[4]: \"https://a.org:0\"" PORT "f:1:77: origins[5]: \"https://a b\"" ORIGIN
		"f:1:91: origins[6]: \"https://*.org\"" BELOW},
	{"{\"origins\":[\"https://*.\",\"https://*\",\"https://*.org.\",\"https://*.1.2.3.4\",\"https://a*.b.org\","
	 "\"https://*.*.b.org\",\"*.b.org\",\"https://*.b.org:0\",\"app://*.b.org\"]," D "}",
		"f:1:13: origins[0]: \"https://*.\"" BELOW "f:1:26: origins[1]: \"https://*\"" ORIGIN
		"f:1:38: origins[2]: \"https://*.org.\"" BELOW "f:1:55: origins[3]: \"https://*.1.2.3.4\"" BELOW
		"f:1:75: origins[4]: \"https://a*.b.org\"" ORIGIN "f:1:94: origins[5]: \"https://*.*.b.org\"" BELOW
		"f:1:114: origins[6]: \"*.b.org\"" ORIGIN "f:1:124: origins[7]: \"https://*.b.org:0\"" ORIGIN
		"f:1:144: origins[8]: \"app://*.b.org\"" ORIGIN},
	{"{\"origins\":[\"file:///\",\"file://a\",\"file:\",\"app://a/b\",\"app://:1\",\"app://a:0\"]," D "}",
		"f:1:13: origins[0]: \"file:///\"" FILES "f:1:24: origins[1]: \"file://a\"" FILES
		"f:1:35: origins[2]: \"file:\"" ORIGIN "f:1:43: origins[3]: \"app://a/b\"" ORIGIN
		"f:1:55: origins[4]: \"app://:1\"" ORIGIN "f:1:66: origins[5]: \"app://a:0\"" PORT},
	{"{\"origins\":\"https://b\xc3\xbc.de\"," D "}",
		"f:1:12: origins: \"https://b\\xc3\\xbc.de\", expected the host in ASCII (xn--...), as browsers send it\n"},
	{"{\"resolver\":{\"servers\":[\"ns.a.org\",\"1.2.3.4:0\",\"::1:x\",\"[::1]x\"]}," D "}",
		"f:1:25: resolver.servers[0]: \"ns.a.org\"" RESOLVER "f:1:36: resolver.servers[1]: \"1.2.3.4:0\"" PORT
		"f:1:48: resolver.servers[2]: \"::1:x\"" RESOLVER "f:1:56: resolver.servers[3]: \"[::1]x\"" RESOLVER},
	{"{\"node\":\"\"," D "}", "f:1:9: node: \"\", expected 1 to 16 letters and digits\n"},
	{"{\"node\":\"a-b\"," D "}", "f:1:9: node: \"a-b\", expected 1 to 16 letters and digits\n"},
	{"{\"node\":\"12345678901234567\"," D "}",
		"f:1:9: node: \"12345678901234567\", expected 1 to 16 letters and digits\n"},
	{"{\"listen\":[{\"proxy_protocol\":1}]," D "}",
		"f:1:30: listen[0].proxy_protocol: 1, expected true or false\n"},
	{"{\"listen\":[{\"proxy_protocol\":true}],\"trusted_proxies\":[]," D "}",
		"f:1:37: trusted_proxies: is empty beside \"proxy_protocol\": true, expected the address of the proxy that "
		"connects there\n"},
	{"{\"deny\":\"10.0.0.1/8\"," D "}",
		"f:1:9: deny: \"10.0.0.1/8\", expected an address or a network like \"192.0.2.1\", \"10.0.0.0/8\" or "
		"\"2001:db8::/32\", nothing set behind the prefix\n"},
	{"{\"log\":{\"addresses\":\"some\"}," D "}",
		"f:1:21: log.addresses: \"some\", expected \"full\", \"network\" or \"none\"\n"},
	{"{\"log\":{\"level\":\"warn\"}," D "}",
		"f:1:17: log.level: \"warn\", expected \"error\", \"warning\", \"notice\", \"info\" or \"debug\"\n"},

	/* The whole. */
	{"{\"limits\":{\"stanza\":20000,\"queue\":19999}," D "}",
		"f:1:27: limits.queue: is less than limits.stanza, expected at least as much\n"},
	{"{\n\"limits\":{\"stanza\":4000000}," D "}",
		"f:2:1: limits.queue: is less than limits.stanza, expected at least as much\n"},
	{"{\"cors_credentials\":true," D "}", "f:1:2: cors_credentials" CREDENTIALS},
	{"{\"origins\":[],\n \"cors_credentials\":true," D "}", "f:2:2: cors_credentials" CREDENTIALS},
	{"{\"origins\":[\"https://a.org\",\"*\"],\"cors_credentials\":true," D "}",
		"f:1:34: cors_credentials" CREDENTIALS},
	{"{\"cors_credentials\":true,\"origins\":\"https://*.a.org\"," D "}", "f:1:2: cors_credentials" CREDENTIALS},
};

static void
test_complaints(void **state)
{
	size_t wrong = 0;

	(void) state;
	for (size_t i = 0; i < COUNT(bad); i++)
		wrong += !is_bad(slice_str(bad[i].text), bad[i].errors);
	assert_int_equal(wrong, 0);
}

static void
test_nul_byte(void **state)
{
	(void) state;
	assert_true(is_bad(SLICE("{}\0"), "f:1:3: top level: the byte 0x00, expected UTF-8 text\n"));
	assert_true(is_bad(SLICE("{\n\"no\0de\":1}"), "f:2:4: top level: the byte 0x00, expected UTF-8 text\n"));
}

/* Every key of a version to come is known, and said to be so. */
static void
test_later_keys(void **state)
{
	size_t n, n_later = 0;
	const struct conf_row *rows = conf_rows(&n);

	(void) state;
	for (size_t i = 0; i < n; i++) {
		const char *leaf = conf_row_leaf(&rows[i]);
		struct buf text, errors, expected;
		struct conf *c;

		if (rows[i].is_built)
			continue;
		n_later++;
		buf_init(&text, ROOM);
		if (strncmp(rows[i].key, "domains.*.", 10) == 0)
			buf_printf(&text, "{\"domains\":{\"*x*\":{},\"a\":{\"%s\":null}}}", leaf);
		else if (strncmp(rows[i].key, "listen[].", 9) == 0)
			buf_printf(&text, "{\"listen\":[{\"%s\":null}]}", leaf);
		else if (strchr(rows[i].key, '.') != NULL)
			buf_printf(
				&text, "{\"%.*s\":{\"%s\":null}}", (int) strcspn(rows[i].key, "."), rows[i].key, leaf);
		else
			buf_printf(&text, "{\"%s\":[{\"x\":null}]}", leaf);
		c = read_text(buf_slice(&text), &errors);
		assert_null(c);
		buf_init(&expected, ROOM);
		buf_printf(&expected, "%s: " LATER,
			strchr(rows[i].key, '[') != NULL || strchr(rows[i].key, '*') != NULL ? leaf : rows[i].key);
		if (strstr(buf_cstr(&errors), buf_cstr(&expected)) == NULL)
			fail_msg("%s gave %s", buf_cstr(&text), buf_cstr(&errors));
		buf_fini(&expected);
		buf_fini(&errors);
		buf_fini(&text);
	}
	assert_true(n_later > 0);
}

static void
test_too_many_complaints(void **state)
{
	struct buf text, errors;
	size_t lines = 0;

	(void) state;
	buf_init(&text, ROOM);
	buf_append_str(&text, "{\"origins\":[");
	for (int i = 0; i < 1000; i++)
		buf_append_str(&text, "1,");
	assert_null(read_text(buf_slice(&text), &errors));
	for (const char *p = buf_cstr(&errors); *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(buf_cstr(&errors), "\nf: 20 errors, the rest of the file was not looked at\n"));
	buf_fini(&errors);
	buf_fini(&text);
}

/* Files of a listener begin where the configuration is; two listeners keep theirs apart. */
static void
test_identities(void **state)
{
	static const char text[] =
		"{\"listen\":[{\"port\":443,\"tls\":[{\"certificate\":\"a.pem\",\"key\":\"/k/a.key\"},"
		"{\"key\":\"b.key\",\"certificate\":\"live/b.pem\"}]},{\"port\":80},"
		"{\"port\":444,\"tls\":[{\"certificate\":\"c\",\"key\":\"d\"}]},{\"port\":1,\"tls\":[]}]," D "}";
	struct conf *c;
	struct buf errors;

	(void) state;
	buf_init(&errors, ROOM);
	assert_int_equal(conf_read(&c, slice_str(text), "/etc/culvert/f.json", NULL, &errors), 0);
	assert_int_equal(c->listen[0].n_tls, 2);
	assert_string_equal(c->listen[0].tls[0].certificate, "/etc/culvert/a.pem");
	assert_string_equal(c->listen[0].tls[0].key, "/k/a.key");
	assert_string_equal(c->listen[0].tls[1].certificate, "/etc/culvert/live/b.pem");
	assert_string_equal(c->listen[0].tls[1].key, "/etc/culvert/b.key");
	assert_int_equal(c->listen[0].tls[1].place.column, 72);
	assert_int_equal(c->listen[1].n_tls, 0);
	assert_int_equal(c->listen[2].n_tls, 1);
	assert_int_equal(c->listen[3].n_tls, 0);
	conf_unref(c);
	buf_fini(&errors);
}

/* A listener is found again after a reload, wherever it stands. */
static void
test_same_listen(void **state)
{
	struct conf *running = good("{\"listen\":[{\"port\":443},{\"address\":\"::1\",\"port\":443},{\"unix\":\"/x\"},"
				    "{\"port\":0},{\"port\":0}]," D "}");
	struct conf *next =
		good("{\"listen\":[{\"unix\":\"/x\"},{\"port\":443},{\"port\":80},{\"port\":0},{\"port\":0}]," D "}");

	(void) state;
	assert_int_equal(conf_same_listen(next, running, 0), 1);
	assert_int_equal(conf_same_listen(next, running, 1), 5);
	assert_int_equal(conf_same_listen(next, running, 2), 0);
	assert_int_equal(conf_same_listen(next, running, 3), 3);
	assert_int_equal(conf_same_listen(next, running, 4), 4);
	conf_unref(next);
	conf_unref(running);
}

/* What has no room is left out by whole lines. */
static void
test_little_room(void **state)
{
	static const char text[] = "{\"workers\":-1,\"node\":1," D "}";

	(void) state;
	for (size_t room = 0; room < 200; room++) {
		struct buf errors;
		struct conf *c;
		buf_init(&errors, room);
		assert_int_equal(conf_read(&c, slice_str(text), "f", NULL, &errors), CV_EINVAL);
		assert_null(c);
		assert_true(errors.n <= room && (errors.n == 0 || buf_slice(&errors).p[errors.n - 1] == '\n'));
		buf_fini(&errors);
	}
}

/* Values --------------------------------------------------------------- */

static void
test_defaults(void **state)
{
	struct conf *c = good("{" D "}");
	size_t n;
	const struct conf_row *rows = conf_rows(&n);

	(void) state;
	assert_int_equal(c->n_listen, 1);
	assert_string_equal(c->listen[0].address, "*");
	assert_int_equal(c->listen[0].port, 5280);
	assert_null(c->listen[0].unix_path);
	assert_int_equal(c->bosh_paths.n, 1);
	assert_string_equal(c->bosh_paths.v[0], "/http-bind");
	assert_int_equal(c->websocket_paths.n, 1);
	assert_string_equal(c->websocket_paths.v[0], "/xmpp-websocket");
	assert_int_equal(c->bosh.wait, 50000);
	assert_int_equal(c->bosh.hold, 2);
	assert_int_equal(c->bosh.inactivity, 150000);
	assert_int_equal(c->bosh.maxpause, 300000);
	assert_int_equal(c->bosh.max_body, 1048576);
	assert_int_equal(c->websocket.ping, 25000);
	assert_int_equal(c->websocket.pong_timeout, 20000);
	assert_int_equal(c->websocket.max_message, 1048576);
	assert_true(c->websocket.require_subprotocol);
	assert_int_equal(c->origins.n, 1);
	assert_string_equal(c->origins.v[0], "*");
	assert_int_equal(c->resolver_servers.n, 0);
	assert_int_equal(c->limits.stanza, 1048576);
	assert_int_equal(c->limits.queue, 2097152);
	assert_int_equal(c->limits.header_timeout, 10000);
	assert_int_equal(c->limits.first_message_timeout, 10000);
	assert_int_equal(c->limits.auth_timeout, 120000);
	assert_int_equal(c->limits.connect_timeout, 20000);
	assert_int_equal(c->workers, 0);
	assert_string_equal(c->node, "n");
	assert_int_equal(c->log.level, LOG_INFO);
	assert_int_equal(c->client_address_header, FORWARDED_FOR);
	conf_unref(c);

	/* Each number's and bool's default lies where its row says, in its range. */
	for (const struct conf_row *row = rows; row < rows + n; row++) {
		struct conf blank = {0};
		if (row->base != CONF_BASE_TOP || row->fallback == NULL || row->take != NULL ||
			row->type == CONF_BOOL || row->type == CONF_WORD)
			continue;
		assert_true(conf_row_number(row, &blank, slice_str(row->fallback)));
	}
}

/* Each word of a row is read as its value, and nothing else is a word. */
static void
test_words(void **state)
{
	size_t n, n_rows = 0;
	const struct conf_row *rows = conf_rows(&n);

	(void) state;
	for (const struct conf_row *row = rows; row < rows + n; row++) {
		union {
			struct conf conf;
			struct conf_domain domain;
			char bytes[1];
		} base = {.bytes = {0}};
		unsigned *value = (unsigned *) (void *) (base.bytes + row->offset);
		if (row->type != CONF_WORD)
			continue;
		n_rows++;
		for (const struct conf_word *w = row->words; w->word != NULL; w++) {
			*value = 99;
			assert_false(conf_row_word(row, &base, slice_of(w->word, strlen(w->word) - 1)));
			assert_false(conf_row_word(row, &base, slice_of(w->word, strlen(w->word) + 1)));
			assert_int_equal(*value, 99);
			assert_true(conf_row_word(row, &base, slice_str(w->word)));
			assert_int_equal(*value, w->value);
		}
		assert_false(conf_row_word(row, &base, SLICE("")));
		assert_non_null(strstr(row->help, "{}"));
	}
	assert_int_equal(n_rows, 5);
}

/* Each row is complete, below its container, and under no other row's key. */
static void
test_table(void **state)
{
	size_t n;
	const struct conf_row *rows = conf_rows(&n);

	(void) state;
	assert_string_equal(rows[0].key, "");
	for (size_t i = 1; i < n; i++) {
		bool has_container = false;
		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(rows[i].key, rows[k].key);
			if (conf_row_is_in(&rows[i], &rows[k])) {
				has_container = true;
				assert_true(rows[k].is_built);
				assert_ptr_equal(conf_row_find(&rows[k], slice_str(conf_row_leaf(&rows[i]))), &rows[i]);
			}
		}
		assert_true(has_container);
		if (!rows[i].is_built)
			continue;
		assert_non_null(rows[i].help);
		assert_true(rows[i].help[0] != '.' && rows[i].help[0] != '\'');
		assert_int_equal(rows[i].take != NULL,
			rows[i].type == CONF_STRING || rows[i].type == CONF_STRINGS || rows[i].type == CONF_SWITCH ||
				rows[i].type == CONF_FIELDS);
		for (const char *p = rows[i].help; *p != '\0'; p++)
			assert_true(*p >= ' ' && *p <= '~');
	}
}

/* Who is there, and who is told. */
static void
test_who(void **state)
{
	/* Also a mapped address; not a trusted proxy's, nor one that nobody knows. */
	static const struct {
		const char *address;
		bool is_denied;
	} denied[] = {{"192.0.2.1", true}, {"::ffff:192.0.2.1", true}, {"192.0.3.1", false}, {"2001:db8::1", false},
		{"192.0.2.9", false}, {NULL, false}};
	struct conf *c = good("{" D "}");

	(void) state;
	assert_int_equal(c->log.addresses, LOG_ADDRESSES_FULL);
	assert_int_equal(c->n_deny, 0);
	assert_false(c->listen[0].proxy_protocol);
	conf_unref(c);

	c = good("{\"listen\":[{\"port\":1,\"proxy_protocol\":true},{\"port\":2}]," D "}");
	assert_true(c->listen[0].proxy_protocol);
	assert_false(c->listen[1].proxy_protocol);
	conf_unref(c);

	c = good("{\"listen\":[{\"unix\":\"/run/x\",\"proxy_protocol\":true}],\"trusted_proxies\":[]," D "}");
	assert_true(c->listen[0].proxy_protocol);
	conf_unref(c);

	c = good(
		"{\"deny\":[\"192.0.2.0/24\",\"2001:db8::/32\"],\"trusted_proxies\":[\"192.0.2.9\",\"2001:db8::/33\"]," D
		"}");
	for (size_t i = 0; i < COUNT(denied); i++) {
		struct peer peer = {.kind = PEER_UNKNOWN};
		if (denied[i].address != NULL) {
			assert_true(network_address(slice_str(denied[i].address), peer.address));
			peer.kind = PEER_ADDRESS;
		}
		assert_int_equal(conf_is_denied(c, &peer), denied[i].is_denied);
		peer.kind = PEER_UNIX;
		assert_false(conf_is_denied(c, &peer));
	}
	conf_unref(c);

	c = good("{\"log\":{\"addresses\":\"network\"}," D "}");
	assert_int_equal(c->log.addresses, LOG_ADDRESSES_NETWORK);
	conf_unref(c);

	c = good("{\"log\":{\"addresses\":\"none\"}," D "}");
	assert_int_equal(c->log.addresses, LOG_ADDRESSES_NONE);
	conf_unref(c);
}

static void
test_values(void **state)
{
	struct conf *c = good(
		"/* all */ {\n"
		"\"listen\":[{\"address\":\"[::1]\",\"port\":0},{\"address\":\"web.example.com\"},"
		"{\"unix\":\"/run/x\",\"mode\":\"600\"},{\"unix\":\"/run/y\"}], // four\n"
		"\"paths\":{\"bosh\":[\"/b/\",\"/http-bind/x.y\"],\"websocket\":\"/ws\"},"
		"\"bosh\":{\"wait\":0.2,\"hold\":1,\"inactivity\":1e1,\"maxpause\":0,\"max_body\":20000},"
		"\"websocket\":{\"ping\":0,\"pong_timeout\":0.5,\"max_message\":1e4,\"require_subprotocol\":false},"
		"\"origins\":[\"HTTPS://Chat.Example.com:443\",\"http://[::1]:8080\",\"app://x\",\"http://a:80\","
		"\"HTTPS://*.Example.com:443\",\"http://*.example.com:80\",\"https://*.b.org:8443\",\"capacitor://localhost\","
		"\"app://\",\"FILE://\",\"moz-extension://0A-1\",\"https://*.xn--bcher-kva.example\",\"app://.\"],"
		"\"resolver\":{\"servers\":[\"192.0.2.1\",\"192.0.2.1:53\",\"2001:db8::1\",\"[2001:db8::1]:53\"]},"
		"\"limits\":{\"stanza\":30000,\"queue\":30000,\"header_timeout\":0,\"connect_timeout\":0.25,"
		"\"first_message_timeout\":0,\"auth_timeout\":1.5},"
		"\"workers\":2,\"node\":\"Web1\",\"log\":{\"level\":\"debug\"}," D "}\n // end");

	(void) state;
	assert_int_equal(c->n_listen, 4);
	assert_string_equal(c->listen[0].address, "::1");
	assert_int_equal(c->listen[0].port, 0);
	assert_string_equal(c->listen[1].address, "web.example.com");
	assert_int_equal(c->listen[1].port, 5280);
	assert_null(c->listen[2].address);
	assert_string_equal(c->listen[2].unix_path, "/run/x");
	assert_int_equal(c->listen[2].mode, 0600);
	assert_int_equal(c->listen[3].mode, 0660);
	assert_int_equal(c->bosh_paths.n, 2);
	assert_string_equal(c->bosh_paths.v[0], "/b");
	assert_string_equal(c->bosh_paths.v[1], "/http-bind/x.y");
	assert_string_equal(c->websocket_paths.v[0], "/ws");
	assert_int_equal(c->bosh.wait, 200);
	assert_int_equal(c->bosh.hold, 1);
	assert_int_equal(c->bosh.inactivity, 10000);
	assert_int_equal(c->bosh.maxpause, 0);
	assert_int_equal(c->bosh.max_body, 20000);
	assert_int_equal(c->websocket.ping, 0);
	assert_int_equal(c->websocket.pong_timeout, 500);
	assert_int_equal(c->websocket.max_message, 10000);
	assert_false(c->websocket.require_subprotocol);
	assert_int_equal(c->origins.n, 13);
	assert_string_equal(c->origins.v[0], "https://chat.example.com");
	assert_string_equal(c->origins.v[1], "http://[::1]:8080");
	assert_string_equal(c->origins.v[2], "app://x");
	assert_string_equal(c->origins.v[3], "http://a");
	assert_string_equal(c->origins.v[4], "https://*.example.com");
	assert_string_equal(c->origins.v[5], "http://*.example.com");
	assert_string_equal(c->origins.v[6], "https://*.b.org:8443");
	assert_string_equal(c->origins.v[7], "capacitor://localhost");
	assert_string_equal(c->origins.v[8], "app://");
	assert_string_equal(c->origins.v[9], "file://");
	assert_string_equal(c->origins.v[10], "moz-extension://0a-1");
	assert_string_equal(c->origins.v[11], "https://*.xn--bcher-kva.example");
	assert_string_equal(c->origins.v[12], "app://.");
	assert_false(c->cors_credentials);
	assert_int_equal(c->resolver_servers.n, 4);
	assert_string_equal(c->resolver_servers.v[3], "[2001:db8::1]:53");
	assert_int_equal(c->limits.stanza, 30000);
	assert_int_equal(c->limits.queue, 30000);
	assert_int_equal(c->limits.header_timeout, 0);
	assert_int_equal(c->limits.first_message_timeout, 0);
	assert_int_equal(c->limits.auth_timeout, 1500);
	assert_int_equal(c->limits.connect_timeout, 250);
	assert_int_equal(c->workers, 2);
	assert_string_equal(c->node, "Web1");
	assert_int_equal(c->log.level, LOG_DEBUG);
	conf_unref(c);
}

static void
test_pages(void **state)
{
	static const struct {
		const char *file, *value;
		bool is_on;
		const char *directory;
	} rows[] = {
		{"f", "", true, NULL},
		{"f", "\"pages\":true,", true, NULL},
		{"f", "\"pages\":false,", false, NULL},
		{"f", "\"pages\":\"/srv/www\",", true, "/srv/www"},
		{"f", "\"pages\":\"www\",", true, "www"},
		{"/etc/culvert/culvert.json", "\"pages\":\"www\",", true, "/etc/culvert/www"},
		{"/culvert.json", "\"pages\":\"www\",", true, "/www"},
		{"../x/culvert.json", "\"pages\":\"../www\",", true, "../x/../www"},
		{"/etc/culvert.json", "\"pages\":\"/srv/www\",", true, "/srv/www"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf text, errors;
		struct conf *c;

		buf_init(&text, ROOM);
		buf_init(&errors, ROOM);
		buf_printf(&text, "{%s" D "}", rows[i].value);
		assert_int_equal(conf_read(&c, buf_slice(&text), rows[i].file, NULL, &errors), 0);
		assert_int_equal(c->pages.is_on, rows[i].is_on);
		if (rows[i].directory == NULL)
			assert_null(c->pages.directory);
		else
			assert_string_equal(c->pages.directory, rows[i].directory);
		conf_unref(c);
		buf_fini(&errors);
		buf_fini(&text);
	}
}

/* What a proxy may say, and what every answer says. */
static void
test_web(void **state)
{
	static const struct {
		const char *written, *url, *origin;
	} urls[] = {
		{"https://a", "https://a", "https://a"},
		{"HTTPS://Chat.Example.COM:8443/", "https://chat.example.com:8443", "https://chat.example.com:8443"},
		{"https://a/B/c/", "https://a/B/c", "https://a"},
		{"https://[2001:DB8::1]:444", "https://[2001:db8::1]:444", "https://[2001:db8::1]:444"},
	};
	struct peer peer = {.kind = PEER_ADDRESS};
	struct conf *c =
		good("{\"response_headers\":{\"x-Shard\":\"s1\",\"Strict-Transport-Security\":\"max-age=1; preload\"},"
		     "\"trusted_proxies\":[\"10.0.0.0/8\",\"2001:db8::1\"]," D "}");

	(void) state;
	assert_int_equal(c->n_response_header, 2);
	assert_string_equal(c->response_header[0].name, "x-Shard");
	assert_string_equal(c->response_header[1].value, "max-age=1; preload");
	assert_string_equal(c->response_lines, "x-Shard: s1\r\nStrict-Transport-Security: max-age=1; preload\r\n");
	assert_string_equal(c->response_names, "x-Shard, Strict-Transport-Security");
	assert_true(network_address(SLICE("10.1.2.3"), peer.address));
	assert_true(conf_is_trusted(c, &peer));
	assert_true(network_address(SLICE("127.0.0.1"), peer.address));
	assert_false(conf_is_trusted(c, &peer));
	assert_null(c->public_url);
	assert_null(c->public_origin);
	conf_unref(c);

	c = good("{" D "}");
	assert_true(conf_is_trusted(c, &peer));
	assert_true(network_address(SLICE("::1"), peer.address));
	assert_true(conf_is_trusted(c, &peer));
	assert_true(network_address(SLICE("192.0.2.1"), peer.address));
	assert_false(conf_is_trusted(c, &peer));
	peer_set_nobody(&peer, PEER_UNIX);
	assert_true(conf_is_trusted(c, &peer));
	assert_string_equal(c->response_lines, "");
	conf_unref(c);

	c = good("{\"trusted_proxies\":[],\"response_headers\":{},\"public_url\":null," D "}");
	assert_true(conf_is_trusted(c, &peer));
	peer.kind = PEER_ADDRESS;
	assert_true(network_address(SLICE("127.0.0.1"), peer.address));
	assert_false(conf_is_trusted(c, &peer));
	assert_string_equal(c->response_lines, "");
	conf_unref(c);

	for (size_t i = 0; i < COUNT(urls); i++) {
		char text[256];
		snprintf(text, sizeof text, "{\"public_url\":\"%s\"," D "}", urls[i].written);
		c = good(text);
		assert_string_equal(c->public_url, urls[i].url);
		assert_string_equal(c->public_origin, urls[i].origin);
		conf_unref(c);
	}
}

/* "*": any public domain that is not written; its server has to prove who it is. */
static void
test_any_domain(void **state)
{
	static const struct {
		const char *name, *why;
	} wrong[] = {
		{"", "no domain"},
		{"localhost", "no public domain"},
		{"b.net.", "no domain"},
		{"*", "no domain"},
		{".b.net", "no domain"},
		{"b..net", "no domain"},
		{"-b.net", "no domain"},
		{"b-.net", "no domain"},
		{"b_b.net", "no domain"},
		{"b.net/x", "no domain"},
		{"::1", "no domain"},
		{"[::1]", "no domain"},
		{"127.0.0.1", "an address is no domain"},
		{"127.1", "an address is no domain"},
		{"0x7f.0x1", "an address is no domain"},
	};
	static const char *const star[] = {"*"};
	struct conf *c = good("{\"domains\":{\"a.org\":{\"connect\":\"xmpp://127.0.0.1\"},\"*\":{\"ca_file\":\"/x\","
			      "\"acks\":\"off\"}},\"allow_addresses\":[\"127.0.0.0/8\",\"::1\"]}");
	struct conf_domain *d;
	const char *why;
	char name[300];
	struct buf errors;

	(void) state;
	assert_string_equal(conf_find_domain(c, SLICE("A.org"))->ascii, "a.org");
	assert_null(conf_find_domain(c, SLICE("*")));
	assert_null(conf_find_domain(c, SLICE("b.net")));
	assert_false(conf_has_name(c, SLICE("b.net")));
	d = conf_any_domain(c, SLICE("B.Example.NET"), &why);
	assert_non_null(d);
	assert_null(why);
	assert_string_equal(d->ascii, "b.example.net");
	assert_string_equal(d->name, "b.example.net");
	assert_string_equal(d->ca_file, "/x");
	assert_true(d->is_any && d->by_dns && d->verify);
	assert_int_equal(d->tls, TLS_REQUIRED);
	assert_int_equal(d->acks, ACKS_OFF);
	assert_int_equal(d->n_allowed, 2);
	assert_null(d->server_name);
	conf_any_domain_free(d);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_null(conf_any_domain(c, slice_str(wrong[i].name), &why));
		assert_string_equal(why, wrong[i].why);
	}
	/* 63 letters at most are a label, 253 a name. */
	memset(name, 'a', sizeof name);
	name[63] = name[127] = name[191] = '.';
	conf_any_domain_free(conf_any_domain(c, slice_of(name, 253), &why));
	assert_null(why);
	assert_null(conf_any_domain(c, slice_of(name, 254), &why));
	assert_string_equal(why, "too long for a domain");
	name[63] = 'a';
	assert_null(conf_any_domain(c, slice_of(name, 253), &why));
	assert_string_equal(why, "no domain");
	conf_any_domain_free(NULL);
	conf_unref(c);

	/* Only if it is written. */
	c = good("{" D "}");
	assert_null(conf_any_domain(c, SLICE("b.net"), &why));
	assert_null(why);
	conf_unref(c);
	buf_init(&errors, ROOM);
	assert_int_equal(conf_read_arguments(&c, NULL, 0, star, 1, NULL, &errors), CV_EINVAL);
	buf_fini(&errors);
	conf_unref(good("{\"domains\":{\"*\":{\"connect\":\"dns\"}}}"));
}

/* Nothing but a name: its servers are found by DNS, and have to prove who they are. */
static void
test_dns(void **state)
{
	static const char *const domain[] = {"a.org", "b.org=dns", "c.org=xmpp://127.0.0.1"};
	static const char *const mixed[] = {"a.org", "a.org=xmpp://127.0.0.1"}, *const twice[] = {"a.org", "a.org"};
	struct conf *c = good("{\"domains\":{\"a.org\":{},\"b.org\":{\"connect\":\"dns\",\"tls\":\"off\"},"
			      "\"c.org\":{\"connect\":[\"dns\"],\"verify\":false},"
			      "\"d.org\":{\"connect\":\"xmpps://[fe80::1%eth0]:5270\"}}}");
	struct buf errors;

	(void) state;
	for (size_t i = 0; i < 3; i++) {
		const struct conf_domain *d = &c->domain[i];
		assert_true(d->by_dns && d->n_connect == 0);
		assert_int_equal(d->tls, i == 1 ? TLS_OFF : TLS_REQUIRED);
		assert_int_equal(d->verify, i != 2);
	}
	assert_false(c->domain[3].by_dns);
	assert_string_equal(c->domain[3].connect[0].host, "fe80::1%eth0");
	assert_int_equal(c->domain[3].connect[0].port, 5270);
	conf_unref(c);

	buf_init(&errors, ROOM);
	assert_int_equal(conf_read_arguments(&c, NULL, 0, domain, COUNT(domain), NULL, &errors), 0);
	for (size_t i = 0; i < 3; i++) {
		const struct conf_domain *d = &c->domain[i];
		assert_int_equal(d->by_dns, i < 2);
		assert_int_equal(d->n_connect, i < 2 ? 0 : 1);
		assert_int_equal(d->tls, i < 2 ? TLS_REQUIRED : TLS_IF_REQUIRED);
		assert_int_equal(d->verify, i < 2);
	}
	conf_unref(c);
	assert_int_equal(conf_read_arguments(&c, NULL, 0, mixed, 2, NULL, &errors), CV_EINVAL);
	assert_int_equal(conf_read_arguments(&c, NULL, 0, twice, 2, NULL, &errors), CV_EINVAL);
	assert_string_equal(buf_cstr(&errors),
		"--domain a.org=xmpp://127.0.0.1" DNS_ALONE_ARGUMENT "--domain a.org" DNS_ALONE_ARGUMENT);
	buf_fini(&errors);
}

static void
test_domains(void **state)
{
	struct conf *c = good(
		"{\"domains\":{\"Z.example\":{\"connect\":[\"xmpp://127.9.9.9:1\",\"xmpp://[::1]\",\"xmpp://LocalHost\"]},"
		"\"b\xc3\xbc"
		"cher.example\":{\"connect\":\"xmpp://[::1]:5\"},"
		"\"a.org\":{\"tls\":\"off\",\"connect\":[\"xmpp://10.0.0.5\",\"xmpp://127.0.0.1\"]},"
		"\"m.org\":{\"connect\":\"xmpp://localhost\",\"tls\":\"if-required\"}}}");
	const struct conf_domain *d;

	(void) state;
	assert_int_equal(c->n_domain, 4);
	assert_true(conf_has_name(c, SLICE("z.EXAMPLE")));
	assert_true(conf_has_name(c, SLICE("Chat.z.example")));
	assert_true(conf_has_name(c, SLICE("a.b.xn--bcher-kva.example")));
	assert_false(conf_has_name(c, SLICE("example")));
	assert_false(conf_has_name(c, SLICE("notz.example")));
	assert_false(conf_has_name(c, SLICE("z.example.evil.org")));
	assert_false(conf_has_name(c, SLICE("")));
	assert_false(conf_has_name(c, SLICE("*")));
	d = conf_find_domain(c, SLICE("z.EXAMPLE"));
	assert_string_equal(d->name, "z.example");
	assert_int_equal(d->tls, TLS_IF_REQUIRED);
	assert_int_equal(d->n_connect, 3);
	assert_string_equal(d->connect[0].host, "127.9.9.9");
	assert_int_equal(d->connect[0].port, 1);
	assert_string_equal(d->connect[1].host, "::1");
	assert_int_equal(d->connect[1].port, 5222);
	for (size_t i = 0; i < 3; i++)
		assert_true(d->connect[i].loopback && !d->connect[i].tls_direct);
	d = conf_find_domain(c, SLICE("a.org"));
	assert_int_equal(d->tls, TLS_OFF);
	assert_false(d->connect[0].loopback);
	assert_true(d->connect[1].loopback);
	d = conf_find_domain(c, SLICE("xn--bcher-kva.example"));
	assert_string_equal(d->name,
		"b\xc3\xbc"
		"cher.example");
	assert_non_null(conf_find_domain(c, SLICE("m.org")));
	assert_null(conf_find_domain(c, SLICE("m.or")));
	assert_null(conf_find_domain(c, SLICE("m.orgs")));
	assert_null(conf_find_domain(c, SLICE("m.org\0")));
	assert_null(conf_find_domain(c, SLICE("")));
	assert_null(conf_find_domain(c, SLICE_NONE));
	conf_unref(c);

	/* Without a hook only ASCII will do. */
	struct buf errors;
	buf_init(&errors, ROOM);
	assert_int_equal(conf_read(&c, SLICE("{\"domains\":{\"\xc3\xbc\":{}}}"), "f", NULL, &errors), CV_EINVAL);
	assert_string_equal(
		buf_cstr(&errors), "f:1:13: domains.\xc3\xbc: \"\\xc3\\xbc\", expected a domain in ASCII (xn--...)\n");
	buf_fini(&errors);
}

/* The one domain "a.org" of a file with these members. */
static const struct conf_domain *
domain_of(struct conf **c, const char *members)
{
	char text[512];

	snprintf(text, sizeof text, "{\"domains\":{\"a.org\":{%s}}}", members);
	*c = good(text);
	return conf_find_domain(*c, SLICE("a.org"));
}

static void
test_tls(void **state)
{
	static const struct {
		const char *members;
		enum tls_policy tls;
		bool verify;
	} cases[] = {
		/* A server that is written as this machine. */
		{"\"connect\":\"xmpp://127.0.0.1\"", TLS_IF_REQUIRED, false},
		{"\"connect\":[\"xmpp://[::1]\",\"xmpps://LOCALHOST\"]", TLS_IF_REQUIRED, false},
		{"\"connect\":\"xmpps://127.1.2.3:443\"", TLS_IF_REQUIRED, false},
		/* Any other, and be it one of many. */
		{"\"connect\":\"xmpp://10.0.0.5\"", TLS_REQUIRED, true},
		{"\"connect\":\"xmpps://xmpp.a.org\"", TLS_REQUIRED, true},
		{"\"connect\":[\"xmpp://127.0.0.1\",\"xmpp://10.0.0.5\",\"xmpp://[::1]\"]", TLS_REQUIRED, true},
		/* Not what it looks like: names, and an address that is loopback only after a look inside. */
		{"\"connect\":\"xmpp://127.0.0.1.example.com\"", TLS_REQUIRED, true},
		{"\"connect\":\"xmpp://localhost.example.com\"", TLS_REQUIRED, true},
		{"\"connect\":\"xmpp://localhost.\"", TLS_REQUIRED, true},
		{"\"connect\":\"xmpp://[::ffff:127.0.0.1]\"", TLS_REQUIRED, true},
		/* What is written wins, before or after the servers, and each for itself. */
		{"\"connect\":\"xmpp://10.0.0.5\",\"tls\":\"required\"", TLS_REQUIRED, true},
		{"\"tls\":\"optional\",\"connect\":\"xmpp://10.0.0.5\"", TLS_OPTIONAL, true},
		{"\"tls\":\"if-required\",\"connect\":\"xmpp://10.0.0.5\"", TLS_IF_REQUIRED, true},
		{"\"tls\":\"off\",\"connect\":\"xmpp://10.0.0.5\"", TLS_OFF, true},
		{"\"verify\":false,\"connect\":\"xmpp://10.0.0.5\"", TLS_REQUIRED, false},
		{"\"connect\":\"xmpp://10.0.0.5\",\"verify\":true", TLS_REQUIRED, true},
		{"\"connect\":\"xmpp://127.0.0.1\",\"verify\":true", TLS_IF_REQUIRED, true},
		{"\"connect\":\"xmpp://127.0.0.1\",\"tls\":\"required\"", TLS_REQUIRED, false},
		{"\"connect\":\"xmpps://127.0.0.1\",\"tls\":\"optional\"", TLS_OPTIONAL, false},
	};
	const struct conf_domain *d;
	struct conf *c;

	(void) state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		d = domain_of(&c, cases[i].members);
		if (d->tls != cases[i].tls || d->verify != cases[i].verify)
			fail_msg("%s gave tls %d verify %d", cases[i].members, d->tls, d->verify);
		assert_null(d->ca_file);
		assert_null(d->server_name);
		conf_unref(c);
	}

	d = domain_of(&c, "\"connect\":[\"xmpps://h\",\"xmpps://[::1]:5222\",\"xmpp://h\"]");
	assert_string_equal(d->connect[0].host, "h");
	assert_int_equal(d->connect[0].port, 5223);
	assert_true(d->connect[0].tls_direct);
	assert_string_equal(d->connect[1].host, "::1");
	assert_int_equal(d->connect[1].port, 5222);
	assert_true(d->connect[1].tls_direct && d->connect[1].loopback);
	assert_int_equal(d->connect[2].port, 5222);
	assert_false(d->connect[2].tls_direct);
	conf_unref(c);

	d = domain_of(
		&c, "\"ca_file\":\"certs/My CA.pem\",\"server_name\":\"XMPP-1.Example.com\",\"connect\":\"xmpp://h\"");
	assert_string_equal(d->ca_file, "certs/My CA.pem");
	assert_string_equal(d->server_name, "xmpp-1.example.com");
	conf_unref(c);

	d = domain_of(&c, "\"ca_file\":null,\"connect\":\"xmpp://h\",\"server_name\":null");
	assert_null(d->ca_file);
	assert_null(d->server_name);
	conf_unref(c);

	/* What one domain says is not the next one's. */
	c = good(
		"{\"domains\":{\"b.org\":{\"verify\":false,\"tls\":\"optional\",\"ca_file\":\"x\",\"server_name\":\"x\","
		"\"connect\":\"xmpp://h\"},\"a.org\":{\"connect\":\"xmpp://h\"}}}");
	d = conf_find_domain(c, SLICE("a.org"));
	assert_int_equal(d->tls, TLS_REQUIRED);
	assert_true(d->verify);
	assert_null(d->ca_file);
	assert_null(d->server_name);
	conf_unref(c);
}

static void
test_many_domains(void **state)
{
	enum { MANY = 5000 };
	struct buf text;
	struct conf *c;

	(void) state;
	buf_init(&text, ROOM);
	buf_append_str(&text, "{\"domains\":{");
	for (int i = 0; i < MANY; i++)
		buf_printf(&text, "%s\"d%d.example\":{\"connect\":\"xmpp://127.0.0.1:%d\"}", i > 0 ? "," : "",
			i * 7919 % MANY, 1 + i * 7919 % MANY);
	buf_append_str(&text, "}}");
	c = good(buf_cstr(&text));
	assert_int_equal(c->n_domain, MANY);
	for (int i = 0; i < MANY; i++) {
		char name[32];
		snprintf(name, sizeof name, "d%d.example", i);
		assert_int_equal(conf_find_domain(c, slice_str(name))->connect[0].port, i + 1);
	}
	conf_unref(c);
	buf_fini(&text);
}

/* Nobody looks at all the domains for each of them: four times as many take about four times as long, not sixteen. */
static clock_t
time_of_domains(int n)
{
	clock_t best = 0;
	struct buf text;

	buf_init(&text, BUF_UNLIMITED);
	buf_append_str(&text, "{\"domains\":{");
	for (int i = 0; i < n; i++)
		buf_printf(&text, "%s\n\"d%d.example\":{\"connect\":\"xmpp://127.0.0.1\",\"ca_file\":\"x\"}",
			i > 0 ? "," : "", (int) ((long long) i * 7919 % n));
	buf_append_str(&text, "}}");
	for (int i = 0; i < 3; i++) {
		clock_t from = clock(), took;
		conf_unref(good(buf_cstr(&text)));
		took = clock() - from;
		if (best == 0 || took < best)
			best = took;
	}
	buf_fini(&text);
	return best;
}

static void
test_time_of_domains(void **state)
{
	clock_t few = time_of_domains(20000), many = time_of_domains(80000);

	(void) state;
	if (many > 10 * few)
		fail_msg("20000 domains took %ld, 80000 took %ld", (long) few, (long) many);
}

/* Where what is looked for later was written. */
static void
test_places(void **state)
{
	struct conf *c = good(
		"{\"pages\":\n \"x\",\"domains\":{\"b.org\":{\"connect\":\"xmpp://127.0.0.1\",\n\n\"ca_file\":\"y\"},"
		"\"a.org\":{\"connect\":\"xmpp://127.0.0.1\"}}}");

	(void) state;
	assert_int_equal(c->pages.place.line, 2);
	assert_int_equal(c->pages.place.column, 2);
	assert_int_equal(c->domain[1].ca_file_place.line, 4);
	assert_int_equal(c->domain[1].ca_file_place.column, 11);
	assert_int_equal(c->domain[1].place.line, 2);
	assert_int_equal(c->domain[1].place.column, 17);
	assert_int_equal(c->domain[0].place.line, 4);
	assert_int_equal(c->domain[0].place.column, 16);
	conf_unref(c);
}

/* What takes a restart ------------------------------------------------- */

static void
note_key(void *arg, const char *key)
{
	buf_printf(arg, " %s", key);
}

/* The keys that differ, each after a blank. */
static void
restarts(const char *running, const char *next, struct buf *out)
{
	struct conf *a = good(running), *b = good(next);

	buf_init(out, ROOM);
	conf_each_restart(a, b, note_key, out);
	conf_unref(a);
	conf_unref(b);
}

static void
test_restarts(void **state)
{
	size_t n, told = 0;
	const struct conf_row *rows = conf_rows(&n);
	struct buf keys, all;

	(void) state;
	restarts("{" D "}", "{\"websocket\":{\"ping\":1,\"pong_timeout\":2},\"bosh\":{\"wait\":1}," D "}", &keys);
	assert_int_equal(keys.n, 0);
	buf_fini(&keys);
	restarts("{\"listen\":[{\"unix\":\"/x\"}]," D "}", "{\"listen\":[{\"unix\":\"/x\",\"mode\":\"0600\"}]," D "}",
		&keys);
	assert_string_equal(buf_cstr(&keys), " listen");
	buf_fini(&keys);
	restarts("{" D "}", "{\"listen\":[{\"proxy_protocol\":true}]," D "}", &keys);
	assert_string_equal(buf_cstr(&keys), " listen");
	buf_fini(&keys);
	restarts("{" D "}",
		"{\"listen\":[{\"port\":1}],\"workers\":3,\"node\":\"m\","
		"\"user\":\"nobody\"," D "}",
		&all);
	/* All that the table says of, and no others. */
	for (size_t i = 0; i < n; i++) {
		char key[64];
		if (!rows[i].is_built || conf_row_when(&rows[i]) != CONF_RESTART || rows[i].type == CONF_OBJECT ||
			strstr(rows[i].key, "[]") != NULL)
			continue;
		snprintf(key, sizeof key, " %s", rows[i].key);
		if (strstr(buf_cstr(&all), key) == NULL)
			fail_msg("%s takes a restart, and nobody says so when it changes", rows[i].key);
		told += strlen(key);
	}
	assert_int_equal(told, all.n);
	buf_fini(&all);
}

static void
test_references(void **state)
{
	const struct conf *c = good("{" D "}");

	(void) state;
	assert_ptr_equal(conf_ref(c), c);
	conf_unref(c);
	assert_string_equal(c->node, "n");
	conf_unref(c);
	conf_unref(NULL);
}

/* Without a file ------------------------------------------------------- */

static void
test_arguments(void **state)
{
	const char *listen[] = {"127.0.0.1:0", ":80", "[::1]:81", "*:82", "unix:/run/x", "localhost"};
	const char *domain[] = {"B.org=xmpp://127.0.0.1:1", "a.org=xmpp://[::1]", "b.ORG=xmpp://localhost"};
	const char *elsewhere[] = {"a.org=xmpp://10.0.0.1", "b.org=xmpp://127.0.0.1", "b.org=xmpps://xmpp.b.org",
		"a.org=xmpp://127.0.0.1", "c.org=xmpp://127.0.0.1"};
	struct buf errors;
	struct conf *c;

	(void) state;
	buf_init(&errors, ROOM);
	assert_int_equal(conf_read_arguments(&c, listen, COUNT(listen), domain, COUNT(domain), NULL, &errors), 0);
	assert_int_equal(errors.n, 0);
	assert_int_equal(c->n_listen, 6);
	assert_string_equal(c->listen[0].address, "127.0.0.1");
	assert_int_equal(c->listen[0].port, 0);
	assert_string_equal(c->listen[1].address, "*");
	assert_string_equal(c->listen[2].address, "::1");
	assert_int_equal(c->listen[2].port, 81);
	assert_string_equal(c->listen[3].address, "*");
	assert_null(c->listen[4].address);
	assert_string_equal(c->listen[4].unix_path, "/run/x");
	assert_int_equal(c->listen[4].mode, 0660);
	assert_int_equal(c->listen[5].port, 5280);
	assert_int_equal(c->n_domain, 2);
	assert_string_equal(c->domain[1].name, "b.org");
	assert_int_equal(c->domain[1].n_connect, 2);
	assert_string_equal(c->domain[1].connect[1].host, "localhost");
	assert_int_equal(c->domain[1].tls, TLS_IF_REQUIRED);
	assert_false(c->domain[1].verify);
	assert_int_equal(c->bosh.wait, 50000);
	assert_true(c->pages.is_on);
	assert_null(c->pages.directory);
	assert_int_equal(conf_read_pages_argument(c, "", &errors), CV_EINVAL);
	assert_string_equal(buf_cstr(&errors), "--pages : expected the path of a directory, true or false\n");
	assert_int_equal(conf_read_pages_argument(c, "www", &errors), 0);
	assert_string_equal(c->pages.directory, "www");
	buf_clear(&errors, ROOM);
	conf_unref(c);

	assert_int_equal(conf_read_arguments(&c, NULL, 0, domain, 1, NULL, &errors), 0);
	assert_string_equal(c->listen[0].address, "*");
	assert_int_equal(c->listen[0].port, 5280);
	conf_unref(c);

	/* One server elsewhere, first or last, is enough for the careful defaults. */
	assert_int_equal(conf_read_arguments(&c, NULL, 0, elsewhere, COUNT(elsewhere), NULL, &errors), 0);
	assert_int_equal(errors.n, 0);
	assert_int_equal(c->n_domain, 3);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(c->domain[i].n_connect, 2);
		assert_int_equal(c->domain[i].tls, TLS_REQUIRED);
		assert_true(c->domain[i].verify);
	}
	assert_true(c->domain[1].connect[1].tls_direct);
	assert_int_equal(c->domain[1].connect[1].port, 5223);
	assert_int_equal(c->domain[2].tls, TLS_IF_REQUIRED);
	assert_false(c->domain[2].verify);
	conf_unref(c);
	buf_fini(&errors);
}

static void
test_bad_arguments(void **state)
{
	static const struct {
		const char *listen, *domain, *errors;
	} cases[] = {
		{NULL, NULL, "--domain is missing: expected NAME or NAME=xmpp://HOST:PORT\n"},
		{NULL, "a.org=", "--domain a.org=: expected NAME or NAME=xmpp://HOST:PORT\n"},
		{NULL, "=xmpp://127.0.0.1", "--domain =xmpp://127.0.0.1: expected a domain like example.com\n"},
		{NULL, "a.org=127.0.0.1",
			"--domain a.org=127.0.0.1: expected \"dns\", xmpp://HOST[:PORT] or xmpps://HOST[:PORT]\n"},
		{"", "a=xmpp://[::1]", "--listen : expected ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH\n"},
		{"::1", "a=xmpp://[::1]", "--listen ::1: expected ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH\n"},
		{":65536", "a=xmpp://[::1]", "--listen :65536: expected a port from 0 to 65535\n"},
		{"b\xc3\xbc.de:1", "a=xmpp://[::1]", "--listen b\xc3\xbc.de:1: expected the host in ASCII (xn--...)\n"},
		{NULL, "a.org=xmpp://10.0.0.1:65536",
			"--domain a.org=xmpp://10.0.0.1:65536: expected a port from 1 to 65535\n"},
		{":x", "a=xmpp://[::1]", "--listen :x: expected ADDRESS:PORT, :PORT, [IPV6]:PORT or unix:/PATH\n"},
		{"unix:x", "a=xmpp://[::1]", "--listen unix:x: expected an absolute path of at most 107 bytes\n"},
	};

	(void) state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *listen = cases[i].listen, *domain = cases[i].domain;
		struct buf errors;
		struct conf *c;
		buf_init(&errors, ROOM);
		assert_int_equal(
			conf_read_arguments(&c, &listen, listen != NULL, &domain, domain != NULL, NULL, &errors),
			CV_EINVAL);
		assert_null(c);
		assert_string_equal(buf_cstr(&errors), cases[i].errors);
		buf_fini(&errors);
	}

	const char *twice[] = {":1", "*:1"}, *local = "a.org=xmpp://127.0.0.1";
	struct buf errors;
	struct conf *c;
	buf_init(&errors, ROOM);
	assert_int_equal(conf_read_arguments(&c, twice, 2, &local, 1, NULL, &errors), CV_EINVAL);
	assert_string_equal(buf_cstr(&errors), "--listen *:1: expected each listener once\n");
	buf_fini(&errors);
}

/* Hostile text --------------------------------------------------------- */

static void
test_every_prefix(void **state)
{
	struct buf text, errors;

	(void) state;
	buf_init(&text, ROOM);
	conf_help_sample(&text);
	conf_unref(read_text(buf_slice(&text), &errors));
	assert_int_equal(errors.n, 0);
	buf_fini(&errors);
	/* The last byte is a line's end, the one before it the closing brace. */
	for (size_t n = 0; n + 1 < text.n; n++) {
		assert_null(read_text(slice_of(buf_slice(&text).p, n), &errors));
		buf_fini(&errors);
	}
	buf_fini(&text);
}

static void
test_every_byte_changed(void **state)
{
	static const char instead[] = "\0\"\\{}[],:/9-e\n\x80\xff";
	struct buf text, errors;

	(void) state;
	buf_init(&text, ROOM);
	conf_help_sample(&text);
	for (size_t i = 0; i < text.n; i++) {
		char *at = text.p + text.start + i, before = *at;
		for (size_t k = 0; k < sizeof instead - 1; k++) {
			*at = instead[k];
			conf_unref(read_text(buf_slice(&text), &errors));
			buf_fini(&errors);
		}
		*at = before;
	}
	buf_fini(&text);
}

static void
test_deep_nesting(void **state)
{
	enum { DEEP = 200000 };
	struct buf text, errors;

	(void) state;
	for (int i = 0; i < 4; i++) {
		static const char *const begin[] = {"", "{\"bosh\":", "{\"nonsense\":", "{\"origins\":["};
		buf_init(&text, 4 * ROOM);
		buf_append_str(&text, begin[i]);
		for (int k = 0; k < DEEP; k++)
			buf_append_str(&text, k % 2 == 0 ? "[" : "{\"a\":");
		assert_null(read_text(buf_slice(&text), &errors));
		buf_fini(&errors);
		buf_fini(&text);
	}
}

/* Documents ------------------------------------------------------------ */

/* A file of the source tree, wherever the test runs. */
static void
read_source(struct buf *out, const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[512];
	FILE *f = NULL;
	int c;

	for (int up = 0; f == NULL && up < 4; up++) {
		snprintf(path, sizeof path, "%s/%.*s%s", top != NULL ? top : ".", up * 3, "../../../", name);
		f = fopen(path, "r");
	}
	if (f == NULL)
		fail_msg("%s not found: top_srcdir is wrong", name);
	buf_init(out, ROOM);
	while ((c = getc(f)) != EOF)
		buf_append_char(out, (char) c);
	fclose(f);
}

static void
test_sample_file(void **state)
{
	struct buf file, sample, errors;
	struct conf *c;
	size_t n;
	const struct conf_row *rows = conf_rows(&n);

	(void) state;
	read_source(&file, "contrib/culvert.json");
	buf_init(&sample, ROOM);
	conf_help_sample(&sample);
	if (!slice_eq(buf_slice(&file), buf_slice(&sample)))
		fail_msg("contrib/culvert.json is old; culvert --help-config=sample writes it");
	c = read_text(buf_slice(&file), &errors);
	if (c == NULL)
		fail_msg("%s", buf_cstr(&errors));
	buf_fini(&errors);

	/* Each key is in it, and all but the domains and listeners are what they would be anyway. */
	for (size_t i = 1; i < n; i++) {
		char key[64];
		snprintf(key, sizeof key, "\"%s\":", conf_row_leaf(&rows[i]));
		if (rows[i].is_built && conf_row_is_key(&rows[i]))
			assert_non_null(strstr(buf_cstr(&file), key));
	}
	struct conf *plain = good("{" D "}");
	assert_memory_equal(&c->bosh, &plain->bosh, sizeof c->bosh);
	assert_int_equal(c->websocket.ping, plain->websocket.ping);
	assert_int_equal(c->websocket.pong_timeout, plain->websocket.pong_timeout);
	assert_int_equal(c->websocket.max_message, plain->websocket.max_message);
	/* What the sample says of its domain is what its server would give it. */
	assert_int_equal(c->domain[0].tls, plain->domain[0].tls);
	assert_int_equal(c->domain[0].verify, plain->domain[0].verify);
	assert_null(c->domain[0].ca_file);
	assert_null(c->domain[0].server_name);
	assert_memory_equal(&c->limits, &plain->limits, sizeof c->limits);
	assert_int_equal(c->workers, plain->workers);
	assert_string_equal(c->node, plain->node);
	assert_string_equal(c->origins.v[0], plain->origins.v[0]);
	conf_unref(plain);
	conf_unref(c);
	buf_fini(&sample);
	buf_fini(&file);
}

static void
test_man_page(void **state)
{
	struct buf page, keys;
	const char *begin, *end;

	(void) state;
	read_source(&page, "src/culvert.json.5");
	buf_init(&keys, ROOM);
	conf_help_man(&keys);
	begin = strstr(buf_cstr(&page), "keys begin");
	assert_non_null(begin);
	begin = strchr(begin, '\n') + 1;
	end = strstr(begin, ".\\\" keys end\n");
	assert_non_null(end);
	if (!slice_eq(slice_of(begin, (size_t) (end - begin)), buf_slice(&keys)))
		fail_msg("src/culvert.json.5 is old; culvert --help-config=man writes what stands between its marks");
	buf_fini(&keys);
	buf_fini(&page);
}

static void
test_list(void **state)
{
	struct buf list;
	size_t n, column = 0;
	const struct conf_row *rows = conf_rows(&n);

	(void) state;
	buf_init(&list, ROOM);
	conf_help_list(&list);
	for (size_t i = 1; i < n; i++) {
		char key[64];
		snprintf(key, sizeof key, "\n%s\n", rows[i].key);
		/* The first has no line before it. */
		if (conf_row_is_key(&rows[i]))
			assert_int_equal(strstr(buf_cstr(&list), key + (i == 1)) != NULL, rows[i].is_built);
	}
	for (const char *p = buf_cstr(&list); *p != '\0'; p++) {
		column = *p == '\n' ? 0 : *p == '\t' ? column + 8 : column + 1;
		assert_true(column < 80);
	}
	buf_fini(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_later_keys),
		cmocka_unit_test(test_too_many_complaints),
		cmocka_unit_test(test_little_room),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_same_listen),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_web),
		cmocka_unit_test(test_any_domain),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_many_domains),
		cmocka_unit_test(test_time_of_domains),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_sample_file),
		cmocka_unit_test(test_man_page),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
