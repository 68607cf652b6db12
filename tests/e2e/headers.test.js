'use strict';
/* headers.test.js: response_headers are in every answer, whoever writes it. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before } = require('node:test');

const { body } = require('./lib/bosh');
const { Culvert, DIRECT } = require('./lib/gateway');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { removeDirectory, temporaryDirectory } = require('./lib/program');
const { culvert: test } = require('./lib/stage');
const { poll } = require('./lib/wait');

const FIELDS = { 'X-Jitsi-Shard': 's1', 'Strict-Transport-Security': 'max-age=1; preload' };
/* As many and as long as the configuration takes. */
const LONG = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`x-${i}`.padEnd(64, 'n'), 'v'.repeat(256)]));
let gateway, www;

before(async () => {
	if (DIRECT)
		return;
	www = temporaryDirectory('www');
	fs.writeFileSync(path.join(www, 'index.html'), 'page');
	fs.mkdirSync(path.join(www, 'sub'));
	gateway = await Culvert.start({ 'example.test': 9 }, {
		pages: www, response_headers: FIELDS, public_url: 'https://a.example', bosh: { max_body: 10000 }, origins: ['https://a.example'] });
});

after(async () => {
	if (gateway)
		await gateway.stop();
	if (www)
		removeDirectory(www);
});

const bosh = (more = {}) => ({ body: body({ rid: 5, sid: 'no-such-session' }), ...more });
const rows = [
	['POST', '/http-bind', 200, bosh()],
	['POST', '/http-bind', 200, { body: 'x'.repeat(20000) }],
	['POST', '/http-bind', 200, bosh({ headers: { Origin: 'https://a.example' } })],
	['OPTIONS', '/http-bind', 204, { headers: { 'Origin': 'https://a.example', 'Access-Control-Request-Headers': 'x'.repeat(960) } }],
	['GET', '/http-bind', 200],
	['HEAD', '/http-bind', 200],
	['PUT', '/http-bind', 405],
	['POST', '/http-bind', 403, bosh({ headers: { Origin: 'https://evil.example' } })],
	['GET', '/xmpp-websocket', 200],
	['GET', '/', 200],
	['GET', '/', 304, { headers: { 'If-None-Match': '*' } }],
	['GET', '/sub', 301],
	['GET', '/nothing', 404],
	['GET', '/.well-known/host-meta?domain=example.test', 200],
	['GET', '/.well-known/host-meta?domain=x', 404],
	/* The door's own, and libwebsockets'. */
	['GET', '/xmpp-websocket', 426, { headers: upgradeHeaders({ 'Sec-WebSocket-Version': '8' }) }],
	['GET', '/xmpp-websocket', 403, { headers: upgradeHeaders({ Origin: 'https://evil.example' }) }],
	['GET', '/xmpp-websocket', 101, { headers: upgradeHeaders() }],
];

async function check(fields) {
	for (const [method, target, want, options] of rows) {
		const { status, headers } = await request(gateway.port, method, target, options);
		assert.equal(status, want, `${method} ${target}`);
		for (const [name, value] of Object.entries(fields))
			assert.equal(headers[name.toLowerCase()], value, `${method} ${target} ${status}: ${name}`);
	}
}

test('in every answer', () => check(FIELDS));

test('also where an upgrade comes late, and where a request is refused before it is whole', async () => {
	const raw = await RawConnection.open(gateway.port);
	const lines = Object.entries(upgradeHeaders()).map(([name, value]) => `${name}: ${value}\r\n`).join('');
	raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
	await poll(() => raw.text.includes('page'), 'the page');
	raw.text = '';
	raw.write(`GET /xmpp-websocket HTTP/1.1\r\nHost: x\r\n${lines}\r\n`);
	await poll(() => raw.text.includes('\r\n\r\n'), 'the upgrade');
	assert.match(raw.text, /^HTTP\/1\.1 101 [^]*x-jitsi-shard: ?s1\r\n/i);
	await raw.end();

	const odd = await RawConnection.open(gateway.port);
	odd.write('POST /http-bind HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n');
	await odd.ended();
	assert.match(odd.text, /^HTTP\/1\.1 400 [^]*x-jitsi-shard: ?s1\r\n/i);
	await odd.end();
});

test('a reload changes them, and as many as are allowed fit into every answer', async () => {
	assert.match(await gateway.reload((c) => { c.response_headers = { 'Content-Length': '5' }; }),
		/wrong.*response_headers: \\"Content-Length\\", expected a field that culvert does not write itself/);
	await check(FIELDS);
	assert.match(await gateway.reload((c) => { c.response_headers = LONG; }), /reloaded/);
	await poll(async () => (await request(gateway.port, 'GET', '/')).headers['x-jitsi-shard'] === undefined, 'the new fields');
	await check(LONG);
});
