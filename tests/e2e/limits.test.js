'use strict';
/*
 * limits.test.js: limits are for all workers together and for both
 * transports, and everybody is refused in a form he understands: a BOSH client
 * by an answer of BOSH, an upgrade by 429.  Attacks from one address leave
 * others served.
 */

const assert = require('node:assert/strict');
const { after, before } = require('node:test');

const { body, post } = require('./lib/bosh');
const { Culvert, DIRECT } = require('./lib/gateway');
const { request, upgradeHeaders } = require('./lib/http');
const { TRANSPORTS, upgradeLate } = require('./lib/opener');
const { Server } = require('./lib/server');
const { culvert: test } = require('./lib/stage');
const { poll } = require('./lib/wait');
const { WsClient } = require('./lib/websocket');
const { NS } = require('./lib/xml');

const GREEDY = { 'X-Forwarded-For': '192.0.2.7' };
const OTHER = { 'X-Forwarded-For': '192.0.2.8' };
let server, gateway;

before(async () => {
	if (DIRECT)
		return;
	server = await Server.start();
	gateway = await Culvert.start({ 'example.test': server.port }, { limits: { sessions_per_address: 4 } });
});

after(async () => {
	for (const part of [gateway, server].filter(Boolean))
		await part.stop();
});

const create = (headers, to = gateway) => post(to, body({ 'rid': 1, 'to': 'example.test', 'wait': 1, 'hold': 1, 'ver': '1.6',
	'xmpp:version': '1.0', 'xmlns:xmpp': NS.xbosh }), { headers });

const connect = async (headers) => {
	const client = new WsClient(gateway, 'example.test');
	await client.connect({ headers });
	return client;
};

test('all workers and both transports count together; others are served; who leaves makes room', async () => {
	const held = [];
	for (let i = 0; i < 2; i++) {
		assert.equal((await create(GREEDY)).type, null);
		held.push(await connect(GREEDY));
	}
	const { mark } = gateway.program;
	/* Several, for each worker. */
	for (let i = 0; i < 4; i++) {
		const answer = await create(GREEDY);
		assert.deepEqual([answer.status, answer.type, answer.condition], [200, 'terminate', 'policy-violation']);
		const { status } = await request(gateway.port, 'GET', '/xmpp-websocket', { headers: { ...upgradeHeaders(), ...GREEDY } });
		assert.equal(status, 429);
		const late = await upgradeLate(gateway, GREEDY);
		assert.match(late.heard(), /^HTTP\/1\.1 429 .*\r\nConnection: close\r\n.*\r\n\r\nToo many sessions: try again later\.\n$/s);
		late.socket.destroy();
	}
	assert.equal((await create(OTHER)).type, null);
	held.push(await connect(OTHER));
	await gateway.program.line(/limit reached client=192\.0\.2\.7 limit=limits\.sessions_per_address/, { mark });
	assert.equal(gateway.tail(400).match(/limit reached/g).length, 1);
	held[0].ws.terminate();
	await poll(async () => (await create(GREEDY)).type === null, 'room for another session');
	for (const client of held)
		client.ws.terminate();
});

test('how fast sessions begin: the answers say when to come again', async () => {
	assert.match(await gateway.reload((c) => { c.limits = { new_sessions_per_second: 1, new_sessions_burst: 1 }; }), /reloaded/);
	const headers = { 'X-Forwarded-For': '2001:db8::1' };
	/* Whether the workers have it yet, and how fast they are: one of the next is too fast. */
	let bosh, upgrade;
	await poll(async () => (bosh = await create(headers)).type === 'terminate', 'a refusal by BOSH');
	assert.equal(bosh.condition, 'policy-violation');
	assert.equal(bosh.headers['retry-after'], '1');
	await poll(async () => {
		await create(headers);
		upgrade = await request(gateway.port, 'GET', '/xmpp-websocket', { headers: { ...upgradeHeaders(), ...headers } });
		return upgrade.status === 429;
	}, 'a refused upgrade');
	assert.equal(upgrade.headers['retry-after'], '1');
	await poll(async () => {
		await create(headers);
		const late = await upgradeLate(gateway, headers);
		late.socket.destroy();
		return /^HTTP\/1\.1 429 .*\r\nRetry-After: 1\r\n/s.test(late.heard());
	}, 'a refused late upgrade');
});

test('attacks from one address leave others served', async () => {
	assert.match(await gateway.reload((c) => {
		c.limits = { sessions_per_address: 10, new_sessions_per_second: 5, new_sessions_burst: 5 };
	}), /reloaded/);
	const flood = { 'X-Forwarded-For': '198.51.100.66' };
	let isOver = false;
	const attempts = { bosh: 0, upgrade: 0, late: 0 };
	const attack = async (kind, play) => {
		while (!isOver) {
			await play().catch(() => {});
			attempts[kind]++;
		}
	};
	const attacks = [];
	for (let i = 0; i < 4; i++) {
		attacks.push(attack('bosh', () => create(flood)));
		attacks.push(attack('upgrade', async () => {
			const client = await connect(flood);
			client.openStream();
		}));
		attacks.push(attack('late', async () => (await upgradeLate(gateway, flood)).socket.destroy()));
	}
	try {
		await poll(() => Object.values(attempts).every((n) => n > 20), 'the attacks to begin');
		for (let i = 0; i < 20; i++) {
			const client = `192.0.2.${20 + i}`;
			for (const by of Object.values(TRANSPORTS)) {
				const { mark } = gateway.program;
				await by(gateway, { 'X-Forwarded-For': client })();
				await gateway.program.line(new RegExp(` session opened .* client=${client} `), { mark });
			}
		}
	} finally {
		isOver = true;
		await Promise.all(attacks);
	}
	const { sessions_opened: opened, limited_per_address: perAddress, limited_per_second: perSecond } = await gateway.counters();
	const tried = attempts.bosh + attempts.upgrade + attempts.late;
	assert.ok(perAddress + perSecond > tried / 2, `${tried} attempts, ${opened} sessions, ${perAddress} + ${perSecond} refused`);
});

/* By one connection come as many sessions as a client likes, and each takes a descriptor for its server. */
test('a client that begins sessions without end leaves descriptors for others', async () => {
	const small = await Culvert.run(['--listen', '127.0.0.1:0', '--domain', `example.test=xmpp://127.0.0.1:${server.port}`], 300);
	try {
		const { mark } = small.program;
		let begun = 0;
		while ((await create({}, small)).type !== 'terminate')
			assert.ok(++begun < 250, `${begun} sessions are begun`);
		assert.ok(begun > 50, `${begun} sessions are begun`);
		await small.program.line(/limit reached client=\S+ limit=nofile/, { mark });
		for (let i = 0; i < 20; i++)
			assert.equal((await request(small.port, 'GET', '/http-bind')).status, 200);
	} finally {
		await small.stop();
	}
});
