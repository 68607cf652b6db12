'use strict';
/*
 * any.test.js: "*" among domains, any public domain, with a name server of the
 * test's own: whose records name which address and port, and what is refused.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');

const { Authority } = require('./lib/authority');
const { BoshClient } = require('./lib/bosh');
const { Dns } = require('./lib/dns');
const { Culvert } = require('./lib/gateway');
const { Server } = require('./lib/server');
const { parts } = require('./lib/stage');
const { WsClient } = require('./lib/websocket');

const XMPP = '_xmpp-client._tcp';

const authority = new Authority();
const { add, test } = parts(start);
let gateway, server;

async function start() {
	const files = authority.issue('public.test');
	server = add(await Server.start({ secure: { key: fs.readFileSync(files.key), cert: fs.readFileSync(files.certificate) } }));
	const dns = add(await Dns.start({
		srv: [
			[`${XMPP}.public.test`, 'a.test', server.port, 1, 1],
			[`${XMPP}.other.test`, 'a.test', server.port, 1, 1],
			[`${XMPP}.mapped.test`, 'mapped.test', server.port, 1, 1],
			[`${XMPP}.mail.test`, 'a.test', 25, 1, 1],
		],
		hosts: { 'a.test': ['127.0.0.1'], 'mapped.test': ['::ffff:127.0.0.1'] },
	}));
	gateway = add(await Culvert.start({}, {
		workers: 1,
		resolver: { servers: [dns.address] },
		domains: { '*': { ca_file: authority.file } },
	}));
}

/* Nobody of this domain logs in: the condition that the client gets, and the log's line. */
async function refused(domain, event) {
	const { mark } = gateway.program;
	const answer = await new BoshClient(gateway, domain).create();
	assert.equal(answer.type, 'terminate');
	const [, reason] = await gateway.program.line(new RegExp(`${event} .*reason="?([^"]*)`), { mark });
	return [answer.condition, reason];
}
const attempt = (domain) => refused(domain, `upstream attempt failed .*domain=${domain}`);

test('an address that is not public is refused, in whatever form', async () => {
	const why = ['remote-connection-failed', 'not a public address (loopback), and not in allow_addresses'];
	assert.deepEqual(await attempt('public.test'), why);
	assert.deepEqual(await attempt('mapped.test'), why);
	assert.equal(server.connections.length, 0);
});

test('an address is no domain', async () => {
	assert.deepEqual(await refused('127.0.0.1', 'unknown domain'), ['host-unknown', 'an address is no domain']);
});

test('a port that is not for XMPP is refused', async () => {
	const [condition, reason] = await attempt('mail.test');
	assert.equal(condition, 'remote-connection-failed');
	assert.match(reason, /^not a port for XMPP/);
});

test('allow_addresses: reached, each by its own name, and only with a certificate for it', async () => {
	assert.match(await gateway.reload((c) => { c.allow_addresses = ['127.0.0.0/8']; }), /configuration reloaded/);
	for (const client of [new BoshClient(gateway, 'public.test'), new WsClient(gateway, 'public.test')]) {
		const { mark } = gateway.program;
		await client.login();
		await gateway.program.line(/session opened .*domain=public.test server=a.test:\d+ .*certificate=checked/, { mark });
		await client.end();
	}
	const [condition, reason] = await attempt('other.test');
	assert.equal(condition, 'remote-connection-failed');
	assert.match(reason, /certificate/);
	assert.deepEqual((await attempt('mail.test'))[0], 'remote-connection-failed');
});
