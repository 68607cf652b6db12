'use strict';
/*
 * clients.test.js: clients that other people wrote, as they are: stanza by
 * both transports, @xmpp/client by WebSocket, and libpurple, which is not even
 * JavaScript, by BOSH.  Strophe.js has chat.test.js to itself.
 */

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');

const { PurplePerson, StanzaIoPerson, StanzaPerson, XmppJsPerson } = require('./lib/people');
const { temporaryDirectory } = require('./lib/program');
const { DIRECT, ROOMS, suite, test } = require('./lib/stage');
const { pause } = require('./lib/wait');

const stage = suite({ users: ['alice', 'bob', 'carol'], rooms: true });

const MESSAGES = 50;
const TURNS = 40, TURN_MS = 200;
const ODD = `<&>'" ünïcödé 日本語 \u{1F600}`;

/* Builds purple.c, once. */
let purple;
function purpleProgram() {
	if (purple)
		return purple;
	const flags = (which) => execFileSync('pkg-config', [which, 'purple'], { encoding: 'utf8' }).trim().split(/\s+/);
	const program = path.join(temporaryDirectory('purple-build'), 'purple');
	execFileSync('cc', ['-Wall', '-Wextra', ...flags('--cflags'), '-o', program, path.join(__dirname, 'purple.c'), ...flags('--libs')]);
	return purple = program;
}

const CLIENTS = {
	'stanza, bosh': (name) => new StanzaPerson(stage.gateway, 'bosh', name),
	'stanza, websocket': (name) => new StanzaPerson(stage.gateway, 'websocket', name),
	'@xmpp/client, websocket': (name) => new XmppJsPerson(stage.gateway, 'websocket', name),
	'libpurple, bosh': (name) => new PurplePerson(stage.gateway, 'bosh', name, purpleProgram()),
};

/* Logs in with one of them. */
async function login(kind, name) {
	const person = stage.client(CLIENTS[kind](name));
	await person.login();
	return person;
}

/* Both say everything at once; each has to hear all of it in order. */
async function converse(a, b) {
	const hearAll = async (who, from) => {
		const texts = [];
		while (texts.length < MESSAGES)
			texts.push(await who.hear(from));
		return texts;
	};
	const words = (name) => Array.from({ length: MESSAGES }, (_, i) => `${name} ${i} ${ODD}`);
	for (let i = 0; i < MESSAGES; i++) {
		a.say(b.jid, words('a')[i]);
		b.say(a.jid, words('b')[i]);
	}
	const [byA, byB] = await Promise.all([hearAll(b, a.jid), hearAll(a, b.jid)]);
	assert.deepEqual(byA, words('a'));
	assert.deepEqual(byB, words('b'));
}

/* Each waits for the other's word; libpurple looks once a second whether it has something to send. */
async function ask(a, b) {
	for (let i = 0; i < 2; i++) {
		a.say(b.jid, `question ${i}`);
		assert.equal(await b.hear(a.jid), `question ${i}`);
		b.say(a.jid, `answer ${i}`);
		assert.equal(await a.hear(b.jid), `answer ${i}`);
	}
}

for (const kind of Object.keys(CLIENTS)) {
	test(`${kind}: logs in, talks with Strophe.js, leaves`, { ms: 40000 }, async () => {
		const bob = await stage.login('bob', 'websocket');
		const alice = await login(kind, 'alice');
		const { jid } = alice;
		await bob.presence(jid);
		await ask(alice, bob);
		await converse(alice, bob);
		await alice.logout();
		if (!DIRECT || kind !== 'stanza, bosh') // Prosody's own BOSH does not end the session, but waits for it to be resumed
			await bob.presence(jid, 'unavailable');
	});
}

/* It fills its connections with empty requests whenever it says several things at once. */
test('stanza.io 10, bosh: chats for a while', { ms: 60000 }, async () => {
	const bob = await stage.login('bob', 'websocket');
	const alice = stage.client(new StanzaIoPerson(stage.gateway, 'bosh', 'alice'));
	await alice.login();
	for (let i = 0; i < TURNS; i++) {
		alice.client.sendPresence({ show: 'away' });
		alice.say(bob.jid, `question ${i}`);
		alice.client.sendPresence();
		assert.equal(await bob.hear(alice.jid), `question ${i}`);
		await pause(TURN_MS);
		bob.say(alice.jid, `answer ${i}`);
		assert.equal(await alice.hear(bob.jid), `answer ${i}`);
	}
	await alice.logout();
});

test('a room with three: stanza by bosh, stanza by websocket, @xmpp/client', async () => {
	const room = `lounge@${ROOMS}`;
	const people = {
		alice: await login('stanza, bosh', 'alice'),
		bob: await login('stanza, websocket', 'bob'),
		carol: await login('@xmpp/client, websocket', 'carol'),
	};
	const names = Object.keys(people);
	for (const name of names)
		await people[name].join(room, name);
	for (const name of names)
		people[name].sayIn(room, `${name} is here`);
	for (const listener of names) {
		for (const speaker of names)
			assert.equal(await people[listener].hearIn(room, speaker), `${speaker} is here`);
	}
});

for (const kind of Object.keys(CLIENTS)) {
	test(`${kind}: a wrong password is refused, and the client is told`, async () => {
		await assert.rejects(login(kind, 'nobody'), /cannot log in/);
	});
}
