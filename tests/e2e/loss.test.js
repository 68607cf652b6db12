'use strict';
/*
 * loss.test.js: two people talk by BOSH over connections that break all the
 * time: no message is lost, none comes twice, all come in order.
 */

const assert = require('node:assert/strict');

const { LossyClient } = require('./lib/lossy');
const { GUESTS, culvert, suite } = require('./lib/stage');

const MESSAGES = 1000;
const stage = suite();

const numbers = Array.from({ length: MESSAGES }, (_, i) => i);
const message = (to, i) => `<message xmlns='jabber:client' to='${to}'><body>number ${i}</body></message>`;

/* The numbers of the messages, in the order they came. */
const heardBy = (client) => client.heard.map((text) => Number((/<body>number (\d+)<\/body>/.exec(text) || [])[1]));

async function lossy(options) {
	const client = new LossyClient(stage.gateway, GUESTS, options);
	stage.clients.push(client);
	await client.login();
	client.lossy = true;
	return client;
}

/* Both talk at once; then each says a last word, which shows that nothing comes after. */
async function converse(a, b) {
	for (const i of numbers) {
		a.say(message(b.jid, i));
		b.say(message(a.jid, i));
	}
	for (const [client, other] of [[a, b], [b, a]])
		await client.until(() => client.heard.length >= MESSAGES, `${MESSAGES} messages, ${other.unsaid.length} are unsaid`);
	a.say(message(b.jid, MESSAGES));
	b.say(message(a.jid, MESSAGES));
	for (const client of [a, b]) {
		await client.until(() => client.heard.length > MESSAGES, 'the last message');
		assert.deepEqual(heardBy(client), [...numbers, MESSAGES]);
		for (const [loss, n] of Object.entries(client.losses))
			assert.ok(n > 20, `only ${n} requests ${loss}`);
	}
}

for (const hold of [1, 2]) {
	for (const seed of [1, 20, 300]) {
		culvert(`hold=${hold}, seed ${seed}: ${MESSAGES} messages each way over connections that break`, { ms: 30000 }, async () => {
			await converse(await lossy({ hold, seed }), await lossy({ hold, seed: seed + 1 }));
		});
	}
}

culvert('different holds, and requests find the worker of their session', { ms: 30000 }, async () => {
	const before = await stage.gateway.counters();
	await converse(await lossy({ hold: 1, seed: 4000 }), await lossy({ hold: 2, seed: 50000 }));
	const after = await stage.gateway.counters();
	assert.ok(after.bosh_forwarded > before.bosh_forwarded, 'no request was forwarded');
	assert.ok(after.bosh_replays > before.bosh_replays, 'no answer was repeated');
});
