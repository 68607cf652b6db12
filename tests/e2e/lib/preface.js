'use strict';
/*
 * preface.js: what a proxy in TCP mode does: passes bytes on, behind a PROXY
 * header ("The PROXY protocol", 2.1 and 2.2).  It stands where the gateway
 * stood.
 */

const { once } = require('node:events');
const net = require('node:net');
const { setImmediate: turn } = require('node:timers/promises');

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const LOCAL = 0x20;
const PROXY = 0x21;

/* Version 1: TCP4, TCP6, or a line of one's own. */
const line = (address) => Buffer.from(`PROXY ${net.isIPv6(address) ? 'TCP6' : 'TCP4'} ${address} ${address} 4711 443\r\n`);

/* Version 2. */
function binary(command, family, rest = Buffer.alloc(0)) {
	const head = Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]);
	return Buffer.concat([SIGNATURE, head, rest]);
}

/* The same of IPv4 addresses, with what may follow them. */
const binary4 = (address, tlvs = Buffer.alloc(0)) => {
	const bytes = address.split('.').map(Number);
	return binary(PROXY, 0x11, Buffer.concat([Buffer.from([...bytes, ...bytes, 4711 >> 8, 4711 & 0xff, 0, 80]), tlvs]));
};

class Preface {
	boshPath = '/http-bind';
	websocketPath = '/xmpp-websocket';

	get websocketUrl() {
		return `ws://127.0.0.1:${this.port}${this.websocketPath}`;
	}

	/* inPieces: the header comes byte by byte. */
	static async start(gateway, header, { inPieces = false } = {}) {
		const preface = new Preface();
		preface.program = gateway.program;
		preface.sockets = new Set();
		preface.server = net.createServer((client) => preface.#accept(client, gateway.port, header, inPieces));
		preface.server.listen(0, '127.0.0.1');
		await once(preface.server, 'listening');
		preface.port = preface.server.address().port;
		return preface;
	}

	async #accept(client, port, header, inPieces) {
		const onward = net.connect({ port, host: '127.0.0.1', noDelay: true });
		for (const socket of [client, onward]) {
			this.sockets.add(socket);
			socket.on('error', () => {});
			socket.once('close', () => this.sockets.delete(socket));
		}
		client.once('close', () => onward.destroy());
		onward.once('close', () => client.destroy());
		if (inPieces) {
			for (const byte of header) {
				onward.write(Buffer.from([byte]));
				await turn();
			}
		} else {
			onward.write(header);
		}
		client.pipe(onward).pipe(client);
	}

	async stop() {
		this.server.close();
		for (const socket of this.sockets)
			socket.destroy();
	}

	tail() {
		return '--- PROXY header';
	}
}

module.exports = { LOCAL, PROXY, Preface, SIGNATURE, binary, binary4, line };
