'use strict';
/*
 * chat.test.js: people with Strophe.js, by BOSH and by WebSocket: they log in,
 * see each other, talk, and leave.
 */

const assert = require('node:assert/strict');

const { DIRECT, each, suite, test } = require('./lib/stage');

const stage = suite({ users: ['alice', 'bob', 'carol'] });

const MESSAGES = 200;
const numbers = Array.from({ length: MESSAGES }, (_, i) => i);

/* Both say everything at once; each has to hear all of it in order, and nothing else. */
async function converse(a, b) {
	for (const i of numbers) {
		a.say(b.jid, `a ${i}`);
		b.say(a.jid, `b ${i}`);
	}
	const [byA, byB] = await Promise.all([b.hearAll(a.jid, MESSAGES), a.hearAll(b.jid, MESSAGES)]);
	assert.deepEqual(byA, numbers.map((i) => `a ${i}`));
	assert.deepEqual(byB, numbers.map((i) => `b ${i}`));
	await fence(a, b);
}

/* What was sent before a last word is here when that is; so nothing may be left over. */
async function fence(a, b) {
	a.say(b.jid, 'done');
	b.say(a.jid, 'done');
	assert.deepEqual([await a.hear(b.jid), await b.hear(a.jid)], ['done', 'done']);
	assert.deepEqual([a.unheard(b.jid), b.unheard(a.jid)], [0, 0], 'messages arrived twice');
}

each('logs in with SCRAM, binds, gets the roster', async (transport) => {
	const alice = stage.user('alice', transport);
	await alice.login();
	assert.match(alice.connection._sasl_mechanism.mechname, /^SCRAM-/);
	assert.match(alice.jid, /^alice@example\.test\/.+/);
	assert.deepEqual(await alice.roster(), { 'bob@example.test': 'both', 'carol@example.test': 'both' });
});

each('presence reaches the contact and comes back', async (transport) => {
	const alice = await stage.login('alice', transport);
	const bob = await stage.login('bob', transport);
	await Promise.all([alice.presence(bob.jid), bob.presence(alice.jid)]);
});

each(`${MESSAGES} messages each way, in order, none twice`, async (transport) => {
	const [alice, bob] = [await stage.login('alice', transport), await stage.login('bob', transport)];
	await converse(alice, bob);
});

test(`bosh and websocket: ${MESSAGES} messages each way, in order, none twice`, async () => {
	await converse(await stage.login('alice', 'bosh'), await stage.login('bob', 'websocket'));
});

each('one message at a time, each answered before the next', async (transport) => {
	const [alice, bob] = [await stage.login('alice', transport), await stage.login('bob', transport)];
	for (let i = 0; i < 5; i++) {
		alice.say(bob.jid, `question ${i}`);
		assert.equal(await bob.hear(alice.jid), `question ${i}`);
		bob.say(alice.jid, `answer ${i}`);
		assert.equal(await alice.hear(bob.jid), `answer ${i}`);
	}
	await fence(alice, bob);
});

each('a large message arrives as it was written', async (transport) => {
	const [alice, bob] = [await stage.login('alice', transport), await stage.login('bob', transport)];
	const line = `<&>'"]]> &amp; ünïcödé 日本語 \u{1F600}\u{1F468}\u200D\u{1F469}\u200D\u{1F467} \u00A0\t\n`;
	let text = '';
	while (Buffer.byteLength(text) < 100 * 1024)
		text += `${text.length} ${line}`;
	alice.say(bob.jid, text);
	const heard = await bob.hear(alice.jid);
	assert.equal(heard.length, text.length);
	assert.ok(heard === text, 'the text was changed on its way');
});

each('a change of the roster is pushed', async (transport) => {
	const [alice, other] = [await stage.login('alice', transport), await stage.login('alice', transport)];
	await Promise.all([alice.roster(), other.roster()]); // who has not asked is not told
	const jid = `dave-${transport}@example.test`;
	await alice.setRosterItem(jid, 'Dave & Co <3');
	const [push] = await Promise.all([other.rosterPush(), alice.rosterPush()]);
	const [item] = push.getElementsByTagName('item');
	assert.equal(item.getAttribute('jid'), jid);
	assert.equal(item.getAttribute('name'), 'Dave & Co <3');
});

each('logout ends the session at the server', async (transport) => {
	const [alice, bob] = [await stage.login('alice', transport), await stage.login('bob', 'websocket')];
	const { jid } = alice;
	await alice.logout();
	await bob.presence(jid, 'unavailable');
});

each('a wrong password is refused', async (transport) => {
	const alice = stage.user('alice', transport, { password: 'guess' });
	assert.equal((await alice.connect()).name, 'AUTHFAIL');
});

each('after a wrong password, the right one logs in', async (transport) => {
	const wrong = stage.user('alice', transport, { password: 'guess' });
	assert.equal((await wrong.connect()).name, 'AUTHFAIL');
	await stage.login('alice', transport);
});

each('an unknown domain is refused', async (transport) => {
	const nobody = stage.user('nobody', transport, { domain: 'unknown.test' });
	const { condition } = await nobody.connect();
	assert.equal(condition, DIRECT && transport === 'bosh' ? 'improper-addressing' : 'host-unknown');
});
