'use strict';
/*
 * unix.test.js: a listener on a unix socket serves what one on a port does.
 * The kernel does less for such sockets: nobody counts their bytes, and it
 * cannot be asked to keep still until more than so many have come.
 */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { after, before } = require('node:test');

const WebSocket = require('ws');

const { body } = require('./lib/bosh');
const { PING, TEXT, frame } = require('./lib/frames');
const { Culvert, DIRECT } = require('./lib/gateway');
const { RawConnection, upgradeHeaders } = require('./lib/http');
const { removeDirectory, temporaryDirectory } = require('./lib/program');
const { culvert: test } = require('./lib/stage');
const { pause, poll, within } = require('./lib/wait');
const { NS } = require('./lib/xml');

let directory, unix, gateway;

before(async () => {
	if (DIRECT)
		return;
	directory = temporaryDirectory('unix');
	unix = path.join(directory, 'web.sock');
	gateway = await Culvert.start({ 'example.test': 9 }, { listen: [{ address: '127.0.0.1', port: 0 }, { unix }], websocket: { ping: 1, pong_timeout: 2 } });
});

after(async () => {
	if (gateway)
		await gateway.stop();
	if (directory)
		removeDirectory(directory);
});

const unknown = body({ rid: 5, sid: 'no-such-session' });
const postText = `POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: ${unknown.length}\r\n\r\n${unknown}`;
const upgradeText = `GET /xmpp-websocket HTTP/1.1\r\nHost: localhost\r\n` +
	`${Object.entries(upgradeHeaders()).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
const OPEN = `<open xmlns='${NS.framing}' to='elsewhere.test' version='1.0'/>`;
const UPGRADED = /^HTTP\/1\.1 101 [^]*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n[^]*\r\n\r\n/i;

/* Processor time of the daemon, as a part of the time that passed meanwhile. */
async function load(ms) {
	const ticks = () => readFileSync(`/proc/${gateway.program.pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')
		.slice(11, 13).reduce((sum, n) => sum + Number(n), 0);
	const [from, start] = [Date.now(), ticks()];
	await pause(ms);
	return (ticks() - start) * 10 / (Date.now() - from);
}

for (const where of ['a unix socket', 'a port']) {
	const open = () => RawConnection.open(where === 'a port' ? gateway.port : unix);

	test(`${where}: half a head costs no CPU, however it came`, async () => {
		const raws = [];
		for (const pieces of [[''], ['P'], ['GET /xmpp-websocket HTTP/1.1\r\nHost: loc'], ['GET /xmpp', '-websocket HTTP/1.1\r\n', 'Host: x\r\nCookie: '],
			['GET /xmpp-websocket HTTP/1.1\r\nX: ', 'x'.repeat(5000), 'x'.repeat(5000)], ['\r', '\n']]) {
			const raw = await open();
			raws.push(raw);
			for (const piece of pieces) {
				raw.write(piece);
				await pause(5);
			}
		}
		const waiting = await load(1000);
		raws.forEach((raw) => raw.socket.end()); // and then they leave in the middle of it
		const leaving = await load(500);
		raws.forEach((raw) => raw.socket.destroy());
		assert.ok(waiting < 0.1, `${Math.round(waiting * 100)} % of a core`);
		assert.ok(leaving < 0.1, `${Math.round(leaving * 100)} % of a core when they leave`);
		await Promise.all(raws.map((raw) => raw.ended(5000)));
	});

	test(`${where}: a refused client that goes on sending is read to its end`, async () => {
		const raw = await open();
		raw.write(upgradeText.replace('xmpp\r\n\r\n', 'chat\r\n\r\n'));
		for (let i = 0; i < 20; i++)
			raw.write('x'.repeat(100000));
		await poll(() => /^HTTP\/1\.1 400 /.test(raw.text), 'the answer');
		await poll(() => raw.socket.writableLength === 0, 'all to be taken');
		const waiting = await load(500);
		raw.socket.end();
		assert.ok(waiting < 0.1, `${Math.round(waiting * 100)} % of a core`);
		await raw.ended(5000);
	});

	for (const [what, text, expected] of [['an upgrade', upgradeText, UPGRADED], ['a BOSH request', postText, /item-not-found/]]) {
		test(`${where}: ${what} in pieces`, async () => {
			for (const size of [1, 7, 50]) {
				const raw = await open();
				for (let at = 0; at < text.length; at += size) {
					raw.write(text.slice(at, at + size));
					if (at % 5 === 0)
						await pause(1);
				}
				await poll(() => expected.test(raw.text), `the answer; here is: ${raw.text}`);
				await raw.end();
			}
		});
	}

	test(`${where}: frames that come with an upgrade are read`, async () => {
		for (const pieces of [[upgradeText + frame(TEXT, OPEN).toString('latin1')], [upgradeText.slice(0, 50), upgradeText.slice(50) + frame(TEXT, OPEN).toString('latin1')]]) {
			const raw = await open();
			for (const piece of pieces) {
				raw.write(Buffer.from(piece, 'latin1'));
				await pause(20);
			}
			await poll(() => UPGRADED.test(raw.text) && /host-unknown/.test(raw.text), `an answer to them; here is: ${raw.text}`);
			await raw.end();
		}
	});

	test(`${where}: the log says by which listener a client came`, async () => {
		const listener = (where === 'a port' ? `127.0.0.1:${gateway.port}` : unix).replaceAll('.', '\\.');
		const client = where === 'a port' ? '127\\.0\\.0\\.1:\\d+' : 'unix';
		for (const text of [upgradeText.replace(': 13', ': 8'), postText + upgradeText.replace(': 13', ': 8')]) {
			const [{ mark }, raw] = [gateway.program, await open()];
			raw.write(text);
			await poll(() => /HTTP\/1\.1 426 /.test(raw.text), 'the refusal');
			await raw.end();
			await gateway.program.line(new RegExp(`upgrade refused client=${client} listener=${listener} status=426 `), { mark });
		}
	});

	test(`${where}: a client in the middle of a frame is not silent`, { ms: 30000 }, async () => {
		const raw = await open();
		raw.write(upgradeText);
		await poll(() => UPGRADED.test(raw.text), 'the upgrade');
		/* A byte at a time, for longer than a silent one is waited for. */
		for (const byte of frame(PING, 'x'.repeat(60))) {
			raw.write(Buffer.of(byte));
			await pause(100);
		}
		await poll(() => /x{60}/.test(raw.text), 'the pong');
		await raw.end();
	});

	test(`${where}: a client that goes silent in the middle of a frame is cut off`, { ms: 30000 }, async () => {
		const raw = await open();
		raw.write(upgradeText);
		await poll(() => UPGRADED.test(raw.text), 'the upgrade');
		raw.write(frame(TEXT, OPEN).subarray(0, 20));
		await raw.ended(15000);
	});

	test(`${where}: a late upgrade`, async () => {
		const raw = await open();
		raw.write(postText);
		await poll(() => /item-not-found/.test(raw.text), 'the first answer');
		raw.text = '';
		raw.write(upgradeText);
		await poll(() => UPGRADED.test(raw.text), `the upgrade; here is: ${raw.text}`);
		raw.write(frame(TEXT, OPEN));
		await poll(() => /host-unknown/.test(raw.text), 'an answer to a frame');
		await raw.end();
	});

	test(`${where}: bytes of a frame that came with a late upgrade are not lost without a word`, async () => {
		const whole = frame(TEXT, OPEN);
		for (const n of [...Array.from({ length: 10 }, (_, i) => i + 1), whole.length]) {
			for (const at of [0, 50]) { // at once, or behind a piece
				const raw = await open();
				raw.write(postText);
				await poll(() => /item-not-found/.test(raw.text), 'the first answer');
				raw.text = '';
				if (at > 0) {
					raw.write(upgradeText.slice(0, at));
					await pause(20);
				}
				raw.write(Buffer.concat([Buffer.from(upgradeText.slice(at)), whole.subarray(0, n)]));
				await raw.ended(5000);
				assert.match(raw.text, /^HTTP\/1\.1 400 [^]*Wait for the answer to an upgrade/, `${n} bytes`);
				await raw.end();
			}
		}
	});
}

test('a WebSocket client on a unix socket', async () => {
	const ws = new WebSocket(`ws+unix://${unix}:/xmpp-websocket`, ['xmpp'], { createConnection: () => net.connect(unix), perMessageDeflate: false });
	await within(once(ws, 'open'), 'the WebSocket to open');
	ws.send(OPEN);
	const [message] = await within(once(ws, 'message'), 'a message');
	assert.match(message.toString(), /^<open /);
	ws.terminate();
});
