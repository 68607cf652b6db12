'use strict';
/*
 * recipes.test.js: behind each proxy of contrib/proxy the log has the address
 * of who connects to the proxy, by both transports, whatever he writes into the
 * fields in which proxies say it; and many log in at once.
 */

const assert = require('node:assert/strict');
const https = require('node:https');
const { after, before } = require('node:test');

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // certificates are not the point here

const { body } = require('./lib/bosh');
const { Culvert, DIRECT } = require('./lib/gateway');
const { opener } = require('./lib/opener');
const { ReverseProxy } = require('./lib/reverse');
const { Server } = require('./lib/server');
const { culvert, explain } = require('./lib/stage');
const { pause, within } = require('./lib/wait');
const { WsClient } = require('./lib/websocket');
const { NS, parse } = require('./lib/xml');

/* The proxy comes from 127.0.0.1, and it alone is trusted. */
const CLIENT = '127.0.0.9';
const FORGED = '198.51.100.66';
const USERS = 100;
const ROUNDS = 3;

const RECIPES = {
	'nginx': ['nginx'],
	'HAProxy': ['haproxy'],
	'HAProxy, TCP mode, PROXY version 2': ['haproxy-tcp'],
	'HAProxy, TCP mode, PROXY version 1': ['haproxy-tcp', [['send-proxy-v2', 'send-proxy']]],
	'Apache': ['apache'],
	'Caddy': ['caddy'],
};
const missing = (kind) => (DIRECT ? 'only culvert does this' : ReverseProxy.isMissing(kind));

let server, plain, prefaced;

before(async () => {
	if (DIRECT)
		return;
	const config = { trusted_proxies: ['127.0.0.1'], bosh: { hold: 1, wait: 2 } };
	server = await Server.start();
	plain = await Culvert.start({ 'example.test': server.port }, config);
	prefaced = await Culvert.start({ 'example.test': server.port },
		{ ...config, listen: [{ address: '127.0.0.1', port: 0, proxy_protocol: true }] });
});

after(async () => {
	for (const part of [plain, prefaced, server].filter(Boolean))
		await part.stop();
});

async function through([kind, changes], play) {
	const gateway = kind === 'haproxy-tcp' ? prefaced : plain;
	const proxy = await ReverseProxy.start(kind, gateway, changes);
	try {
		await play(proxy, gateway);
	} catch (error) {
		throw explain(error, proxy, gateway);
	} finally {
		await proxy.stop();
	}
}

/* A request from the client's address; the answer's body as an element. */
function post(proxy, text, { headers = {}, agent = false } = {}) {
	const answered = new Promise((resolve, reject) => {
		const request = https.request({ host: '127.0.0.1', localAddress: CLIENT, port: proxy.port, method: 'POST', path: proxy.boshPath, agent,
			headers: { 'Content-Type': 'text/xml; charset=utf-8', 'Content-Length': Buffer.byteLength(text), ...headers } });
		request.on('error', reject);
		request.on('response', (response) => {
			let got = '';
			response.on('data', (chunk) => { got += chunk; });
			response.on('error', reject);
			response.on('end', () => (response.statusCode === 200 ? resolve(parse(got)) : reject(new Error(`${response.statusCode}: ${got}`))));
		});
		request.end(text);
	});
	const inTime = within(answered, 'an answer through the proxy');
	inTime.catch(() => {}); // whoever waits for it may begin to later
	return inTime;
}

const creation = (rid) => body({ rid, 'to': 'example.test', 'wait': 2, 'hold': 1, 'ver': '1.6', 'xmpp:version': '1.0', 'xmlns:xmpp': NS.xbosh });

async function stream(proxy, headers) {
	const client = new WsClient(proxy, 'example.test');
	await client.connect({ headers, localAddress: CLIENT });
	client.openStream();
	await client.next();
	client.ws.terminate();
}

const FORGERIES = [
	{},
	{ 'X-Forwarded-For': FORGED },
	{ 'X-Forwarded-For': `${FORGED}, 127.0.0.1`, 'Forwarded': `for=${FORGED}`, 'X-Real-IP': FORGED },
	{ 'X-Forwarded-For': '"', 'x-forwarded-for': 'unknown' },
];

for (const [name, recipe] of Object.entries(RECIPES)) {
	culvert(`${name}: the log has the client's address, and believes no other`, { skip: missing(recipe[0]), ms: 30000 }, async () => {
		await through(recipe, async (proxy, gateway) => {
			for (const headers of FORGERIES) {
				const forged = JSON.stringify(headers);
				const by = [() => post(proxy, creation(1), { headers }), () => stream(proxy, headers)];
				for (const begin of by)
					assert.match(await opener({ program: gateway.program }, begin), /^127\.0\.0\.9(:\d+)?$/, forged);
			}
		});
	});
}

/* As browsers do it: two kept connections for each, of which one waits. */
async function talk(proxy, agent, rid) {
	const sid = (await post(proxy, creation(rid++), { agent })).getAttribute('sid');
	let held = post(proxy, body({ rid: rid++, sid }), { agent });
	for (let i = 0; i < ROUNDS; i++) {
		await pause(20);
		const next = post(proxy, body({ rid: rid++, sid }), { agent });
		assert.equal((await held).getAttribute('type'), null);
		held = next;
	}
	await post(proxy, body({ rid: rid++, sid, type: 'terminate' }), { agent });
	await held;
}

for (const kind of ['apache', 'nginx', 'haproxy']) {
	culvert(`${kind}: ${USERS} begin a BOSH session at once`, { skip: missing(kind), ms: 60000 }, async () => {
		await through([kind], async (proxy) => {
			const agents = Array.from({ length: USERS }, () => new https.Agent({ keepAlive: true, maxSockets: 2 }));
			const ended = await Promise.allSettled(agents.map((agent, i) => talk(proxy, agent, 1000 * (i + 1))));
			agents.forEach((agent) => agent.destroy());
			const failed = ended.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.code || reason.message);
			assert.deepEqual(failed, []);
		});
	});
}
