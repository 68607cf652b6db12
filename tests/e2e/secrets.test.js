'use strict';
/*
 * secrets.test.js: a password is not in memory any more once somebody has
 * logged in, and said something.
 */

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');

const { Authority } = require('./lib/authority');
const { BoshClient } = require('./lib/bosh');
const { Culvert } = require('./lib/gateway');
const { canLook, find } = require('./lib/memory');
const { Server } = require('./lib/server');
const { TRANSPORTS, culvert } = require('./lib/stage');
const { WsClient } = require('./lib/websocket');
const { NS, is } = require('./lib/xml');

const files = new Authority().issue('stand-in.test');
const secure = { key: fs.readFileSync(files.key), cert: fs.readFileSync(files.certificate) };

const message = (text) => `<message xmlns='jabber:client' to='stand-in.test'><body>${text}</body></message>`;

/* A client that logs in with a password, and then says something. */
async function login(gateway, transport, auth) {
	const client = new (transport === 'bosh' ? BoshClient : WsClient)(gateway, 'stand-in.test');
	const success = (s) => is(s, 'success', NS.sasl);
	if (transport === 'bosh') {
		await client.create();
		await client.ask(auth, success, 'SASL success');
		await client.ask('', (s) => is(s, 'features', NS.stream), 'the stream features',
			{ 'to': client.domain, 'xmpp:restart': 'true', 'xmlns:xmpp': NS.xbosh });
	} else {
		await client.connect();
		await client.start();
		client.send(auth);
		await client.expect('success', NS.sasl);
		await client.start();
	}
	for (const text of ['one', 'two', 'three']) {
		await client.tell(message(text));
		await client.message(text);
	}
	return client;
}

for (const [how, options] of [['in the clear', {}], ['with TLS', { secure }]]) {
	for (const transport of TRANSPORTS) {
		culvert(`${transport}, ${how}: the password after the login`, { skip: !canLook && 'may not look into memory' }, async () => {
			const server = await Server.start(options);
			const gateway = await Culvert.start({ 'stand-in.test': server.port },
				{ domains: { 'stand-in.test': { connect: `xmpp://127.0.0.1:${server.port}`, tls: 'optional', verify: false } } });
			try {
				for (const padding of [0, 300, 5000, 30000]) {
					const secret = crypto.randomBytes(24).toString('hex');
					const auth = `<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${secret}${'A'.repeat(padding)}</auth>`;
					const client = await login(gateway, transport, auth);
					assert.deepEqual(find(gateway.program.pid, secret), [], `${padding} bytes more`);
					await client.end();
				}
			} finally {
				await gateway.stop();
				await server.stop();
			}
		});
	}
}
