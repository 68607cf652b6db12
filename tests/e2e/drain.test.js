'use strict';
/*
 * drain.test.js: culvert is told to stop: its sessions end one after the
 * other, and who speaks stream management itself goes on by another culvert.
 */

const assert = require('node:assert/strict');

const { Culvert } = require('./lib/gateway');
const { passwordOf } = require('./lib/prosody');
const { DOMAIN, GUESTS, culvert, suite } = require('./lib/stage');
const { pause } = require('./lib/wait');
const { WsClient } = require('./lib/websocket');
const { NS, is } = require('./lib/xml');

const stage = suite({ users: ['alice', 'bob'], modules: ['offline'] });

const plain = Buffer.from(`\0alice\0${passwordOf('alice')}`).toString('base64');

/* Alice by WebSocket, logged in, not bound. */
async function login(gateway) {
	const client = stage.client(new WsClient(gateway, DOMAIN));
	await client.connect();
	await client.start();
	client.send(`<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${plain}</auth>`);
	await client.expect('success', NS.sasl);
	await client.start();
	return client;
}

const another = () => Culvert.start({ [DOMAIN]: stage.prosody.port, [GUESTS]: stage.prosody.port }, { drain: 1 });

culvert('SIGTERM: a client of stream management resumes its session by another culvert, and has missed nothing', async () => {
	const first = await another();
	const alice = await login(first);
	alice.send(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`);
	await alice.expect('iq', NS.client);
	alice.send(`<enable xmlns='${NS.sm}' resume='true'/>`);
	const enabled = await alice.expect('enabled', NS.sm);
	alice.send(`<presence xmlns='jabber:client'/>`);
	await alice.stanza((s) => s.localName === 'presence', 'presence');
	const bob = await stage.login('bob', 'websocket');
	const stopped = first.stop();
	assert.equal((await alice.closed()).code, 1001);
	bob.say(`alice@${DOMAIN}`, 'meanwhile');
	await stopped;
	const again = await login(stage.gateway);
	again.send(`<resume xmlns='${NS.sm}' previd='${enabled.getAttribute('id')}' h='1'/>`);
	await again.stanza((s) => is(s, 'resumed', NS.sm), '<resumed/>');
	await again.message('meanwhile');
});

culvert('SIGTERM: sessions end one after the other; a second one ends all', async () => {
	const gateway = await Culvert.start({ [DOMAIN]: stage.prosody.port, [GUESTS]: stage.prosody.port }, { drain: 600 });
	try {
		const clients = [];
		for (let i = 0; i < 4; i++)
			clients.push(await login(gateway));
		gateway.program.kill('SIGTERM');
		await gateway.program.line(/sessions are ended\b.*\bsessions=4\b/);
		await pause(500);
		assert.ok(clients.every((client) => client.ws.readyState === 1));
		gateway.program.kill('SIGTERM');
		for (const { code } of await Promise.all(clients.map((client) => client.closed())))
			assert.equal(code, 1001);
	} finally {
		await gateway.stop();
	}
});
