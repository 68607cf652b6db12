'use strict';
/*
 * ejabberd.js: Debian's ejabberd with a configuration, accounts and ports of
 * its own, all below a temporary directory.  It is a part of a stage instead
 * of Prosody (lib/prosody.js), with the same domains and the same passwords,
 * and as Debian has it, with what doc/RUNNING.md says of ejabberd: STARTTLS is
 * required, the certificate is its own.
 *
 * Started by erl itself, without ejabberdctl: as a node without a name it
 * needs no epmd, which would stay behind.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { Authority } = require('./authority');
const { request } = require('./http');
const { Program, freePort, removeDirectory, temporaryDirectory } = require('./program');
const { DOMAIN, GUESTS, ROOMS, passwordOf } = require('./prosody');

const CONFIGURATION = 'ejabberd.yml';
const START_MS = 120000; // some 5 s when nothing else runs

const configuration = (ejabberd, pem, options) => `
loglevel: ${process.env.E2E_DEBUG ? 'debug' : 'info'}
hosts: [${DOMAIN}, ${GUESTS}]
certfiles: ["${pem}"]
listen:
  - port: ${ejabberd.port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    access: c2s
    ${options.optional ? 'starttls' : 'starttls_required'}: true
  - port: ${ejabberd.directPort}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    access: c2s
    tls: true
  - port: ${ejabberd.toldPort}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    use_proxy_protocol: true
    max_stanza_size: 262144
    access: c2s
    starttls_required: true
  - port: ${ejabberd.httpPort}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers:
      /http-bind: mod_bosh
      /xmpp-websocket: ejabberd_http_ws
      /api: mod_http_api
api_permissions:
  "tests look":
    who:
      ip: 127.0.0.1/8
    what: connected_users_info
disable_sasl_mechanisms: [digest-md5, X-OAUTH2, scram-sha-1-plus, scram-sha-256-plus, scram-sha-512-plus]
auth_password_format: scram
auth_method: internal
host_config:
  ${GUESTS}:
    auth_method: anonymous
    anonymous_protocol: sasl_anon
    allow_multiple_connections: true
acl:
  loopback:
    ip: 127.0.0.0/8
access_rules:
  c2s:
    allow: all
  trusted_network:
    allow: loopback
modules:
  mod_admin_extra: {}
  mod_bosh:${options.inactivity ? `
    max_inactivity: ${options.inactivity}` : ' {}'}
  mod_disco: {}
  mod_fail2ban:
    access: ${options.bans ? 'none' : 'trusted_network'}
  mod_http_api: {}
  mod_muc:
    host: ${ROOMS}
  mod_ping: {}
  mod_roster: {}
${options.offline ? '  mod_offline: {}\n' : ''}${options.archive ? '  mod_mam:\n    default: always\n' : ''}  mod_stream_mgmt:
    resend_on_timeout: ${options.resend === false ? 'false' : 'if_offline'}
`;

/* A binary of Erlang, from any text. */
const binary = (text) => `<<${[...Buffer.from(text)].join(',')}>>`;

/* Where the package's applications are: /usr/lib/TRIPLET/ejabberd-VERSION/ebin. */
function libraries() {
	const files = execFileSync('dpkg', ['-L', 'ejabberd'], { encoding: 'utf8' }).split('\n');
	return path.resolve(files.find((file) => file.endsWith('/ebin/ejabberd.app')), '../../..');
}

class Ejabberd {
	/*
	 * options: users, inactivity, as for Prosody; bans: true: this machine is banned like any other; offline, archive: it keeps
	 * messages; resend: false for the module's default; hosts: { [DOMAIN]: files }: another certificate than its own;
	 * optional: TLS is offered, not demanded.  TLS is spoken at once on directPort; on toldPort clients are expected to be
	 * introduced by the PROXY protocol.
	 */
	static async start(options = {}) {
		const { users = [] } = options;
		const ejabberd = new Ejabberd();
		const directory = ejabberd.directory = temporaryDirectory('ejabberd');
		ejabberd.port = await freePort();
		ejabberd.httpPort = await freePort();
		ejabberd.directPort = await freePort();
		ejabberd.toldPort = await freePort();
		const { certificate, key } = options.hosts?.[DOMAIN] || Authority.selfSigned(DOMAIN);
		const pem = path.join(directory, 'ejabberd.pem');
		fs.writeFileSync(pem, fs.readFileSync(certificate) + fs.readFileSync(key));
		fs.writeFileSync(path.join(directory, CONFIGURATION), configuration(ejabberd, pem, options));
		await ejabberd.run(users.map((user) =>
			`ok = ejabberd_auth:try_register(${[user, DOMAIN, passwordOf(user)].map(binary).join(',')})`));
		return ejabberd;
	}

	/* Starts it, again after shutdown(); commands: what it does before it is ready, in Erlang. */
	async run(commands = []) {
		const { directory } = this;
		this.program = new Program('ejabberd', 'erl', [
			'-noinput', '-mnesia', 'dir', `"${directory}/database"`,
			'-eval', ['{ok,_} = application:ensure_all_started(ejabberd)', ...commands, 'io:format("accounts ready~n")'].join(', ') + '.',
		], {
			env: {
				...process.env,
				ERL_LIBS: libraries(),
				ERL_CRASH_DUMP: '/dev/null',
				EJABBERD_CONFIG_PATH: path.join(directory, CONFIGURATION),
				EJABBERD_LOG_PATH: path.join(directory, 'ejabberd.log'),
				HOME: directory,
			},
		});
		await this.program.line(/^accounts ready$/, { ms: START_MS });
		await this.program.listening(this.port);
	}

	/* The ordinary way: its clients are told. */
	shutdown() {
		return this.program.stop('SIGTERM');
	}

	/* Who is connected, as connected_users_info has it: [{ jid, connection, ip, ... }]. */
	async users() {
		const { status, text } = await request(this.httpPort, 'POST', '/api/connected_users_info',
			{ headers: { 'Content-Type': 'application/json' }, body: '{}' });
		if (status !== 200)
			throw new Error(`${status}: ${text}`);
		return JSON.parse(text);
	}

	async stop() {
		await this.program.stop('SIGKILL');
		removeDirectory(this.directory);
	}

	tail(n) {
		return this.program.tail(n);
	}
}

module.exports = { Ejabberd };
