'use strict';
/*
 * restore.test.js: a page is reloaded in the middle of a conversation by BOSH,
 * and the next one goes on with its session, by Strophe.js (keepalive).
 */

const assert = require('node:assert/strict');

const { suite, test } = require('./lib/stage');
const { pause } = require('./lib/wait');

const stage = suite({ users: ['alice', 'bob'] });

/* What a browser keeps for a tab, over reloads. */
class Storage {
	constructor() {
		this.items = new Map();
	}

	getItem(key) {
		return this.items.has(key) ? this.items.get(key) : null;
	}

	setItem(key, value) {
		this.items.set(key, String(value));
	}

	removeItem(key) {
		this.items.delete(key);
	}
}

const page = () => stage.user('alice', 'bosh', { options: { keepalive: true } });

/*
 * Alice, on a page that is loaded again and again, hears everything in order; so does Bob.  What a page has heard last, and
 * not shown to have heard, comes again to the next one; nothing else comes twice.
 */
test('a reloaded page goes on with its session: nothing is lost', async () => {
	globalThis.sessionStorage = new Storage();
	try {
		let alice = page();
		await alice.login();
		await alice.available();
		const { jid } = alice;
		const { sid } = alice.connection._proto;
		const bob = await stage.login('bob', 'websocket');
		const all = [];
		for (let round = 0; round < 5; round++) {
			bob.say(jid, `before ${round}`);
			assert.equal(await alice.hear(bob.jid), `before ${round}`);
			alice.say(bob.jid, `from page ${round}`);
			assert.equal(await bob.hear(jid), `from page ${round}`);
			await pause(round * 30); // a request is held, or not yet
			alice.vanish();
			await pause(800); // it takes a moment until her connections are known gone; what is on its way then is lost
			bob.say(jid, `meanwhile ${round}`);
			await pause(50);
			bob.say(jid, `later ${round}`);
			alice = page();
			await alice.restore();
			assert.deepEqual([alice.jid, alice.connection._proto.sid], [jid, sid]);
			const heard = [];
			while (heard.at(-1) !== `later ${round}`)
				heard.push(await alice.hear(bob.jid));
			const again = heard.slice(0, -2), before = [...all, `before ${round}`];
			assert.deepEqual(heard.slice(-2), [`meanwhile ${round}`, `later ${round}`]);
			assert.deepEqual(again, before.slice(before.length - again.length));
			all.push(`before ${round}`, ...heard.slice(-2));
		}
		bob.say(jid, 'done');
		assert.equal(await alice.hear(bob.jid), 'done');
		assert.deepEqual([alice.unheard(bob.jid), bob.unheard(alice.jid)], [0, 0]);
		await alice.logout();
	} finally {
		delete globalThis.sessionStorage;
	}
});

test('a session that is over cannot be restored', async () => {
	globalThis.sessionStorage = new Storage();
	try {
		const first = page();
		await first.login();
		await first.available();
		const left = sessionStorage.getItem('strophe-bosh-session');
		await first.logout();
		sessionStorage.setItem('strophe-bosh-session', left);
		const second = page();
		await second.restore();
		await second.statuses.take(({ name }) => name === 'DISCONNECTED', 'the session to be gone');
	} finally {
		delete globalThis.sessionStorage;
	}
});
