'use strict';
/*
 * http.js: HTTP requests one at a time, each on a connection of its own unless
 * an agent is given, and raw bytes where HTTP is not the point.
 */

const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');

const { within } = require('./wait');

/* Returns { status, headers, text }; 101 when the server switched protocols.  tls: options of node:tls, for https. */
function request(port, method, path, { headers = {}, body, agent = false, tls } = {}) {
	const answered = new Promise((resolve, reject) => {
		const req = (tls ? https : http).request({ host: '127.0.0.1', port, method, path, headers, agent, ...tls });
		req.on('error', reject);
		req.on('upgrade', (res, socket) => {
			socket.destroy();
			resolve({ status: res.statusCode, headers: res.headers, text: '' });
		});
		req.on('response', (res) => {
			const chunks = [];
			res.on('data', (chunk) => chunks.push(chunk));
			res.on('error', reject);
			res.on('end', () => resolve({
				status: res.statusCode,
				headers: res.headers,
				text: Buffer.concat(chunks).toString('utf8'),
			}));
		});
		req.end(body);
	});
	return within(answered, `the answer to ${method} ${path}`);
}

/* The request head of a proper WebSocket upgrade; null takes a header away. */
function upgradeHeaders(changes = {}) {
	const headers = {
		'Connection': 'Upgrade',
		'Upgrade': 'websocket',
		'Sec-WebSocket-Version': '13',
		'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
		'Sec-WebSocket-Protocol': 'xmpp',
		...changes,
	};
	for (const name of Object.keys(headers)) {
		if (headers[name] === null)
			delete headers[name];
	}
	return headers;
}

/* A bare connection: everything received is in text (latin1), closed settles when the other side has closed. */
class RawConnection {
	/* On a port, or where the path of a unix socket leads. */
	static async open(port) {
		const raw = new RawConnection();
		raw.socket = typeof port === 'string' ? net.connect(port) : net.connect(port, '127.0.0.1');
		raw.text = '';
		raw.socket.on('data', (chunk) => { raw.text += chunk.toString('latin1'); });
		raw.socket.on('error', () => {});
		raw.closed = new Promise((resolve) => {
			raw.socket.once('end', resolve);
			raw.socket.once('close', resolve);
		});
		await once(raw.socket, 'connect');
		return raw;
	}

	write(bytes) {
		if (this.socket.writable)
			this.socket.write(bytes);
	}

	/* Waits for the other side to close; returns after how many milliseconds it did. */
	async ended(ms) {
		const from = Date.now();
		await within(this.closed, 'the connection to be closed', ms);
		return Date.now() - from;
	}

	async end() {
		this.socket.destroy();
	}
}

module.exports = { RawConnection, request, upgradeHeaders };
