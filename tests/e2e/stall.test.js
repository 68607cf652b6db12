'use strict';
/*
 * stall.test.js: culvert is stopped for a while, and much has happened when it
 * goes on.  First it sees who is gone, then what servers sent; and nobody is
 * taken for silent whose bytes came in time.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const { Authority } = require('./lib/authority');
const { Culvert } = require('./lib/gateway');
const { body } = require('./lib/bosh');
const { RawConnection } = require('./lib/http');
const { Server } = require('./lib/server');
const { culvert, explain, suite } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');
const { NS } = require('./lib/xml');

const MANY = 10;
const LIMIT = 5, STALL_MS = (LIMIT + 1.5) * 1000; // seconds: each limit of time; a server's is a second longer

const HOST = 'chat.test';

let authority, server, slow;
const waiting = []; // connections to the slow server
const stage = suite({
	upstreams: async () => {
		authority = new Authority('A test authority', 'ec');
		/* It sends back all but presence. */
		const stanza = (connection, text) => text.startsWith('<presence') || connection.write(text);
		server = stage.add(await Server.start({ stanza }));
		slow = stage.add(await Server.start({ opened: (connection) => waiting.push(connection) }));
		return { 'stand-in.test': server.port, 'slow.test': slow.port };
	},
});

const message = (text) => `<message xmlns='jabber:client' from='stand-in.test'><body>${text}</body></message>`;
const times = (n, play) => Promise.all(Array.from({ length: n }, (_, i) => play(i)));

/* A daemon of its own; with TLS, clients come by that listener. */
async function withDaemon(extra, play, { hasTls = false } = {}) {
	const { gateway } = stage;
	const domains = { 'stand-in.test': server.port, 'slow.test': slow.port };
	const listen = [{ address: '127.0.0.1', port: 0, ...hasTls && { tls: [authority.issue(HOST)] } }];
	const own = await Culvert.start(domains, { listen, ...extra });
	stage.gateway = hasTls ? own.secured(own.port, { ca: fs.readFileSync(authority.file), servername: HOST }) : own;
	try {
		await play(stage.gateway);
		await stage.clear();
		await own.stop();
	} catch (error) {
		throw explain(error, own);
	} finally {
		own.program.kill('SIGKILL');
		stage.gateway = gateway;
	}
}

function isStopped(pid) {
	return fs.readdirSync(`/proc/${pid}/task`)
		.every((id) => /\) [tT] /.test(fs.readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1')));
}

/* What play() does, and ms more, passes while the daemon is stopped. */
async function stalled({ program }, play, ms = 0) {
	program.kill('SIGSTOP');
	try {
		await poll(() => isStopped(program.pid), 'culvert to be stopped');
		await play();
		await pause(ms);
	} finally {
		program.kill('SIGCONT');
	}
}

const connectionOf = (client) => server.connections.find(({ jid }) => jid === client.jid);

async function loggedIn(transport) {
	const client = stage[transport]('stand-in.test');
	await client.login();
	return client;
}

/* Says something to its server and hears it. */
async function echo(client, text) {
	await client.tell(message(text));
	await client.message(text);
}

/* The server answers every request that is held. */
async function answerHeld(client) {
	while (client.open.size > 0) {
		connectionOf(client).write(message('nothing'));
		await Promise.race([...client.open]);
	}
}

/* The order of a turn. */

/* An empty request that the test can break off; it is held.  Has another worker its session? */
async function held(gateway, client) {
	const before = await gateway.counters();
	const request = (gateway.tls ? https : http).request(gateway.boshUrl, { method: 'POST', agent: false, ...gateway.tls });
	request.on('error', () => {});
	request.end(body({ rid: client.rid++, sid: client.sid }));
	let after;
	await poll(async () => {
		after = await gateway.counters();
		return after.bosh_requests > before.bosh_requests;
	}, 'the request to be read');
	return { request, isForwarded: after.bosh_forwarded > before.bosh_forwarded };
}

for (const [workers, hasTls] of [[1, false], [2, false], [1, true]]) {
	const how = `workers: ${workers}${hasTls ? ', TLS' : ''}`;
	culvert(`bosh: a stanza that comes as its request breaks off rides on the next one, ${how}`, { ms: 60000 }, async () => {
		await withDaemon({ workers, bosh: { polling: 0 }, log: { level: 'debug' } }, async (gateway) => {
			const client = await loggedIn('bosh');
			/* All others on one connection, so that those that are broken off are dealt to the workers in turn. */
			client.agent = new (hasTls ? https : http).Agent({ keepAlive: true, maxSockets: 1 });
			await answerHeld(client);
			for (let i = 0, n = 0; n < MANY * workers; i++) {
				const { program } = gateway;
				const { mark } = program;
				const { request, isForwarded } = await held(gateway, client);
				n += workers === 1 || isForwarded;
				assert.ok(i < MANY * workers * 4, 'connections are not dealt in turn');
				await stalled(gateway, async () => {
					request.destroy();
					await new Promise((resolve) => { request.once('close', resolve); });
					await connectionOf(client).put(message(`stanza ${i}`));
				});
				assert.match((await client.send()).text, new RegExp(`stanza ${i}\\b`));
				/* One worker knows who is gone before it reads what servers sent: it gives nobody an answer to take it back. */
				if (workers === 1) {
					await program.line(new RegExp(`rid=${client.rid - 1} request="held -> answered"`), { mark });
					for (const line of program.lines.slice(Math.max(0, mark - program.dropped)))
						assert.doesNotMatch(line, /request="answered -> held"/);
				}
				await pause(50); // more than 100 lines of counters a second are not written
			}
		}, { hasTls });
	});
}

for (const workers of [1, 2]) {
	for (const where of ['on a connection of their own', 'on a connection used before']) {
		culvert(`bosh: a stanza that comes with last words rides on the next request: ${where}, workers: ${workers}`, { ms: 60000 }, async () => {
			await withDaemon({ workers, bosh: { polling: 0 } }, async (gateway) => {
				const client = await loggedIn('bosh');
				await answerHeld(client);
				for (let i = 0; i < MANY * workers; i++) {
					let raw;
					const open = async () => { raw = await RawConnection.open(gateway.port); };
					const ask = (text) => raw.write(`POST ${gateway.boshPath} HTTP/1.1\r\nHost: localhost\r\n` +
						`Content-Length: ${text.length}\r\n\r\n${text}`);
					if (where === 'on a connection used before') {
						await open();
						ask(body({ rid: 1, sid: 'nobody' }));
						await poll(() => raw.text.includes('</body>') || raw.text.includes('/>'), 'the first answer');
					}
					await stalled(gateway, async () => {
						await connectionOf(client).put(message(`stanza ${i}`));
						if (!raw)
							await open();
						ask(body({ rid: client.rid++, sid: client.sid }, `<presence xmlns='${NS.client}'/>`));
						raw.socket.end();
						await pause(10);
						raw.socket.destroy();
					});
					assert.match((await client.send()).text, new RegExp(`stanza ${i}\\b`));
				}
			});
		});
	}
}

for (const hasTls of [false, true]) {
	const how = hasTls ? ', TLS' : '';
	culvert(`websocket: a stanza that comes as its client leaves is not given to nobody${how}`, { ms: 60000 }, async () => {
		await withDaemon({ workers: 1 }, async (gateway) => {
			const { mark } = gateway.program;
			const clients = await times(MANY, () => loggedIn('websocket'));
			await stalled(gateway, () => Promise.all(clients.map(async (client) => {
				await connectionOf(client).put(message('too late'));
				client.ws.terminate();
				await client.closed();
			})));
			const closed = () => gateway.program.lines.slice(mark - gateway.program.dropped)
				.map((line) => /session closed .*reason=(\w+) .*stanzas_down=(\d+)/.exec(line)).filter(Boolean);
			await poll(() => closed().length === MANY, 'all sessions to be closed');
			for (const [line, reason, down] of closed())
				assert.deepEqual([reason, Number(down)], ['CLIENT_GONE', 4], line); // as much as a login takes
		}, { hasTls });
	});
}

/* Silence. */

/*
 * Each begins with clients that no limit is set for, brings them to the brink,
 * where one is, and says what they do while culvert is stopped and what is to
 * be seen afterwards.
 */
const KINDS = {
	'BOSH clients that ask again': {
		begin: async (i) => {
			const client = await loggedIn('bosh');
			client.agent = i % 2 ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : false;
			await echo(client, 'one');
			await client.tell(); // and waits for more
			return client;
		},
		brink: answerHeld,
		meanwhile: (client) => client.tell(message('two')),
		after: (client) => client.message('two'),
	},
	'WebSocket clients that answer a ping': {
		begin: async () => {
			const client = stage.websocket('stand-in.test');
			const { connect } = client;
			client.connect = async () => {
				await connect.call(client, { autoPong: false });
				client.ws.on('ping', (data) => client.asked ? client.asked(data) : client.ws.pong(data));
			};
			await client.login();
			return client;
		},
		brink: async (client) => {
			client.ping = await new Promise((resolve) => { client.asked = resolve; });
		},
		meanwhile: (client) => {
			client.asked = null;
			client.ws.pong(client.ping);
		},
		after: (client) => echo(client, 'still here'),
	},
	'WebSocket clients that say their first word': {
		brink: async () => {
			const client = stage.websocket('stand-in.test');
			await client.connect();
			return client;
		},
		meanwhile: (client) => client.openStream(),
		after: async (client) => {
			await client.expect('open', NS.framing);
			await client.expect('features', NS.stream);
		},
	},
	'first requests': {
		brink: async () => {
			const raw = stage.client(await RawConnection.open(stage.gateway.port));
			raw.write('GET /http-bind HTTP/1.1\r\nHost: a');
			return raw;
		},
		meanwhile: (raw) => raw.write('\r\n\r\n'),
		after: (raw) => poll(() => /^HTTP\/1.1 200 /.test(raw.text), 'the answer'),
	},
	'requests after the first': {
		begin: async () => {
			const raw = stage.client(await RawConnection.open(stage.gateway.port));
			raw.write('GET /http-bind HTTP/1.1\r\nHost: a\r\n\r\n');
			await poll(() => raw.text.includes('here.\n'), 'the first answer');
			raw.write('GET /http-bind HTTP/1.1\r\nHost: a');
			await pause(LIMIT * 600); // so that it is seen before
			return raw;
		},
		brink: () => {},
		meanwhile: (raw) => raw.write('\r\n\r\n'),
		after: (raw) => poll(() => raw.text.split('HTTP/1.1 200 ').length === 3, 'the second answer'),
	},
	'servers that open their stream': {
		brink: async () => {
			const client = stage.websocket('slow.test');
			await client.connect();
			const before = waiting.length;
			client.openStream();
			await poll(() => waiting.length > before, 'the stream to the server');
			return client;
		},
		meanwhile: () => waiting.splice(0).forEach((connection) => connection.open()),
		after: async (client) => {
			await client.expect('open', NS.framing);
			await client.expect('features', NS.stream);
		},
	},
};

for (const workers of [1, 2]) {
	culvert(`nobody is ended for a silence of ours, workers: ${workers}`, { ms: 90000 }, async () => {
		const config = {
			workers,
			bosh: { inactivity: LIMIT },
			websocket: { ping: 1, pong_timeout: LIMIT },
			limits: { header_timeout: LIMIT, first_message_timeout: LIMIT, connect_timeout: LIMIT },
		};
		await withDaemon(config, async (gateway) => {
			const crowd = [];
			for (const kind of Object.values(KINDS).filter(({ begin }) => begin))
				crowd.push(...await times(MANY, async (i) => ({ ...kind, who: await kind.begin(i) })));
			const silent = { bosh: crowd[0].who, websocket: crowd[MANY].who };
			for (const kind of Object.values(KINDS).filter(({ begin }) => !begin))
				crowd.push(...Array.from({ length: MANY }, () => ({ ...kind })));
			await Promise.all(crowd.map(async (one) => {
				const who = await one.brink(one.who);
				one.who = one.who || who;
			}));
			const { mark } = gateway.program;
			const spoke = crowd.filter(({ who }) => who !== silent.bosh && who !== silent.websocket);
			await stalled(gateway, () => Promise.all(spoke.map(({ meanwhile, who }) => meanwhile(who))), STALL_MS);
			await Promise.all(spoke.map(({ after, who }) => after(who)));
			/* And who did stay silent is. */
			await silent.websocket.closed();
			await gateway.program.line(/session closed .*transport=bosh .*reason=INACTIVE/, { mark });
			for (const line of gateway.program.lines.slice(mark - gateway.program.dropped))
				assert.doesNotMatch(line, /no request in time|reason=(NO_OPEN|SERVER_SILENT)/);
		});
	});
}
