'use strict';
/*
 * prosody.js: Debian's Prosody with a configuration, accounts and ports of its
 * own, all below a temporary directory.  Speaks XMPP on port, and BOSH and
 * WebSocket on httpPort, which is how the tests prove themselves
 * (E2E_DIRECT=1).
 *
 *	example.test	users with passwords; each has all the others on the roster
 *	guest.test	anybody, by SASL ANONYMOUS: for tests that write their own XML
 *	rooms.example.test	rooms, if a test asks for them; who comes first makes one
 */

const fs = require('node:fs');
const path = require('node:path');

const { request } = require('./http');
const { Program, freePort, removeDirectory, temporaryDirectory } = require('./program');

const DOMAIN = 'example.test';
const GUESTS = 'guest.test';
const ROOMS = `rooms.${DOMAIN}`;
const CONFIGURATION = 'prosody.cfg.lua';

/* Prosody's own spelling of a name in its data directory. */
const fileName = (name) => name.replace(/[^A-Za-z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);

const passwordOf = (user) => `pässword of ${user}`;

/* Prosody's default is that clients have to use STARTTLS. */
const encryption = ({ directPort }, { hosts, optional }) =>
	`${hosts ? `c2s_direct_tls_ports = { ${directPort} }\n${ssl(Object.values(hosts)[0])}` : ''}${
		!hosts || optional ? 'c2s_require_encryption = false' : ''}`;

const ssl = (files) => files ? ['ssl', 'c2s_direct_tls_ssl']
	.map((name) => `${name} = { certificate = "${files.certificate}", key = "${files.key}" }\n`).join('') : '';

function configuration(prosody, options) {
	const { directory, port, httpPort } = prosody;
	const { hosts } = options;
	const modules = (options.modules ? ['e2e_newer', ...options.modules] : []).map((name) => `, "${name}"`).join('');
	const guests = Object.keys({ [GUESTS]: null, ...hosts }).filter((host) => host !== DOMAIN);
	return `
run_as_root = ${process.getuid() === 0}
daemonize = false
pidfile = "${directory}/prosody.pid"
data_path = "${directory}/data"
certificates = "${directory}"
log = { { levels = { min = "${process.env.E2E_DEBUG ? 'debug' : 'info'}" }, to = "console" } }

modules_enabled = { "posix", ${hosts ? '"tls", ' : ''}"saslauth", "roster", "disco", "ping", "carbons", "smacks", "http", "bosh", "websocket"${modules} }
modules_disabled = { "s2s", "s2s_auth_certs" }

interfaces = { "127.0.0.1" }
c2s_ports = { ${port} }
${encryption(prosody, options)}
c2s_close_timeout = 1
http_ports = { ${httpPort} }
http_interfaces = { "127.0.0.1" }
https_ports = { }
http_default_host = "${DOMAIN}"
bosh_max_inactivity = ${options.inactivity || 60}
${options.modules ? `allow_unencrypted_plain_auth = true\nplugin_paths = { "${directory}" }` : ''}

VirtualHost "${DOMAIN}"
	authentication = "internal_plain"
${ssl(hosts?.[DOMAIN])}${guests.map((host) => `VirtualHost "${host}"
	authentication = "anonymous"
${ssl(hosts?.[host])}`).join('')}${options.rooms ? `
Component "${ROOMS}" "muc"
	muc_room_locking = false
` : ''}`;
}

/*
 * Debian's prosody-modules were written for a newer Prosody than Debian's: one
 * that tells them who asked for a stream (here it is always the first user),
 * and that knows a few things more.
 */
const newer = ([user]) => `
local datetime = require "util.datetime";
local of_seconds = datetime.datetime;
function datetime.datetime(t) return of_seconds(t and math.floor(t)); end
local stanza = require "util.stanza".stanza_mt;
function stanza:get_child_attr(name, xmlns, attr)
	local child = self:get_child(name, xmlns);
	return child and child.attr[attr];
end
module:hook("stream-features", function (event)
	event.stream = event.stream or { from = "${user}@${DOMAIN}" };
end, 1000);
`;

function writeAccounts(directory, users) {
	const data = path.join(directory, 'data', fileName(DOMAIN));
	for (const store of ['accounts', 'roster'])
		fs.mkdirSync(path.join(data, store), { recursive: true });
	for (const user of users) {
		const contacts = users.filter((other) => other !== user)
			.map((other) => `["${other}@${DOMAIN}"] = { subscription = "both", groups = {} };`);
		fs.writeFileSync(path.join(data, 'accounts', `${fileName(user)}.dat`),
			`return { ["password"] = "${passwordOf(user)}" };\n`);
		fs.writeFileSync(path.join(data, 'roster', `${fileName(user)}.dat`),
			`return { [false] = { version = 1, pending = {} }; ${contacts.join(' ')} };\n`);
	}
}

class Prosody {
	/*
	 * options:
	 *	users		names
	 *	rooms		true: rooms at rooms.example.test
	 *	inactivity	seconds, of its own BOSH
	 *	modules		further ones, such as those of Debian's prosody-modules; with them PLAIN needs no TLS
	 *	hosts		{ domain: { certificate, key } }: TLS is demanded, and spoken at once on directPort; domains
	 *			other than example.test are for guests
	 *	optional	true: TLS is offered, not demanded
	 */
	static async start(options = {}) {
		const prosody = new Prosody();
		prosody.directory = temporaryDirectory('prosody');
		prosody.port = await freePort();
		prosody.httpPort = await freePort();
		prosody.directPort = await freePort();
		fs.writeFileSync(path.join(prosody.directory, CONFIGURATION), configuration(prosody, options));
		if (options.modules)
			fs.writeFileSync(path.join(prosody.directory, 'mod_e2e_newer.lua'), newer(options.users));
		writeAccounts(prosody.directory, options.users || []);
		await prosody.run();
		return prosody;
	}

	/* Starts it, again after shutdown() or crash(). */
	async run() {
		this.program = new Program('prosody', 'prosody', ['-F', '--config', path.join(this.directory, CONFIGURATION)]);
		await this.program.listening(this.port);
		await this.program.listening(this.httpPort);
		await request(this.httpPort, 'GET', '/'); // it listens before it has read all about its domains
	}

	/* The ordinary way: its clients are told. */
	shutdown() {
		return this.program.stop('SIGTERM');
	}

	/* Without a word to anybody. */
	crash() {
		return this.program.stop('SIGKILL');
	}

	async stop() {
		await this.crash();
		removeDirectory(this.directory);
	}

	tail(n) {
		return this.program.tail(n);
	}
}

module.exports = { DOMAIN, GUESTS, Prosody, ROOMS, passwordOf };
