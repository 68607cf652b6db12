'use strict';
/*
 * listener.test.js: a listener with TLS: certificates by name, what is offered
 * and what is refused, sessions of both transports through it, tickets, and
 * new certificates while sessions live.
 */

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { after, before } = require('node:test');
const tls = require('node:tls');

const { clientHello } = require('./lib/attacks');
const { Authority } = require('./lib/authority');
const { body, post, BoshClient } = require('./lib/bosh');
const { BINARY, Culvert, DIRECT } = require('./lib/gateway');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { Program, temporaryDirectory } = require('./lib/program');
const { Server } = require('./lib/server');
const { culvert: test } = require('./lib/stage');
const { pause, poll, within } = require('./lib/wait');
const { WsClient } = require('./lib/websocket');
const { NS } = require('./lib/xml');

const DOMAIN = 'example.test';
const HOST = 'chat.test';
const MAX_UNDER_WAY_EACH = 64; // handshakes of one address, for each of two threads

let authority, server, gateway, secured, files, webroot;

const identity = ({ certificate, key }) => ({ certificate, key });

before(async () => {
	if (DIRECT)
		return;
	authority = new Authority('A test authority', 'ec');
	files = {
		rsa: authority.issue(HOST, { key: 'rsa', names: `DNS:${HOST},IP:127.0.0.1`, file: 'chat-rsa' }),
		ec: authority.issue(HOST, { names: `DNS:${HOST},IP:127.0.0.1`, file: 'chat-ec' }),
		wildcard: authority.issue('wild.test', { names: 'DNS:*.wild.test' }),
		exact: authority.issue('exact.wild.test'),
	};
	webroot = temporaryDirectory('webroot');
	server = await Server.start();
	gateway = await Culvert.start({ [DOMAIN]: server.port }, {
		listen: [
			{ address: '127.0.0.1', port: 0 },
			{ address: '127.0.0.1', port: 0, tls: Object.values(files).map(identity), hsts: 86400 },
			{ address: '127.0.0.1', port: 0, redirect: true, acme: webroot },
		],
	});
	secured = gateway.secured(gateway.listenerPort(1), { ca: fs.readFileSync(authority.file), servername: HOST });
});

after(async () => {
	for (const part of [gateway, server].filter(Boolean))
		await part.stop();
});

/* A handshake with these options: { subject, cipher, alpn, protocol }, or the error's code. */
async function handshake(options = {}, to = secured) {
	const socket = tls.connect({ host: '127.0.0.1', port: to.port, ...to.tls, ...options });
	try {
		await within(once(socket, 'secureConnect'), 'a handshake');
		return {
			subject: socket.getPeerCertificate().subject?.CN,
			cipher: socket.getCipher().name,
			alpn: socket.alpnProtocol,
			protocol: socket.getProtocol(),
			reused: socket.isSessionReused(),
		};
	} catch (error) {
		return error.code || error.message;
	} finally {
		socket.destroy();
	}
}

const openssl = (...args) => new Promise((resolve) => {
	const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${secured.port}`, ...args]);
	let text = '';
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('latin1').on('data', (more) => { text += more; });
	child.on('close', () => resolve(text));
	child.stdin.on('error', () => {});
	child.stdin.end();
});

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

/* Sends text to the server, which sends it back. */
async function echo(client, text) {
	await client.tell(message('echo@example.test', text));
	await client.message(text);
}

async function loggedIn(transport, to = secured) {
	const client = transport === 'bosh' ? new BoshClient(to, DOMAIN) : new WsClient(to, DOMAIN);
	await client.login();
	return client;
}

test('certificates: by exact name, by wildcard, else the first; RSA and ECDSA for one name', async () => {
	const ofRsa = { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };
	const anything = { rejectUnauthorized: false };
	for (const [options, subject, kind] of [
		[{}, HOST, 'ECDSA'],
		[ofRsa, HOST, 'RSA'],
		[{ servername: 'CHAT.test' }, HOST, 'ECDSA'],
		[{ servername: 'any.wild.test' }, 'wild.test', 'ECDSA'],
		[{ servername: 'exact.wild.test' }, 'exact.wild.test', 'ECDSA'],
		[{ servername: 'two.labels.wild.test', ...anything }, HOST, 'ECDSA'],
		[{ servername: 'other.test', ...anything }, HOST, 'ECDSA'],
		[{ servername: 'other.test', ...anything, ...ofRsa }, HOST, 'RSA'],
		[{ servername: '', ...anything }, HOST, 'ECDSA'],
	]) {
		const shown = await handshake(options);
		assert.equal(shown.subject, subject, JSON.stringify(options));
		assert.match(shown.cipher, new RegExp(`^ECDHE-${kind}-`), JSON.stringify(options));
	}
});

test('a name without a certificate is logged once', async () => {
	const { mark } = gateway.program;
	for (let i = 0; i < 6; i++)
		await handshake({ servername: 'unknown.test', rejectUnauthorized: false });
	await gateway.program.line(/no certificate for this name name=unknown\.test shown=chat\.test/, { mark });
	await handshake();
	const lines = gateway.program.lines.filter((line) => /name=unknown\.test/.test(line));
	assert.ok(lines.length <= 2, lines.join('\n')); // once for each thread
});

test('TLS 1.2, ECDHE with AEAD; http/1.1, and an offer of h2 alone is refused', async () => {
	assert.deepEqual(await handshake({ ALPNProtocols: ['h2', 'http/1.1'] }),
		{ subject: HOST, cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', alpn: 'http/1.1', protocol: 'TLSv1.2', reused: false });
	assert.equal(await handshake({ ALPNProtocols: ['h2'] }), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
	const lax = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' };
	for (const [options, code] of [
		[{ ...lax, maxVersion: 'TLSv1.1' }, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
		[{ ...lax, maxVersion: 'TLSv1' }, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
		...['AES128-SHA', 'AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256',
			'AECDH-AES128-SHA', 'NULL-SHA256'].map((name) =>
			[{ maxVersion: 'TLSv1.2', ciphers: `${name}:@SECLEVEL=0` }, 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE']),
	])
		assert.equal(await handshake(options), code, JSON.stringify(options));
	const { mark } = gateway.program;
	await handshake({ ...lax, maxVersion: 'TLSv1.1' });
	await gateway.program.line(/no TLS client=\S+ reason=".*only versions before TLS 1\.2"/, { mark });
});

test('openssl: renegotiation is refused, and the goodbye is said', async () => {
	const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${secured.port}`, '-tls1_2', '-msg']);
	let text = '';
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('latin1').on('data', (more) => { text += more; });
	const ended = once(child, 'close');
	child.stdin.on('error', () => {});
	await poll(() => /New, TLSv1\.2/.test(text), () => `a handshake: ${text}`);
	child.stdin.write('R\n');
	await poll(() => /no[_ ]renegotiation/.test(text), () => `the alert: ${text.slice(-2000)}`);
	child.kill();
	await ended;

	const connection = await openssl('-tls1_2');
	assert.match(connection, /Secure Renegotiation IS supported/);
	assert.match(connection, /Compression: NONE/);

	/* After an answer with Connection: close. */
	const raw = tls.connect({ host: '127.0.0.1', port: secured.port, ...secured.tls });
	await once(raw, 'secureConnect');
	raw.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
	raw.resume();
	await within(once(raw, 'end'), 'the goodbye'); // node tells a missing one as an error
});

test('a ticket is good at every worker', async () => {
	const first = tls.connect({ host: '127.0.0.1', port: secured.port, ...secured.tls });
	const [session] = await once(first, 'session');
	first.destroy();
	for (let i = 0; i < 6; i++) {
		const { reused } = await handshake({ session });
		assert.equal(reused, true);
	}
});

test('handshakes that stop in the middle do not keep others of their address waiting', async () => {
	const crowd = [];
	const own = await Culvert.start({ [DOMAIN]: server.port }, {
		workers: 1,
		listen: [{ address: '127.0.0.1', port: 0, tls: [identity(files.ec)] }],
		trusted_proxies: [],
		limits: { header_timeout: 600 },
		log: { level: 'info' },
	});
	const from = { port: own.port, tls: secured.tls };
	try {
		const hello = await clientHello(from);
		for (let i = 0; i < 2 * MAX_UNDER_WAY_EACH; i++) {
			const raw = await RawConnection.open(own.port);
			crowd.push(raw);
			raw.write(hello);
		}
		await poll(() => crowd.every(({ text }) => text.length > 0), 'all to be in the middle of their handshakes');
		/* For each of our threads. */
		for (let i = 0; i < 4; i++)
			assert.equal((await handshake({}, from)).subject, HOST);
		await own.program.line(/too slow while others of its address wait/);
		assert.ok(crowd.filter(({ socket }) => !socket.readableEnded).length > MAX_UNDER_WAY_EACH, 'more made way than had to');
	} finally {
		for (const { socket } of crowd)
			socket.destroy();
		await own.stop();
	}
});

test('who does not speak TLS gets an answer that he can read; garbage is closed', async () => {
	const { status, text } = await request(secured.port, 'GET', '/');
	assert.equal(status, 400);
	assert.match(text, /https:\/\//);
	for (const bytes of ['\x00\x01\x02', '\x80\x2e\x01\x03\x01', '\x16\x03\x01\x00\x00', '\x15\x03\x01\x00\x02\x02\x28']) {
		const raw = await RawConnection.open(secured.port);
		raw.write(Buffer.from(bytes, 'latin1'));
		await raw.ended();
		assert.equal(raw.text, '');
	}
});

test('limits.connections: one by TLS too many is closed, told once and counted', async () => {
	const small = await Culvert.start({ [DOMAIN]: server.port }, {
		listen: [{ address: '127.0.0.1', port: 0, tls: [identity(files.rsa)] }],
		limits: { connections: 1 },
	});
	try {
		const { mark } = small.program, to = small.secured(small.port, { ca: fs.readFileSync(authority.file), servername: HOST });
		const held = await RawConnection.open(small.port);
		held.write(Buffer.from([0x16]));
		await poll(async () => (await handshake({}, to)) === 'ECONNRESET', 'a refusal');
		assert.equal(await handshake({}, to), 'ECONNRESET');
		await small.program.line(/ limit reached client=127\.0\.0\.1:\d+ limit=limits\.connections/, { mark });
		assert.equal(small.program.lines.filter((line) => /limit reached/.test(line)).length, 1);
		assert.ok((await small.counters()).limited_connections >= 2);
		await held.end();
		await poll(async () => (await handshake({}, to)).subject === HOST, 'room');
	} finally {
		await small.stop();
	}
});

for (const transport of ['bosh', 'websocket']) {
	test(`${transport}: a session; small and large messages both ways`, async () => {
		const client = await loggedIn(transport);
		await echo(client, 'hello');
		await echo(client, 'x'.repeat(100000));
		await echo(client, 'y'.repeat(700000));
		for (let i = 0; i < 20; i++)
			await echo(client, `message ${i}`);
		await client.end();
	});
}

test('a session of TLS is not served without (XEP-0124, 19.1)', async () => {
	const client = await loggedIn('bosh');
	const text = body({ rid: client.rid, sid: client.sid });
	await assert.rejects(post(gateway, text));
	await echo(client, 'still here');
	await client.end();
});

test('host-meta says https and wss by itself', async () => {
	const { status, text } = await request(secured.port, 'GET', `/.well-known/host-meta.json?domain=${DOMAIN}`,
		{ headers: { Host: `${HOST}:${secured.port}` }, tls: secured.tls });
	assert.equal(status, 200);
	assert.deepEqual(JSON.parse(text).links.map(({ href }) => href),
		[`https://${HOST}:${secured.port}/http-bind`, `wss://${HOST}:${secured.port}/xmpp-websocket`]);
	assert.equal((await request(gateway.port, 'GET', `/.well-known/host-meta?domain=${DOMAIN}`)).status, 404);
});

test('websocket: who is gone is gone, said or not', async () => {
	for (const leave of [
		(socket) => socket.end(), // close_notify and FIN
		(socket) => socket._parent ? socket._parent.end() : socket._handle._parentWrap.end(), // FIN alone
		(socket) => socket.resetAndDestroy ? socket.resetAndDestroy() : socket.destroy(),
	]) {
		const client = await loggedIn('websocket');
		const { mark } = gateway.program;
		try {
			leave(client.ws._socket);
		} catch {
			client.ws._socket.destroy();
		}
		await gateway.program.line(/session closed .*transport=websocket|session closed/, { mark });
		client.ws.terminate();
	}
});

test('HSTS is said by TLS and nowhere else', async () => {
	for (const path of ['/', '/http-bind', '/none', '/.well-known/host-meta']) {
		assert.equal((await request(secured.port, 'GET', path, { tls: secured.tls })).headers['strict-transport-security'], 'max-age=86400');
		assert.equal((await request(gateway.port, 'GET', path)).headers['strict-transport-security'], undefined);
		assert.equal((await request(gateway.listenerPort(2), 'GET', path)).headers['strict-transport-security'], undefined);
	}
});

test('HSTS is in refusals by TLS, and in no answer to who speaks without', async () => {
	const refused = { headers: { ...upgradeHeaders(), 'Sec-WebSocket-Version': '7' } };
	const answer = await request(secured.port, 'GET', '/xmpp-websocket', { ...refused, tls: secured.tls });
	assert.deepEqual([answer.status, answer.headers['strict-transport-security']], [426, 'max-age=86400']);
	assert.equal((await request(gateway.port, 'GET', '/xmpp-websocket', refused)).headers['strict-transport-security'], undefined);
	const plain = await request(secured.port, 'GET', '/');
	assert.deepEqual([plain.status, plain.headers['strict-transport-security']], [400, undefined]);
});

test('a listener that redirects: the same address by https, for every method and path', async () => {
	const port = gateway.listenerPort(2);
	const at = `https://${HOST}:${secured.port}`;
	for (const [method, target, status] of [
		['GET', '/', 301], ['HEAD', '/a/b?c=d&e=%2F', 301], ['GET', '/xmpp-websocket', 301], ['POST', '/http-bind', 308],
		['OPTIONS', '/http-bind', 308], ['GET', '/.well-known/host-meta?domain=example.test', 301], ['PUT', '/x', 308],
	]) {
		const answer = await request(port, method, target, { headers: { Host: `${HOST}:80` }, body: method === 'POST' ? 'x'.repeat(1000) : undefined });
		assert.deepEqual([answer.status, answer.headers.location], [status, at + target], `${method} ${target}`);
	}
	const upgrade = await request(port, 'GET', '/xmpp-websocket', { headers: { ...upgradeHeaders(), Host: HOST } });
	assert.deepEqual([upgrade.status, upgrade.headers.location], [301, `${at}/xmpp-websocket`]);
	for (const head of ['GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.1\r\nHost: evil.test/x@\r\n\r\n']) {
		const raw = await RawConnection.open(port);
		raw.write(head);
		await poll(() => raw.text.includes('\r\n\r\n'), 'an answer');
		assert.match(raw.text, /^HTTP\/1\.[01] 400 /);
		assert.doesNotMatch(raw.text, /Location/);
		await raw.end();
	}
	/* Two on one connection keep their targets apart. */
	const raw = await RawConnection.open(port);
	for (const target of ['/one', '/two?x']) {
		raw.text = '';
		raw.write(`GET ${target} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
		await poll(() => raw.text.includes('https only'), 'an answer');
		assert.match(raw.text, new RegExp(`Location: ${at}${target.replace('?', '\\?')}\r\n`));
	}
	await raw.end();
});

test('challenges of ACME: where certbot and acme.sh put them, and nothing else', async () => {
	const port = gateway.listenerPort(2), ask = (target, to = port) => request(to, 'GET', target, { headers: { Host: HOST } });
	const challenges = path.join(webroot, '.well-known', 'acme-challenge');
	fs.mkdirSync(challenges, { recursive: true });
	fs.writeFileSync(path.join(challenges, 'token_A-1'), 'token_A-1.thumbprint');
	fs.writeFileSync(path.join(webroot, 'direct'), 'direct.thumbprint');
	fs.writeFileSync(path.join(webroot, 'secret.txt'), 'secret');
	fs.mkdirSync(path.join(webroot, 'folder'));
	for (const [token, text] of [['token_A-1', 'token_A-1.thumbprint'], ['direct', 'direct.thumbprint']]) {
		const answer = await ask(`/.well-known/acme-challenge/${token}`);
		assert.deepEqual([answer.status, answer.text], [200, text]);
	}
	for (const token of ['other', '', 'secret.txt', '..', '../secret.txt', '%2e%2e', 'a/b', 'folder', '.well-known', 'token_A-1/'])
		assert.equal((await ask(`/.well-known/acme-challenge/${token}`)).status, 404, token);
	assert.equal((await request(port, 'POST', '/.well-known/acme-challenge/direct', { headers: { Host: HOST } })).status, 404);
	assert.equal((await ask('/.well-known/acme-challenge/direct', gateway.port)).status, 404);
	assert.equal((await ask('/direct')).status, 301);
});
