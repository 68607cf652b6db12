'use strict';
/*
 * untouched.test.js: what client and server agree upon passes as it is: logins
 * by SASL2 with bind2 and FAST (XEP-0388, 0386, 0484; Debian's
 * prosody-modules), stream management (XEP-0198) by the client.
 */

const assert = require('node:assert/strict');
const crypto = require('node:crypto');

const { passwordOf } = require('./lib/prosody');
const { DIRECT, DOMAIN, TRANSPORTS, culvert, each, suite, test } = require('./lib/stage');
const { NS, find, is } = require('./lib/xml');

const USER = 'alice';
const BARE = `${USER}@${DOMAIN}`;
const AGENT = crypto.randomUUID();

const stage = suite({ users: [USER, 'bob'], modules: ['sasl2', 'sasl2_bind2', 'sasl2_fast', 'csi_simple'] });

/* Prosody's own BOSH knows no SASL2. */
const each2 = (name, play) => each(name, play, (title, body) => (DIRECT && /^bosh/.test(title) ? culvert : test)(title, body));

const base64 = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part))).toString('base64');
const plain = base64(`\0${USER}\0${passwordOf(USER)}`);
const bind = `<bind xmlns='${NS.bind2}'><tag>e2e</tag><enable xmlns='urn:xmpp:carbons:2'/></bind>`;
const authenticate = (mechanism, response, inner = '') =>
	`<authenticate xmlns='${NS.sasl2}' mechanism='${mechanism}'><initial-response>${response}</initial-response>` +
	`<user-agent id='${AGENT}'><software>e2e</software></user-agent>${inner}</authenticate>`;

/* A stream of alice's, not logged in; ask(what) sends it and waits for an element.  FAST needs to know who asks. */
async function opened(transport) {
	const client = stage[transport](DOMAIN);
	let features;
	if (transport === 'bosh') {
		await client.create({ from: BARE });
		features = await client.stanza((s) => is(s, 'features', NS.stream), 'the stream features');
		client.request = (payload, match, what) => client.ask(payload, match, what);
	} else {
		await client.connect();
		({ features } = await client.start(` from='${BARE}'`));
		client.request = (payload, match, what) => {
			client.send(payload);
			return client.stanza(match, what);
		};
	}
	return { client, features };
}

const named = (name, ns) => (s) => is(s, name, ns);

/* Logs in by SASL2 and binds in the same breath; without a restart the stream is then of use. */
async function login2(transport, mechanism, response, inner = '') {
	const { client, features } = await opened(transport);
	assert.ok(find(features, 'authentication', NS.sasl2), `no SASL2 in ${features}`);
	const success = await client.request(authenticate(mechanism, response, bind + inner), named('success', NS.sasl2), 'success');
	client.jid = find(success, 'authorization-identifier', NS.sasl2).textContent;
	assert.ok(client.jid.startsWith(`${BARE}/e2e`), client.jid);
	assert.ok(find(find(success, 'bound', NS.bind2), 'enabled', 'urn:xmpp:carbons:2'));
	return { client, success, features };
}

async function isOfUse(client) {
	client.tell(`<message xmlns='jabber:client' to='${client.jid}'><body>to myself</body></message>`);
	await client.message('to myself');
}

each2('SASL2 with bind2: logged in and bound in one step', async (transport) => {
	const { client } = await login2(transport, 'PLAIN', plain);
	await isOfUse(client);
});

each2('SASL2: a wrong password', async (transport) => {
	const { client } = await opened(transport);
	const failure = await client.request(authenticate('PLAIN', base64(`\0${USER}\0wrong`)), named('failure', NS.sasl2), 'failure');
	assert.ok(find(failure, 'not-authorized', NS.sasl));
});

each2('SASL2: SCRAM, in several steps', async (transport) => {
	const { client } = await opened(transport);
	const nonce = crypto.randomBytes(12).toString('hex');
	const challenge = await client.request(authenticate('SCRAM-SHA-1', base64(`n,,n=${USER},r=${nonce}`), bind),
		named('challenge', NS.sasl2), 'challenge');
	const first = Buffer.from(challenge.textContent, 'base64').toString();
	const [, full, salt, rounds] = /^r=([^,]*),s=([^,]*),i=(\d+)/.exec(first);
	const hmac = (key, text) => crypto.createHmac('sha1', key).update(text).digest();
	const salted = crypto.pbkdf2Sync(passwordOf(USER), Buffer.from(salt, 'base64'), Number(rounds), 20, 'sha1');
	const key = hmac(salted, 'Client Key');
	const last = `c=biws,r=${full}`;
	const signature = hmac(crypto.createHash('sha1').update(key).digest(), `n=${USER},r=${nonce},${first},${last}`);
	const proof = key.map((byte, i) => byte ^ signature[i]);
	const success = await client.request(`<response xmlns='${NS.sasl2}'>${base64(`${last},p=${proof.toString('base64')}`)}</response>`,
		named('success', NS.sasl2), 'success');
	client.jid = find(success, 'authorization-identifier', NS.sasl2).textContent;
	await isOfUse(client);
});

culvert('FAST: a token from one transport logs in by the other', async () => {
	const mechanism = 'HT-SHA-256-NONE';
	const request = `<request-token xmlns='${NS.fast}' mechanism='${mechanism}'/>`;
	for (const [i, transport] of TRANSPORTS.entries()) {
		const { client, success, features } = await login2(transport, 'PLAIN', plain, request);
		assert.ok(find(features, 'fast', NS.fast), `no FAST in ${features}`);
		const token = find(success, 'token', NS.fast).getAttribute('token');
		await client.end();
		const proof = crypto.createHmac('sha256', token).update('Initiator').digest();
		const fast = await login2(TRANSPORTS[1 - i], mechanism, base64(USER, '\0', proof), `<fast xmlns='${NS.fast}'/>`);
		const answer = Buffer.from(find(fast.success, 'additional-data', NS.sasl2).textContent, 'base64');
		assert.deepEqual(answer, crypto.createHmac('sha256', token).update('Responder').digest());
		await isOfUse(fast.client);
	}
});

/* A client of stream management: enabled, with the id to come back with. */
async function managed() {
	const { client } = await login2('websocket', 'PLAIN', plain);
	const enabled = await client.request(`<enable xmlns='${NS.sm}' resume='true'/>`, named('enabled', NS.sm), 'enabled');
	return { client, id: enabled.getAttribute('id') };
}

async function resume(id, h) {
	const { client } = await opened('websocket');
	await client.request(authenticate('PLAIN', plain), named('success', NS.sasl2), 'success');
	const answer = await client.request(`<resume xmlns='${NS.sm}' previd='${id}' h='${h}'/>`,
		(s) => s.namespaceURI === NS.sm && s.localName !== 'r', 'the answer to <resume/>');
	return { client, answer };
}

test('stream management: requests and counts of both sides pass', async () => {
	const { client } = await managed();
	await isOfUse(client);
	const counted = await client.request(`<r xmlns='${NS.sm}'/>`, named('a', NS.sm), 'the count');
	assert.equal(counted.getAttribute('h'), '1');
});

/* What was on its way when a connection breaks may be lost; in all other cases the last word arrives. */
for (const [what, leave, losesWords] of [
	['breaks', (ws) => ws._socket.resetAndDestroy(), true],
	['ends', (ws) => ws._socket.end()],
	['is closed without <close/>', (ws) => ws.close(1000)],
	['is closed by a page that goes away', (ws) => ws.close(1001)],
]) {
	test(`stream management: a WebSocket that ${what} leaves a session to resume, and what was missed comes`, async () => {
		const bob = await stage.login('bob', 'websocket');
		const { client, id } = await managed();
		client.send(`<message xmlns='jabber:client' to='${bob.jid}' type='chat'><body>last word of ${id}</body></message>`);
		if (losesWords)
			await client.request(`<r xmlns='${NS.sm}'/>`, named('a', NS.sm), 'the count');
		leave(client.ws);
		await client.closed();
		assert.equal(await bob.hear(client.jid), `last word of ${id}`);
		bob.say(client.jid, 'missed');
		const { client: again, answer } = await resume(id, 0);
		assert.ok(is(answer, 'resumed', NS.sm), String(answer));
		assert.equal(answer.getAttribute('h'), '1');
		await again.message('missed');
		again.jid = client.jid;
		await isOfUse(again);
	});
}

test('stream management: <close/> ends the session for good', async () => {
	const { client, id } = await managed();
	await client.request(`<close xmlns='${NS.framing}'/>`, named('close', NS.framing), '<close/>');
	await client.closed();
	const { answer } = await resume(id, 0);
	assert.ok(is(answer, 'failed', NS.sm), String(answer));
});
