'use strict';
/*
 * departures.test.js: many clients that come back at once are not as many
 * connections to their server at once (limits.connects_per_upstream).
 */

const assert = require('node:assert/strict');

const { Culvert } = require('./lib/gateway');
const { Server } = require('./lib/server');
const { DOMAIN, TRANSPORTS, culvert, suite } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');

const CLIENTS = 100;
const LIMIT = 4;

const stage = suite({});

/* A server that takes its time to open a stream, and how many wait for that. */
async function slow(ms) {
	const server = stage.add(await Server.start({
		opened: async (connection) => {
			const isFirst = !connection.isLoggedIn;
			counts.waiting += isFirst;
			counts.most = Math.max(counts.most, counts.waiting);
			await (ms === null ? new Promise(() => {}) : pause(ms)); // null: for ever
			counts.waiting -= isFirst;
			connection.open();
		},
	}));
	const counts = { waiting: 0, most: 0, server };
	return counts;
}

async function by(server, timeout, play) {
	const { gateway } = stage;
	const own = stage.gateway = await Culvert.start({ [DOMAIN]: server.port },
		{ limits: { connects_per_upstream: LIMIT, connect_timeout: timeout, auth_failures_per_minute: 0 } });
	try {
		await play(own);
	} finally {
		await stage.clear();
		stage.gateway = gateway;
		await own.stop();
	}
}

culvert(`${CLIENTS} clients at once: ${LIMIT} at a time, all are served`, async () => {
	const counts = await slow(5);
	await by(counts.server, 60, async ({ program }) => {
		await Promise.all(Array.from({ length: CLIENTS }, (_, i) => stage[TRANSPORTS[i % 2]](DOMAIN).login()));
		assert.equal(counts.most, LIMIT);
		await program.line(/info connections wait for their turn .*server=127\.0\.0\.1:\d+ limits.connects_per_upstream=4$/);
	});
});

culvert('who waits too long is told so, and who left has made room', async () => {
	const counts = await slow(null);
	await by(counts.server, 3, async ({ program }) => {
		const clients = Array.from({ length: LIMIT + 2 }, () => stage.websocket(DOMAIN));
		for (const client of clients) { // they go to the workers in turn
			await client.connect();
			client.openStream();
		}
		await poll(() => counts.waiting === LIMIT, 'as many connections as may be');
		clients[0].ws.terminate();
		await poll(() => counts.waiting === LIMIT + 1, 'one more');
		const last = clients[LIMIT + 1];
		assert.deepEqual(await last.failure(), { error: 'remote-connection-failed', code: 1001 });
		await program.line(/upstream not reached .*reason="too many connections to it were on their way before/);
		assert.equal(counts.waiting, LIMIT + 1);
	});
});
