'use strict';
/*
 * flow.test.js: whoever sends faster than the other side reads is held back,
 * and culvert's memory stays as it was; nothing is lost or changes its place.
 */

process.env.ASAN_OPTIONS = `quarantine_size_mb=1:${process.env.ASAN_OPTIONS || ''}`; // freed memory does not count

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const net = require('node:net');

const { body } = require('./lib/bosh');
const { Culvert } = require('./lib/gateway');
const { request } = require('./lib/http');
const { Server } = require('./lib/server');
const { culvert, suite } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');

const MIB = 1024 * 1024;
const FLOOD = 200 * MIB;
const STANZA = 16 * 1024;
const STANZAS = FLOOD / STANZA;
const GROWTH = 40 * MIB;
const TEST_MS = 300000; // only what hangs takes so long

/* What culvert may keep, and node when it has just read; the rest of what was written lies in the system's buffers. */
const KEPT = 10 * MIB;

let server, received;
const stage = suite({
	upstreams: async () => {
		server = stage.add(await Server.start({ stanza: (connection, text) => received(text) }));
		return { 'stand-in.test': server.port };
	},
});

const padding = 'x'.repeat(STANZA - 100);
const stanza = (i) => `<message xmlns='jabber:client' from='stand-in.test' id='${i}'><body>${padding}</body></message>`;
const numbersIn = (text) => [...text.matchAll(/<message [^>]*?\bid='(\d+)'/g)].map(([, i]) => Number(i));

function rss() {
	const status = readFileSync(`/proc/${stage.gateway.program.pid}/status`, 'utf8');
	return Number(/VmRSS:\s*(\d+) kB/.exec(status)[1]) * 1024;
}

/* Watches the memory from now on; most() is how much it has grown at most. */
function watchMemory() {
	const base = rss();
	let most = 0;
	const timer = setInterval(() => { most = Math.max(most, rss() - base); }, 20);
	return { most: () => Math.max(most, rss() - base), stop: () => clearInterval(timer) };
}

/* Writes all stanzas, each when the system has taken the one before; counts them. */
function flood(put) {
	const state = { written: 0 };
	state.over = (async () => {
		for (let i = 0; i < STANZAS; i++) {
			await put(stanza(i));
			state.written = i + 1;
		}
	})();
	state.over.catch((error) => { state.error = error; });
	return state;
}

/* Bytes that the system keeps for the connections of culvert with clients and the stand-in server. */
function inBuffers() {
	const ports = [stage.gateway.port, server.port].map((port) => port.toString(16).toUpperCase().padStart(4, '0'));
	return readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1).map((row) => row.trim().split(/[\s:]+/))
		.filter(([, , local, , remote, state]) => state !== '0A' && (ports.includes(local) || ports.includes(remote)))
		.reduce((sum, [, , , , , , tx, rx]) => sum + parseInt(tx, 16) + parseInt(rx, 16), 0);
}

/*
 * Waits until a flood does not get on any more, or hardly; how many bytes it could write that are not in the system's
 * buffers.  That must be little at any time.
 */
async function stalled(state) {
	for (let last = -1; state.written !== last; await pause(400))
		last = state.written;
	assert.ifError(state.error);
	assert.ok(state.written < STANZAS, 'all was written though nobody reads');
	return state.written * STANZA - inBuffers();
}

/* Numbers that must come in order, one after the other. */
class Order {
	constructor() {
		this.next = 0;
		this.whole = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
		this.whole.catch(() => {});
	}

	take(i) {
		if (i !== this.next++)
			this.reject(new Error(`number ${i} came, ${this.next - 1} was to come`));
		if (this.next === STANZAS)
			this.resolve();
	}
}

function assertHeldBack(written, memory) {
	assert.ok(written < KEPT, `culvert took ${written / MIB} MiB though nobody reads`);
	assert.ok(memory.most() < GROWTH, `memory has grown by ${memory.most() / MIB} MiB`);
}

culvert('websocket: a client that stops reading holds the server back', { ms: TEST_MS }, async () => {
	const client = await stageLogin('websocket');
	const order = new Order(), memory = watchMemory();
	try {
		client.ws.removeAllListeners('message');
		client.ws.on('message', (data) => numbersIn(data.toString()).forEach((i) => order.take(i)));
		client.ws.pause();
		const state = flood((text) => server.last.put(text));
		assertHeldBack(await stalled(state), memory);
		client.ws.resume();
		await Promise.all([state.over, order.whole]);
		assert.ok(memory.most() < GROWTH, `memory has grown by ${memory.most() / MIB} MiB`);
	} finally {
		memory.stop();
	}
});

culvert('bosh: a client that does not poll holds the server back', { ms: TEST_MS }, async () => {
	const client = await stageLogin('bosh');
	await Promise.all(client.open);
	const order = new Order(), memory = watchMemory();
	try {
		const state = flood((text) => server.last.put(text));
		assertHeldBack(await stalled(state), memory);
		while (order.next < STANZAS) {
			const text = body({ rid: client.rid++, sid: client.sid });
			const answer = await request(stage.gateway.port, 'POST', stage.gateway.boshPath,
				{ headers: { 'Content-Type': 'text/xml' }, body: text });
			assert.doesNotMatch(answer.text.slice(0, 500), /terminate/);
			numbersIn(answer.text).forEach((i) => order.take(i));
		}
		await Promise.all([state.over, order.whole]);
		assert.ok(memory.most() < GROWTH, `memory has grown by ${memory.most() / MIB} MiB`);
	} finally {
		memory.stop();
	}
});

culvert('websocket: a server that does not read holds the client back', { ms: TEST_MS }, async () => {
	const client = await stageLogin('websocket');
	const order = new Order(), memory = watchMemory();
	received = (text) => numbersIn(text).forEach((i) => order.take(i));
	try {
		server.last.socket.pause();
		const state = flood((text) => new Promise((resolve, reject) =>
			client.ws.send(text, (error) => error ? reject(error) : resolve())));
		assertHeldBack(await stalled(state), memory);
		server.last.socket.resume();
		await Promise.all([state.over, order.whole]);
		assert.ok(memory.most() < GROWTH, `memory has grown by ${memory.most() / MIB} MiB`);
	} finally {
		memory.stop();
	}
});

culvert('others are served while one is held back', { ms: TEST_MS }, async () => {
	const slow = await stageLogin('websocket');
	slow.ws.pause();
	const { last } = server;
	received = (text) => server.last.write(text);
	const state = flood((text) => last.put(text));
	for (const transport of ['bosh', 'websocket']) {
		const other = await stageLogin(transport);
		for (let i = 0; i < 20; i++) {
			await other.tell(`<message xmlns='jabber:client'><body>${i}</body></message>`);
			await other.message(`${i}`);
		}
	}
	assert.ok(await stalled(state) < KEPT);
});

/* A POST whose answer nobody reads: the socket takes next to nothing.  With a length its body may have more to come. */
function postUnread(port, path, text, length = Buffer.byteLength(text)) {
	return new Promise((resolve, reject) => {
		const socket = net.connect({ port, host: '127.0.0.1' }, () => {
			socket.pause();
			socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n` +
				`Content-Length: ${length}\r\n\r\n${text}`, () => resolve(socket));
		});
		socket.on('error', reject);
	});
}

culvert('bosh: a client that asks and does not read holds the server back', { ms: TEST_MS }, async () => {
	const client = await stageLogin('bosh');
	await Promise.all(client.open);
	const memory = watchMemory(), sockets = [];
	try {
		const requests = async () => (await stage.gateway.counters()).bosh_requests;
		const state = flood((text) => server.last.put(text));
		for (let i = 0, before = await requests(); i < 40; i++) {
			const text = body({ rid: client.rid++, sid: client.sid });
			sockets.push(await postUnread(stage.gateway.port, stage.gateway.boshPath, text));
			await poll(async () => await requests() > before + i, 'the request to be read'); // the next must not overtake it
		}
		assertHeldBack(await stalled(state), memory);
	} finally {
		memory.stop();
		sockets.forEach((socket) => socket.destroy());
	}
});

culvert('bosh: a large answer asked for again and again is not kept for each', { ms: TEST_MS }, async () => {
	const client = await stageLogin('bosh');
	await Promise.all(client.open);
	const sockets = [];
	for (let i = 0; i < 100; i++)
		await server.last.put(stanza(i));
	await pause(300);
	const text = body({ rid: client.rid++, sid: client.sid });
	assert.ok((await request(stage.gateway.port, 'POST', stage.gateway.boshPath, { body: text })).text.length > MIB);
	const memory = watchMemory();
	try {
		for (let i = 0; i < 60; i++) {
			sockets.push(await postUnread(stage.gateway.port, stage.gateway.boshPath, text));
			await pause(20);
		}
		await pause(300);
		assert.ok(memory.most() < GROWTH, `memory has grown by ${memory.most() / MIB} MiB`);
	} finally {
		memory.stop();
		sockets.forEach((socket) => socket.destroy());
	}
});

/*
 * The budget, and what is no peer's or the allocator's: freed blocks that it keeps, and up to twice as much for a moment as
 * a body grows.
 */
const BUDGET = 32 * MIB, BESIDES = 8 * MIB;

/* Runs a test with a culvert of its own that has this budget. */
async function withBudget(run) {
	const usual = stage.gateway;
	const own = await Culvert.start({ 'stand-in.test': server.port }, { limits: { buffer_total: BUDGET } });
	stage.gateway = own;
	try {
		await run();
	} finally {
		stage.gateway = usual;
		await own.stop();
	}
}

/* What somebody says who comes when others were refused passes, be it large. */
async function assertAsNew(transport) {
	const client = await stageLogin(transport);
	received = (text) => server.last.write(text);
	for (const text of ['y'.repeat(500000), 'and more'])
		await client.tell(`<message xmlns='jabber:client'><body>${text}</body></message>`);
	await client.message('and more');
}

/* Begun and never finished, by 100 clients with a megabyte each: without the limit that would be 100 MiB. */
culvert('limits.buffer_total: messages that are not finished', { ms: TEST_MS }, () => withBudget(async () => {
	const clients = [], part = 'x'.repeat(MIB - 1000);
	for (let i = 0; i < 100; i++)
		clients.push(await stageLogin('websocket'));
	const memory = watchMemory(), { mark } = stage.gateway.program;
	for (const client of clients)
		client.ws.send(`<message><body>${part}`, { fin: false }, () => {});
	await stage.gateway.program.line(/session closed .*reason=NO_ROOM/, { mark });
	await pause(1000);
	memory.stop();
	assert.ok(memory.most() < BUDGET + BESIDES, `memory has grown by ${memory.most() / MIB} MiB`);
	assert.ok(clients.some((client) => client.ws.readyState === 1), 'all were sent away');
	clients.forEach((client) => client.ws.terminate());
	await assertAsNew('websocket');
}));

/* Half of a request each; then they go. */
culvert('limits.buffer_total: 300 bodies that are not finished', { ms: TEST_MS }, () => withBudget(async () => {
	const sockets = [], part = Buffer.alloc(MIB - 50000, 'x'), memory = watchMemory();
	for (let i = 0; i < 300; i++) {
		const socket = await postUnread(stage.gateway.port, stage.gateway.boshPath, '', MIB - 1000);
		socket.on('error', () => {});
		socket.write(part);
		sockets.push(socket);
	}
	await poll(() => sockets.every((socket) => socket.writableLength === 0), 'all to be written');
	await pause(500);
	memory.stop();
	assert.ok(memory.most() < BUDGET + BESIDES, `memory has grown by ${memory.most() / MIB} MiB`);
	await stage.gateway.program.line(/no room .*for=body .*cause=limits.buffer_total/, { mark: 0 });
	sockets.forEach((socket) => socket.destroy());
	await assertAsNew('bosh');
}));

/* 40,000 declarations a session, in tags as large as they may be, and no end: of the element, or of the tag. */
const declared = (n, from) => Array.from({ length: n }, (_, i) => ` xmlns:p${from + i}='u'`).join('');
for (const [what, text] of [
	['an element', `<message>${Array.from({ length: 160 }, (_, i) => `<a${declared(250, i * 250)}/>`).join('')}`],
	['a tag', `<message${declared(40000, 0)}`],
]) {
	culvert(`limits.buffer_total: 100 servers that send 40,000 xmlns in ${what}`, { ms: TEST_MS }, () => withBudget(async () => {
		const clients = [];
		for (let i = 0; i < 100; i++)
			clients.push(await stageLogin('websocket'));
		const memory = watchMemory();
		await Promise.all(server.connections.slice(-100).map((connection) => connection.put(text).catch(() => {})));
		await pause(500);
		memory.stop();
		assert.ok(memory.most() < BUDGET + BESIDES, `memory has grown by ${memory.most() / MIB} MiB`);
		clients.forEach((client) => client.ws.terminate());
		await assertAsNew('websocket');
	}));
}

/* A guest at the stand-in server. */
async function stageLogin(transport) {
	const client = stage[transport]('stand-in.test');
	await client.login();
	return client;
}
