'use strict';
/*
 * daemon.test.js: the daemon as a whole: its workers, its counters, its
 * command line, and how it ends.
 */

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { readFileSync, readdirSync } = require('node:fs');

const { BoshClient, body } = require('./lib/bosh');
const { Culvert } = require('./lib/gateway');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { Server } = require('./lib/server');
const { DOMAIN, GUESTS, TRANSPORTS, culvert, each, explain, suite } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');

const stage = suite({ users: ['alice', 'bob'] });

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

/* Says something to itself and hears it. */
async function echo(client, text) {
	await client.tell(message(client.jid, text));
	await client.message(text);
}

/* How much each counter has grown while play() ran. */
async function counted(gateway, play) {
	const before = await gateway.counters();
	await play();
	const after = await gateway.counters();
	return Object.fromEntries(Object.entries(after).map(([name, n]) => [name, n - before[name]]));
}

/* Runs a daemon of its own against the server of the stage, as stage.gateway. */
async function withDaemon(start, play) {
	const { gateway } = stage;
	const own = stage.gateway = await start();
	try {
		await play(own);
		await stage.clear();
		await own.stop();
	} catch (error) {
		throw explain(error, own, stage.prosody);
	} finally {
		own.program.kill('SIGKILL');
		stage.gateway = gateway;
	}
}

/* A request on a new connection comes to whichever worker is next; its session may live on another. */
culvert('two workers: requests find the worker of their session', async () => {
	const clients = [];
	const counters = await counted(stage.gateway, async () => {
		for (let i = 0; i < 6; i++)
			clients.push(await stage.guest('bosh'));
		await Promise.all(clients.map(async (client) => {
			for (let i = 0; i < 10; i++)
				await echo(client, `${i}`);
			await client.terminate();
		}));
	});
	assert.equal(counters.sessions_opened, clients.length);
	assert.ok(counters.bosh_forwarded > 0, `no request was forwarded: ${JSON.stringify(counters)}`);
	assert.ok(counters.bosh_forwarded < counters.bosh_requests, `all requests were forwarded: ${JSON.stringify(counters)}`);
	assert.equal(counters.bosh_unknown_sid, 0);
});

culvert('one worker: nothing is forwarded', async () => {
	const start = () => Culvert.start({ [GUESTS]: stage.prosody.port }, { workers: 1 });
	await withDaemon(start, async (gateway) => {
		const client = await stage.guest('bosh');
		for (let i = 0; i < 5; i++)
			await echo(client, `${i}`);
		const counters = await gateway.counters();
		assert.equal(counters.bosh_forwarded, 0);
	});
});

culvert('counters tell what was done, on SIGUSR1 and at the end', async () => {
	await withDaemon(() => Culvert.start({ [GUESTS]: stage.prosody.port }), async (gateway) => {
		const client = await stage.guest('websocket');
		await echo(client, 'count me');
		const counters = await gateway.counters();
		assert.equal(counters.sessions_opened, 1);
		assert.equal(counters.sessions_closed, 0);
		assert.ok(counters.websocket_messages >= 5, JSON.stringify(counters));
		assert.ok(counters.stanzas_up >= 3 && counters.stanzas_down >= 3, JSON.stringify(counters));
		const { mark } = gateway.program;
		await gateway.terminate();
		const [line] = await gateway.program.line(/\bcounters\b.*/, { mark });
		assert.match(line, /\bsessions_opened=1\b.*\bsessions_closed=1\b/);
	});
});

culvert('sids do not appear in the log', async () => {
	const client = await stage.guest('bosh');
	const { mark } = stage.gateway.program;
	await client.terminate();
	await stage.gateway.program.line(/session closed/, { mark });
	assert.deepEqual(stage.gateway.program.lines.filter((line) => line.includes(client.sid)), []);
});

culvert('SIGTERM: clients are told, their users are gone at the server, the daemon ends with 0', async () => {
	const bob = await stage.login('bob', 'websocket');
	const start = () => Culvert.start({ [DOMAIN]: stage.prosody.port, [GUESTS]: stage.prosody.port });
	await withDaemon(start, async (gateway) => {
		const [byBosh, byWebsocket] = [await stage.guest('bosh'), await stage.guest('websocket')];
		const alice = await stage.login('alice', 'websocket');
		await bob.presence(alice.jid);
		const held = byBosh.send();
		const failed = byWebsocket.failure();
		await pause(50); // the request is held by then; if not, it is answered the same
		const bound = await gateway.bound(4000);
		const from = Date.now();
		const [ended, failure, answer] = await Promise.all([gateway.terminate(), failed, held]);
		assert.equal(ended.code, 0);
		assert.ok(Date.now() - from < bound, `took ${Date.now() - from} ms`);
		assert.deepEqual(failure, { error: 'system-shutdown', code: 1001 });
		assert.deepEqual([answer.type, answer.condition], ['terminate', 'system-shutdown']);
		await bob.presence(alice.jid, 'unavailable');
	});
});

for (const signal of ['SIGINT', 'SIGTERM']) {
	culvert(`${signal} ends an idle daemon with 0`, async () => {
		await withDaemon(() => Culvert.start({ [GUESTS]: stage.prosody.port }), async (gateway) => {
			assert.deepEqual(await gateway.program.stop(signal, 3000), { code: 0, signal: null });
		});
	});
}

/* Workers do not end at the same moment: what the first one closes must not be what the other still needs. */
culvert('clients that do not react do not keep the daemon, nor bring it down', async () => {
	for (let i = 0; i < 60; i++) {
		await withDaemon(() => Culvert.start({ [GUESTS]: stage.prosody.port }), async (gateway) => {
			const client = await stage.guest('websocket');
			client.ws._socket.pause();
			assert.deepEqual(await gateway.terminate(30000), { code: 0, signal: null });
		});
	}
});

/* The daemon waits two seconds for clients that do not read.  The loop looks at its sockets once more after that. */
culvert('SIGTERM: clients that leave when the time is up do not bring the daemon down', { ms: 30000 }, async () => {
	const flood = Buffer.from(`<message xmlns='jabber:client'><body>${'x'.repeat(100000)}</body></message>`.repeat(80));
	const server = await Server.start({ stanza: (connection) => connection.write(flood) });
	try {
		await withDaemon(() => Culvert.start({ 'stand-in.test': server.port }), async (gateway) => {
			const clients = Array.from({ length: 150 }, () => stage.websocket('stand-in.test'));
			await Promise.all(clients.map((client) => client.login()));
			for (const client of clients) {
				client.ws._socket.pause();
				await client.tell(message('stand-in.test', 'flood me'));
			}
			await pause(500);
			const ended = gateway.terminate(30000);
			await gateway.program.line(/culvert stops/);
			await pause(1940);
			for (const client of clients) {
				client.ws._socket.resetAndDestroy();
				await pause(1);
			}
			assert.deepEqual(await ended, { code: 0, signal: null });
		});
	} finally {
		await server.stop();
	}
});

culvert('SIGTERM: sessions that are begun all the while are told, and do not bring the daemon down', async () => {
	const server = await Server.start({ opened: () => {} });
	let over = false;
	try {
		await withDaemon(() => Culvert.start({ 'stand-in.test': server.port }), async (gateway) => {
			const create = (rid) => body({ rid, to: 'stand-in.test', wait: 0, hold: 0, ver: '1.6' });
			const said = new Set();
			const lines = await Promise.all(Array.from({ length: 40 }, () => RawConnection.open(gateway.port)));
			const talk = Promise.all(lines.map(async (line) => {
				for (let rid = 1; !over; rid++) {
					const text = create(rid);
					line.write(`POST /http-bind HTTP/1.1\r\nHost: h\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
					await pause(1);
					for (const [, condition] of line.text.matchAll(/condition='(.*?)'/g))
						said.add(condition);
					line.text = '';
				}
				await line.end();
			}));
			await pause(300);
			try {
				assert.deepEqual(await gateway.terminate(30000), { code: 0, signal: null });
			} finally {
				over = true;
				await talk;
			}
			assert.deepEqual([...said], ['system-shutdown']);
		});
	} finally {
		await server.stop();
	}
});

/* More connections than one instance of the HTTP library gets, and no descriptors for another. */
culvert('without descriptors: connections wait, nobody is dropped, and then they are served', { ms: 30000 }, async () => {
	const start = () => Culvert.start({ [GUESTS]: stage.prosody.port }, { workers: 1 });
	await withDaemon(start, async (gateway) => {
		const { pid, mark } = gateway.program;
		const client = await stage.guest('websocket');
		const limit = readdirSync(`/proc/${pid}/fd`).length + 1001;
		execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:${limit}`]);
		const waiting = gateway.program.line(/connections wait .*/, { mark, ms: 20000 });
		const connections = [];
		for (let i = 0; i < 1020; i++) {
			const connection = await RawConnection.open(gateway.port);
			connection.write('GET /http-bind HTTP/1.1\r\nHost: h\r\n\r\n');
			connections.push(connection);
		}
		await waiting;
		for (let i = 0; i < 10; i++)
			await echo(client, `${i}`);
		const again = gateway.program.line(/connections are accepted again/, { mark });
		await Promise.all(connections.map((connection) => connection.end()));
		await again;
		for (const transport of TRANSPORTS)
			await echo(await stage.guest(transport), 'room again');
		assert.equal(gateway.program.lines.filter((line) => /connections wait/.test(line)).length, 1);
	});
});

/* A client that holds a connection on which it has said something. */
async function hold(gateway) {
	const connection = await RawConnection.open(gateway.port);
	connection.write('GET /http-bind HTTP/1.1\r\nHost: h\r\n\r\n');
	await poll(() => connection.text.includes('It works'), 'an answer');
	return connection;
}

/* Those beyond a limit hear 503, by either transport; when somebody has left, the next one is served. */
async function assertRefusedOnly(gateway, held, why) {
	for (const headers of [{}, upgradeHeaders()]) {
		const answer = await request(gateway.port, 'GET', gateway.websocketPath, { headers });
		assert.equal(answer.status, 503);
		assert.match(answer.text, why);
		assert.equal(answer.headers.connection, 'close');
		assert.equal(answer.headers['retry-after'], '10');
	}
	await Promise.all(held.map((connection) => connection.end()));
	for (const transport of TRANSPORTS)
		await poll(async () => (await request(gateway.port, 'GET', gateway.boshPath)).status === 200, `room for ${transport}`);
	for (const transport of TRANSPORTS)
		await echo(await stage.guest(transport), 'room again');
}

culvert('limits.connections: one more is told, and the next is served when one has left', async () => {
	const start = () => Culvert.start({ [GUESTS]: stage.prosody.port }, { limits: { connections: 8 } });
	await withDaemon(start, async (gateway) => {
		const { mark } = gateway.program, held = [];
		for (let i = 0; i < 8; i++)
			held.push(await hold(gateway));
		const line = gateway.program.line(/limit reached client=127\.0\.0\.1:\d+ limit=limits\.connections/, { mark });
		await assertRefusedOnly(gateway, held, /Too many connections/);
		await line;
		/* Two were refused, at least: one line, and no other of them; the counter has all. */
		assert.equal(gateway.program.lines.slice(mark).filter((text) => /limit reached|status=503/.test(text)).length, 1);
		assert.ok((await gateway.counters()).limited_connections >= 2);
		assert.match(await gateway.reload((c) => { c.limits.connections = null; }), /reloaded/);
		await gateway.program.line(/connections of clients connections=\d{3,} .*from=nofile/, { mark });
		held.length = 0;
		for (let i = 0; i < 20; i++)
			held.push(await hold(gateway));
		await Promise.all(held.map((connection) => connection.end()));
	});
});

/* Of such a connection the library keeps 16 KB. */
culvert('limits.buffer_total: a connection is refused when nothing is left', async () => {
	const start = () => Culvert.start({ [GUESTS]: stage.prosody.port }, { workers: 1, limits: { buffer_total: 160000 } });
	await withDaemon(start, async (gateway) => {
		const { mark } = gateway.program, held = [];
		for (let i = 0; i < 10; i++)
			held.push(await hold(gateway));
		const line = gateway.program.line(/request refused client=127\.0\.0\.1:\d+ listener=127\.0\.0\.1:\d+ status=503 .*short of memory/, { mark });
		await assertRefusedOnly(gateway, held, /short of memory/);
		await line;
	});
});

culvert('without limits in the configuration they follow the system, and the log says how', async () => {
	const { lines } = stage.gateway.program;
	const [memory] = lines.filter((line) => /memory for peers/.test(line));
	const [, total, limit] = /buffer_total=(\d+) from="[^"]+" limit=(\d+)/.exec(memory);
	assert.ok([2, 4].includes(Math.floor(limit / total)), memory);
	const [connections] = lines.filter((line) => /connections of clients/.test(line));
	const [, clients, all, nofile] = /connections=(\d+) with_servers=(\d+) sessions=\d+ from=nofile nofile=(\d+)/.exec(connections);
	assert.ok(clients > 0 && Number(clients) < Number(all) && Number(all) < Number(nofile), connections);
});

culvert('without a file: --listen and --domain', async () => {
	const start = () => Culvert.run(['--listen', '127.0.0.1:0', '--domain', `${GUESTS}=xmpp://127.0.0.1:${stage.prosody.port}`]);
	await withDaemon(start, async () => {
		for (const transport of TRANSPORTS)
			await echo(await stage.guest(transport), 'quick');
	});
});

culvert('two listeners serve the same sessions', async () => {
	const listen = [{ address: '127.0.0.1', port: 0 }, { address: '127.0.0.1', port: 0 }];
	const start = () => Culvert.start({ [GUESTS]: stage.prosody.port }, { listen });
	await withDaemon(start, async (gateway) => {
		const ports = gateway.program.lines.map((line) => /\blistening\b.*\bport=(\d+)/.exec(line))
			.filter(Boolean).map(([, port]) => Number(port));
		assert.equal(ports.length, 2);
		const client = await stage.guest('bosh');
		gateway.port = ports.find((port) => port !== gateway.port);
		await echo(client, 'by the other door');
	});
});

culvert('other paths, and lists of them', async () => {
	const paths = { bosh: ['/http-bind', '/a/bosh/'], websocket: '/a/ws' };
	const start = () => Culvert.start({ [GUESTS]: stage.prosody.port }, { paths });
	await withDaemon(start, async (gateway) => {
		assert.equal((await request(gateway.port, 'GET', '/xmpp-websocket')).status, 404);
		Object.assign(gateway, { boshPath: '/a/bosh', websocketPath: '/a/ws' });
		for (const transport of TRANSPORTS)
			await echo(await stage.guest(transport), 'elsewhere');
	});
});

each('a domain is found in any case', async (transport) => {
	const client = stage[transport](GUESTS.toUpperCase());
	await client.login();
	await echo(client, 'loud');
}, culvert);

culvert('sessions that are idle use no CPU', async () => {
	const ticks = () => readFileSync(`/proc/${stage.gateway.program.pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')
		.slice(11, 13).reduce((sum, n) => sum + Number(n), 0);
	for (let i = 0; i < 5; i++) {
		const client = await stage.guest('bosh');
		client.send().catch(() => {});
		await stage.guest('websocket');
	}
	/* What has just begun may have something to do for a while. */
	let used = Infinity;
	for (let i = 0; i < 10 && used > 2; i++) {
		const from = ticks();
		await pause(1000);
		used = ticks() - from;
	}
	assert.ok(used <= 2, `${used} ticks of 10 ms in a second`);
});
