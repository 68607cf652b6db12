'use strict';
/*
 * preface.test.js: on a listener with proxy_protocol a header of the PROXY
 * protocol says who is there, for both transports; of trusted proxies only,
 * and before anything else is believed.  Whoever does not begin with one is
 * shown out.
 */

const assert = require('node:assert/strict');
const https = require('node:https');
const { after, before } = require('node:test');
const tls = require('node:tls');

const { Authority } = require('./lib/authority');
const { Culvert, DIRECT } = require('./lib/gateway');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { TRANSPORTS, opener } = require('./lib/opener');
const { LOCAL, PROXY, Preface, SIGNATURE, binary, binary4, line } = require('./lib/preface');
const { Server } = require('./lib/server');
const { culvert: test } = require('./lib/stage');
const { WsClient } = require('./lib/websocket');

const REAL = '192.0.2.7';
const FORGED = '198.51.100.66';
const TIMEOUT = 1;
const HEAD = 'GET /http-bind HTTP/1.1\r\nHost: localhost\r\n\r\n';
let server, gateway;

const listen = [{ address: '127.0.0.1', port: 0, proxy_protocol: true }];

before(async () => {
	if (DIRECT)
		return;
	server = await Server.start();
	gateway = await Culvert.start({ 'example.test': server.port }, { listen });
});

after(async () => {
	for (const part of [gateway, server].filter(Boolean))
		await part.stop();
});

/* What the log says of who comes behind this header. */
async function comes(header, by, headers = {}, options = {}) {
	const preface = await Preface.start(gateway, header, options);
	try {
		return await opener(preface, by(preface, headers));
	} finally {
		await preface.stop();
	}
}

const TLV = Buffer.from([0x01, 0, 2, 0x68, 0x32, 0x04, 0, 1, 0]);
const UNIX = Buffer.alloc(216, 'x');
const HEADERS = {
	'version 1': [line(REAL), /^192\.0\.2\.7:4711$/],
	'version 1, IPv6': [line('2001:db8::7'), /^\[2001:db8::7\]:4711$/],
	'version 2': [binary4(REAL), /^192\.0\.2\.7:4711$/],
	'version 2 with TLVs': [binary4(REAL, TLV), /^192\.0\.2\.7:4711$/],
	'LOCAL, for the proxy itself': [binary(LOCAL, 0), /^127\.0\.0\.1:\d+$/],
	'UNKNOWN': [Buffer.from('PROXY UNKNOWN\r\n'), /^unknown$/],
	'UNSPEC': [binary(PROXY, 0, TLV), /^unknown$/],
	'a unix socket': [binary(PROXY, 0x31, UNIX), /^unknown$/],
};

for (const [name, by] of Object.entries(TRANSPORTS)) {
	for (const [what, [header, client]] of Object.entries(HEADERS)) {
		test(`${name}: ${what}`, async () => {
			assert.match(await comes(header, by), client);
			assert.match(await comes(header, by, {}, { inPieces: true }), client);
		});
	}

	test(`${name}: what the client says of itself does not count, though the proxy is trusted`, async () => {
		const forged = { 'X-Forwarded-For': FORGED };
		assert.equal(await comes(line(REAL), by, forged), `${REAL}:4711`);
		assert.equal(await comes(Buffer.from('PROXY UNKNOWN\r\n'), by, forged), 'unknown');
	});

	test(`${name}: a trusted proxy behind the one that sends the header is believed`, async () => {
		assert.equal(await comes(line('127.0.0.9'), by, { 'X-Forwarded-For': `${FORGED}, ${REAL}` }), REAL);
		assert.equal(await comes(binary(LOCAL, 0), by, { 'X-Forwarded-For': REAL }), REAL);
	});
}

/* The bytes, and the log's word; what was sent is not answered. */
async function shownOut(bytes, word) {
	const { mark } = gateway.program;
	const raw = await RawConnection.open(gateway.port);
	raw.write(bytes);
	await raw.ended();
	assert.equal(raw.text, '');
	await gateway.program.line(word, { mark });
}

const refusal = (client, reason) => new RegExp(` info no PROXY header client=${client} listener=127\\.0\\.0\\.1:\\d+ reason="${reason}"`);

for (const [what, bytes, reason] of [
	['a request without header', HEAD, 'something else in its place'],
	['TLS without header', Buffer.from([0x16, 3, 1, 0, 5, 1]), 'something else in its place'],
	['a header with a wrong address', 'PROXY TCP4 192.0.2 192.0.2.1 1 2\r\n' + HEAD, 'an address that is none of its protocol'],
	['a line without end', `PROXY UNKNOWN ${'x'.repeat(200)}`, 'a line of more than 107 bytes'],
	['a version that does not exist', Buffer.concat([SIGNATURE, Buffer.from([0x31, 0, 0, 0])]), 'neither LOCAL nor PROXY of version 2'],
	['a header that is too long', Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])]), 'more than 4096 bytes'],
]) {
	test(`shown out: ${what}`, () => shownOut(bytes, refusal('127\\.0\\.0\\.1:\\d+', reason)));
}

/* A client that is late; not by the time that others have, on a machine that is busy. */
async function late(play) {
	assert.match(await gateway.reload((c) => { c.limits = { header_timeout: TIMEOUT }; }), /reloaded/);
	try {
		await play();
	} finally {
		await gateway.reload((c) => { delete c.limits; });
	}
}

test('shown out: nothing, half a header, and half a header that ends', () => late(async () => {
	await shownOut('', refusal('127\\.0\\.0\\.1:\\d+', 'it did not come in time'));
	await shownOut('PROXY TCP4 192.0.2.7', refusal('127\\.0\\.0\\.1:\\d+', 'it did not come in time'));
	const { mark } = gateway.program;
	const raw = await RawConnection.open(gateway.port);
	raw.socket.end('PROXY TCP4 192.0.2.7');
	await raw.ended();
	await gateway.program.line(refusal('127\\.0\\.0\\.1:\\d+', 'the connection ended in the middle of it'), { mark });
}));

test('a header in time does not give more time for the request; a second header is no request', () => late(async () => {
	const { mark } = gateway.program;
	const raw = await RawConnection.open(gateway.port);
	raw.write(line(REAL));
	await raw.ended();
	await gateway.program.line(/ no request in time client=192\.0\.2\.7:4711 /, { mark });
	await shownOut(Buffer.concat([binary4(REAL), line(FORGED), Buffer.from(HEAD)]), / request refused client=192\.0\.2\.7:4711 | not HTTP client=192\.0\.2\.7:4711 /);
}));

test('who is no trusted proxy is shown out, header or not; a reload changes who is', async () => {
	assert.match(await gateway.reload((c) => { c.trusted_proxies = ['192.0.2.1']; }), /reloaded/);
	const word = / connection refused client=127\.0\.0\.1:\d+ listener=\S+ reason="a PROXY header is believed of trusted_proxies only"/;
	await shownOut(Buffer.concat([line(FORGED), Buffer.from(HEAD)]), word);
	await shownOut('', word);
	assert.match(await gateway.reload((c) => { delete c.trusted_proxies; }), /reloaded/);
	assert.equal(await comes(line(REAL), TRANSPORTS.BOSH), `${REAL}:4711`);
});

test('TLS comes behind the header, for both transports; TLS in front of it does not', async () => {
	const { certificate, key } = Authority.selfSigned('localhost');
	const secure = await Culvert.start({ 'example.test': server.port }, { listen: [{ ...listen[0], tls: [{ certificate, key }] }] });
	const preface = await Preface.start(secure, binary4(REAL, TLV));
	try {
		const answered = new Promise((resolve, reject) => {
			https.get({ host: '127.0.0.1', port: preface.port, path: '/http-bind', rejectUnauthorized: false, agent: false }, (response) => {
				response.resume();
				response.on('end', () => resolve(response.statusCode));
			}).on('error', reject);
		});
		assert.equal(await answered, 200);
		const client = new WsClient({ websocketUrl: `wss://127.0.0.1:${preface.port}/xmpp-websocket` }, 'example.test');
		assert.equal(await opener(secure, async () => {
			await client.connect({ rejectUnauthorized: false, headers: { 'X-Forwarded-For': FORGED } });
			client.openStream();
			await client.next();
			client.ws.terminate();
		}), `${REAL}:4711`);
		const { mark } = secure.program;
		const socket = tls.connect({ host: '127.0.0.1', port: secure.port, rejectUnauthorized: false });
		socket.on('error', () => {});
		await new Promise((resolve) => socket.once('close', resolve));
		await secure.program.line(/ no PROXY header client=127\.0\.0\.1:\d+ .*"something else in its place"/, { mark });
	} finally {
		await preface.stop();
		await secure.stop();
	}
});

test('its address is the one that is refused', async () => {
	assert.match(await gateway.reload((c) => { c.deny = ['192.0.2.0/24', '127.0.0.1']; }), /reloaded/);
	const word = / connection refused client=192\.0\.2\.7:4711 listener=\S+ reason="the client's network is in deny"/;
	await shownOut(Buffer.concat([line(REAL), Buffer.from(HEAD)]), word);
	await shownOut(binary4(REAL), word);
	assert.equal(await comes(line(FORGED), TRANSPORTS.BOSH), `${FORGED}:4711`);
	assert.match(await comes(binary(LOCAL, 0), TRANSPORTS.BOSH), /^127\.0\.0\.1:/);
	assert.match(await gateway.reload((c) => { delete c.deny; }), /reloaded/);
});

test('its address is the one that is limited', async () => {
	assert.match(await gateway.reload((c) => { c.limits = { sessions_per_address: 1 }; }), /reloaded/);
	const [one, other] = [await Preface.start(gateway, line('192.0.2.20')), await Preface.start(gateway, line('192.0.2.21'))];
	try {
		assert.equal(await opener(one, TRANSPORTS.BOSH(one, {})), '192.0.2.20:4711');
		const { mark } = gateway.program;
		assert.equal((await request(one.port, 'GET', '/xmpp-websocket', { headers: upgradeHeaders() })).status, 429);
		await gateway.program.line(/ limit reached client=192\.0\.2\.20:4711 limit=limits\.sessions_per_address/, { mark });
		assert.equal(await opener(other, TRANSPORTS.WebSocket(other, {})), '192.0.2.21:4711');
	} finally {
		await one.stop();
		await other.stop();
	}
});
