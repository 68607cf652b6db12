'use strict';
/*
 * bosh.test.js: BOSH as it looks on the wire (XEP-0124, XEP-0206), with bodies
 * written by hand.
 */

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { Agent } = require('node:http');

const { body, post } = require('./lib/bosh');
const { request } = require('./lib/http');
const { DIRECT, GUESTS, culvert, suite, test } = require('./lib/stage');
const { NS, children, find, is } = require('./lib/xml');

const stage = suite({ config: { bosh: { max_body: 65536 }, limits: { stanza: 65536 } } });

/* What a page of another site may read, and what no answer may become. */
function assertReadable(answer) {
	assert.equal(answer.headers['access-control-allow-origin'], '*');
	assert.equal(answer.headers['access-control-allow-credentials'], undefined);
	assert.match(answer.headers['content-security-policy'], /sandbox/);
	assert.equal(answer.headers['x-content-type-options'], 'nosniff');
	assert.equal(answer.headers['cache-control'], 'no-store');
}

function assertTerminated(answer, condition) {
	assert.equal(answer.status, 200);
	assert.ok(answer.body && is(answer.body, 'body', NS.body), `no <body/>: ${answer.text}`);
	assert.deepEqual([answer.type, answer.condition], ['terminate', condition]);
}

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;
const isMessage = (stanza) => is(stanza, 'message', NS.client);

test('the answer to the first request has the session\'s attributes', async () => {
	const client = stage.bosh();
	const answer = await client.create({ wait: 12, hold: 1 });
	assert.equal(answer.status, 200);
	assert.match(answer.headers['content-type'], /^text\/xml; ?charset=utf-8$/i);
	assert.ok(is(answer.body, 'body', NS.body), answer.text);
	const get = (name) => answer.body.getAttribute(name);
	assert.ok(client.sid.length >= 16, `a short sid: ${client.sid}`);
	assert.equal(get('wait'), '12');
	assert.equal(get('hold'), '1');
	assert.equal(get('requests'), '2');
	assert.equal(get('from'), GUESTS);
	assert.equal(get('ver'), '1.6');
	assert.ok(Number(get('inactivity')) > 0, answer.text);
	assert.equal(answer.body.getAttributeNS(NS.xbosh, 'version'), '1.0');
	assert.ok(get('authid'), 'no authid');
	assert.equal(answer.type, null);
});

culvert('the first answer offers restarts and pauses, and echoes content', async () => {
	const client = stage.bosh();
	const answer = await client.create({ content: 'text/xml; charset=utf-8' });
	assert.equal(answer.body.getAttributeNS(NS.xbosh, 'restartlogic'), 'true');
	assert.ok(Number(answer.body.getAttribute('maxpause')) > 0, answer.text);
	assert.ok(Number(answer.body.getAttribute('inactivity')) > Number(answer.body.getAttribute('wait')), answer.text);
	assertReadable(answer);
});

culvert('wait and hold are what the client asked for, but not above the limits', async () => {
	const answer = await stage.bosh().create({ wait: 3600, hold: 10 });
	assert.equal(answer.body.getAttribute('wait'), '50');
	assert.equal(answer.body.getAttribute('hold'), '2');
	assert.equal(answer.body.getAttribute('requests'), '11');
});

test('the stream features come, and stand in the server\'s namespace', async () => {
	const client = stage.bosh();
	await client.create();
	const features = await client.stanza((s) => is(s, 'features', NS.stream), 'the stream features');
	assert.ok(find(features, 'mechanisms', NS.sasl));
});

test('stanzas are in jabber:client, not in the body\'s namespace', async () => {
	const client = await stage.guest('bosh');
	const reply = await client.ask(`<iq xmlns='jabber:client' type='get' id='d1' to='${GUESTS}'>` +
		`<query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
	(s) => s.getAttribute('id') === 'd1', 'the answer to disco');
	assert.ok(is(reply, 'iq', NS.client), reply.toString());
	assert.equal(reply.getAttribute('type'), 'result');
});

test('several stanzas in one body arrive in order', async () => {
	const client = await stage.guest('bosh');
	const texts = Array.from({ length: 50 }, (_, i) => `part ${i}`);
	client.send(texts.map((text) => message(client.jid, text)).join('')).catch(() => {});
	const heard = [];
	while (heard.length < texts.length)
		heard.push((await client.stanza(isMessage, 'a message')).textContent);
	assert.deepEqual(heard, texts);
});

test('wait: a request with nothing to answer is held so long, then answered empty', async () => {
	const client = stage.bosh();
	await client.create({ wait: 1 });
	await client.stanza((s) => is(s, 'features', NS.stream), 'the stream features');
	const from = Date.now();
	const answer = await client.send();
	const took = Date.now() - from;
	assert.equal(answer.type, null);
	assert.deepEqual(children(answer.body), []);
	assert.ok(took > 800 && took < await stage.gateway.bound(4000), `answered after ${took} ms`);
});

test('hold: a second request releases the first', async () => {
	const client = await stage.guest('bosh');
	const first = client.send();
	const second = client.send();
	const answer = await first;
	assert.deepEqual([answer.type, children(answer.body).length], [null, 0]);
	client.send(message(client.jid, 'to myself')).catch(() => {});
	await client.message('to myself');
	await second;
});

test('a request repeated gets the same bytes, and is done once', async () => {
	const client = await stage.guest('bosh');
	const rid = client.rid++;
	const text = body({ rid, sid: client.sid }, message(client.jid, 'once'));
	const first = await client.post(rid, text);
	const again = await client.post(rid, text);
	assert.equal(again.text, first.text);
	if (!children(first.body).some(isMessage))
		await client.message('once');
	await client.ask(message(client.jid, 'last'), (s) => isMessage(s) && s.textContent === 'last', 'the last message');
	assert.deepEqual(client.inbox.things.filter((s) => isMessage(s) && s.textContent === 'once').length,
		children(first.body).some(isMessage) ? 2 : 0, 'the repeated message was sent twice');
});

culvert('requests that overtake each other are put in order', async () => {
	const client = await stage.guest('bosh');
	const post = (rid, text) => client.post(rid, body({ rid, sid: client.sid }, message(client.jid, text)));
	const rid = client.rid;
	client.rid += 2;
	const late = post(rid + 1, 'two');
	const early = post(rid, 'one');
	const heard = [await client.stanza(isMessage, 'a message'), await client.stanza(isMessage, 'a message')];
	assert.deepEqual(heard.map((s) => s.textContent), ['one', 'two']);
	await client.terminate();
	await Promise.all([early, late]);
});

test('a rid outside the window ends in item-not-found', async () => {
	const client = await stage.guest('bosh');
	assertTerminated(await client.send('', { rid: client.rid + 100 }), 'item-not-found');
});

test('an unknown sid gets item-not-found', async () => {
	const answer = await post(stage.gateway, body({ rid: 5, sid: 'no-such-session' }));
	assertTerminated(answer, 'item-not-found');
	if (!DIRECT)
		assertReadable(answer);
});

test('no domain named: improper-addressing', async () => {
	assertTerminated(await post(stage.gateway, body({ rid: 5, wait: 5, hold: 1 })), 'improper-addressing');
});

culvert('a domain not configured: host-unknown', async () => {
	const answer = await stage.bosh('elsewhere.test').create();
	assertTerminated(answer, 'host-unknown');
	assertReadable(answer);
});

test('terminate: answered with terminate, and the session is gone', async () => {
	const client = await stage.guest('bosh');
	const answer = await client.terminate();
	assert.deepEqual([answer.type, answer.condition], ['terminate', null]);
	assertTerminated(await client.send(), 'item-not-found');
});

test('terminate: a stanza in the last body still reaches the server', async () => {
	const [client, other] = [await stage.guest('bosh'), await stage.guest('websocket')];
	await client.terminate(message(other.jid, 'goodbye'));
	await other.message('goodbye');
});

test('GET shows a page', async () => {
	const answer = await request(stage.gateway.port, 'GET', stage.gateway.boshPath);
	assert.equal(answer.status, 200);
	assert.match(answer.text, /BOSH/);
});

test('OPTIONS answers a browser\'s preflight', async () => {
	const answer = await request(stage.gateway.port, 'OPTIONS', stage.gateway.boshPath, {
		headers: {
			'Origin': 'https://chat.example.com',
			'Access-Control-Request-Method': 'POST',
			'Access-Control-Request-Headers': 'content-type',
		},
	});
	assert.ok([200, 204].includes(answer.status), `status ${answer.status}`);
	assert.ok(['*', 'https://chat.example.com'].includes(answer.headers['access-control-allow-origin']));
	assert.match(answer.headers['access-control-allow-methods'], /\bPOST\b/);
	assert.match(answer.headers['access-control-allow-headers'], /content-type/i);
	assert.ok(Number(answer.headers['access-control-max-age']) >= 600, 'the preflight will be asked again and again');
});

test('a query string and a trailing slash make no difference', async () => {
	for (const path of ['/http-bind/', '/http-bind?x=1']) {
		const answer = await post(stage.gateway, body({ rid: 5, sid: 'no-such-session' }), { path });
		assertTerminated(answer, 'item-not-found');
	}
});

/* What is no body of ours, and may be nobody's: answered, readable for the page that sent it, and forgotten. */
const create = `rid='5' to='${GUESTS}' wait='5' hold='1' ver='1.6'`;
const bad = {
	'nothing': '',
	'no XML': 'hello',
	'an end that is missing': `<body xmlns='${NS.body}' ${create}>`,
	'something after the end': `<body xmlns='${NS.body}' ${create}/><body/>`,
	'text between stanzas': `<body xmlns='${NS.body}' ${create}>text</body>`,
	'a DTD': `<!DOCTYPE body [<!ENTITY a "b">]><body xmlns='${NS.body}' ${create}/>`,
	'an entity bomb': `<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><body xmlns='${NS.body}' ${create}>&b;</body>`,
	'a comment': `<body xmlns='${NS.body}' ${create}><!-- hi --></body>`,
	'a processing instruction': `<body xmlns='${NS.body}' ${create}><?php 1 ?></body>`,
	'no namespace': `<body ${create}/>`,
	'a wrong namespace': `<body xmlns='jabber:client' ${create}/>`,
	'a wrong root': `<html xmlns='${NS.body}' ${create}/>`,
	'bytes that are no UTF-8': Buffer.concat([Buffer.from(`<body xmlns='${NS.body}' ${create}><a b='`), Buffer.from([0xc3, 0x28, 0xff]),
		Buffer.from(`'/></body>`)]),
	'no rid': `<body xmlns='${NS.body}' to='${GUESTS}' wait='5' hold='1' ver='1.6'/>`,
	'a rid that is no number': `<body xmlns='${NS.body}' rid='5x' to='${GUESTS}' wait='5' hold='1' ver='1.6'/>`,
	'a rid above 2^53': `<body xmlns='${NS.body}' rid='9007199254740993' to='${GUESTS}' wait='5' hold='1' ver='1.6'/>`,
};
for (const [what, text] of Object.entries(bad)) {
	culvert(`bad body: ${what}`, async () => {
		const answer = await post(stage.gateway, text);
		assertTerminated(answer, 'bad-request');
		assertReadable(answer);
	});
}

culvert('bad body: ends the session it names', async () => {
	const client = await stage.guest('bosh');
	const answer = await client.post(client.rid, `<body xmlns='${NS.body}' rid='${client.rid++}' sid='${client.sid}'><!DOCTYPE a></body>`);
	assert.equal(answer.type, 'terminate');
	assertTerminated(await client.send(), 'item-not-found');
});

culvert('a body above the limit is refused', async () => {
	const client = await stage.guest('bosh');
	const answer = await client.send(message(client.jid, 'x'.repeat(70000)));
	if (answer.status === 200)
		assertTerminated(answer, 'policy-violation');
	else
		assert.equal(answer.status, 413);
	assert.equal(answer.headers['access-control-allow-origin'], '*');
});

test('a body just below the limit passes', async () => {
	const client = await stage.guest('bosh');
	const text = 'x'.repeat(60000);
	client.send(message(client.jid, text)).catch(() => {});
	const heard = await client.stanza(isMessage, 'the large message');
	assert.equal(heard.textContent.length, text.length);
});

culvert('an answer cannot become a page: a navigation is refused', async () => {
	const answer = await post(stage.gateway, body({ rid: 5, sid: 'no-such-session' }), { headers: { 'Sec-Fetch-Mode': 'navigate' } });
	assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}`);
});

culvert('every answer to a page is safe and readable: errors, pages, preflights', async () => {
	const origin = { Origin: 'https://chat.example.com' };
	for (const [method, headers, status] of [['GET', origin, 200], ['HEAD', origin, 200], ['PUT', origin, 405],
		['OPTIONS', origin, 204], ['POST', { ...origin, 'Sec-Fetch-Mode': 'navigate' }, 403]]) {
		const answer = await request(stage.gateway.port, method, stage.gateway.boshPath, { headers, body: method === 'POST' ? 'x' : undefined });
		assert.equal(answer.status, status, method);
		assertReadable(answer);
	}
});

culvert('key sequences: the right key goes on, the wrong one ends the session', async () => {
	const keys = [crypto.randomBytes(16).toString('hex')];
	while (keys.length < 30)
		keys.push(crypto.createHash('sha1').update(keys.at(-1)).digest('hex'));
	const client = stage.bosh();
	const { send } = client;
	client.send = (payload, attrs = {}) =>
		send.call(client, payload, { ...(attrs.ver ? { newkey: keys.pop() } : { key: keys.pop() }), ...attrs });
	await client.login();
	await client.ask(message(client.jid, 'with a key'), (s) => isMessage(s) && s.textContent === 'with a key', 'the message');
	assertTerminated(await client.send('', { key: keys[0] }), 'item-not-found');
});

culvert('a client that gives no version reads HTTP errors', async () => {
	const sid = (await post(stage.gateway, body({ rid: 5, to: GUESTS, wait: 1, hold: 1 }))).body.getAttribute('sid');
	const answer = await post(stage.gateway, body({ rid: 99, sid }));
	assert.deepEqual([answer.status, answer.type, answer.condition], [404, 'terminate', 'item-not-found']);
	assertReadable(answer);
	const bad = await post(stage.gateway, body({ rid: 'x', to: GUESTS }));
	assert.equal(bad.status, 400);
	assertReadable(bad);
});

culvert('any type a client sends its body as, and large cookies', async () => {
	for (const headers of [{ 'Content-Type': 'text/plain;charset=UTF-8' }, { 'Content-Type': 'application/x-www-form-urlencoded' },
		{ 'Content-Type': '' }, { Cookie: `a=${'x'.repeat(6000)}` }]) {
		const answer = await post(stage.gateway, body({ rid: 5, sid: 'no-such-session' }), { headers });
		assertTerminated(answer, 'item-not-found');
	}
});

culvert('two sessions on one connection', async () => {
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	try {
		const create = body({ 'rid': 1, 'to': GUESTS, 'wait': 5, 'hold': 1, 'ver': '1.6', 'xmpp:version': '1.0', 'xmlns:xmpp': NS.xbosh });
		const sids = [];
		for (let i = 0; i < 2; i++)
			sids.push((await post(stage.gateway, create, { agent })).body.getAttribute('sid'));
		assert.notEqual(sids[0], sids[1]);
		for (const sid of [...sids, ...sids.reverse()])
			assert.equal((await post(stage.gateway, body({ rid: 1, sid }), { agent })).body.getAttribute('sid'), sid);
		for (const sid of sids)
			assert.equal((await post(stage.gateway, body({ rid: 2, sid, type: 'terminate' }), { agent })).type, 'terminate');
		assert.equal(Object.values(agent.freeSockets).flat().length, 1);
	} finally {
		agent.destroy();
	}
});
