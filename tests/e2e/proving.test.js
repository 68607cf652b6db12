'use strict';
/*
 * proving.test.js: whose certificate a server may show (RFC 6125; RFC 6120,
 * 13.7; XEP-0368), what the log says of one that is refused, and what is
 * remembered of one that was not.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');

const { Authority } = require('./lib/authority');
const { Server } = require('./lib/server');
const { DOMAIN, culvert, each, suite } = require('./lib/stage');

const SRV = 'otherName:1.3.6.1.5.5.7.8.7;IA5STRING:';
const XMPP = 'otherName:1.3.6.1.5.5.7.8.5;UTF8:';

const authority = new Authority();
const stranger = new Authority('Another authority', 'ec');
const trusted = path.join(authority.directory, 'trusted.crt');
fs.copyFileSync(authority.file, trusted);

let serial = 0;
const secure = (names, by = authority) => {
	const files = by.issue(`unrelated-${++serial}.example`, { names });
	return { key: fs.readFileSync(files.key), cert: fs.readFileSync(files.certificate) };
};

/* Whose certificate passes, and whose does not: the log says what was found. */
const good = {
	'wild.dns.test': 'DNS:*.dns.test',
	'second.test': 'DNS:first.test,DNS:second.test',
	'srv.test': `${SRV}_xmpp-client.srv.test`,
	'address.test': `${XMPP}address.test`,
};
const bad = {
	'a.b.wild.test': ['DNS:*.wild.test', 'found *.wild.test'],
	'wild.test': ['DNS:*.wild.test', 'found *.wild.test'],
	'server-to-server.test': [`${SRV}_xmpp-server.server-to-server.test`, 'found SRV _xmpp-server.server-to-server.test'],
	'target.test': ['DNS:localhost', 'found localhost'], // the name of the host it runs on
	'person.test': [`${XMPP}alice@person.test`, 'found XmppAddr alice@person.test'],
	'nameless.test': ['IP:127.0.0.1', 'found no name'], // its common name is another, and counts no more
};

const stage = suite({
	domains: async ({ add }, port) => {
		const domains = { [DOMAIN]: { connect: `xmpp://127.0.0.1:${port}` } };
		const start = async (domain, options, scheme = 'xmpp') => {
			const server = servers[domain] = add.call(stage, await Server.start(options));
			domains[domain] = { connect: `${scheme}://localhost:${server.port}`, tls: 'required', verify: true, ca_file: trusted };
		};
		for (const [domain, names] of Object.entries(good))
			await start(domain, { secure: secure(names) });
		for (const [domain, [names]] of Object.entries(bad))
			await start(domain, { secure: secure(names) });
		await start('direct.test', { direct: { ...secure('DNS:direct.test'), ALPNProtocols: ['xmpp-client'] } }, 'xmpps');
		await start('again.test', { secure: { secureContext: tls.createSecureContext(secure('DNS:again.test')) } });
		await start('moved.test', { direct: secure('DNS:moved.test', stranger) }, 'xmpps');
		return domains;
	},
});
const servers = {};

async function login(transport, domain) {
	const client = stage[transport](domain);
	await client.login();
	return client;
}

/* What a client is told of a session that does not come about: all of it. */
async function refusal(transport, domain) {
	const client = stage[transport](domain);
	if (transport === 'websocket') {
		await client.connect();
		client.openStream();
		const { error } = await client.failure();
		return { error, text: '' };
	}
	const answer = await client.create();
	return { error: answer.condition, text: answer.body.textContent };
}

for (const [domain, names] of Object.entries(good))
	culvert(`${domain} may show a certificate for ${names}`, () => login('websocket', domain));

for (const [domain, [names, found]] of Object.entries(bad)) {
	each(`${domain} may not show a certificate for ${names}: the log says what was expected and found`, async (transport) => {
		const { program } = stage.gateway;
		const { mark } = program;
		assert.deepEqual(await refusal(transport, domain), { error: 'remote-connection-failed', text: '' });
		const [line] = await program.line(new RegExp(`upstream not reached .*domain=${domain} .*`), { mark });
		assert.ok(line.includes(`it is for another name (expected ${domain}, ${found}`), line);
	}, culvert);
}

culvert('TLS from the first byte: ALPN xmpp-client, SNI names the domain', async () => {
	await login('websocket', 'direct.test');
	const { socket } = servers['direct.test'].last;
	assert.deepEqual([socket.alpnProtocol, socket.servername], ['xmpp-client', 'direct.test']);
});

/* Each thread that does handshakes remembers for itself, and there are few. */
for (const domain of ['again.test', 'direct.test']) {
	culvert(`${domain}: most TLS sessions are resumed`, async () => {
		const { connections } = servers[domain];
		const before = connections.length;
		for (let i = 0; i < 8; i++)
			await login('websocket', domain);
		const reused = connections.slice(before).filter(({ socket }) => socket.isSessionReused()).length;
		assert.ok(reused >= 5, `${reused} of 8`);
	});
}

culvert('SIGHUP: another authority counts at once, and what was resumed under the old one does not', async () => {
	assert.equal((await refusal('websocket', 'moved.test')).error, 'remote-connection-failed');
	fs.copyFileSync(stranger.file, trusted);
	assert.match(await stage.gateway.reload(() => {}), /reloaded/);
	for (let i = 0; i < 3; i++)
		await login('websocket', 'moved.test');
	for (let i = 0; i < 3; i++)
		assert.equal((await refusal('websocket', 'direct.test')).error, 'remote-connection-failed');
});
