'use strict';
/*
 * introduction.test.js: servers are told who the client is (PROXY protocol),
 * live: ejabberd, and Prosody behind an HAProxy that takes such headers.  What
 * they ban is then one client, and not all that come by culvert.
 */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const { BINARY, Culvert } = require('./lib/gateway');
const { Ejabberd } = require('./lib/ejabberd');
const { Program, freePort, removeDirectory, temporaryDirectory } = require('./lib/program');
const { Prosody, passwordOf } = require('./lib/prosody');
const { DOMAIN, GUESTS, culvert, suite } = require('./lib/stage');
const { poll } = require('./lib/wait');
const { NS, find, is } = require('./lib/xml');

/* HAProxy in front of Prosody: its log says who is introduced to it, and how. */
class Haproxy {
	static async start(port) {
		const haproxy = new Haproxy();
		haproxy.directory = temporaryDirectory('haproxy');
		haproxy.port = await freePort();
		const file = path.join(haproxy.directory, 'haproxy.cfg');
		fs.writeFileSync(file, `
global
	log stdout format raw local0 info
defaults
	mode tcp
	timeout connect 10s
	timeout client 60s
	timeout server 60s
listen xmpp
	bind 127.0.0.1:${haproxy.port} accept-proxy
	log global
	option logasap
	log-format "met %ci:%cp authority=%[fc_pp_authority]"
	server prosody 127.0.0.1:${port}
`);
		haproxy.program = new Program('haproxy', 'haproxy', ['-db', '-f', file]);
		await haproxy.program.listening(haproxy.port);
		return haproxy;
	}

	async stop() {
		await this.program.stop('SIGKILL');
		removeDirectory(this.directory);
	}

	tail(n) {
		return this.program.tail(n);
	}
}

const stage = suite({
	users: ['alice', 'bob'],
	server: Ejabberd,
	bans: true,
	config: { limits: { auth_failures_per_minute: 0 } },
	domains: async ({ prosody: ejabberd }) => ({
		[DOMAIN]: { connect: `xmpp://127.0.0.1:${ejabberd.toldPort}`, proxy_protocol: 2 },
		[GUESTS]: { connect: `xmpp://127.0.0.1:${ejabberd.toldPort}`, proxy_protocol: 1 },
	}),
});

/* The rest of a test goes by another culvert, with these domains. */
async function by(domains, play) {
	const { gateway } = stage;
	const own = stage.gateway = await Culvert.start({}, { domains, limits: { auth_failures_per_minute: 0 } });
	try {
		await play(own);
	} finally {
		await stage.clear();
		stage.gateway = gateway;
		await own.stop();
	}
}

/* Clients are where the proxy in front says, and that is this machine. */
const at = (address) => ({ headers: { 'X-Forwarded-For': address } });

/* A login by PLAIN: "success", "failure", or what the stream ends with. */
async function login(name, address, { password = passwordOf(name) } = {}) {
	const client = stage.websocket(DOMAIN);
	await client.connect(at(address));
	client.openStream();
	await client.expect('open', NS.framing);
	const answer = await client.next();
	if (!is(answer, 'features', NS.stream))
		return find(answer, 'text', NS.errors)?.textContent || String(answer);
	const secret = Buffer.from(`\0${name}\0${password}`).toString('base64');
	client.send(`<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${secret}</auth>`);
	const { localName } = await client.next();
	if (localName === 'success') {
		await client.start();
		client.send(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`);
		await client.expect('iq', NS.client);
	}
	return localName;
}

/* Strangers have a temporary place of their own. */
for (const address of ['203.0.113.7', '2001:db8::7']) {
	culvert(`ejabberd, version 2: ${address} stands in its log and in connected_users_info`, async () => {
		const { program } = stage.prosody;
		const { mark } = program;
		assert.equal(await login('alice', address), 'success');
		await program.line(new RegExp(`Accepted c2s PLAIN authentication for alice@.* from ${address}$`), { mark });
		assert.deepEqual((await stage.prosody.users()).map(({ ip }) => ip.replace('::ffff:', '')), [address]);
	});
}

/* A guest, who logs in. */
async function guest(address) {
	const client = stage.websocket(GUESTS);
	await client.connect(address ? at(address) : {});
	await client.start();
	client.send(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
	await client.expect('success', NS.sasl);
	return client;
}

culvert('ejabberd, version 1: a guest by IPv6', async () => {
	const { program } = stage.prosody;
	const { mark } = program;
	await guest('2001:db8::8');
	await program.line(/Accepted c2s ANONYMOUS authentication .* from 2001:db8::8$/, { mark });
});

for (const domain of [DOMAIN, GUESTS]) {
	culvert(`${domain}: a client that nobody knows is served too`, async () => {
		const client = stage.websocket(domain);
		await client.connect(at('unknown'));
		await client.start();
	});
}

culvert('check --connect speaks for itself', async () => {
	const { program } = stage.prosody;
	const { mark } = program;
	const child = new Program('check', BINARY, ['check', '--connect', '-c', stage.gateway.file]);
	assert.deepEqual(await child.ended, { code: 0, signal: null }, child.tail());
	const line = /Accepted proxied connection 127\.0\.0\.1:\d+ -> 127\.0\.0\.1/;
	await poll(() => program.lines.slice(mark - program.dropped).filter((text) => line.test(text)).length === 2, 'two connections');
});

const WRONG = 20; // so many and ejabberd bans for an hour

/* Wrong passwords, a few at a time; then what the next login is told. */
async function guess(address) {
	for (let i = 0; i < WRONG; i++) {
		await login('alice', address, { password: 'guess' });
		await stage.clear();
	}
	return login('alice', address);
}

culvert('ejabberd: who guesses passwords is banned, and nobody else', async () => {
	assert.match(await guess('203.0.113.66'), /203\.0\.113\.66/);
	assert.equal(await login('bob', '203.0.113.7'), 'success');
});

culvert('ejabberd without it: all are banned, and the log says what that is and what to do', () =>
	by({ [DOMAIN]: { connect: `xmpp://127.0.0.1:${stage.prosody.port}` } }, async (own) => {
		const word = await guess('203.0.113.67');
		assert.match(word, /127\.0\.0\.1/);
		assert.equal(await login('bob', '203.0.113.7'), word);
		await own.program.line(/warning the server may have banned culvert.* domain=example\.test text="Too many .*advice=/);
	}));

for (const [version, authority] of [[1, '-'], [2, GUESTS]]) {
	culvert(`Prosody behind an HAProxy, version ${version}`, async () => {
		const prosody = await Prosody.start();
		const haproxy = await Haproxy.start(prosody.port);
		try {
			await by({ [GUESTS]: { connect: `xmpp://127.0.0.1:${haproxy.port}`, proxy_protocol: version } }, async () => {
				await guest('203.0.113.7');
				await haproxy.program.line(new RegExp(`^met 203\\.0\\.113\\.7:0 authority=${authority}$`));
				await guest('2001:db8::7');
				await haproxy.program.line(new RegExp(`^met 2001:db8::7:0 authority=${authority}$`));
				const { localPort } = (await guest()).ws._socket;
				await haproxy.program.line(new RegExp(`^met 127\\.0\\.0\\.1:${localPort} authority=${authority}$`));
			});
		} finally {
			await haproxy.stop();
			await prosody.stop();
		}
	});
}

culvert('TLS from the first byte: the header stands in front of it, and its bytes are not encrypted', async () => {
	const server = net.createServer();
	await once(server.listen(0, '127.0.0.1'), 'listening');
	const { port } = server.address();
	try {
		await by({ [DOMAIN]: { connect: `xmpps://127.0.0.1:${port}`, proxy_protocol: 1 } }, async () => {
			const client = stage.websocket(DOMAIN);
			await client.connect(at('203.0.113.7'));
			client.openStream();
			const [socket] = await once(server, 'connection');
			const header = `PROXY TCP4 203.0.113.7 127.0.0.1 0 ${port}\r\n\x16\x03`;
			let text = '';
			for await (const bytes of socket.setEncoding('latin1'))
				if ((text += bytes).length >= header.length)
					break;
			assert.equal(text.slice(0, header.length), header);
		});
	} finally {
		server.close();
	}
});

culvert('culvert is no server of its own: the log says what to do', async () => {
	const port = await freePort();
	const { gateway } = stage;
	const own = stage.gateway = await Culvert.start({ [DOMAIN]: port }, { listen: [{ address: '*', port }] });
	try {
		const client = stage.websocket(DOMAIN);
		await client.connect();
		client.openStream();
		assert.deepEqual(await client.failure(), { error: 'remote-connection-failed', code: 1001 });
		await own.program.line(/upstream not reached .*that is culvert itself: add \W+connect\W+ with the address/);
	} finally {
		await stage.clear();
		stage.gateway = gateway;
		await own.stop();
	}
});
