'use strict';
/*
 * dns.test.js: servers that are found by DNS, with a name server of the test's
 * own: which of them are tried, in which order, and what happens when they, or
 * DNS, do not answer.
 */

const assert = require('node:assert/strict');
const dgram = require('node:dgram');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');

const { Authority } = require('./lib/authority');
const { BoshClient } = require('./lib/bosh');
const { Dns } = require('./lib/dns');
const { BINARY, Culvert } = require('./lib/gateway');
const { Program, freePort } = require('./lib/program');
const { Server } = require('./lib/server');
const { parts } = require('./lib/stage');
const { WsClient } = require('./lib/websocket');

const XMPP = '_xmpp-client._tcp';
const XMPPS = '_xmpps-client._tcp';
const HOST_UNKNOWN = `<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`;
const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>`;

const authority = new Authority();
const secure = (host) => {
	const files = authority.issue(host);
	return { key: fs.readFileSync(files.key), cert: fs.readFileSync(files.certificate) };
};
const { add, test } = parts(start);
const ports = {};
let gateway, dns, fallback;

/* The name server of some domains: it never answers, or says that it cannot. */
async function broken(answer) {
	const socket = dgram.createSocket('udp4');
	socket.on('message', (query, { port, address }) => {
		if (answer)
			socket.send(answer(query), port, address);
	});
	socket.bind(0, '127.0.0.1');
	await once(socket, 'listening');
	add({ stop: async () => socket.close() });
	return socket.address().port;
}

/* The question, with QR set and RCODE 2 (RFC 1035, 4.1.1). */
function servfail(query) {
	const answer = Buffer.from(query);
	answer[2] |= 0x80;
	answer[3] = (answer[3] & 0xf0) | 2;
	return answer;
}

const domains = ['six', 'six6', 'weights', 'refused', 'none', 'half', 'many', 'alias', 'servfail', 'slow', 'nothing', 'bücher', 'renew']
	.map((name) => `${name}.test`);
const settings = (name) => ({ ca_file: authority.file, ...name && { server_name: name } });

async function start() {
	for (const [name, options] of Object.entries({
		good: { secure: secure('good.test') },
		wrong: { secure: secure('elsewhere.test') },
		error: { opened: (connection) => connection.socket.end(HEADER + HOST_UNKNOWN) },
		silent: { opened: () => {} },
		bare: {},
	}))
		ports[name] = add(await Server.start(options)).port;
	ports.closed = await freePort();
	/* A domain without records is its own host, at port 5222. */
	fallback = await Server.start({ secure: secure('good.test'), port: 5222 }).catch(() => null);
	if (fallback)
		add(fallback);
	dns = add(await Dns.start({
		srv: [
			[`${XMPP}.six.test`, 'closed.test', ports.closed, 10, 0],
			[`${XMPPS}.six.test`, 'no-such-host.test', 5223, 20, 0],
			[`${XMPP}.six.test`, 'a.test', ports.wrong, 30, 0],
			[`${XMPP}.six.test`, 'b.test', ports.error, 40, 0],
			[`${XMPP}.six.test`, 'c.test', ports.good, 50, 0],
			[`${XMPP}.six.test`, 'c.test', ports.bare, 60, 0],
			[`${XMPP}.six6.test`, 'both.test', ports.good, 1, 1],
			...['none', 'half'].map((name) => [`${XMPPS}.${name}.test`]),
			[`${XMPP}.half.test`, 'c.test', ports.good, 1, 1],
			[`${XMPP}.none.test`],
			[`${XMPP}.weights.test`, 'light.test', ports.closed, 10, 0],
			[`${XMPPS}.weights.test`, 'heavy.test', ports.closed, 10, 65535],
			[`${XMPP}.weights.test`, 'last.test', ports.closed, 20, 65535],
			...Array.from({ length: 20 }, (_, i) => [`${XMPP}.many.test`, `a-rather-long-name-of-a-host-${i}.test`, ports.closed, i, 0]),
			[`${XMPP}.alias.test`, 'alias-of-c.test', ports.good, 1, 1],
			[`${XMPP}.xn--bcher-kva.test`, 'c.test', ports.good, 1, 1],
		],
		hosts: {
			'closed.test': ['127.0.0.1'],
			'a.test': ['127.0.0.1'],
			'b.test': ['127.0.0.1'],
			'c.test': ['127.0.0.1'],
			'both.test': ['127.0.0.1', '::1'],
			'servfail.test': ['127.0.0.1'],
			'heavy.test': ['127.0.0.1'],
			'light.test': ['127.0.0.1'],
			'last.test': ['127.0.0.1'],
		},
		aliases: { 'alias-of-c.test': 'c.test' },
		forward: {
			[`${XMPP}.servfail.test`]: await broken(servfail),
			[`${XMPPS}.servfail.test`]: await broken(servfail),
			'slow.test': await broken(),
		},
	}));
	gateway = add(await Culvert.start({}, {
		workers: 1,
		resolver: { servers: [dns.address] },
		limits: { connect_timeout: 6 },
		domains: Object.fromEntries(domains.map((domain) => [domain, settings('good.test')])),
	}));
}

/* A guest of this domain logs in; returns the servers that were tried, "server reason", and then the one that was reached. */
async function reached(domain, client = new BoshClient(gateway, domain)) {
	const { mark } = gateway.program;
	await client.login();
	const [, number, last] = await gateway.program.line(new RegExp(`session opened session=(\\d+) .*domain=${domain} server=(\\S+)`), { mark });
	await client.end();
	return [...tried(mark, number), last];
}

const tried = (mark, number) => gateway.program.lines.slice(mark)
	.map((line) => new RegExp(`upstream attempt failed session=${number} .*server=(\\S+) address=(\\S+) .*reason="?([^"]*)`).exec(line))
	.filter(Boolean)
	.map(([, server, address, reason]) => ({ server, address, reason }));

/* Nobody of this domain can be reached; returns the log's last word on why. */
async function lost(domain) {
	const { mark } = gateway.program;
	const answer = await new BoshClient(gateway, domain).create();
	assert.deepEqual([answer.type, answer.condition], ['terminate', 'remote-connection-failed']);
	const [, reason] = await gateway.program.line(new RegExp(`upstream not reached .*domain=${domain} .*reason="(.*)"`), { mark });
	return reason;
}

/* What a check says of this configuration. */
async function check(configuration) {
	const file = path.join(authority.directory, 'check.json');
	fs.writeFileSync(file, JSON.stringify(configuration));
	const child = new Program('check', BINARY, ['check', '--connect', '-c', file]);
	await child.ended;
	return child.lines;
}

test('six servers of which four are dead, each in its own way: by priority, each failure in the log', async () => {
	const attempts = await reached('six.test');
	const said = (list) => list.map((attempt) => attempt.server ? `${attempt.server} ${attempt.reason}` : attempt);
	const [closed, unknown, wrong, error, good] = said(attempts);
	assert.equal(closed, `closed.test:${ports.closed} Connection refused`);
	assert.equal(unknown, 'no-such-host.test:5223 Domain name not found');
	assert.match(wrong, new RegExp(`^a.test:${ports.wrong} .*certificate`));
	assert.equal(error, `b.test:${ports.error} stream error from the server: host-unknown`);
	assert.equal(good, `c.test:${ports.good}`);
	/* Who has failed comes last for a while; and DNS is not asked again. */
	assert.deepEqual(await reached('six.test', new WsClient(gateway, 'six.test')), [`c.test:${ports.good}`]);
	assert.equal(dns.asked('SRV', `${XMPP}.six.test`), 1);
	assert.equal(dns.asked('SRV', `${XMPPS}.six.test`), 1);
	assert.equal(dns.asked('A', 'no-such-host.test'), 1);
	assert.equal(dns.asked('A', 'c.test'), 1);
});

test('IPv6 first, and dead', async () => {
	const [first, last] = await reached('six6.test');
	assert.equal(first.address, `[::1]:${ports.good}`);
	assert.equal(last, `both.test:${ports.good}`);
});

test('a host that is an alias; a domain that is not ASCII; one of two services that is not offered', async () => {
	assert.deepEqual(await reached('alias.test'), [`alias-of-c.test:${ports.good}`]);
	assert.deepEqual(await reached('xn--bcher-kva.test', new BoshClient(gateway, 'bücher.test')), [`c.test:${ports.good}`]);
	assert.deepEqual(await reached('half.test'), [`c.test:${ports.good}`]);
});

test('a domain that has no server, and says so', async () => {
	assert.match(await lost('none.test'), /^DNS says that the domain has no server for clients/);
	/* The domain itself is not asked for. */
	assert.equal(dns.asked('A', 'none.test'), 0);
});

test('no such domain: the domain itself is tried, once', async () => {
	const bound = await gateway.bound(1500);
	for (let i = 0; i < 3; i++) {
		const from = Date.now();
		assert.equal(await lost('nothing.test'), 'nothing.test:5222: Domain name not found');
		assert.ok(Date.now() - from < bound, `what is known already took ${Date.now() - from} ms to say`);
	}
	for (const [type, name] of [['SRV', `${XMPP}.nothing.test`], ['SRV', `${XMPPS}.nothing.test`], ['A', 'nothing.test'], ['AAAA', 'nothing.test']])
		assert.equal(dns.asked(type, name), 1, `${type} ${name}`);
});

test('name servers that cannot say: the domain itself', async () => {
	const { mark } = gateway.program;
	if (fallback)
		assert.deepEqual(await reached('servfail.test'), ['servfail.test:5222']);
	else
		assert.match(await lost('servfail.test'), /^servfail.test:5222: /);
	await gateway.program.line(/upstream lookup failed .*domain=servfail.test reason="_xmpps?-client._tcp.servfail.test: Could not contact DNS servers"/, { mark });
});

test('name servers that say nothing: within connect_timeout', async () => {
	const from = Date.now();
	assert.match(await lost('slow.test'), /^slow.test:5222: (no answer in time|Timeout while contacting DNS servers)$/);
	assert.ok(Date.now() - from >= 5000, 'it was given up too soon');
});

test('resolver.servers counts after SIGHUP', async () => {
	assert.equal(await lost('renew.test'), 'renew.test:5222: Domain name not found');
	const other = add(await Dns.start({ srv: [[`${XMPP}.renew.test`, 'c.test', ports.good, 1, 1]], hosts: { 'c.test': ['127.0.0.1'] } }));
	assert.match(await gateway.reload((c) => { c.resolver = { servers: [other.address] }; }), /configuration reloaded/);
	assert.deepEqual(await reached('renew.test'), [`c.test:${ports.good}`]);
	assert.match(await gateway.reload((c) => { c.resolver = { servers: [dns.address] }; }), /configuration reloaded/);
});

test('check --connect: in the order in which they would be tried; an answer that needs TCP', async () => {
	const lines = await check({
		resolver: { servers: [dns.address] },
		domains: Object.fromEntries(['many.test', 'none.test', 'weights.test', 'six.test'].map((domain) => [domain, settings('good.test')])),
	});
	const of = (domain) => {
		const from = lines.indexOf(domain) + 1;
		const n = lines.slice(from).findIndex((line) => !line.startsWith(' '));
		return lines.slice(from, from + n);
	};
	const servers = (domain) => of(domain).map((line) => /^ {2}(xmpps?:\/\/\S+)/.exec(line)).filter(Boolean).map(([, server]) => server);
	assert.deepEqual(servers('six.test'), [
		`xmpp://closed.test:${ports.closed}`, 'xmpps://no-such-host.test:5223', `xmpp://a.test:${ports.wrong}`,
		`xmpp://b.test:${ports.error}`, `xmpp://c.test:${ports.good}`, `xmpp://c.test:${ports.bare}`]);
	assert.equal(of('six.test')[0], '  (by SRV records)');
	/* 512 bytes hold some ten of them. */
	assert.deepEqual(servers('many.test'),
		Array.from({ length: 20 }, (_, i) => `xmpp://a-rather-long-name-of-a-host-${i}.test:${ports.closed}`));
	/* Both services together; one chance in 65,536 for the light one. */
	assert.deepEqual(servers('weights.test'), ['heavy', 'light', 'last']
		.map((name) => `${name === 'heavy' ? 'xmpps' : 'xmpp'}://${name}.test:${ports.closed}`));
	assert.deepEqual(of('none.test'), ['  (DNS says that the domain has no server for clients (SRV "."))', '    FAILED: there is no server to try']);
});
