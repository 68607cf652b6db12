'use strict';
/*
 * leave.test.js: clients leave at each stage of a request, by FIN, by RST and
 * by half a close, on a port and on a unix socket.  culvert notices at once,
 * whatever was sent before, and gives back what they cost: every descriptor,
 * the memory, and their part of limits.buffer_total.
 *
 * The last bytes and the end come together, while culvert is stopped: nothing
 * more will come after that to wake anybody.
 *
 * And those who stay without a word, or do not listen when they are told to go,
 * stay no longer than one who has just come and says nothing.
 */

process.env.ASAN_OPTIONS = `quarantine_size_mb=1:allocator_release_to_os_interval_ms=100:${process.env.ASAN_OPTIONS || ''}`; // freed memory does not count

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before } = require('node:test');

const { BoshClient, body, post } = require('./lib/bosh');
const { BINARY, CLOSE, TEXT, frame } = require('./lib/frames');
const { Culvert, DIRECT } = require('./lib/gateway');
const { RawConnection, upgradeHeaders } = require('./lib/http');
const { removeDirectory, temporaryDirectory } = require('./lib/program');
const { Server } = require('./lib/server');
const { culvert, explain } = require('./lib/stage');
const { pause, poll, within } = require('./lib/wait');
const { WsClient } = require('./lib/websocket');

const EACH = 8; // clients of a kind
const MANY = 100;
const LARGE = 16 << 20; // bytes of a page: more than the system takes at once
const MAX_BODY = 1048576;
const HALF = 'half a close';
const NEVER = 3600; // seconds: nobody is late in these tests

let directory, unix, server, gateway;
let idle; // descriptors without any client

/* A daemon without any client yet. */
async function begin() {
	gateway = await Culvert.start({ 'stand-in.test': server.port }, {
		listen: [{ address: '127.0.0.1', port: 0 }, { unix }],
		pages: directory,
		bosh: { max_body: MAX_BODY },
		limits: { header_timeout: NEVER, first_message_timeout: NEVER, auth_timeout: NEVER, buffer_total: MANY / 2 * MAX_BODY },
		websocket: { ping: 0 },
	});
	idle = descriptors();
}

before(async () => {
	if (DIRECT)
		return;
	directory = temporaryDirectory('leave');
	unix = path.join(directory, 'web.sock');
	fs.writeFileSync(path.join(directory, 'large.bin'), Buffer.alloc(LARGE));
	server = await Server.start();
	await begin();
});

after(async () => {
	if (DIRECT)
		return;
	await gateway.stop();
	await server.stop();
	removeDirectory(directory);
});

/* Sockets and files; epoll sets and the like come with the first connections of a kind and stay. */
function descriptors() {
	const names = fs.readdirSync(`/proc/${gateway.program.pid}/fd`).map((fd) => {
		try {
			return fs.readlinkSync(`/proc/${gateway.program.pid}/fd/${fd}`);
		} catch {
			return 'anon_inode:closed meanwhile';
		}
	});
	return names.filter((name) => !name.startsWith('anon_inode:')).length;
}

const toBe = (n, ms) => poll(() => descriptors() === n, () => `${n} descriptors, there are ${descriptors()}`, ms);

const rssMib = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${gateway.program.pid}/status`, 'utf8'))[1]) / 1024;

const times = (n, play) => Promise.all(Array.from({ length: n }, (_, i) => play(i)));

const head = (method, target, fields = '') => `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
const postHead = (n) => head('POST', '/http-bind', `Content-Length: ${n}\r\n`);
const postText = (text) => postHead(Buffer.byteLength(text)) + text;
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const chunkedHead = head('POST', '/http-bind', 'Transfer-Encoding: chunked\r\n');
const upgradeText = (changes = {}) => head('GET', '/xmpp-websocket',
	Object.entries(upgradeHeaders(changes)).map(([name, value]) => `${name}: ${value}\r\n`).join(''));
const unknown = postText(body({ rid: 5, sid: 'no-such-session' }));
const answersOn = (raw, n) => poll(() => raw.text.split(/HTTP\/1\.1 \d{3} /).length > n, `${n} answers`);

/* A connection that has served a request, as browsers keep them. */
async function used(raw) {
	raw.write(unknown);
	await answersOn(raw, 1);
}

async function upgraded(raw) {
	raw.write(upgradeText());
	await answersOn(raw, 1);
}

/* Sent and taken in: what the system keeps for culvert is not culvert's. */
async function taken(raw, text) {
	await within(new Promise((resolve) => raw.socket.write(text, resolve)), 'bytes to be sent');
}

const LONG = 'x'.repeat(600000);
const PIECE = 'x'.repeat(20000);

/* Frames behind an upgrade. */
const framed = (...frames) => async (raw) => {
	await upgraded(raw);
	for (const bytes of frames)
		await taken(raw, bytes);
};

/* And a closing frame that answers them. */
const told = (bytes) => async (raw) => {
	await framed(bytes)(raw);
	await poll(() => raw.text.split('\r\n\r\n').slice(1).join('').includes('\x88'), 'a closing frame');
};

/* One head that is refused, with a body to come. */
const REFUSED = head('POST', '/http-bind', 'Host: two\r\nContent-Length: 900\r\n');
const OLD_UPGRADE = upgradeText({ 'Sec-WebSocket-Version': '8' });

/* first(raw, client) leads to a stage; then come the last bytes together with the end. */
const STAGES = {
	'in the first head': { last: 'POST /http-bind HTTP/1.1\r\nHost: loc' },
	'in the head of an upgrade': { last: upgradeText().slice(0, 90) },
	'in a later head': { first: used, last: 'POST /http-bind HTTP/1.1\r\nHost: loc' },
	'with a byte of a later head': { first: used, last: 'P' },
	'with a line end behind a body': { first: used, last: '\r\n' },
	'between two requests': { first: used },
	'with a later request': { first: used, last: unknown },
	'at the beginning of a body': { last: postHead(MAX_BODY) },
	'in a body': { first: (raw) => taken(raw, postHead(MAX_BODY) + LONG), last: PIECE },
	'in a later body': { first: async (raw) => { await used(raw); await taken(raw, postHead(MAX_BODY) + LONG); }, last: PIECE },
	'between two chunks': { first: (raw) => taken(raw, chunkedHead + chunk(LONG)), last: chunk(PIECE) },
	'in a chunk': { first: (raw) => taken(raw, chunkedHead + chunk(LONG)), last: chunk(PIECE).slice(0, -9000) },
	'in the size of a chunk': { first: (raw) => taken(raw, chunkedHead + chunk(LONG)), last: '4' },
	'in a body that is too large': { first: (raw) => taken(raw, postHead(MAX_BODY + 9) + LONG), last: PIECE },
	'in chunks that are too many': { first: (raw) => taken(raw, chunkedHead + chunk(LONG) + chunk(LONG)), last: chunk(PIECE) },
	'while 100 is expected': { last: head('POST', '/http-bind', 'Content-Length: 900\r\nExpect: 100-continue\r\n') },
	'while the request is held': { sessions: true, first: held },
	'with a request behind a held one': { sessions: true, first: held, last: unknown },
	'with half a request behind a held one': { sessions: true, first: held, last: postHead(900) },
	'while a page is read': { first: page, stays: HALF },
	'with a request behind a page': { first: page, last: unknown, stays: HALF },
	'with an upgrade': { last: upgradeText() },
	'with a later upgrade': { first: used, last: upgradeText() },
	'after an upgrade': { first: upgraded },
	'in the head of a frame': { first: upgraded, last: frame(TEXT, LONG).subarray(0, 5) },
	'in a frame': { first: framed(frame(TEXT, LONG).subarray(0, 500000)), last: PIECE },
	'in a message': { first: framed(frame(TEXT, LONG, { fin: false })), last: frame(0, PIECE, { fin: false }) },
	'with a frame that is wrong': { first: upgraded, last: frame(3, 'x') },
	'after a frame that is wrong': { first: told(frame(3, 'x')) },
	'after a message that is wrong': { first: told(frame(TEXT, '<')) },
	'with a closing frame': { first: upgraded, last: frame(CLOSE, Buffer.from([3, 232])) },
	'with a refused request': { last: REFUSED },
	'after a refused request': { first: async (raw) => { raw.write(REFUSED); await answersOn(raw, 1); } },
	'with a refused upgrade': { last: OLD_UPGRADE },
	'with a later refused upgrade': { first: used, last: OLD_UPGRADE },
	'with what is not HTTP': { last: '\x16\x03\x01' },
	'with a later request that is not HTTP': { first: used, last: 'nonsense\r\n\r\n' },
};

async function held(raw, client) {
	raw.write(postText(body({ rid: client.rid++, sid: client.sid })));
}

/* The rest of it is not read. */
async function page(raw) {
	raw.socket.pause();
	raw.write(head('GET', '/large.bin'));
	await within(new Promise((resolve) => raw.socket.once('readable', resolve)), 'the beginning of a page');
}

const WAYS = {
	'FIN': (raw) => raw.socket.destroy(),
	'RST': (raw) => raw.socket.resetAndDestroy(),
	[HALF]: (raw) => raw.socket.end(),
};

/* Writes and leaves; settles when the system has it all. */
async function leave(raw, way, last) {
	if (last)
		await taken(raw, last);
	WAYS[way](raw);
	if (way !== HALF)
		await raw.closed;
}

async function session() {
	const client = new BoshClient(gateway, 'stand-in.test');
	await client.login();
	await Promise.all(client.open);
	return client;
}

/* A function that waits until a counter has risen by EACH from now. */
async function risen(counter) {
	const from = (await gateway.counters())[counter];
	return () => poll(async () => (await gateway.counters())[counter] >= from + EACH, `${counter} to rise`);
}

async function check(stage, way, where) {
	const clients = stage.sessions ? await times(EACH, session) : [];
	await toBe(idle + clients.length); // a connection to the server each
	const held = stage.sessions && await risen('bosh_requests');
	const come = !stage.first && await risen('connections');
	const raws = await times(EACH, () => RawConnection.open(where === 'a port' ? gateway.port : unix));
	try {
		await times(EACH, (i) => stage.first && stage.first(raws[i], clients[i]));
		await (held && held());
		await gateway.stalled(() => times(EACH, (i) => leave(raws[i], way, stage.last)));
		await (come && come());
		await toBe(idle + clients.length);
	} finally {
		await times(EACH, (i) => raws[i].end());
		await times(clients.length, (i) => clients[i].end());
	}
	await toBe(idle);
}

/* A test that leaves a daemon without clients to the next one, whatever happens. */
function test(name, play) {
	culvert(name, async () => {
		try {
			await play();
		} catch (error) {
			const broken = gateway;
			broken.program.kill('SIGKILL');
			await broken.program.ended;
			await begin();
			throw explain(error, broken);
		}
	});
}

for (const where of ['a port', 'a unix socket']) {
	for (const [name, stage] of Object.entries(STAGES)) {
		for (const way of Object.keys(WAYS)) {
			if (stage.stays === way || (way === 'RST' && where !== 'a port'))
				continue;
			test(`${where}: ${name}, by ${way}`, () => check(stage, way, where));
		}
	}
}

/* What a client that has no more to say, and reads on, is owed; answers as their statuses. */
const OWED = {
	'a request': { last: unknown, answers: [200] },
	'two requests': { last: unknown + unknown, answers: [200, 200] },
	'a later request': { first: used, last: unknown, answers: [200, 200] },
	'a page': { last: head('GET', '/large.bin'), answers: [200], bytes: LARGE },
	'a request and a page': { last: unknown + head('GET', '/large.bin'), answers: [200, 200], bytes: LARGE },
	'a page and a request': { last: head('GET', '/large.bin') + unknown, answers: [200, 200], bytes: LARGE },
	'a chunked request': { last: chunkedHead + chunk(body({ rid: 5, sid: 'no-such-session' })) + chunk(''), answers: [200] },
	'a body that is too large': {
		first: (raw) => taken(raw, postHead(MAX_BODY + 9) + 'x'.repeat(MAX_BODY + 9 - PIECE.length)),
		last: PIECE,
		answers: [200],
	},
	'a request with two lengths': { last: head('POST', '/http-bind', 'Content-Length: 1\r\nContent-Length: 2\r\n'), answers: [400] },
	'a later request that is not HTTP': { first: used, last: 'GET / HTTP/0.5\r\n\r\n', answers: [200, 505] },
	'a refused upgrade': { last: OLD_UPGRADE, answers: [426] },
};

for (const where of ['a port', 'a unix socket']) {
	for (const [name, { first, last, answers, bytes = 0 }] of Object.entries(OWED)) {
		test(`${where}: ${name}, then half a close, and it is answered`, async () => {
			const raw = await RawConnection.open(where === 'a port' ? gateway.port : unix);
			try {
				await (first && first(raw));
				await gateway.stalled(() => leave(raw, HALF, last));
				await raw.ended();
				assert.deepEqual([...raw.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)), answers);
				assert.ok(raw.text.length > bytes);
			} finally {
				await raw.end();
			}
			await toBe(idle);
		});
	}
}

/* On connections that served a request. */
const STRAY = { 'one byte': 'P', 'two bytes': '\r\n', 'three bytes': 'POS', 'four bytes': 'POST', 'half a head': 'POST / HTTP/1.1\r\nHo' };

test('a kept connection on which little comes is closed as early as a fresh one', async () => {
	const socket = path.join(directory, 'short.sock');
	const main = gateway;
	const short = gateway = await Culvert.start({ 'stand-in.test': server.port },
		{ listen: [{ address: '127.0.0.1', port: 0 }, { unix: socket }], limits: { header_timeout: 1 } });
	try {
		const bound = await short.bound(5000); // IDLE_SECONDS of src/io/http_library.c is far above
		for (const where of [short.port, socket]) {
			await Promise.all(Object.entries(STRAY).map(async ([name, bytes]) => {
				const raw = await RawConnection.open(where);
				await used(raw);
				raw.write(bytes);
				await raw.ended(bound).catch((error) => { throw new Error(`${name}, ${where}: ${error.message}`); });
				await raw.end();
			}));
			/* Nothing came, or what some clients end a body with: as long as browsers keep a connection. */
			const kept = await Promise.all(['', '\r\n'].map(async (bytes) => {
				const raw = await RawConnection.open(where);
				raw.write(unknown + bytes);
				await answersOn(raw, 1);
				return raw;
			}));
			await pause(3000);
			for (const raw of kept) {
				raw.write(unknown);
				await answersOn(raw, 2);
				await raw.end();
			}
		}
		await short.stop();
	} finally {
		short.program.kill('SIGKILL');
		gateway = main;
	}
});

const WRONG = {
	'an unknown kind of frame': frame(3, 'x'),
	'bits that mean nothing': frame(TEXT, 'x', { rsv: 1 }),
	'a frame that goes on with nothing': frame(0, 'x'),
	'bytes that are no UTF-8': frame(TEXT, Buffer.from([0xff, 0xfe])),
	'a binary message': frame(BINARY, 'x'),
	'no XML': frame(TEXT, '<'),
	'a message that is too large': frame(TEXT, 'x'.repeat(MAX_BODY + 1)),
};
const FRESH_MS = 10000; // limits.header_timeout, unless it is written

test('a WebSocket that is told of its wrong frame does not outlast a fresh connection, even if it does not listen', async () => {
	const raws = [];
	for (const bytes of Object.values(WRONG)) {
		const raw = await RawConnection.open(gateway.port);
		await upgraded(raw);
		raw.socket.pause();
		raw.write(bytes);
		raws.push(raw);
		const client = new WsClient(gateway, 'stand-in.test');
		await client.login();
		const socket = client.ws._socket;
		socket.pause();
		const flood = `<message xmlns='jabber:client'><body>${PIECE}</body></message>`;
		/* Until none of it is taken any more: once is not enough while culvert still reads. */
		let looks = 0;
		await poll(() => {
			if (server.last.socket.writableLength > 0)
				return ++looks > 20;
			looks = 0;
			for (let i = 0; i < 100 && server.last.write(flood); i++)
				;
			return false;
		}, 'the server to be held up');
		socket.write(bytes);
		raws.push({ end: async () => socket.destroy() });
	}
	try {
		await toBe(idle, await gateway.bound(FRESH_MS));
	} finally {
		raws.forEach((raw) => raw.end());
	}
});

test(`${MANY} clients leave near the end of a large body, again and again`, async () => {
	const before = rssMib();
	for (let round = 0; round < 4; round++) {
		const raws = await times(MANY, () => RawConnection.open(gateway.port));
		await times(MANY, (i) => taken(raws[i], postHead(MAX_BODY) + 'x'.repeat(MAX_BODY - 30000)));
		await gateway.stalled(() => times(MANY, (i) => leave(raws[i], 'FIN', PIECE)));
		await toBe(idle);
		await poll(() => rssMib() < before + MANY / 8, () => `less memory than ${rssMib()} MiB, before it was ${before}`);
	}
	for (let i = 0; i < 4; i++) { // on both workers
		const { status } = await post(gateway, 'x'.repeat(100000));
		assert.equal(status, 200, 'there is room for what others send');
	}
});
