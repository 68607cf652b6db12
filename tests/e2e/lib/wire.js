'use strict';
/*
 * wire.js: a piece of TCP wire between a gateway and a server that a test can
 * spoil.  Whatever passes is kept in up.seen (towards the server) and
 * down.seen (towards the client).  Each direction can
 *
 *	pieces(n)	pass at most n bytes in one segment
 *	hold()		keep everything back, until
 *	release()	passes all of it in one write
 *	spoil()		turn over one bit of what comes next
 *
 * and the whole wire can cut(): every connection is reset at both ends.
 */

const { once } = require('node:events');
const net = require('node:net');
const { setImmediate: turn } = require('node:timers/promises');

const { within } = require('./wait');

class Direction {
	constructor() {
		this.size = Infinity;
		this.held = null;
		this.seen = '';
		this.watchers = new Set();
	}

	pieces(n) {
		this.size = n;
	}

	hold() {
		this.held = [];
	}

	release() {
		const held = this.held;
		this.held = null;
		for (const [flow, chunks] of group(held))
			flow.push(Buffer.concat(chunks));
	}

	spoil() {
		this.isSpoiling = true;
	}

	/* Waits until everything seen so far satisfies test(text), text being bytes as latin1. */
	until(test, what) {
		if (test(this.seen))
			return Promise.resolve();
		let watcher;
		const seen = new Promise((resolve) => {
			watcher = () => { if (test(this.seen)) resolve(); };
		});
		this.watchers.add(watcher);
		return within(seen, what).finally(() => this.watchers.delete(watcher));
	}

	take(flow, chunk) {
		this.seen += chunk.toString('latin1');
		if (this.isSpoiling)
			chunk[chunk.length - 1] ^= 1;
		this.isSpoiling = false;
		if (this.held)
			this.held.push([flow, chunk]);
		else
			flow.push(chunk);
		this.watchers.forEach((watcher) => watcher());
	}
}

function group(pairs) {
	const chunks = new Map();
	for (const [flow, chunk] of pairs)
		chunks.set(flow, [...chunks.get(flow) || [], chunk]);
	return chunks;
}

/* One direction of one connection: what was taken leaves by the other socket, in order. */
class Flow {
	constructor(direction, from, to) {
		this.direction = direction;
		this.to = to;
		this.queue = Promise.resolve();
		from.on('data', (chunk) => direction.take(this, chunk));
		from.on('end', () => { this.queue = this.queue.then(() => to.end()); });
		from.on('error', () => to.destroy());
		from.on('close', () => { this.queue = this.queue.then(() => to.end()); });
	}

	push(chunk) {
		this.queue = this.queue.then(() => this.#write(chunk));
	}

	async #write(chunk) {
		const size = Math.min(this.direction.size, chunk.length);
		for (let at = 0; at < chunk.length && !this.to.destroyed; at += size) {
			if (!this.to.write(chunk.subarray(at, at + size)))
				await Promise.race([once(this.to, 'drain'), once(this.to, 'close')]).catch(() => {});
			if (size < chunk.length)
				await turn();
		}
	}
}

class Wire {
	/* A new wire to a port of the loopback address; clients use wire.port, any that is free unless one is wanted. */
	static async start(target, port = 0) {
		const wire = new Wire();
		wire.up = new Direction();
		wire.down = new Direction();
		wire.pairs = new Set();
		wire.server = net.createServer({ allowHalfOpen: true }, (client) => wire.#accept(client, target));
		wire.server.listen(port, '127.0.0.1');
		await once(wire.server, 'listening');
		wire.port = wire.server.address().port;
		return wire;
	}

	#accept(client, target) {
		const server = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
		const pair = [client, server];
		this.pairs.add(pair);
		pair.forEach((socket) => socket.setNoDelay(true));
		new Flow(this.up, client, server);
		new Flow(this.down, server, client);
		client.on('close', () => this.pairs.delete(pair));
	}

	/* Both ends see the connection reset. */
	cut() {
		for (const socket of [...this.pairs].flat())
			socket.resetAndDestroy();
		this.pairs.clear();
	}

	async stop() {
		this.cut();
		this.server.close();
	}

	tail() {
		const end = ({ seen }) => `${seen.length} bytes, ending in: ${JSON.stringify(seen.slice(-300))}`;
		return `--- wire\nup: ${end(this.up)}\ndown: ${end(this.down)}`;
	}
}

module.exports = { Wire };
