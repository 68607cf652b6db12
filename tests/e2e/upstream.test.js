'use strict';
/*
 * upstream.test.js: the way to the server: what is asked of it, bytes that
 * come in unlikely portions, a server that is not there, goes away, or is cut
 * off.
 */

const assert = require('node:assert/strict');

const { BoshClient } = require('./lib/bosh');
const { Culvert } = require('./lib/gateway');
const { freePort } = require('./lib/program');
const { Server } = require('./lib/server');
const { GUESTS, TRANSPORTS, culvert, each, explain, suite, test, withStage } = require('./lib/stage');
const { WsClient } = require('./lib/websocket');
const { NS, find, is, streamError } = require('./lib/xml');

const stage = suite({
	users: ['alice', 'bob'],
	wire: true,
	upstreams: async () => ({ 'closed.test': await freePort() }),
});

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;
const isMessage = (stanza) => is(stanza, 'message', NS.client);

/* Says something to itself and hears it. */
async function echo(client, text) {
	await client.tell(message(client.jid, text));
	await client.message(text);
}

/* Makes a loss happen; returns what the client is told of it. */
async function lossSeen(client, transport, lose) {
	const [seen] = await Promise.all([ending(client, transport), lose()]);
	return seen;
}

async function ending(client, transport) {
	if (transport === 'websocket')
		return client.failure();
	const answer = await client.send();
	assert.equal(answer.type, 'terminate', answer.text);
	const error = find(answer.body, 'error', NS.stream);
	return { condition: answer.condition, error: error && streamError(error) };
}

/* The stream the server sees. */

each('the server is asked for the client\'s domain and language', async (transport) => {
	const from = stage.wire.up.seen.length;
	const client = stage[transport]();
	if (transport === 'bosh') {
		await client.create({ 'xml:lang': 'de' });
	} else {
		await client.connect();
		await client.start(" xml:lang='de'");
	}
	const [header] = /<stream:stream[^>]*>/.exec(stage.wire.up.seen.slice(from));
	for (const attribute of [`to='${GUESTS}'`, `xml:lang='de'`, `version='1.0'`, `xmlns='${NS.client}'`, `xmlns:stream='${NS.stream}'`])
		assert.ok(header.replaceAll('"', "'").includes(attribute), `no ${attribute} in ${header}`);
	assert.doesNotMatch(header, /from=/);
}, culvert);

each('the stream to the server is closed in order', async (transport) => {
	const client = await stage.guest(transport);
	const from = stage.wire.up.seen.length;
	if (transport === 'bosh')
		await client.terminate();
	else
		client.send(`<close xmlns='${NS.framing}'/>`);
	await stage.wire.up.until((seen) => seen.slice(from).endsWith('</stream:stream>'), 'the end of the stream');
}, culvert);

/*
 * Bytes in unlikely portions, downwards only: Debian's expat puts off elements
 * that come in by single bytes until more has come, so Prosody would stall.
 */

for (const [size, name] of [[1, 'one byte'], [100, 'a hundred bytes']]) {
	each(`${name} at a time, people can chat`, async (transport) => {
		stage.wire.down.pieces(size);
		try {
			const [alice, bob] = [await stage.login('alice', transport), await stage.login('bob', transport)];
			const texts = Array.from({ length: 10 }, (_, i) => `${i} <ä> & 日本 \u{1F600}`);
			texts.forEach((text) => alice.say(bob.jid, text));
			assert.deepEqual(await bob.hearAll(alice.jid, texts.length), texts);
		} finally {
			stage.wire.down.pieces(Infinity);
		}
	});
}

each('many stanzas in one segment arrive in order', async (transport) => {
	const client = await stage.guest(transport);
	const texts = Array.from({ length: 100 }, (_, i) => `number ${i}`);
	const from = stage.wire.down.seen.length;
	stage.wire.down.hold();
	try {
		await client.tell(...texts.map((text) => message(client.jid, text)));
		await stage.wire.down.until((seen) => seen.slice(from).split('</message>').length > texts.length, 'all the answers');
	} finally {
		stage.wire.down.release();
	}
	const heard = [];
	while (heard.length < texts.length)
		heard.push((await client.stanza(isMessage, 'a message')).textContent);
	assert.deepEqual(heard, texts);
}, culvert);

/* A server that is not there. */

each('a server that refuses connections: remote-connection-failed', async (transport) => {
	const client = stage[transport]('closed.test');
	if (transport === 'bosh') {
		const answer = await client.create();
		assert.deepEqual([answer.type, answer.condition], ['terminate', 'remote-connection-failed']);
		assert.equal(answer.headers['access-control-allow-origin'], '*');
	} else {
		await client.connect();
		client.openStream();
		assert.deepEqual(await client.failure(), { error: 'remote-connection-failed', code: 1001 });
	}
}, culvert);

culvert('the next server is tried when the first is not there', async () => {
	await withStage({}, async (own) => {
		const connect = [`xmpp://127.0.0.1:${await freePort()}`, `xmpp://127.0.0.1:${own.prosody.port}`];
		own.gateway = own.add(await Culvert.start({}, { domains: { [GUESTS]: { connect } } }));
		for (const transport of TRANSPORTS)
			await echo(await own.guest(transport), 'by the second');
	});
});

culvert('a server by its host name; one whose name nobody knows is passed over', async () => {
	await withStage({}, async (own) => {
		const connect = [`xmpp://no-such-host.invalid:${own.prosody.port}`, `xmpp://localhost:${own.prosody.port}`];
		/* Nobody answers there: names are asked of the hosts file alone. */
		const resolver = { servers: [`127.0.0.1:${await freePort()}`] };
		own.gateway = own.add(await Culvert.start({}, { resolver, domains: { [GUESTS]: { connect, tls: 'off' } } }));
		for (const transport of TRANSPORTS)
			await echo(await own.guest(transport), 'by name');
	});
});

culvert('a server that stalls a handshake has its share of the time, and then the next is tried', async () => {
	await withStage({}, async (own) => {
		const stalled = own.add(await Server.start({}));
		const connect = [`xmpps://127.0.0.1:${stalled.port}`, `xmpp://127.0.0.1:${own.prosody.port}`];
		own.gateway = own.add(await Culvert.start({}, { limits: { connect_timeout: 3 }, domains: { [GUESTS]: { connect, tls: 'optional' } } }));
		const from = Date.now();
		await echo(await own.guest('websocket'), 'by the second');
		assert.equal(stalled.connections.length, 1);
		assert.ok(Date.now() - from > 1400, `tried after ${Date.now() - from} ms`);
	});
});

/* A server that goes away. */

each('a connection to the server that is cut is told as such', async (transport) => {
	const client = await stage.guest(transport);
	const seen = await lossSeen(client, transport, () => stage.wire.cut());
	if (transport === 'bosh')
		assert.equal(seen.condition, 'remote-connection-failed');
	else
		assert.deepEqual(seen, { error: 'remote-connection-failed', code: 1001 });
}, culvert);

culvert('bosh: a loss while no request is open is told to the next one', async () => {
	const client = await stage.guest('bosh');
	const { mark } = stage.gateway.program;
	stage.wire.cut();
	await stage.gateway.program.line(/upstream lost/, { mark });
	const answer = await client.send();
	assert.deepEqual([answer.type, answer.condition], ['terminate', 'remote-connection-failed']);
	assert.equal((await client.send()).type, 'terminate');
});

each('the others go on when one connection to the server is lost', async (transport) => {
	const [one, two] = [await stage.guest(transport), await stage.guest(transport)];
	const pairs = [...stage.wire.pairs];
	const first = pairs[pairs.length - 2];
	await lossSeen(one, transport, () => first.forEach((socket) => socket.resetAndDestroy()));
	await echo(two, 'I am well');
}, culvert);

each('after a loss a new session can begin', async (transport) => {
	const client = await stage.guest(transport);
	await lossSeen(client, transport, () => stage.wire.cut());
	await echo(await stage.guest(transport), 'back again');
}, culvert);

culvert('a server that crashes is told as such', async () => {
	await withStage({}, async (own) => {
		const [byBosh, byWebsocket] = [await own.guest('bosh'), await own.guest('websocket')];
		const [seenByBosh, seenByWebsocket] = await Promise.all([
			ending(byBosh, 'bosh'),
			ending(byWebsocket, 'websocket'),
			own.prosody.crash(),
		]);
		assert.equal(seenByBosh.condition, 'remote-connection-failed');
		assert.equal(seenByWebsocket.error, 'remote-connection-failed');
	});
});

each('a server that says something and resets the connection is told as lost at once', async (transport) => {
	const server = await Server.start({
		stanza: (connection) => {
			connection.write("<message from='stand-in.test'><body>last words</body></message>");
			connection.socket.resetAndDestroy();
		},
	});
	const gateway = await Culvert.start({ [GUESTS]: server.port });
	try {
		const client = new (transport === 'bosh' ? BoshClient : WsClient)(gateway, GUESTS);
		await client.login();
		const from = Date.now();
		/* What was said before may reach the client or not: the reset may overtake it. */
		await client.tell(message(client.jid, 'go'));
		if (transport === 'bosh') {
			let answer;
			for (let i = 0; i < 3 && (!answer || answer.type !== 'terminate'); i++)
				answer = await client.send();
			assert.deepEqual([answer.type, answer.condition], ['terminate', 'remote-connection-failed']);
		} else {
			await client.stanza((s) => is(s, 'error', NS.stream), 'the stream error');
			assert.equal((await client.closed()).code, 1001);
		}
		const took = Date.now() - from;
		assert.ok(took < await gateway.bound(2000), `told after ${took} ms`);
		await gateway.program.line(/upstream lost/, { mark: 0 });
	} catch (error) {
		throw explain(error, gateway, server);
	} finally {
		await gateway.stop();
		await server.stop();
	}
}, culvert);

each('a stream error of the server reaches the client', async (transport) => {
	const client = await stage.guest(transport);
	const nonsense = "<nonsense xmlns='urn:example:nonsense'/>";
	if (transport === 'bosh') {
		const answer = await client.send(nonsense);
		assert.deepEqual([answer.type, answer.condition], ['terminate', 'remote-stream-error']);
		assert.equal(streamError(find(answer.body, 'error', NS.stream)), 'unsupported-stanza-type');
	} else {
		client.send(nonsense);
		assert.deepEqual(await client.failure(), { error: 'unsupported-stanza-type', code: 1000 });
	}
});

/* A client that goes away. */

test('bosh: who is silent is gone at the server after the inactivity, who has a request open is not', async () => {
	await withStage({ inactivity: 1 }, async (own) => {
		const [silent, patient, other] = [await own.guest('bosh'), own.bosh(), await own.guest('websocket')];
		await patient.create({ wait: 2 });
		await patient.stanza((s) => is(s, 'features', NS.stream), 'the stream features');
		const held = patient.send();
		silent.ask(`<presence xmlns='jabber:client' to='${other.jid}'/>` + message(silent.jid, 'said'),
			(s) => s.textContent === 'said', 'the message').catch(() => {});
		await other.stanza((s) => s.localName === 'presence' && !s.getAttribute('type'), 'presence');
		await other.stanza((s) => s.localName === 'presence' && s.getAttribute('type') === 'unavailable', 'presence unavailable');
		const answer = await held;
		assert.deepEqual([answer.type, answer.body.childNodes.length], [null, 0]);
	});
});
