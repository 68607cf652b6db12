'use strict';
/*
 * ejabberd.test.js: culvert in front of ejabberd, which wants STARTTLS: login,
 * chat, a room, by both transports.
 */

const assert = require('node:assert/strict');

const { Ejabberd } = require('./lib/ejabberd');
const { StanzaPerson } = require('./lib/people');
const { DIRECT, ROOMS, culvert, each, suite, test } = require('./lib/stage');

const stage = suite({ users: ['alice', 'bob'], server: Ejabberd, wire: !DIRECT });

const MESSAGES = 100;
const numbers = Array.from({ length: MESSAGES }, (_, i) => i);

test(`bosh and websocket: ${MESSAGES} messages each way, in order`, async () => {
	const [alice, bob] = [await stage.login('alice', 'bosh'), await stage.login('bob', 'websocket')];
	for (const i of numbers) {
		alice.say(bob.jid, `a ${i}`);
		bob.say(alice.jid, `b ${i}`);
	}
	const [byA, byB] = await Promise.all([bob.hearAll(alice.jid, MESSAGES), alice.hearAll(bob.jid, MESSAGES)]);
	assert.deepEqual(byA, numbers.map((i) => `a ${i}`));
	assert.deepEqual(byB, numbers.map((i) => `b ${i}`));
});

each('logs in with SCRAM, gets the roster, hears itself, leaves', async (transport) => {
	const alice = await stage.login('alice', transport);
	assert.match(alice.connection._sasl_mechanism.mechname, /^SCRAM-/);
	assert.deepEqual(await alice.roster(), {});
	alice.say(alice.jid, 'to myself');
	assert.equal(await alice.hear(alice.jid), 'to myself');
	await alice.logout();
});

each('a wrong password is refused', async (transport) => {
	const alice = stage.user('alice', transport, { password: 'guess' });
	assert.equal((await alice.connect()).name, 'AUTHFAIL');
});

culvert('many wrong passwords of one do not keep the others out', async () => {
	for (let i = 0; i < 21; i++) { // 20 would ban the address, which is the same for all
		assert.equal((await stage.user('alice', 'websocket', { password: 'guess' }).connect()).name, 'AUTHFAIL');
		await stage.clear();
	}
	await stage.login('alice', 'websocket');
});

each('an anonymous guest', async (transport) => {
	const guest = await stage.guest(transport);
	assert.match(guest.jid, /@guest\.test\//);
});

test('a room with two, one by each transport', async () => {
	const room = `lounge@${ROOMS}`;
	const people = { alice: new StanzaPerson(stage.gateway, 'bosh', 'alice'), bob: new StanzaPerson(stage.gateway, 'websocket', 'bob') };
	for (const [name, person] of Object.entries(people)) {
		stage.client(person);
		await person.login();
		await person.join(room, name);
	}
	people.alice.sayIn(room, 'hello');
	people.bob.sayIn(room, 'hello yourself');
	for (const person of Object.values(people)) {
		assert.equal(await person.hearIn(room, 'alice'), 'hello');
		assert.equal(await person.hearIn(room, 'bob'), 'hello yourself');
	}
});

culvert('nothing but STARTTLS crosses the wire in the clear', async () => {
	const { wire } = stage;
	wire.up.seen = wire.down.seen = '';
	await stage.guest('websocket');
	assert.match(wire.up.seen, /<\?xml[^>]*><stream:stream [^>]*><starttls [^>]*\/>\x16\x03/);
	assert.doesNotMatch(wire.up.seen + wire.down.seen, /<auth|<iq|<success/);
});
