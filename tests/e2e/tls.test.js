'use strict';
/*
 * tls.test.js: TLS on the way to the server: Prosody as it is by default, which
 * demands STARTTLS, with certificates of an authority of our own; servers
 * whose certificate must be refused; servers that make a mess of it.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');

const { Authority } = require('./lib/authority');
const { BINARY, Culvert } = require('./lib/gateway');
const { Program, freePort } = require('./lib/program');
const { Server } = require('./lib/server');
const { DOMAIN, GUESTS, TRANSPORTS, culvert, each, suite } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');
const { NS, is } = require('./lib/xml');

const CONNECT_TIMEOUT = 2;

const authority = new Authority();
const stranger = new Authority('Another authority', 'ec');

/* What is wrong with a server's certificate, and what the log says of it. */
const refused = {
	wrong: { files: () => authority.issue('elsewhere.test'), reason: /it is for another name/ },
	expired: { files: (host) => authority.issue(host, { from: -20, to: -10 }), reason: /it has expired/ },
	early: { files: (host) => authority.issue(host, { from: 10, to: 20 }), reason: /it is not valid yet/ },
	stranger: { files: (host) => stranger.issue(host), reason: /its issuer is not known/ },
	selfsigned: { files: (host) => Authority.selfSigned(host), reason: /its issuer is not known/ },
};

/* The server's domains.  Each has a certificate that tells it from the others. */
const hosts = {
	[DOMAIN]: authority.issue(DOMAIN, { key: 'rsa' }),
	[GUESTS]: authority.issue(GUESTS),
	'default.test': stranger.issue('default.test'),
	'default-direct.test': stranger.issue('default-direct.test'),
	'direct.test': authority.issue('direct.test', { key: 'rsa' }),
	'renamed.test': authority.issue('server.test'),
	'system.test': authority.issue('system.test'),
	'off.test': authority.issue('off.test'),
};
for (const [name, { files }] of Object.entries(refused))
	hosts[`${name}.test`] = hosts[`direct-${name}.test`] = files(`${name}.test`);
for (const name of ['expired', 'early', 'stranger', 'selfsigned'])
	hosts[`direct-${name}.test`] = refused[name].files(`direct-${name}.test`);

/* Authorities that take long to read, the right one among them. */
const many = path.join(authority.directory, 'many.crt');
fs.copyFileSync(authority.file, many);

const secure = (files) => ({ key: fs.readFileSync(files.key), cert: fs.readFileSync(files.certificate) });
const files = authority.issue('stand-in.test');

/* Agrees to TLS, and does something else when the client begins with it. */
function afterHello({ socket }, act) {
	socket.removeAllListeners('data');
	socket.once('data', () => act(socket));
	socket.write(`<proceed xmlns='${NS.tls}'/>`);
}

/* Stand-ins, by domain; each speaks STARTTLS in its own way. */
const { selfsigned } = refused;
const standins = {
	'none.test': {},
	'none-optional.test': {},
	'none-default.test': {},
	'fine.test': { secure: secure(files) },
	'many.test': { secure: secure(files) },
	'optional.test': { secure: secure(files) },
	'junk.test': { secure: secure(files), proceed: (connection) => afterHello(connection, (socket) => socket.write('junk'.repeat(5000))) },
	'early-junk.test': {
		secure: secure(files),
		proceed: ({ socket }) => socket.write(`<proceed xmlns='${NS.tls}'/>${'junk'.repeat(5000)}`),
	},
	'stall.test': { secure: secure(files), proceed: ({ socket }) => socket.write(`<proceed xmlns='${NS.tls}'/>`) },
	'slow.test': { secure: secure(files), proceed: () => {} },
	'close.test': { secure: secure(files), proceed: (connection) => afterHello(connection, (socket) => socket.end()) },
	'reset.test': { secure: secure(files), proceed: (connection) => afterHello(connection, (socket) => socket.resetAndDestroy()) },
	'failure.test': {
		secure: secure(files),
		proceed: ({ socket }) => socket.end(`<failure xmlns='${NS.tls}'/></stream:stream>`),
	},
	'other.test': { secure: secure(files), proceed: ({ socket }) => socket.write(`<message xmlns='${NS.client}'/>`) },
	'chain.test': { secure: secure(selfsigned.files('chain.test')) },
	'old.test': { secure: { ...secure(files), maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } },
	'inject.test': {
		secure: secure(files),
		proceed: (connection) => connection.proceed(`<message xmlns='${NS.client}' id='injected'/>`),
	},
};

const stage = suite({
	users: ['alice', 'bob'],
	wire: true,
	hosts,
	config: { limits: { connect_timeout: CONNECT_TIMEOUT } },
	domains: async ({ prosody, add }, port) => {
		const required = { tls: 'required', verify: true, ca_file: authority.file };
		const starttls = `xmpp://127.0.0.1:${prosody.port}`, direct = `xmpps://127.0.0.1:${prosody.directPort}`;
		const domains = {
			[DOMAIN]: { connect: `xmpp://127.0.0.1:${port}`, ...required },
			[GUESTS]: { connect: `xmpp://127.0.0.1:${port}`, ...required },
			'default.test': { connect: starttls },
			'default-direct.test': { connect: direct },
			'direct.test': { connect: direct, verify: true, ca_file: authority.file },
			'renamed.test': { connect: starttls, ...required, server_name: 'server.test' },
			'system.test': { connect: starttls, tls: 'required', verify: true },
			'off.test': { connect: starttls, tls: 'off' },
		};
		for (const name of Object.keys(refused)) {
			domains[`${name}.test`] = { connect: starttls, ...required };
			domains[`direct-${name}.test`] = { connect: direct, verify: true, ca_file: authority.file };
		}
		for (const [domain, options] of Object.entries(standins)) {
			const server = standins[domain].server = add.call(stage, await Server.start(options));
			domains[domain] = { connect: `xmpp://127.0.0.1:${server.port}`, ...required, server_name: 'stand-in.test' };
		}
		delete domains['chain.test'].server_name;
		domains['many.test'].ca_file = many;
		domains['none-optional.test'].tls = domains['optional.test'].tls = 'optional';
		domains['none-default.test'] = { connect: domains['none-default.test'].connect };
		return domains;
	},
});

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

/* Says something to itself and hears it. */
async function echo(client, text) {
	await client.tell(message(client.jid, text));
	await client.message(text);
}

async function loggedIn(transport, domain) {
	const client = stage[transport](domain);
	await client.login();
	return client;
}

/* Tries to begin a session; what the client is told, before and at the end. */
async function attempt(transport, domain) {
	const client = stage[transport](domain);
	if (transport === 'websocket') {
		await client.connect();
		client.openStream();
		return client.failure();
	}
	const answer = await client.create();
	assert.equal(answer.type, 'terminate', answer.text);
	assert.equal(answer.body.childNodes.length, 0, answer.text);
	return { error: answer.condition, code: 1001 };
}

/* A session that must not come about: the client is told, and one line of the log says why. */
async function assertRefused(transport, domain, reason, { event = 'upstream not reached', error = 'remote-connection-failed' } = {}) {
	const { program } = stage.gateway;
	const { mark } = program;
	const from = Date.now();
	assert.deepEqual(await attempt(transport, domain), { error, code: 1001 });
	const took = Date.now() - from;
	assert.ok(took < await stage.gateway.bound(CONNECT_TIMEOUT * 1000 + 3000), `told after ${took} ms`);
	await program.line(new RegExp(`session closed .*domain=${domain} `), { mark });
	const lines = program.lines.slice(mark - program.dropped)
		.filter((line) => line.includes(event) && line.includes(`domain=${domain} `));
	assert.equal(lines.length, 1, `lines of the log: ${lines.join('\n')}`);
	assert.match(lines[0], reason);
}

/* A server that demands TLS. */

each('STARTTLS, RSA: people log in and talk', async (transport) => {
	const from = stage.wire.up.seen.length;
	const [alice, bob] = [await stage.login('alice', transport), await stage.login('bob', transport)];
	assert.match(alice.connection._sasl_mechanism.mechname, /^SCRAM-/);
	alice.say(bob.jid, 'a secret of ours');
	assert.equal(await bob.hear(alice.jid), 'a secret of ours');
	const seen = stage.wire.up.seen.slice(from);
	assert.match(seen, /<starttls/);
	assert.doesNotMatch(seen, /<auth|<message|a secret/, 'in the clear');
}, culvert);

each('STARTTLS, ECDSA: a guest logs in', async (transport) => {
	await echo(await stage.guest(transport), 'elliptic');
}, culvert);

each('the client hears of no STARTTLS', async (transport) => {
	const client = stage[transport]();
	if (transport === 'bosh') {
		await client.create();
	} else {
		await client.connect();
		client.openStream();
		await client.expect('open', NS.framing);
	}
	const match = (s) => is(s, 'features', NS.stream);
	const features = (await client.stanza(match, 'the stream features')).toString();
	assert.doesNotMatch(features, /starttls/);
	assert.match(features, /ANONYMOUS/);
}, culvert);

/* What works without a word of TLS in the configuration, or by other ways. */
const working = {
	'without configuration, on loopback': 'default.test',
	'without configuration, on loopback, TLS from the first byte': 'default-direct.test',
	'TLS from the first byte, verified': 'direct.test',
	'server_name: another name in the certificate': 'renamed.test',
	'a stand-in server': 'fine.test',
	'optional, and offered': 'optional.test',
	'optional, and not offered': 'none-optional.test',
	'without configuration, and not offered': 'none-default.test',
};
for (const [what, domain] of Object.entries(working))
	each(`works: ${what}`, async (transport) => echo(await loggedIn(transport, domain), 'here'), culvert);

culvert('optional: TLS is used when it is offered', async () => {
	await loggedIn('websocket', 'optional.test');
	const { last } = standins['optional.test'].server;
	assert.equal(last.socket.encrypted, true);
	assert.equal(last.socket.servername, 'stand-in.test');
});

/* Certificates. */

for (const [name, { reason }] of Object.entries(refused)) {
	each(`refused: a certificate that is ${name}`, (transport) => assertRefused(transport, `${name}.test`, reason), culvert);
	each(`refused: a certificate that is ${name}, TLS from the first byte`,
		(transport) => assertRefused(transport, `direct-${name}.test`, reason), culvert);
}

each('refused: an authority that only we know, without ca_file',
	(transport) => assertRefused(transport, 'system.test', /its issuer is not known|no certificates of authorities/), culvert);

/* Servers and configurations that do not fit. */

each('refused: tls off, the server demands it', (transport) => assertRefused(transport, 'off.test',
	/the server demands TLS, which is off/, { event: 'session closed' }), culvert);

each('refused: tls required, the server offers none', (transport) => assertRefused(transport, 'none.test',
	/the server offers no TLS, which is required/, { event: 'session closed' }), culvert);

/* Servers that agree to TLS and make a mess of it. */
const messes = {
	'junk instead of a handshake': ['junk.test', /TLS handshake failed/],
	'nothing after <proceed/>': ['stall.test', /no TLS handshake in time/],
	'junk behind <proceed/>': ['early-junk.test', /TLS handshake failed|no TLS handshake in time/],
	'the end instead of a handshake': ['close.test', /the server closed the connection/],
	'a reset instead of a handshake': ['reset.test', /TLS handshake failed: the connection broke/],
	'a certificate of its own making': ['chain.test', /its issuer is not known/],
	'TLS 1.1 at most': ['old.test', /TLS handshake failed/],
};
for (const [what, [domain, reason]] of Object.entries(messes))
	each(`a server that sends ${what}`, (transport) => assertRefused(transport, domain, reason), culvert);

each('a server that does not answer <starttls/>', (transport) => assertRefused(transport, 'slow.test', /SERVER_SILENT|in time/,
	{ event: 'session closed' }), culvert);

each('a server that answers <failure/>', (transport) => assertRefused(transport, 'failure.test', /TLS/,
	{ event: 'session closed' }), culvert);

each('a server that answers <starttls/> with something else', (transport) => assertRefused(transport, 'other.test', /reason=/,
	{ event: 'session closed' }), culvert);

each('what a server says in the clear after <proceed/> is not passed on', async (transport) => {
	const client = await loggedIn(transport, 'inject.test');
	await echo(client, 'here');
	const strange = client.inbox.things.filter((thing) => String(thing.text || thing).includes('injected'));
	assert.deepEqual(strange.map(String), []);
}, culvert);

each('a record that was tampered with ends the session', async (transport) => {
	const client = await stage.guest(transport);
	const { mark } = stage.gateway.program;
	stage.wire.down.spoil();
	client.tell(message(client.jid, 'are you there?')).catch(() => {});
	if (transport === 'websocket')
		assert.deepEqual(await client.failure(), { error: 'remote-connection-failed', code: 1001 });
	else
		await assert.rejects(client.message('are you there?'), /remote-connection-failed/);
	const [line] = await stage.gateway.program.line(/upstream lost.*/, { mark });
	assert.match(line, /TLS broke/);
}, culvert);

/* Much, large, in pieces. */

each('200 messages each way, in order, none twice', async (transport) => {
	const [alice, bob] = [await stage.login('alice', transport), await stage.login('bob', transport)];
	const texts = Array.from({ length: 200 }, (_, i) => `number ${i}`);
	for (const text of texts) {
		alice.say(bob.jid, text);
		bob.say(alice.jid, text);
	}
	assert.deepEqual(await Promise.all([bob.hearAll(alice.jid, 200), alice.hearAll(bob.jid, 200)]), [texts, texts]);
	alice.say(bob.jid, 'done');
	assert.equal(await bob.hear(alice.jid), 'done');
	assert.equal(bob.unheard(alice.jid), 0);
}, culvert);

each('100 KiB in one message', async (transport) => {
	const client = await stage.guest(transport);
	const text = Array.from({ length: 100 * 1024 / 8 }, (_, i) => String(i).padStart(8, '0')).join('');
	await client.tell(message(client.jid, text));
	const heard = await client.stanza((s) => s.localName === 'message', 'the message');
	assert.ok(heard.textContent === text, 'the text was changed on its way');
}, culvert);

for (const [size, name] of [[1, 'one byte'], [100, 'a hundred bytes']]) {
	each(`${name} at a time, both ways`, async (transport) => {
		const from = stage.wire.up.seen.length;
		stage.wire.down.pieces(size);
		try {
			const login = stage.guest(transport);
			await stage.wire.up.until((seen) => seen.includes('<starttls', from), '<starttls/>');
			stage.wire.up.pieces(size); // before that Debian's expat would stall Prosody
			const client = await login;
			for (let i = 0; i < 10; i++)
				await echo(client, `${i} 日本 ${'x'.repeat(200)}`);
		} finally {
			stage.wire.up.pieces(Infinity);
			stage.wire.down.pieces(Infinity);
		}
	}, culvert);
}

each('many records in one segment arrive in order', async (transport) => {
	const client = await stage.guest(transport);
	const texts = Array.from({ length: 100 }, (_, i) => `number ${i}`);
	await echo(client, 'first');
	stage.wire.down.hold();
	try {
		const from = stage.wire.down.seen.length;
		await client.tell(...texts.map((text) => message(client.jid, text)));
		await stage.wire.down.until((seen) => seen.length - from > texts.length * 100, 'all the answers');
	} finally {
		stage.wire.down.release();
	}
	for (const text of texts) {
		const heard = await client.stanza((s) => s.localName === 'message', 'a message');
		assert.equal(heard.textContent, text);
	}
}, culvert);

/* How many bytes of records wait in the system's buffer of the connection that came from this port. */
function unsent(port) {
	const hex = port.toString(16).toUpperCase().padStart(4, '0');
	const row = new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F:]+ 01 ([0-9A-F]+):`, 'm');
	return parseInt(row.exec(fs.readFileSync('/proc/net/tcp', 'latin1'))[1], 16);
}

/* The record that fills the socket is sent in two parts, and nothing more to write comes behind it. */
culvert('a server that does not read for a while gets the last record whole', { ms: 30000 }, async () => {
	const client = await loggedIn('websocket', 'fine.test');
	const { last } = standins['fine.test'].server;
	let received = 0;
	last.socket.on('data', (text) => { received += (text.split('>').length - 1) / 4; }); // a message has four tags
	last.server.options.stanza = () => {};
	last.socket.pause();
	try {
		const stanza = message('fine.test', 'x'.repeat(12000));
		const port = last.socket.remotePort;
		let n = 0;
		const [, , room] = fs.readFileSync('/proc/sys/net/ipv4/tcp_wmem', 'latin1').split(/\s+/).map(Number);
		for (; n * stanza.length < room * 0.7; n++)
			await client.tell(stanza);
		await pause(200);
		/* Whole records come until the last has no room any more. */
		for (let before = unsent(port), grown = stanza.length; grown <= 0 || grown >= stanza.length; n++) {
			assert.ok(n < 2000, 'the socket takes everything');
			await client.tell(stanza);
			await pause(5);
			grown = unsent(port) - before;
			before += grown;
		}
		last.socket.resume();
		await poll(() => received >= n, `${n} messages`).catch((error) => assert.fail(`${error.message}: ${Math.floor(received)} came`));
	} finally {
		delete last.server.options.stanza;
		last.socket.resume();
	}
});

/* 48 KB a connection: with less than that there is none, and its client hears why; then there is again. */
each('limits.buffer_total: no TLS without memory for it', async (transport) => {
	const { gateway } = stage, domains = {};
	for (const domain of ['fine.test', 'direct.test'])
		domains[domain] = JSON.parse(fs.readFileSync(gateway.file, 'utf8')).domains[domain];
	const own = stage.gateway = await Culvert.start({}, { domains, limits: { buffer_total: 60000 } });
	try {
		for (const domain of Object.keys(domains)) {
			const { mark } = own.program;
			const { error } = await attempt(transport, domain);
			assert.equal(error, transport === 'bosh' ? 'internal-server-error' : 'resource-constraint');
			await own.program.line(new RegExp(`upstream not reached .*domain=${domain} .*no room for TLS`), { mark });
		}
		assert.match(await own.reload((c) => { delete c.limits; }), /reloaded/);
		await echo(await loggedIn(transport, 'fine.test'), 'here');
	} finally {
		stage.gateway = gateway;
		await own.stop();
	}
}, culvert);

/* Logs in and says something; after how many milliseconds that was heard. */
async function heardAfter(transport, domain) {
	const from = Date.now();
	await echo(await loggedIn(transport, domain), 'here');
	return Date.now() - from;
}

/* What it says of a domain. */
const block = (text, domain) => new RegExp(`^${domain.replace('.', '\\.')}\\n((?: .*\\n)+)`, 'm').exec(text)?.[1];

/* Each server is tried as a session would, and the other sessions of this file tell what must come out. */
culvert('check --connect: address, TLS, certificate and policy of each server', { ms: 180000 }, async () => {
	const child = new Program('check', BINARY, ['check', '--connect', '-c', stage.gateway.file]);
	assert.deepEqual(await child.ended, { code: 1, signal: null });
	const text = `${child.lines.join('\n')}\n`;
	const says = (domain, ...patterns) => patterns.forEach((pattern) => assert.match(block(text, domain) || text, pattern, domain));
	const { prosody } = stage;
	const reached = new RegExp(`^ {2}xmpp://127\\.0\\.0\\.1:${prosody.port}\\n {4}reached 127\\.0\\.0\\.1:${prosody.port}\\n`);
	says('default.test', reached, /^ {4}TLSv1\.2, TLS-ECDHE-\S+, by STARTTLS$/m,
		/^ {4}certificate CN=default\.test for default\.test; by CN=Another authority; until \d{4}-\d\d-\d\d$/m,
		/^ {4}policy: with TLS, the certificate is not checked \("verify" is false\)$/m);
	says('direct.test', /^ {2}xmpps:\/\/127/, /TLSv1\.2, TLS-\S+, from the first byte$/m, /policy: with TLS, the certificate is checked, and valid$/m);
	says('renamed.test', /certificate CN=server\.test for server\.test; /, /policy: .*valid$/m);
	says('off.test', /FAILED: the server demands TLS, which is off for this domain$/m);
	says('none.test', /FAILED: the server offers no TLS, which is required for this domain$/m);
	says('none-default.test', /policy: without TLS: the server does not demand TLS, and "tls" is "if-required"; it stays on this machine$/m);
	says('none-optional.test', /policy: without TLS: the server offers no TLS, and "tls" is "optional"; it stays on this machine$/m);
	says('slow.test', /reached .*\n {4}FAILED: .*did not open its stream in time$/m);
	says('stall.test', /FAILED: .*no TLS handshake in time$/m);
	for (const [name, { reason }] of Object.entries(refused))
		for (const domain of [`${name}.test`, `direct-${name}.test`])
			says(domain, reason, /^ {4}certificate CN=\S+ for \S+; by CN=/m);
	assert.match(child.lines.at(-1), /^FAILED: \d+ of \d+ servers$/);
	assert.equal(child.lines.filter((line) => /^ {4}FAILED/.test(line)).length, Number(/\d+/.exec(child.lines.at(-1))[0]));
});

culvert('check --connect: all is well, and nobody is there', async () => {
	const file = path.join(authority.directory, 'check.json');
	const check = async (domains) => {
		fs.writeFileSync(file, JSON.stringify({ domains }));
		const child = new Program('check', BINARY, ['check', '--connect', '-c', file]);
		const { code } = await child.ended;
		return { code, lines: child.lines };
	};
	const good = { connect: `xmpps://127.0.0.1:${stage.prosody.directPort}`, verify: true, ca_file: authority.file };
	const { code, lines } = await check({ 'direct.test': good });
	assert.deepEqual([code, lines[0], lines.at(-1)], [0, `${authority.file}: 1 certificate`, 'ok']);
	const port = await freePort();
	const { code: failed, lines: [, , , ...rest] } = await check({ 'direct.test': { ...good, connect: [`xmpps://127.0.0.1:${port}`, good.connect] } });
	assert.equal(failed, 1);
	assert.match(rest[0], new RegExp(`^ {4}FAILED: 127\\.0\\.0\\.1:${port}: Connection refused$`));
	assert.equal(rest.at(-1), 'FAILED: 1 of 2 servers');
});

/* Both threads that do handshakes read authorities, for longer than a server may take; the handshakes of others wait for them. */
culvert('what a handshake waits for us counts against no server', { ms: 180000 }, async () => {
	const { server } = standins['many.test'];
	const certificate = fs.readFileSync(stranger.file, 'utf8');
	for (let n = 500, waited = 0; waited <= CONNECT_TIMEOUT * 1000; n *= 1.5) {
		fs.writeFileSync(many, fs.readFileSync(authority.file, 'utf8') + certificate.repeat(n));
		assert.match(await stage.gateway.reload(() => {}), /reloaded/);
		const before = server.connections.length;
		const readers = [heardAfter('websocket', 'many.test'), heardAfter('bosh', 'many.test')];
		await poll(() => server.connections.slice(before).filter(({ isSecure }) => isSecure).length === 2, 'both to agree to TLS');
		const others = TRANSPORTS.flatMap((transport) =>
			['default.test', 'direct.test', 'fine.test'].map((domain) => heardAfter(transport, domain)));
		waited = Math.min(...await Promise.all(others));
		await Promise.all(readers);
	}
});

/* The server does one handshake after the other.  How long that takes says nothing of culvert, so it may take its time. */
culvert('100 log in at the same time, and nobody waits for them', { ms: 300000 }, async () => {
	assert.match(await stage.gateway.reload((c) => { c.limits.connect_timeout = 120; c.limits.auth_timeout = 300; }), /reloaded/);
	const other = await stage.guest('websocket');
	let isOver = false, echoes = 0;
	const logins = Promise.all(Array.from({ length: 100 }, async (_, i) => {
		const client = await loggedIn(TRANSPORTS[i % 2], ['default.test', 'direct.test', GUESTS][i % 3]);
		await echo(client, `I am ${i}`);
	})).finally(() => { isOver = true; });
	logins.catch(() => {});
	while (!isOver)
		await echo(other, `${echoes++}`);
	await logins;
	assert.ok(echoes > 5, `${echoes} echoes meanwhile`);
});
