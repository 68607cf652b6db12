'use strict';
/*
 * proxy.js: a reverse proxy that can be as unhelpful as those people have.
 *
 *	Proxy.start(port, {
 *		secure: { key, cert },	speaks TLS; PEM text
 *		upgrade: false,		loses what makes a request an upgrade
 *		patience: 1000,		milliseconds of silence, then it cuts:
 *		cut: 504,		with this status; without it, the connection is closed
 *		host: 'name',		what it says in Host, instead of what it was told
 *	})
 */

const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');

class Proxy {
	static async start(target, options = {}) {
		const proxy = new Proxy();
		Object.assign(proxy, { target, options, seen: [], sockets: new Set() });
		proxy.server = options.secure ? https.createServer(options.secure) : http.createServer();
		proxy.server.on('request', (request, response) => proxy.#request(request, response));
		proxy.server.on('connection', (socket) => proxy.#keep(socket));
		if (options.upgrade !== false) // without anybody who listens, node takes it for an ordinary request
			proxy.server.on('upgrade', (request, socket, head) => proxy.#upgrade(request, socket, head));
		proxy.server.listen(0, '127.0.0.1');
		await once(proxy.server, 'listening');
		proxy.port = proxy.server.address().port;
		return proxy;
	}

	#keep(socket) {
		this.sockets.add(socket);
		socket.on('error', () => {});
		socket.once('close', () => this.sockets.delete(socket));
	}

	#headers(request) {
		const headers = { ...request.headers };
		if (this.options.host)
			headers.host = this.options.host;
		return headers;
	}

	#request(request, response) {
		const headers = this.#headers(request);
		for (const name of ['connection', 'upgrade', 'keep-alive'])
			delete headers[name];
		const { patience, cut } = this.options;
		const onward = http.request({ host: '127.0.0.1', port: this.target, method: request.method, path: request.url, headers });
		const giveUp = (status, text) => {
			onward.destroy();
			if (!status)
				response.destroy();
			else if (!response.headersSent)
				response.writeHead(status, { 'Content-Type': 'text/html' }).end(text);
		};
		const timer = patience && setTimeout(() => giveUp(cut, '<h1>Gateway Timeout</h1>'), patience);
		this.seen.push(`${request.method} ${request.url}`);
		response.once('close', () => {
			clearTimeout(timer);
			onward.destroy();
		});
		onward.on('error', () => giveUp(502, '<h1>Bad Gateway</h1>'));
		onward.on('response', (answer) => {
			clearTimeout(timer);
			response.writeHead(answer.statusCode, answer.headers);
			answer.pipe(response);
		});
		request.pipe(onward);
	}

	#upgrade(request, socket, head) {
		const onward = net.connect(this.target, '127.0.0.1');
		const lines = Object.entries(this.#headers(request)).map(([name, value]) => `${name}: ${value}\r\n`).join('');
		this.#keep(onward);
		this.seen.push(`upgrade ${request.url}`);
		onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines}\r\n`);
		onward.write(head);
		socket.pipe(onward).pipe(socket);
		socket.once('close', () => onward.destroy());
		onward.once('close', () => socket.destroy());
		if (this.options.patience)
			onward.setTimeout(this.options.patience, () => socket.destroy());
	}

	async stop() {
		this.server.close();
		for (const socket of this.sockets)
			socket.destroy();
	}

	tail() {
		return ['--- proxy', ...this.seen.slice(-10)].join('\n');
	}
}

module.exports = { Proxy };
