'use strict';
/*
 * user.js: a person with an account, by Strophe.js, with promises.  The
 * address decides the transport: http: is BOSH, ws: is WebSocket.
 */

const http = require('node:http');

if (!globalThis.crypto) // Node 18
	globalThis.crypto = require('node:crypto').webcrypto;
globalThis.XMLHttpRequest = class extends require('xhr2') {
	/* xhr2 leaves this out, and Strophe reads nothing else. */
	get responseXML() {
		return this.readyState === 4 && this.responseText ? new DOMParser().parseFromString(this.responseText, 'text/xml') : null;
	}
};
const { Strophe, $iq, $msg, $pres } = require('strophe.js');

const { Inbox, within } = require('./wait');
const { NS, children } = require('./xml');

const agent = new http.Agent({ keepAlive: true });
XMLHttpRequest.nodejsSet({ httpAgent: agent });
Strophe.setLogLevel(Strophe.LogLevel.FATAL);

const statusName = (status) => Object.keys(Strophe.Status).find((name) => Strophe.Status[name] === status);

class User {
	constructor(url, jid, password, options = {}) {
		this.bare = jid;
		this.password = password;
		this.inbox = new Inbox();
		this.statuses = new Inbox();
		this.trace = [];
		this.connection = new Strophe.Connection(url, { explicitResourceBinding: false, ...options });
		this.connection.rawInput = (text) => this.#note('<', text);
		this.connection.rawOutput = (text) => this.#note('>', text);
		for (const name of ['message', 'presence'])
			this.connection.addHandler((stanza) => { this.inbox.put(stanza); return true; }, null, name);
		this.connection.addHandler((iq) => this.#push(iq), NS.roster, 'iq', 'set');
	}

	#note(direction, text) {
		this.trace.push(`${direction} ${String(text).slice(0, 250).replace(/\s+/g, ' ')}`);
		this.trace = this.trace.slice(-12);
	}

	#push(iq) {
		this.inbox.put(iq);
		this.connection.send($iq({ type: 'result', id: iq.getAttribute('id') }));
		return true;
	}

	/* Connects; returns { name, condition } of the first status that decides: CONNECTED or what went wrong. */
	connect() {
		this.connection.connect(this.bare, this.password,
			(status, condition) => this.statuses.put({ name: statusName(status), condition }), 20, 1);
		return this.statuses.take(({ name }) => /^(CONNECTED|AUTHFAIL|CONNFAIL|ERROR|DISCONNECTED)$/.test(name),
			`${this.bare} to be connected`);
	}

	/* With keepalive: goes on with the session that another page left in sessionStorage. */
	async restore() {
		this.connection.restore(this.bare,
			(status, condition) => this.statuses.put({ name: statusName(status), condition }), 20, 1);
		await this.statuses.take(({ name }) => name === 'ATTACHED', `${this.bare} to be attached`);
		this.jid = this.connection.jid;
	}

	/* The page is left: its requests are aborted, nothing is said. */
	vanish() {
		this.connection.authenticated = false;
		this.connection._proto._abortAllRequests();
		clearTimeout(this.connection._idleTimeout);
	}

	async login() {
		const { name, condition } = await this.connect();
		if (name !== 'CONNECTED')
			throw new Error(`${this.bare} cannot log in: ${name} ${condition}`);
		this.jid = this.connection.jid;
	}

	/* Says so, and waits until the server has told everybody (it sends our own presence back). */
	async available() {
		this.connection.send($pres());
		await this.inbox.take((s) => s.nodeName === 'presence' && s.getAttribute('from') === this.jid, 'our own presence');
	}

	/* The same with servers that do not send it back (jabberd2): they have read it when they answer what came behind it. */
	appear() {
		this.connection.send($pres());
		return this.roster();
	}

	iq(iq) {
		return within(new Promise((resolve, reject) => this.connection.sendIQ(iq, resolve, reject)), 'the result of an iq');
	}

	/* The roster as { jid: subscription }. */
	async roster() {
		const result = await this.iq($iq({ type: 'get' }).c('query', { xmlns: NS.roster }));
		const [query] = children(result);
		return Object.fromEntries(children(query).map((item) => [item.getAttribute('jid'), item.getAttribute('subscription')]));
	}

	setRosterItem(jid, name) {
		return this.iq($iq({ type: 'set' }).c('query', { xmlns: NS.roster }).c('item', { jid, name }));
	}

	rosterPush() {
		return this.inbox.take((s) => s.nodeName === 'iq', 'a roster push');
	}

	say(to, text) {
		this.connection.send($msg({ to, type: 'chat' }).c('body').t(text));
	}

	/* The text of the next message from this address. */
	async hear(from) {
		const message = await this.inbox.take((s) => s.nodeName === 'message' && s.getAttribute('from') === from,
			`a message from ${from}`);
		return children(message).find((child) => child.nodeName === 'body').textContent;
	}

	/* Enters a room; then what it says is heard by its nick. */
	join(room, nick) {
		this.connection.send($pres({ to: `${room}/${nick}` }).c('x', { xmlns: NS.muc }));
		return this.presence(`${room}/${nick}`);
	}

	sayIn(room, text) {
		this.connection.send($msg({ to: room, type: 'groupchat' }).c('body').t(text));
	}

	hearIn(room, nick) {
		return this.hear(`${room}/${nick}`);
	}

	async hearAll(from, n) {
		const texts = [];
		while (texts.length < n)
			texts.push(await this.hear(from));
		return texts;
	}

	/*
	 * How many messages of this address nobody waited for.  What an earlier session heard just before it logged out may
	 * have come again (XEP-0198 in its name), from who was there then.
	 */
	unheard(from) {
		return this.inbox.things.filter((s) => s.nodeName === 'message' && s.getAttribute('from') === from).length;
	}

	/* Waits until the server says that this address is there (or, with type 'unavailable', gone). */
	presence(from, type = null) {
		return this.inbox.take((s) => s.nodeName === 'presence' && s.getAttribute('from') === from &&
			s.getAttribute('type') === type, `presence ${type || ''} of ${from}`);
	}

	async logout() {
		this.connection.disconnect();
		await this.statuses.take(({ name }) => name === 'DISCONNECTED', `${this.bare} to be disconnected`);
	}

	/* Leaves, properly if that is still possible; no timer of Strophe's runs on. */
	async end() {
		try {
			if (this.connection.authenticated)
				await this.logout();
		} finally {
			this.connection._proto._abortAllRequests();
			this.connection.reset();
			clearTimeout(this.connection._idleTimeout);
		}
	}

	tail() {
		return [`--- ${this.jid || this.bare} (Strophe)`, ...this.trace].join('\n');
	}
}

module.exports = { User };
