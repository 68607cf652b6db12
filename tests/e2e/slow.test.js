'use strict';
/*
 * slow.test.js: who is slow is not gone: what proves life are bytes, not whole
 * messages, requests and answers.  But it must not be for ever, and who is cut
 * off is told why.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, it, before, after } = require('node:test');

const { Culvert } = require('./lib/gateway');
const { BoshClient, body } = require('./lib/bosh');
const { RawConnection } = require('./lib/http');
const { WsClient } = require('./lib/websocket');
const { Server } = require('./lib/server');
const { explain } = require('./lib/stage');
const { pause, poll, within } = require('./lib/wait');
const { NS } = require('./lib/xml');

const PATIENCE = 1; // seconds: of all that is about silence
const LONG_MS = 5000; // what takes much longer than that
const MANY = 80, LARGE = 100000;

let server, gateway, strict;

before(async () => {
	server = await Server.start();
	const patience = { websocket: { ping: PATIENCE, pong_timeout: PATIENCE }, bosh: { inactivity: PATIENCE } };
	gateway = await Culvert.start({ 'stand-in.test': server.port }, patience);
	strict = await Culvert.start({ 'stand-in.test': server.port }, {
		bosh: { inactivity: PATIENCE },
		limits: { upload_rate: 100000, download_rate: 10000000, header_timeout: 2 },
	});
});

after(async () => {
	await gateway.stop();
	await strict.stop();
	await server.stop();
});

/* A test whose error ends with what the daemon said. */
function slowly(name, which, play) {
	it(name, async () => {
		const own = which();
		try {
			await within(play(own), name, 60000);
		} catch (error) {
			throw explain(error, own);
		}
	});
}

async function loggedIn(Client, own) {
	const client = new Client(own, 'stand-in.test');
	await client.login();
	client.server = server.connections.find(({ jid }) => jid === client.jid);
	return client;
}

const message = (text) => `<message xmlns='jabber:client' from='stand-in.test'><body>${text}</body></message>`;

/* A request whose body comes in pieces; returns the connection when all was said, or it has been answered. */
async function upload(own, path, text, pieces, ms) {
	const raw = await RawConnection.open(own.port);
	raw.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: ${text.length}\r\n\r\n`);
	for (let i = 0; i < pieces && raw.text === ''; i++) {
		raw.write(text.slice(i * text.length / pieces, (i + 1) * text.length / pieces));
		await pause(ms / pieces);
	}
	return raw;
}

/* Reads what comes bit by bit: a few hundred kilobytes a second; until the function that it returns is called. */
function readSlowly(socket, ms) {
	const rest = () => {
		socket.pause();
		setTimeout(() => socket.resume(), ms);
	};
	socket.on('data', rest);
	return () => socket.off('data', rest);
}

describe('slow clients', { concurrency: true }, () => {
	slowly('websocket: a frame that takes long is a message', () => gateway, async (own) => {
		const client = await loggedIn(WsClient, own);
		const text = message('x'.repeat(20000));
		const head = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 255, 0, 0, 0, 0]);
		client.ws._socket.write(head);
		for (let i = 0; i < 25; i++) {
			client.ws._socket.write(text.slice(i * text.length / 25, (i + 1) * text.length / 25));
			await pause(LONG_MS / 25);
		}
		await client.message('x'.repeat(20000));
		await client.end();
	});

	slowly('websocket: stanzas now and then, and never a pong', () => gateway, async (own) => {
		const client = new WsClient(own, 'stand-in.test');
		const { connect } = client;
		client.connect = () => connect.call(client, { autoPong: false });
		await client.login();
		for (let i = 0; i < 4; i++) {
			await pause(PATIENCE * 1500);
			await client.tell(message(i));
			await client.message(`${i}`);
		}
		await client.end();
	});

	slowly('websocket: a backlog of megabytes is taken bit by bit', () => gateway, async (own) => {
		const client = await loggedIn(WsClient, own);
		const socket = client.ws._socket;
		readSlowly(socket, 100);
		for (let i = 0; i < MANY; i++)
			client.server.write(message(`${i} ${'x'.repeat(LARGE)}`));
		for (let i = 0; i < MANY; i++)
			await within(client.message(`${i} ${'x'.repeat(LARGE)}`), 'the next of the backlog', 20000);
		await client.end();
	});

	slowly('bosh: a request on its way is no inactivity', () => gateway, async (own) => {
		const client = await loggedIn(BoshClient, own);
		const raw = await upload(own, own.boshPath, body({ rid: client.rid++, sid: client.sid }, message('y'.repeat(20000))), 20, LONG_MS);
		await poll(() => raw.text.includes('y'.repeat(20000)), 'the echo');
		await raw.end();
		await client.end();
	});

	slowly('bosh: a large answer on its way is no inactivity', () => gateway, async (own) => {
		const client = await loggedIn(BoshClient, own);
		await client.server.put(message('z'.repeat(1000000)));
		await pause(100);
		const raw = await RawConnection.open(own.port);
		raw.socket.pause();
		const text = body({ rid: client.rid++, sid: client.sid });
		raw.write(`POST ${own.boshPath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
		await pause(LONG_MS);
		raw.socket.resume();
		await poll(() => raw.text.endsWith('</body>'), 'the answer');
		client.delivered = client.rid - 1;
		await client.tell(message('still here'));
		await client.message('still here');
		await raw.end();
		await client.end();
	});

	slowly('servers are looked after by the kernel', () => gateway, async (own) => {
		const client = await loggedIn(WsClient, own);
		const port = server.port.toString(16).toUpperCase().padStart(4, '0');
		/* local address, remote address, state, queues, timer: 02 is keep-alive */
		const line = new RegExp(`: 0100007F:[0-9A-F]{4} 0100007F:${port} 01 [0-9A-F:]+ 02:`);
		await poll(() => line.test(fs.readFileSync('/proc/net/tcp', 'latin1')), 'the timer');
		await client.end();
	});

	/* And those who are too slow. */

	slowly('bosh: a request that comes too slowly is answered with the reason', () => strict, async (own) => {
		const client = await loggedIn(BoshClient, own);
		const raw = await upload(own, own.boshPath, body({ rid: client.rid++, sid: client.sid }, message('y'.repeat(60000))), 600, 60000);
		assert.match(raw.text, /^HTTP\/1.1 200 OK\r\n[^]*condition='policy-violation'/);
		assert.match(raw.text, /Access-Control-Allow-Origin/i);
		await own.program.line(/session closed .*transport=bosh .*reason=SLOW_UPLOAD/, { mark: 0 });
		await raw.ended();
	});

	slowly('other requests that come too slowly are answered with 408', () => strict, async (own) => {
		const raw = await upload(own, '/', 'y'.repeat(60000), 600, 60000);
		assert.match(raw.text, /^HTTP\/1.1 408 Request Timeout\r\n[^]*too slowly/);
		await own.program.line(/status=408/, { mark: 0 });
		await raw.ended();
	});

	slowly('websocket: a message that comes too slowly ends with the reason', () => strict, async (own) => {
		const client = await loggedIn(WsClient, own);
		const socket = client.ws._socket;
		socket.write(Buffer.from([0x81, 0x80 | 126, 0xea, 0x60, 0, 0, 0, 0]));
		const timer = setInterval(() => socket.writable && socket.write('x'.repeat(100)), 100);
		assert.equal((await client.expect('error', NS.stream)).getElementsByTagName('policy-violation').length, 1);
		await client.closing;
		clearInterval(timer);
		await own.program.line(/session closed .*transport=websocket .*reason=SLOW_UPLOAD/, { mark: 0 });
	});

	slowly('websocket: who takes a backlog too slowly is told so at its end', () => strict, async (own) => {
		const client = await loggedIn(WsClient, own);
		const hurry = readSlowly(client.ws._socket, 200);
		/* More than the kernel takes for both sides. */
		for (let i = 0; i < 4 * MANY; i++)
			client.server.write(message(`${i} ${'x'.repeat(LARGE)}`));
		await own.program.line(/session closed .*transport=websocket .*reason=SLOW_DOWNLOAD/, { mark: 0, ms: 50000 });
		hurry();
		assert.equal((await client.closing).code, 1008);
	});
});
