'use strict';
/*
 * proxied.test.js: behind a proxy that takes TLS off, its word decides
 * whether a BOSH session is one of TLS (XEP-0124, 19.1): such a session is
 * not served over plain HTTP, and goes on over TLS as if nothing had been.
 * And it says whose address the log shows, for both transports; the word of
 * anybody else counts for nothing.
 */

const assert = require('node:assert/strict');
const net = require('node:net');
const { after, before } = require('node:test');

const { body, post } = require('./lib/bosh');
const { Culvert, DIRECT } = require('./lib/gateway');
const { request } = require('./lib/http');
const { TRANSPORTS, create, opener, refusals } = require('./lib/opener');
const { Server } = require('./lib/server');
const { culvert: test } = require('./lib/stage');
const { poll } = require('./lib/wait');

const TLS = { 'X-Forwarded-Proto': 'https' };
let server, trusting, doubting;

before(async () => {
	if (DIRECT)
		return;
	server = await Server.start();
	trusting = await Culvert.start({ 'example.test': server.port });
	doubting = await Culvert.start({ 'example.test': server.port }, { trusted_proxies: ['192.0.2.1'] });
});

after(async () => {
	for (const part of [trusting, doubting, server].filter(Boolean))
		await part.stop();
});

test('a session of TLS is not served over plain HTTP, and lives on', async () => {
	/* Several, so that some belong to the other worker. */
	for (let i = 0; i < 4; i++) {
		const rid = 1000 * (i + 1);
		const sid = await create(trusting, rid, TLS);
		for (const headers of [{}, { 'X-Forwarded-Proto': 'http' }, { 'X-Forwarded-Proto': 'https, http' }, { 'X-Forwarded-Proto': '' }])
			await assert.rejects(post(trusting, body({ rid: rid + 1, sid }), { headers }), /hang up|ECONNRESET|closed/, JSON.stringify(headers));
		const answer = await post(trusting, body({ rid: rid + 1, sid, type: 'terminate' }), { headers: { 'X-Forwarded-Proto': 'HTTPS' } });
		assert.deepEqual([answer.status, answer.type, answer.condition], [200, 'terminate', null]);
	}
});

test('a session of plain HTTP is served over both', async () => {
	const sid = await create(trusting, 10, {});
	for (const [rid, headers] of [[11, {}], [12, TLS], [13, { 'X-Forwarded-Proto': 'http' }]])
		assert.equal((await post(trusting, body({ rid, sid }), { headers })).type, null, `${rid}`);
});

test('what a proxy says that is not trusted makes no session one of TLS', async () => {
	const sid = await create(doubting, 10, TLS);
	assert.equal((await post(doubting, body({ rid: 11, sid }))).type, null);
});

/* ---- whose address it is ---- */

const FORGED = '198.51.100.66';
const REAL = '192.0.2.7';

for (const [name, by] of Object.entries(TRANSPORTS)) {
	test(`${name}: a trusted proxy says whose connection it is; the right-most address that is no proxy's counts`, async () => {
		const chain = { 'X-Forwarded-For': `${FORGED}, ${REAL}, 127.0.0.2`, 'Forwarded': `for=${FORGED}` };
		assert.equal(await opener(trusting, by(trusting, chain)), REAL);
		assert.match(await opener(trusting, by(trusting, {})), /^127\.0\.0\.1:\d+$/);
	});

	test(`${name}: the word of who is no trusted proxy does not count`, async () => {
		const forged = { 'X-Forwarded-For': FORGED, 'Forwarded': `for=${FORGED}` };
		assert.match(await opener(doubting, by(doubting, forged)), /^127\.0\.0\.1:\d+$/);
	});

	test(`${name}: a reload changes the header field that counts`, async () => {
		const chain = { 'X-Forwarded-For': FORGED, 'Forwarded': 'for="[2001:db8::7]:4711"' };
		for (const [header, want] of [['forwarded', /^2001:db8::7$/], ['none', /^127\.0\.0\.1:\d+$/], ['x-forwarded-for', /^198\.51\.100\.66$/]]) {
			assert.match(await trusting.reload((c) => { c.client_address_header = header; }), /reloaded/);
			await poll(async () => want.test(await opener(trusting, by(trusting, chain))), `${header} to count`);
		}
	});
}

test('a refusal names the client, too', async () => {
	for (const [method, path, headers, status] of [
		['POST', '/http-bind', { 'Sec-Fetch-Mode': 'navigate' }, 403],
		['GET', '/xmpp-websocket', { 'Upgrade': 'websocket', 'Connection': 'Upgrade' }, 426],
	]) {
		const { mark } = trusting.program;
		const { status: got } = await request(trusting.port, method, path, { headers: { ...headers, 'X-Forwarded-For': REAL } });
		assert.equal(got, status);
		await trusting.program.line(/ refused client=192\.0\.2\.7 /, { mark });
	}
});

/* ---- who is not served ---- */

test('deny: a client behind a trusted proxy gets 403, whichever way it comes; others are served', async () => {
	assert.match(await trusting.reload((c) => {
		c.client_address_header = 'x-forwarded-for';
		c.deny = ['192.0.2.0/24', '2001:db8::/32', '127.0.0.0/8'];
	}), /reloaded/);
	for (const client of [REAL, `${FORGED}, 2001:db8::7`]) {
		const { mark } = trusting.program;
		const answers = await refusals(trusting, { 'X-Forwarded-For': client });
		assert.deepEqual(answers.map(({ status }) => status), [403, 403, 403]);
		for (const { text } of answers)
			assert.match(text, /Clients of your network are not served here\.\n$/);
		await trusting.program.line(/ request refused client=(192\.0\.2\.7|2001:db8::7) .* status=403 /, { mark });
		await trusting.program.line(/ upgrade refused client=(192\.0\.2\.7|2001:db8::7) .* status=403 /, { mark });
	}
	for (const [name, by] of Object.entries(TRANSPORTS)) {
		assert.equal(await opener(trusting, by(trusting, { 'X-Forwarded-For': `${REAL}, ${FORGED}` })), FORGED, name);
		assert.match(await opener(trusting, by(trusting, {})), /^127\.0\.0\.1:/, name);
	}
	assert.equal((await trusting.counters()).denied, 6);
	assert.match(await trusting.reload((c) => { delete c.deny; }), /reloaded/);
	assert.equal(await opener(trusting, TRANSPORTS.BOSH(trusting, { 'X-Forwarded-For': REAL })), REAL);
});

test('deny: who connects without a proxy that is trusted is shown out, whatever he says of himself', async () => {
	assert.match(await doubting.reload((c) => { c.deny = '127.0.0.1'; }), /reloaded/);
	const { mark } = doubting.program;
	for (const headers of [{}, { 'X-Forwarded-For': FORGED }])
		await assert.rejects(request(doubting.port, 'GET', '/http-bind', { headers }), /hang up|ECONNRESET|closed/);
	await doubting.program.line(/ connection refused client=127\.0\.0\.1:\d+ listener=\S+ reason="the client's network is in deny"/, { mark });
	assert.match(await doubting.reload((c) => { delete c.deny; }), /reloaded/);
	assert.equal((await request(doubting.port, 'GET', '/http-bind')).status, 200);
});

/* ---- how much of it the log tells ---- */

/* All that gives a line with a client in it, by whatever way it came. */
async function makeLines(gateway, headers) {
	for (const by of Object.values(TRANSPORTS))
		await opener(gateway, by(gateway, headers));
	const socket = net.connect(gateway.port, '127.0.0.1', () => socket.write('not HTTP\r\n'));
	socket.on('error', () => {});
	await new Promise((resolve) => socket.on('close', resolve));
	for (const [method, path, more, status] of [
		['POST', '/http-bind', { 'Sec-Fetch-Mode': 'navigate' }, 403],
		['GET', '/xmpp-websocket', { 'Upgrade': 'websocket', 'Connection': 'Upgrade' }, 426],
		['GET', '/xmpp-websocket', { 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Transfer-Encoding': 'x' }, 400],
	])
		assert.equal((await request(gateway.port, method, path, { headers: { ...headers, ...more } })).status, status);
	await post(gateway, body({ rid: 1, sid: 'n.0.0.x' }), { headers });
	await post(gateway, body({ rid: 1, to: 'nowhere.test' }), { headers });
}

for (const [addresses, v4, v6] of [['network', '192\\.0\\.2\\.0/24', '2001:db8::/48'], ['none', '-', '-'], ['full', '192\\.0\\.2\\.7', '2001:db8::7:1']]) {
	test(`log.addresses ${addresses}: no line of the log tells more of a client`, async () => {
		assert.match(await trusting.reload((c) => {
			c.client_address_header = 'x-forwarded-for';
			c.log = { level: 'debug', addresses };
		}), /reloaded/);
		const from = trusting.program.lines.length;
		await makeLines(trusting, { 'X-Forwarded-For': REAL });
		await makeLines(trusting, { 'X-Forwarded-For': '2001:db8::7:1' });
		const lines = trusting.program.lines.slice(from);
		const clients = new Set(lines.map((line) => / client=([^\s"]+)/.exec(line)?.[1]).filter(Boolean));
		const loopback = { full: '127\\.0\\.0\\.1:\\d+', network: '127\\.0\\.0\\.0/24', none: '-' }[addresses];
		const may = new RegExp(`^(${v4}|${v6}|${loopback})$`);
		assert.ok(clients.size > 0);
		assert.deepEqual([...clients].filter((client) => !may.test(client)), []);
		if (addresses !== 'full')
			assert.deepEqual(lines.filter((line) => line.includes(REAL) || line.includes('2001:db8::7') || /client=127\.0\.0\.1/.test(line)), []);
		const events = new Set(lines.filter((line) => / client=/.test(line)).map((line) => line.replace(/^\S+ \S+ (.*?) \w+=.*/, '$1')));
		for (const event of ['session opened', 'session closed', 'session begins', 'not HTTP', 'request refused', 'upgrade refused', 'unknown session', 'unknown domain', 'HTTP request'])
			assert.ok(events.has(event), `${event}: ${[...events].join(', ')}`);
	});
}
