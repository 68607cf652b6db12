'use strict';
/*
 * storm.test.js: what an attack on a listener with TLS costs others: 20
 * sessions exchange 100 messages a second through the same listener of a
 * culvert with one worker.  See lib/withstand.js.  And who is not of the
 * attacker's address gets his handshake meanwhile.
 *
 *	E2E_ATTACK=text		only attacks with this in their name
 *	E2E_SECONDS=10		for each, instead of 1
 */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const { after, before } = require('node:test');
const tls = require('node:tls');

const { Attack, OF_TLS } = require('./lib/attacks');
const { Authority } = require('./lib/authority');
const { Culvert, DIRECT } = require('./lib/gateway');
const { culvert, explain } = require('./lib/stage');
const { Talkers, DOMAIN: TALK } = require('./lib/talkers');
const { poll, within } = require('./lib/wait');
const { Withstand } = require('./lib/withstand');

const MS = 1000 * (process.env.E2E_SECONDS || 1);
const TEST_MS = 600000; // only what hangs takes so long
const HOST = 'chat.test';

let authority, files, talkers, daemons = [], gateway, other, withstand;

async function daemon() {
	const one = await Culvert.start({ [TALK]: talkers.port }, {
		workers: 1,
		trusted_proxies: [],
		listen: [{ address: '127.0.0.1', port: 0, tls: [files] }],
	});
	daemons.push(one);
	return one.secured(one.port, { ca: fs.readFileSync(authority.file, 'utf8'), servername: HOST });
}

before(async () => {
	if (DIRECT)
		return;
	authority = new Authority('A test authority', 'ec');
	files = authority.issue(HOST, { names: `DNS:${HOST},IP:127.0.0.1` });
	talkers = await Talkers.start({ each: 10, rate: 100 });
	gateway = await daemon();
	other = await daemon();
	await talkers.talk(gateway);
	withstand = new Withstand({ talkers, gateway, other, ports: [], ms: MS });
	await withstand.rest();
});

after(async () => {
	for (const part of [talkers, ...daemons].filter(Boolean))
		await part.stop();
});

for (const name of OF_TLS.filter((each) => each.includes(process.env.E2E_ATTACK || '')))
	culvert(name, { ms: TEST_MS }, async (t) => {
		try {
			await withstand.attack(t, name);
		} catch (error) {
			throw explain(error, gateway);
		}
	});

/* How long a handshake from this address takes, in ms. */
async function handshake(localAddress) {
	const from = performance.now();
	const socket = tls.connect({ host: '127.0.0.1', port: gateway.port, localAddress, ...gateway.tls });
	socket.on('error', () => {});
	await within(Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]), `a handshake from ${localAddress}`);
	socket.destroy();
	return performance.now() - from;
}

culvert('a storm from one address: who comes from another one does not wait for it', { ms: TEST_MS }, async (t) => {
	const attacks = await Promise.all(['whole handshakes', 'handshakes that stop in the middle']
		.map((name) => Attack.start(name, gateway, [])));
	try {
		let isDone = false;
		const own = handshake('127.0.0.1').then(() => { isDone = true; }, () => {});
		let ms = 0;
		for (let i = 0; i < 3; i++)
			ms += await handshake('127.0.0.2');
		t.diagnostic(`three from another address: ${ms.toFixed()} ms; one of its own is ${isDone ? '' : 'not '}done`);
		assert.equal(isDone, false);
		own.catch(() => {});
	} finally {
		for (const attack of attacks)
			await attack.stop();
	}
	/* And nothing of it stays. */
	const descriptors = () => fs.readdirSync(`/proc/${gateway.program.pid}/fd`).length;
	await poll(() => descriptors() < 250, () => `descriptors to be closed, of ${descriptors()}`);
	assert.equal(gateway.program.hasFailed, false);
});
