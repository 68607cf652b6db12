'use strict';
/*
 * proxy.test.js: culvert behind nginx, HAProxy, Apache and Caddy as contrib/proxy
 * configures them, with TLS: people talk by both transports, also after they
 * have been silent for a while.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // certificates are not the point here

const { body } = require('./lib/bosh');
const { ReverseProxy } = require('./lib/reverse');
const { DIRECT, culvert, suite } = require('./lib/stage');
const { pause, within } = require('./lib/wait');

const PING = 1;
const SILENCE_MS = 3500;
const MESSAGES = 30;
const stage = suite({ users: ['alice', 'bob'], config: { websocket: { ping: PING, pong_timeout: PING } } });

const missing = (kind) => (DIRECT ? 'only culvert does this' : ReverseProxy.isMissing(kind));
const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

/* With a proxy where culvert was. */
async function through(kind, play) {
	const { gateway } = stage;
	const proxy = await ReverseProxy.start(kind, gateway);
	stage.add(proxy);
	stage.gateway = proxy;
	try {
		await play(proxy, gateway);
		await stage.clear();
	} finally {
		stage.gateway = gateway;
	}
}

async function converse(a, b, n = MESSAGES) {
	for (let i = 0; i < n; i++) {
		a.say(b.jid, `a ${i}`);
		b.say(a.jid, `b ${i}`);
	}
	const [byA, byB] = await Promise.all([b.hearAll(a.jid, n), a.hearAll(b.jid, n)]);
	assert.deepEqual(byA, Array.from({ length: n }, (_, i) => `a ${i}`));
	assert.deepEqual(byB, Array.from({ length: n }, (_, i) => `b ${i}`));
}

/* One request by TLS; { request, answer }, so that a test can break it off. */
function ask(proxy, options, text) {
	const request = https.request({ host: '127.0.0.1', port: proxy.port, agent: false, ...options });
	const answer = new Promise((resolve, reject) => {
		request.on('error', reject);
		request.on('response', (response) => {
			let got = '';
			response.on('data', (chunk) => { got += chunk; });
			response.on('end', () => resolve(got));
		});
	});
	request.end(text);
	return { request, answer: within(answer, 'an answer through the proxy') };
}

const post = (proxy, text) => ask(proxy, { method: 'POST', path: proxy.boshPath }, text);
const get = (proxy, path, headers) => ask(proxy, { path, headers }).answer;

for (const kind of ['nginx', 'haproxy', 'apache', 'caddy']) {
	culvert(`${kind}: people talk by both transports, fall silent, and talk again`, { ms: 30000, skip: missing(kind) }, async () => {
		await through(kind, async (proxy, gateway) => {
			const [alice, bob] = [await stage.login('alice', 'bosh'), await stage.login('bob', 'websocket')];
			await converse(alice, bob);
			const { mark } = gateway.program;
			await pause(SILENCE_MS); // a held request, and pings
			const from = Date.now();
			await converse(alice, bob, 1);
			const took = Date.now() - from;
			assert.ok(took < await gateway.bound(1500), `took ${took} ms`);
			const closed = gateway.program.lines.slice(mark).filter((line) => /session closed/.test(line));
			assert.deepEqual(closed, []);
			await alice.logout();
			await bob.presence(alice.jid, 'unavailable');
		});
	});
}

for (const kind of ['nginx', 'haproxy', 'apache', 'caddy']) {
	culvert(`${kind}: host-meta names the address that the client wrote, with TLS`, { skip: missing(kind) }, async () => {
		await through(kind, async (proxy) => {
			const forged = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'elsewhere.example' };
			for (const headers of [{}, forged]) {
				const text = await get(proxy, '/.well-known/host-meta.json?domain=example.test', { Host: 'chat.example.com', ...headers });
				assert.deepEqual(JSON.parse(text).links.map(({ href }) => href).sort(),
					['https://chat.example.com/http-bind', 'wss://chat.example.com/xmpp-websocket']);
			}
		});
	});
}

/* What Apache cannot: see its recipe. */
for (const kind of ['nginx', 'haproxy', 'caddy']) {
	culvert(`${kind}: what comes while a client's connection is broken waits for its next request`, { skip: missing(kind) }, async () => {
		await through(kind, async (proxy, gateway) => {
			const bob = await stage.login('bob', 'websocket');
			stage.gateway = gateway;
			const guest = await stage.guest('bosh'); // its own way in; the rest is by hand, through the proxy
			stage.gateway = proxy;
			await Promise.all(guest.open);
			const held = post(proxy, body({ rid: guest.rid++, sid: guest.sid }));
			held.answer.catch(() => {});
			await pause(200);
			held.request.destroy();
			await pause(200);
			bob.say(guest.jid, 'are you there?');
			await pause(200);
			assert.match(await post(proxy, body({ rid: guest.rid++, sid: guest.sid })).answer, /are you there\?/);
			assert.match(await post(proxy, body({ rid: guest.rid++, sid: guest.sid, type: 'terminate' }, message(bob.jid, 'bye'))).answer, /terminate/);
		});
	});
}

/* A held request is cut by a proxy whose patience is shorter than culvert's; both have to be in the recipe, or nowhere. */
culvert('recipes: their patience is longer than the longest that culvert holds a request', () => {
	const directory = path.join(__dirname, '../../contrib/proxy');
	const seconds = (file, pattern) => {
		const found = [...fs.readFileSync(path.join(directory, file), 'utf8').matchAll(pattern)].map(([, n]) => Number(n));
		assert.ok(found.length > 0, `${file} has no ${pattern}`);
		return found;
	};
	const all = [
		...seconds('nginx.conf', /proxy_(?:read|send)_timeout (\d+)s;/g),
		...seconds('haproxy.cfg', /timeout (?:client|server|tunnel) (\d+)s/g),
		...seconds('haproxy-tcp.cfg', /timeout (?:client|server) (\d+)s/g),
		...seconds('apache.conf', /ProxyTimeout (\d+)/g),
	];
	assert.deepEqual(all.filter((n) => n < 60), []);
});
