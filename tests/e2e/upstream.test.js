'use strict';
/*
 * upstream.test.js: the way to the server: what is asked of it, bytes that
 * come in unlikely portions, a server that is not there, goes away, or is cut
 * off.
 */

const assert = require('node:assert/strict');

const { Culvert } = require('./lib/gateway');
const { freePort } = require('./lib/program');
const { GUESTS, culvert, each, test, withStage } = require('./lib/stage');
const { NS, find, is, streamError } = require('./lib/xml');

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;
const isMessage = (stanza) => is(stanza, 'message', NS.client);

/* Says something to itself and hears it. */
async function echo(client, text) {
	client.tell(message(client.jid, text));
	await client.message(text);
}

/* A stage with a wire, one guest by this transport, and nothing under way. */
const withGuest = (transport, play) => withStage({ wire: true }, async (own) => play(await own.guest(transport), own));

/* How each transport learns that its session is over; the condition on the wire. */
async function lossSeen(client, transport) {
	if (transport === 'bosh') {
		const answer = await client.send();
		assert.equal(answer.type, 'terminate', answer.text);
		const error = find(answer.body, 'error', NS.stream);
		return { condition: answer.condition, error: error && streamError(error) };
	}
	const { error, code } = await client.failure();
	return { error, code };
}

/* The stream the server sees. */

each('the server is asked for the client\'s domain and language', async (transport) => {
	await withStage({ wire: true }, async (own) => {
		const client = own[transport]();
		if (transport === 'bosh') {
			await client.create({ 'xml:lang': 'de' });
		} else {
			await client.connect();
			await client.start(" xml:lang='de'");
		}
		const [header] = /<stream:stream[^>]*>/.exec(own.wire.up.seen);
		for (const attribute of [`to='${GUESTS}'`, `xml:lang='de'`, `version='1.0'`, `xmlns='${NS.client}'`, `xmlns:stream='${NS.stream}'`])
			assert.ok(header.replaceAll('"', "'").includes(attribute), `no ${attribute} in ${header}`);
		assert.doesNotMatch(header, /from=/);
	});
}, culvert);

each('the stream to the server is closed in order', async (transport) => {
	await withGuest(transport, async (client, own) => {
		if (transport === 'bosh')
			await client.terminate();
		else
			client.send(`<close xmlns='${NS.framing}'/>`);
		await own.wire.up.until((seen) => seen.endsWith('</stream:stream>'), 'the end of the stream');
	});
}, culvert);

/* Bytes in unlikely portions. */

for (const [size, name] of [[1, 'one byte'], [100, 'a hundred bytes']]) {
	each(`${name} at a time, people can chat`, async (transport) => {
		await withStage({ users: ['alice', 'bob'], wire: true }, async (own) => {
			own.wire.up.pieces(size);
			own.wire.down.pieces(size);
			const [alice, bob] = [await own.login('alice', transport), await own.login('bob', transport)];
			const texts = Array.from({ length: 10 }, (_, i) => `${i} <ä> & 日本 \u{1F600}`);
			texts.forEach((text) => alice.say(bob.jid, text));
			assert.deepEqual(await bob.hearAll(alice.jid, texts.length), texts);
		});
	});
}

each('many stanzas in one segment arrive in order', async (transport) => {
	await withGuest(transport, async (client, own) => {
		const texts = Array.from({ length: 100 }, (_, i) => `number ${i}`);
		own.wire.down.hold();
		const from = own.wire.down.seen.length;
		client.tell(...texts.map((text) => message(client.jid, text)));
		await own.wire.down.until((seen) => seen.slice(from).split('</message>').length > texts.length, 'all the answers');
		own.wire.down.release();
		const heard = [];
		while (heard.length < texts.length)
			heard.push((await client.stanza(isMessage, 'a message')).textContent);
		assert.deepEqual(heard, texts);
	});
}, culvert);

/* A server that is not there. */

each('a server that refuses connections: remote-connection-failed', async (transport) => {
	await withStage({ upstreams: { 'closed.test': await freePort() } }, async (own) => {
		const client = own[transport]('closed.test');
		if (transport === 'bosh') {
			const answer = await client.create();
			assert.deepEqual([answer.type, answer.condition], ['terminate', 'remote-connection-failed']);
			assert.equal(answer.headers['access-control-allow-origin'], '*');
		} else {
			await client.connect();
			client.openStream();
			assert.deepEqual(await client.failure(), { error: 'remote-connection-failed', code: 1001 });
		}
	});
}, culvert);

each('the next server is tried when the first is not there', async (transport) => {
	await withStage({}, async (own) => {
		const connect = [`xmpp://127.0.0.1:${await freePort()}`, `xmpp://127.0.0.1:${own.prosody.port}`];
		await own.gateway.terminate();
		own.gateway = own.add(await Culvert.start({}, { domains: { [GUESTS]: { connect } } }));
		await echo(await own.guest(transport), 'by the second');
	});
}, culvert);

/* A server that goes away. */

each('a connection to the server that is cut is told as such', async (transport) => {
	await withGuest(transport, async (client, own) => {
		const lost = lossSeen(client, transport);
		own.wire.cut();
		const { condition, error, code } = await lost;
		if (transport === 'bosh')
			assert.equal(condition, 'remote-connection-failed');
		else
			assert.deepEqual([error, code], ['remote-connection-failed', 1001]);
	});
}, culvert);

culvert('bosh: a loss while no request is open is told to the next one', async () => {
	await withGuest('bosh', async (client, own) => {
		const mark = own.gateway.program.mark;
		own.wire.cut();
		await own.gateway.program.line(/SERVER_GONE|upstream/i, { mark });
		const answer = await client.send();
		assert.deepEqual([answer.type, answer.condition], ['terminate', 'remote-connection-failed']);
		assert.equal((await client.send()).condition, 'item-not-found');
	});
});

each('a server that crashes is told as such', async (transport) => {
	await withGuest(transport, async (client, own) => {
		const lost = lossSeen(client, transport);
		await own.prosody.crash();
		const { condition, error } = await lost;
		assert.equal(transport === 'bosh' ? condition : error, 'remote-connection-failed');
	});
}, culvert);

each('what a server says when it shuts down reaches the client', async (transport) => {
	await withGuest(transport, async (client, own) => {
		const lost = lossSeen(client, transport);
		await own.prosody.shutdown();
		const { condition, error } = await lost;
		assert.equal(error, 'system-shutdown');
		if (transport === 'bosh')
			assert.equal(condition, 'remote-stream-error');
	});
}, culvert);

each('the others go on when one connection to the server is lost', async (transport) => {
	await withStage({ wire: true }, async (own) => {
		const [one, two] = [await own.guest(transport), await own.guest(transport)];
		const [first] = own.wire.pairs;
		const lost = lossSeen(one, transport);
		first.forEach((socket) => socket.resetAndDestroy());
		await lost;
		await echo(two, 'I am well');
	});
}, culvert);

each('when the server is back, a new session can begin', async (transport) => {
	await withStage({ wire: true }, async (own) => {
		const client = await own.guest(transport);
		const lost = lossSeen(client, transport);
		own.wire.cut();
		await lost;
		await echo(await own.guest(transport), 'back again');
	});
}, culvert);

/* A client that goes away. */

test('bosh: a client that says no more is gone at the server after the inactivity', async () => {
	await withStage({ inactivity: 1 }, async (own) => {
		const [silent, other] = [await own.guest('bosh'), await own.guest('websocket')];
		silent.ask(`<presence xmlns='jabber:client' to='${other.jid}'/>` + message(silent.jid, 'said'),
			(s) => s.textContent === 'said', 'the message').catch(() => {});
		await other.stanza((s) => s.localName === 'presence' && !s.getAttribute('type'), 'presence');
		await other.stanza((s) => s.localName === 'presence' && s.getAttribute('type') === 'unavailable', 'presence unavailable');
	});
});

test('bosh: while a request is held, inactivity does not count', async () => {
	await withStage({ inactivity: 1 }, async (own) => {
		const client = own.bosh();
		await client.create({ wait: 2 });
		await client.stanza((s) => is(s, 'features', NS.stream), 'the stream features');
		const answer = await client.send();
		assert.deepEqual([answer.type, answer.body.childNodes.length], [null, 0]);
	});
});
