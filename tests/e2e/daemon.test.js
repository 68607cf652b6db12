'use strict';
/*
 * daemon.test.js: the daemon as a whole: its workers, its counters, its
 * command line, and how it ends.
 */

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');

const { BoshClient } = require('./lib/bosh');
const { Culvert } = require('./lib/gateway');
const { request } = require('./lib/http');
const { DOMAIN, GUESTS, culvert, each, withStage } = require('./lib/stage');
const { pause } = require('./lib/wait');

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

/* A request on a new connection comes to whichever worker is next; its session may live on another. */
culvert('two workers: requests find the worker of their session', async () => {
	await withStage({}, async ({ gateway }) => {
		const before = await gateway.counters();
		const clients = [];
		for (let i = 0; i < 6; i++) {
			const client = new BoshClient(gateway, GUESTS);
			await client.login();
			clients.push(client);
		}
		const speak = async (client) => {
			for (let i = 0; i < 10; i++) {
				await client.tell(message(client.jid, `${i}`));
				await client.message(`${i}`);
			}
			await client.terminate();
		};
		await Promise.all(clients.map(speak));
		const counters = await gateway.counters();
		assert.equal(counters.sessions_opened - before.sessions_opened, clients.length);
		assert.ok(counters.bosh_forwarded > 0, `no request was forwarded: ${JSON.stringify(counters)}`);
		assert.ok(counters.bosh_forwarded < counters.bosh_requests, `all requests were forwarded: ${JSON.stringify(counters)}`);
		assert.equal(counters.bosh_unknown_sid, 0);
	});
});

culvert('one worker: nothing is forwarded', async () => {
	await withStage({ config: { workers: 1 } }, async (stage) => {
		const client = await stage.guest('bosh');
		for (let i = 0; i < 5; i++) {
			await client.tell(message(client.jid, `${i}`));
			await client.message(`${i}`);
		}
		const counters = await stage.gateway.counters();
		assert.equal(counters.bosh_forwarded, 0);
	});
});

culvert('counters tell what was done, on SIGUSR1 and at the end', async () => {
	await withStage({}, async (stage) => {
		const client = await stage.guest('websocket');
		client.send(message(client.jid, 'count me'));
		await client.message('count me');
		const counters = await stage.gateway.counters();
		assert.equal(counters.sessions_opened, 1);
		assert.equal(counters.sessions_closed, 0);
		assert.ok(counters.websocket_messages >= 5, JSON.stringify(counters));
		assert.ok(counters.stanzas_up >= 3 && counters.stanzas_down >= 3, JSON.stringify(counters));
		const { mark } = stage.gateway.program;
		await stage.gateway.terminate();
		const [line] = await stage.gateway.program.line(/counters .*/, { mark });
		assert.match(line, /sessions_opened=1\b/);
		assert.match(line, /sessions_closed=1\b/);
	});
});

culvert('sids do not appear in the log', async () => {
	await withStage({}, async (stage) => {
		const client = await stage.guest('bosh');
		await client.terminate();
		await stage.gateway.terminate();
		assert.equal(stage.gateway.program.lines.filter((line) => line.includes(client.sid)).length, 0);
	});
});

culvert('SIGTERM: sessions are told, then the daemon ends with 0', async () => {
	await withStage({}, async (stage) => {
		const [byBosh, byWebsocket] = [await stage.guest('bosh'), await stage.guest('websocket')];
		const held = byBosh.send();
		const failed = byWebsocket.failure();
		await pause(50); // the request is held by then; if not, it is answered the same
		const from = Date.now();
		const { code } = await stage.gateway.terminate();
		assert.equal(code, 0);
		assert.ok(Date.now() - from < 4000, `took ${Date.now() - from} ms`);
		assert.deepEqual(await failed, { error: 'system-shutdown', code: 1001 });
		const answer = await held;
		assert.deepEqual([answer.type, answer.condition], ['terminate', 'system-shutdown']);
	});
});

culvert('SIGTERM: users are gone at the server', async () => {
	await withStage({ users: ['alice', 'bob'] }, async (stage) => {
		const second = stage.add(await Culvert.start({ [DOMAIN]: stage.prosody.port }));
		const bob = await stage.login('bob', 'websocket');
		stage.gateway = second;
		const alice = await stage.login('alice', 'websocket');
		await bob.presence(alice.jid);
		await second.terminate();
		await bob.presence(alice.jid, 'unavailable');
	});
});

for (const signal of ['SIGINT', 'SIGTERM']) {
	culvert(`${signal} ends an idle daemon with 0`, async () => {
		await withStage({}, async (stage) => {
			assert.deepEqual(await stage.gateway.program.stop(signal, 3000), { code: 0, signal: null });
		});
	});
}

culvert('clients that never close do not keep the daemon', async () => {
	await withStage({}, async (stage) => {
		const client = await stage.guest('websocket');
		client.ws._socket.pause();
		assert.equal((await stage.gateway.terminate(8000)).code, 0);
		client.ws.terminate();
	});
});

each('without a file: --listen and --domain', async (transport) => {
	await withStage({}, async (stage) => {
		stage.gateway = stage.add(await Culvert.run(['--listen', '127.0.0.1:0', '--domain', `${GUESTS}=xmpp://127.0.0.1:${stage.prosody.port}`]));
		const client = await stage.guest(transport);
		await client.tell(message(client.jid, 'quick'));
		await client.message('quick');
	});
}, culvert);

culvert('two listeners serve the same sessions', async () => {
	await withStage({}, async (stage) => {
		const listen = [{ address: '127.0.0.1', port: 0 }, { address: '127.0.0.1', port: 0 }];
		const gateway = stage.add(await Culvert.start({ [GUESTS]: stage.prosody.port }, { listen }));
		const ports = gateway.program.lines.map((line) => /\blistening\b.*\bport=(\d+)/.exec(line)).filter(Boolean).map((m) => Number(m[1]));
		assert.equal(ports.length, 2);
		const client = new BoshClient(gateway, GUESTS);
		await client.login();
		gateway.port = ports.find((port) => port !== gateway.port);
		await client.tell(message(client.jid, 'by the other door'));
		await client.message('by the other door');
		await client.terminate();
	});
});

culvert('other paths, and lists of them', async () => {
	await withStage({ config: { paths: { bosh: ['/http-bind', '/a/bosh/'], websocket: '/a/ws' } } }, async (stage) => {
		const { gateway } = stage;
		assert.equal((await request(gateway.port, 'GET', '/xmpp-websocket')).status, 404);
		Object.assign(gateway, { boshPath: '/a/bosh', websocketPath: '/a/ws' });
		for (const transport of ['bosh', 'websocket']) {
			const client = await stage.guest(transport);
			await client.tell(message(client.jid, 'elsewhere'));
			await client.message('elsewhere');
		}
	});
});

culvert('a domain is found in any case', async () => {
	await withStage({}, async (stage) => {
		const answer = await stage.bosh(GUESTS.toUpperCase()).create();
		assert.equal(answer.type, null, answer.text);
	});
});

culvert('an idle daemon with sessions uses no CPU', async () => {
	await withStage({}, async (stage) => {
		const ticks = () => readFileSync(`/proc/${stage.gateway.program.pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ').slice(11, 13)
			.reduce((sum, n) => sum + Number(n), 0);
		const [byBosh] = [await stage.guest('bosh'), await stage.guest('websocket')];
		byBosh.send().catch(() => {});
		await pause(300);
		const from = ticks();
		await pause(1000);
		assert.ok(ticks() - from <= 2, `${ticks() - from} ticks of 10 ms in a second`);
	});
});
