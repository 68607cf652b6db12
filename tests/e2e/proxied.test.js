'use strict';
/*
 * proxied.test.js: behind a proxy that takes TLS off, its word decides
 * whether a BOSH session is one of TLS (XEP-0124, 19.1): such a session is
 * not served over plain HTTP, and goes on over TLS as if nothing had been.
 */

const assert = require('node:assert/strict');
const { after, before } = require('node:test');

const { body, post } = require('./lib/bosh');
const { Culvert, DIRECT } = require('./lib/gateway');
const { Server } = require('./lib/server');
const { culvert: test } = require('./lib/stage');
const { NS } = require('./lib/xml');

const TLS = { 'X-Forwarded-Proto': 'https' };
let server, trusting, doubting;

before(async () => {
	if (DIRECT)
		return;
	server = await Server.start();
	trusting = await Culvert.start({ 'example.test': server.port });
	doubting = await Culvert.start({ 'example.test': server.port }, { trusted_proxies: ['192.0.2.1'] });
});

after(async () => {
	for (const part of [trusting, doubting, server].filter(Boolean))
		await part.stop();
});

const create = async (gateway, rid, headers) => {
	const answer = await post(gateway, body({ rid, 'to': 'example.test', 'wait': 1, 'hold': 1, 'ver': '1.6', 'xmpp:version': '1.0',
		'xmlns:xmpp': NS.xbosh }), { headers });
	assert.equal(answer.status, 200);
	return answer.body.getAttribute('sid');
};

test('a session of TLS is not served over plain HTTP, and lives on', async () => {
	/* Several, so that some belong to the other worker. */
	for (let i = 0; i < 4; i++) {
		const rid = 1000 * (i + 1);
		const sid = await create(trusting, rid, TLS);
		for (const headers of [{}, { 'X-Forwarded-Proto': 'http' }, { 'X-Forwarded-Proto': 'https, http' }, { 'X-Forwarded-Proto': '' }])
			await assert.rejects(post(trusting, body({ rid: rid + 1, sid }), { headers }), /hang up|ECONNRESET|closed/, JSON.stringify(headers));
		const answer = await post(trusting, body({ rid: rid + 1, sid, type: 'terminate' }), { headers: { 'X-Forwarded-Proto': 'HTTPS' } });
		assert.deepEqual([answer.status, answer.type, answer.condition], [200, 'terminate', null]);
	}
});

test('a session of plain HTTP is served over both', async () => {
	const sid = await create(trusting, 10, {});
	for (const [rid, headers] of [[11, {}], [12, TLS], [13, { 'X-Forwarded-Proto': 'http' }]])
		assert.equal((await post(trusting, body({ rid, sid }), { headers })).type, null, `${rid}`);
});

test('what a proxy says that is not trusted makes no session one of TLS', async () => {
	const sid = await create(doubting, 10, TLS);
	assert.equal((await post(doubting, body({ rid: 11, sid }))).type, null);
});
