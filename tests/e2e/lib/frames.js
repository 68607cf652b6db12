'use strict';
/*
 * frames.js: a WebSocket client that writes its own frames, wrong ones too,
 * and reads what comes frame by frame (RFC 6455, 5.2).
 */

const crypto = require('node:crypto');
const { once } = require('node:events');
const net = require('node:net');

const { upgradeHeaders } = require('./http');
const { Inbox, within } = require('./wait');

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/*
 * One frame.  options: fin, rsv (three bits), masked, wide: 16 or 64 for a
 * length in more bits than it needs, length: another one than the payload's.
 */
function frame(opcode, payload = '', { fin = true, rsv = 0, masked = true, wide = 0, length } = {}) {
	const bytes = Buffer.from(payload);
	const n = length ?? bytes.length;
	const head = [(fin ? 0x80 : 0) | rsv << 4 | opcode];
	const mask = masked ? 0x80 : 0;
	if (wide === 64 || n > 65535) {
		const long = Buffer.alloc(8);
		long.writeBigUInt64BE(BigInt(n));
		head.push(mask | 127, ...long);
	} else if (wide === 16 || n > 125) {
		head.push(mask | 126, n >> 8, n & 255);
	} else {
		head.push(mask | n);
	}
	if (!masked)
		return Buffer.concat([Buffer.from(head), bytes]);
	const key = crypto.randomBytes(4);
	return Buffer.concat([Buffer.from(head), key, bytes.map((byte, i) => byte ^ key[i % 4])]);
}

class FrameClient {
	/* Upgrades a connection of its own; rest follows the request head in the same segment. */
	static async open(gateway, { changes, rest = Buffer.alloc(0) } = {}) {
		const client = new FrameClient();
		client.inbox = new Inbox();
		client.bytes = Buffer.alloc(0);
		client.socket = net.connect(gateway.port, '127.0.0.1');
		client.socket.on('error', () => {});
		client.ended = new Promise((resolve) => client.socket.once('close', resolve));
		client.socket.on('close', () => client.inbox.end('the connection is closed'));
		await once(client.socket, 'connect');
		const headers = Object.entries(upgradeHeaders({ Host: 'localhost', ...changes }));
		const head = `GET ${gateway.websocketPath} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
		const answered = new Promise((resolve) => client.socket.on('data', (chunk) => client.#take(chunk, resolve)));
		client.socket.write(Buffer.concat([Buffer.from(head), rest]));
		client.head = await within(answered, 'the answer to the upgrade');
		return client;
	}

	#take(chunk, answered) {
		this.bytes = Buffer.concat([this.bytes, chunk]);
		if (!this.isOpen) {
			const end = this.bytes.indexOf('\r\n\r\n');
			if (end < 0)
				return;
			answered(this.bytes.subarray(0, end).toString('latin1'));
			this.bytes = this.bytes.subarray(end + 4);
			this.isOpen = true;
		}
		while (this.#frame())
			;
	}

	#frame() {
		const { bytes } = this;
		if (bytes.length < 2)
			return false;
		let [n, at] = [bytes[1] & 127, 2];
		const more = n === 126 ? 2 : n === 127 ? 8 : 0;
		if (bytes.length < at + more)
			return false;
		if (more)
			n = more === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
		at += more;
		if (bytes.length < at + n)
			return false;
		this.inbox.put({
			fin: (bytes[0] & 0x80) !== 0, rsv: bytes[0] >> 4 & 7, opcode: bytes[0] & 15, masked: (bytes[1] & 0x80) !== 0,
			payload: bytes.subarray(at, at + n),
		});
		this.bytes = bytes.subarray(at + n);
		return true;
	}

	write(...frames) {
		this.socket.write(Buffer.concat(frames));
	}

	text(string, options) {
		this.write(frame(TEXT, string, options));
	}

	/* The next frame with this opcode, as text. */
	async next(opcode, what = `a frame with opcode ${opcode}`) {
		return (await this.inbox.take((f) => f.opcode === opcode, what)).payload.toString();
	}

	/* The closing frame: { code, reason }. */
	async closing() {
		const { payload } = await this.inbox.take((f) => f.opcode === CLOSE, 'a closing frame');
		return { code: payload.length ? payload.readUInt16BE(0) : null, reason: payload.subarray(2).toString() };
	}

	async end() {
		this.socket.destroy();
	}
}

module.exports = { BINARY, CLOSE, FrameClient, PING, PONG, TEXT, frame };
