'use strict';
/*
 * jabberd2.js: Debian's jabberd2 with a configuration, accounts and ports of
 * its own, all below a temporary directory.  It is a part of a stage instead
 * of Prosody (lib/prosody.js), with the same domain and the same passwords.
 * Three programs make a server: a router, a session manager (sm), and what
 * clients connect to (c2s).  People register themselves.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const { Program, freePort, removeDirectory, temporaryDirectory } = require('./program');
const { DOMAIN, passwordOf } = require('./prosody');
const { within } = require('./wait');
const { NS } = require('./xml');

const SECRET = 'between the three of them';

/* What the session manager does, where, and in this order. */
const CHAINS = {
	'in-sess': ['validate', 'roster', 'iq-ping', 'disco', 'presence', 'deliver'],
	'in-router': ['session', 'validate', 'presence'],
	'pkt-sm': ['iq-ping', 'disco', 'presence'],
	'pkt-user': ['roster', 'presence', 'disco', 'deliver'],
	'pkt-router': ['session', 'disco'],
	'user-load': ['active', 'roster'],
	'user-create': ['active'],
	'user-delete': ['active', 'roster'],
};

/* Where the package's modules are. */
function libraries() {
	const files = execFileSync('dpkg', ['-L', 'jabberd2'], { encoding: 'utf8' }).split('\n');
	return path.dirname(files.find((file) => file.endsWith('/storage_db.so')));
}

const router = ({ directory, routerPort }) => `
	<local>
		<ip>127.0.0.1</ip>
		<port>${routerPort}</port>
		<users>${directory}/users.xml</users>
	</local>
	<aci><acl type='all'><user>jabberd</user></acl></aci>`;

const toRouter = ({ routerPort }) => `
	<router>
		<ip>127.0.0.1</ip>
		<port>${routerPort}</port>
		<user>jabberd</user>
		<pass>${SECRET}</pass>
		<retry><init>3</init><lost>0</lost><sleep>1</sleep></retry>
	</router>`;

const sm = (jabberd2, modules) => `${toRouter(jabberd2)}
	<local><id>${DOMAIN}</id></local>
	<storage>
		<path>${modules}</path>
		<driver>db</driver>
		<db><path>${jabberd2.directory}/sm</path></db>
	</storage>
	<modules>
		<path>${modules}</path>
		${Object.entries(CHAINS).map(([id, names]) =>
			`<chain id='${id}'>${names.map((name) => `<module>${name}</module>`).join('')}</chain>`).join('\n\t\t')}
	</modules>`;

const c2s = (jabberd2, modules) => `${toRouter(jabberd2)}
	<local>
		<id pemfile='${jabberd2.directory}/server.pem' register-enable='true'>${DOMAIN}</id>
		<ip>127.0.0.1</ip>
		<port>${jabberd2.port}</port>
		<ssl-port>${jabberd2.directPort}</ssl-port>
		<pemfile>${jabberd2.directory}/server.pem</pemfile>
	</local>
	<authreg>
		<path>${modules}</path>
		<module>db</module>
		<mechanisms><sasl><plain/><digest-md5/></sasl></mechanisms>
		<ssl-mechanisms><sasl><plain/></sasl></ssl-mechanisms>
		<db><path>${jabberd2.directory}/c2s</path></db>
	</authreg>`;

/* In the order in which they are started; each says when it is ready. */
const PROGRAMS = {
	router: { content: router, ready: /listening for incoming connections|ready/ },
	sm: { content: sm, ready: /ready for sessions/ },
	c2s: { content: c2s, ready: /ready for connections/ },
};

/* Makes an account as anybody may (XEP-0077, 3.1). */
function register(port, user) {
	const socket = net.connect(port, '127.0.0.1');
	const registered = new Promise((resolve, reject) => {
		let text = '';
		socket.setEncoding('utf8');
		socket.on('data', (more) => {
			text += more;
			if (/<iq[^>]* type='(result|error)'/.test(text))
				text.includes("type='result'") ? resolve() : reject(new Error(text));
		});
		for (const event of ['error', 'close'])
			socket.on(event, (error) => reject(new Error(`${event} ${error} after ${text}`)));
	});
	socket.write(`<stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}' to='${DOMAIN}' version='1.0'>` +
		`<iq type='set' id='register'><query xmlns='jabber:iq:register'><username>${user}</username>` +
		`<password>${passwordOf(user)}</password></query></iq>`);
	return within(registered, `${user} to be registered`).finally(() => socket.destroy());
}

class Jabberd2 {
	/* options: users; hosts, as for Prosody: example.test's certificate.  TLS is spoken at once on directPort. */
	static async start({ users = [], hosts }) {
		const jabberd2 = new Jabberd2();
		jabberd2.silent = [];
		const directory = jabberd2.directory = temporaryDirectory('jabberd2');
		for (const name of ['routerPort', 'port', 'directPort'])
			jabberd2[name] = await freePort();
		const { certificate, key } = hosts[DOMAIN];
		fs.writeFileSync(path.join(directory, 'server.pem'), fs.readFileSync(certificate) + fs.readFileSync(key));
		fs.writeFileSync(path.join(directory, 'users.xml'),
			`<users><user><name>jabberd</name><secret>${SECRET}</secret></user></users>`);
		const modules = libraries();
		for (const [name, { content }] of Object.entries(PROGRAMS)) {
			fs.mkdirSync(path.join(directory, name));
			fs.writeFileSync(path.join(directory, `${name}.xml`), `<${name}>
	<id>${name}</id>
	<pidfile>${directory}/${name}.pid</pidfile>
	<log type='stdout'/>${content(jabberd2, modules)}
</${name}>
`);
		}
		await jabberd2.run();
		for (const user of users)
			await register(jabberd2.port, user);
		return jabberd2;
	}

	/* Starts it, again after shutdown(). */
	async run() {
		this.programs = []; // the last one started first
		for (const [name, { ready }] of Object.entries(PROGRAMS)) {
			const program = new Program(`jabberd2-${name}`, `/usr/sbin/jabberd2-${name}`, ['-c', path.join(this.directory, `${name}.xml`)]);
			this.programs.unshift(program);
			await program.line(ready);
		}
		await this.programs[0].listening(this.port);
	}

	/*
	 * Waits until it knows that this client has left.  What its session manager still has to say of that session would end
	 * the next client that gets the same descriptor ("internal server error"), so that one says nothing.
	 */
	async left(jid) {
		await this.programs[0].line(new RegExp(` disconnect jid=${jid},`));
		this.silent.push(net.connect(this.port, '127.0.0.1').on('error', () => {}));
	}

	/* The ordinary way: its clients are told. */
	async shutdown() {
		for (const program of this.programs)
			await program.stop('SIGTERM');
	}

	async stop() {
		for (const socket of this.silent)
			socket.destroy();
		await Promise.all(this.programs.map((program) => program.stop('SIGKILL')));
		removeDirectory(this.directory);
	}

	tail(n) {
		return this.programs.map((program) => program.tail(n)).join('\n');
	}
}

module.exports = { Jabberd2 };
