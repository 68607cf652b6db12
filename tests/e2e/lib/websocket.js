'use strict';
/*
 * websocket.js: a WebSocket client that does what a test says, no more.
 */

const { once } = require('node:events');

const WebSocket = require('ws');

const { Inbox, within } = require('./wait');
const { NS, escape, find, is, parse, streamError } = require('./xml');

class WsClient {
	constructor(gateway, domain) {
		this.gateway = gateway;
		this.domain = domain;
		this.inbox = new Inbox();
	}

	/* Opens the WebSocket; the XMPP stream is not opened yet.  options: protocols, and those of the module ws. */
	async connect({ protocols = ['xmpp'], ...options } = {}) {
		this.ws = new WebSocket(this.gateway.websocketUrl, protocols, { perMessageDeflate: false, ...this.gateway.tls, ...options });
		this.ws.on('error', (error) => this.inbox.end(String(error)));
		this.ws.on('message', (data, isBinary) => this.inbox.put({ text: data.toString('utf8'), isBinary }));
		this.closing = new Promise((resolve) => {
			this.ws.once('close', (code, reason) => {
				this.inbox.end(`WebSocket closed (${code})`);
				resolve({ code, reason: reason.toString() });
			});
		});
		await within(once(this.ws, 'open'), 'the WebSocket to open');
	}

	send(data, options) {
		this.ws.send(data, options);
	}

	openStream(attrs = '') {
		this.send(`<open xmlns='${NS.framing}' to='${escape(this.domain)}' version='1.0'${attrs}/>`);
	}

	/* The next message as an element. */
	async next(what = 'a message') {
		return parse((await this.inbox.take(undefined, what)).text);
	}

	async expect(name, ns) {
		const element = await this.next(`<${name}/>`);
		if (!is(element, name, ns))
			throw new Error(`expected <${name} xmlns='${ns}'/>, got ${element}`);
		return element;
	}

	/* The first message that matches; those before it stay. */
	async stanza(match, what) {
		let element;
		await this.inbox.take(({ text }) => match(element = parse(text)), what);
		return element;
	}

	/* Waits for the WebSocket to close; { code, reason }. */
	closed(ms) {
		return within(this.closing, 'the WebSocket to close', ms);
	}

	/*
	 * Waits for the stream to end in an error, as RFC 7395 has it: the error
	 * (after our <open/> was answered, if it was not yet), <close/>, the end of
	 * the WebSocket.  Returns { error, code }.
	 */
	async failure() {
		let element = await this.next('<open/> or <stream:error/>');
		if (is(element, 'open', NS.framing))
			element = await this.next('<stream:error/>');
		if (!is(element, 'error', NS.stream))
			throw new Error(`expected <stream:error/>, got ${element}`);
		await this.expect('close', NS.framing);
		const { code } = await this.closed();
		return { error: streamError(element), code };
	}

	async login() {
		await this.connect();
		await this.start();
		this.send(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
		await this.expect('success', NS.sasl);
		await this.start();
		this.send(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`);
		const result = await this.expect('iq', NS.client);
		this.jid = find(result, 'jid', NS.bind).textContent;
	}

	/* Opens or restarts the stream; returns { open, features }. */
	async start(attrs) {
		this.openStream(attrs);
		const open = await this.expect('open', NS.framing);
		const features = await this.expect('features', NS.stream);
		return { open, features };
	}

	/* Puts stanzas on their way, each in a message of its own. */
	async tell(...stanzas) {
		stanzas.forEach((stanza) => this.send(stanza));
	}

	/* Waits for a message with this body. */
	message(text) {
		return this.stanza((s) => s.localName === 'message' && s.textContent === text, `the message "${text}"`);
	}

	async end() {
		if (this.ws)
			this.ws.terminate();
	}
}

module.exports = { WsClient };
