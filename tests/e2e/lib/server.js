'use strict';
/*
 * server.js: a stand-in for an XMPP server.  It speaks just enough for a guest
 * to log in, sends every stanza after that back as it came, and does whatever
 * else a test wants: flood, not read, be silent, send junk.
 *
 *	Server.start({
 *		port: 5222,			unless the system may pick one
 *		secure: { key, cert },		offer STARTTLS; PEM text, or { secureContext }
 *		direct: { key, cert },		TLS from the first byte
 *		features: (connection) => ...	text inside <stream:features/>
 *		opened: (connection) => ...	instead of answering the client's stream header
 *		proceed: (connection) => ...	instead of answering <starttls/>
 *		stanza: (connection, text) => ...	instead of sending it back
 *	})
 *
 * It trusts what it reads: '>' must not stand in attributes or text.
 */

const { once } = require('node:events');
const net = require('node:net');
const tls = require('node:tls');

const { within } = require('./wait');
const { NS } = require('./xml');

class Connection {
	constructor(server, socket) {
		this.server = server;
		this.isLoggedIn = false;
		this.#listen(socket);
	}

	#listen(socket) {
		this.socket = socket;
		this.text = '';
		this.depth = 0;
		this.from = this.at = 0;
		socket.on('error', () => {});
		socket.setEncoding('utf8');
		socket.on('data', (text) => this.#feed(text));
		this.closed = new Promise((resolve) => socket.once('close', resolve));
	}

	/* Cuts the stream into its header and the elements in it. */
	#feed(text) {
		const { socket } = this;
		this.text = this.text.slice(this.from) + text;
		this.at -= this.from;
		this.from = 0;
		for (let end; (end = this.text.indexOf('>', this.at)) >= 0 && socket === this.socket;) {
			const begin = this.text.lastIndexOf('<', end);
			this.at = end + 1;
			if (this.text[begin + 1] === '?')
				this.from = this.at;
			else if (this.text.startsWith('<stream:stream', begin))
				this.#header();
			else if (this.text[begin + 1] === '/')
				this.#close();
			else if (this.text[end - 1] === '/')
				this.depth || this.#element();
			else
				this.depth++;
		}
	}

	#close() {
		if (this.depth === 0)
			this.socket.end('</stream:stream>');
		else if (--this.depth === 0)
			this.#element();
	}

	#header() {
		this.from = this.at;
		if (this.server.options.opened)
			this.server.options.opened(this);
		else
			this.open();
	}

	/* Answers the client's stream header. */
	open() {
		const { secure, features } = this.server.options;
		let offer = `<bind xmlns='${NS.bind}'/>`;
		if (!this.isLoggedIn)
			offer = `<mechanisms xmlns='${NS.sasl}'><mechanism>ANONYMOUS</mechanism></mechanisms>`;
		if (secure && !this.isSecure)
			offer += `<starttls xmlns='${NS.tls}'/>`;
		this.write(`<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}' id='1' ` +
			`from='stand-in.test' version='1.0'><stream:features>${features ? features(this) : offer}</stream:features>`);
	}

	#element() {
		const text = this.text.slice(this.from, this.at);
		this.from = this.at;
		if (text.startsWith('<starttls')) {
			(this.server.options.proceed || ((connection) => connection.proceed()))(this);
		} else if (text.startsWith('<auth')) {
			this.isLoggedIn = true;
			this.write(`<success xmlns='${NS.sasl}'/>`);
		} else if (text.startsWith('<iq') && text.includes(NS.bind)) {
			const [, id] = /\bid=['"](.*?)['"]/.exec(text);
			this.jid = `guest@stand-in.test/${this.server.connections.indexOf(this) + 1}`;
			this.write(`<iq type='result' id='${id}'><bind xmlns='${NS.bind}'><jid>${this.jid}</jid></bind></iq>`);
		} else if (this.server.options.stanza) {
			this.server.options.stanza(this, text);
		} else {
			this.write(text);
		}
	}

	/* Answers <starttls/>; what is in `first` goes before the handshake in the same segment. */
	proceed(first = '') {
		const { secure } = this.server.options;
		const { socket } = this;
		socket.write(`<proceed xmlns='${NS.tls}'/>${first}`);
		socket.removeAllListeners('data');
		this.isSecure = true;
		this.#listen(new tls.TLSSocket(socket, { isServer: true, ...secure }));
	}

	write(text) {
		return this.socket.writable && this.socket.write(text);
	}

	/* Writes a text and waits until the system has taken it. */
	put(text) {
		return new Promise((resolve, reject) => this.socket.write(text, (error) => error ? reject(error) : resolve()));
	}
}

class Server {
	static async start(options = {}) {
		const server = new Server();
		server.options = options;
		server.connections = [];
		const serve = (socket) => {
			socket.setNoDelay(true);
			server.connections.push(new Connection(server, socket));
		};
		server.server = options.direct ? tls.createServer(options.direct, serve) : net.createServer(serve);
		server.server.on('tlsClientError', () => {});
		server.server.listen(options.port || 0, '127.0.0.1');
		await once(server.server, 'listening');
		server.port = server.server.address().port;
		return server;
	}

	/* The connection that was made last. */
	get last() {
		return this.connections[this.connections.length - 1];
	}

	async stop() {
		for (const { socket } of this.connections)
			socket.destroy();
		this.server.close();
		await within(once(this.server, 'close'), 'the stand-in server to close');
	}

	tail() {
		return `--- stand-in server: ${this.connections.length} connections`;
	}
}

module.exports = { Server };
