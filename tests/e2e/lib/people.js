'use strict';
/*
 * people.js: people with other clients than Strophe.js (lib/user.js).  All of
 * them do the same things, and leave when the stage is cleared:
 *
 *	jid			once logged in
 *	login()			logs in and is present
 *	say(to, text)		a chat message
 *	hear(from)		the text of the next one from this address
 *	join(room, nick)	enters a room
 *	sayIn(room, text)
 *	hearIn(room, nick)	the text of the next one that nick said there
 *	logout()
 */

if (!globalThis.crypto) // Node 18
	globalThis.crypto = require('node:crypto').webcrypto;
const xmppJs = require('@xmpp/client');
const stanza = require('stanza');
const stanzaIo = require('stanza.io');

const { Program, removeDirectory, temporaryDirectory } = require('./program');
const { DOMAIN, passwordOf } = require('./prosody');
const { Inbox, within } = require('./wait');

class Person {
	constructor(gateway, transport, name) {
		this.url = transport === 'bosh' ? gateway.boshUrl : gateway.websocketUrl;
		this.name = name;
		this.bare = `${name}@${DOMAIN}`;
		this.password = passwordOf(name);
		this.inbox = new Inbox(); // of { type, from, text }
		this.trace = [];
	}

	/* The text of the next message of this type. */
	async take(type, from) {
		const message = await this.inbox.take((m) => m.type === type && m.from === from, `${type} message from ${from}`);
		return message.text;
	}

	note(line) {
		this.trace.push(String(line).slice(0, 250).replace(/\s+/g, ' '));
		this.trace = this.trace.slice(-12);
	}

	hear(from) {
		return this.take('chat', from);
	}

	hearIn(room, nick) {
		return this.take('groupchat', `${room}/${nick}`);
	}

	async end() {
		if (this.jid)
			await this.logout();
	}

	tail() {
		return [`--- ${this.jid || this.bare} (${this.constructor.name})`, ...this.trace].join('\n');
	}
}

/* stanza: BOSH by fetch(), WebSocket by ws; enables stream management of its own. */
class StanzaPerson extends Person {
	constructor(gateway, transport, name) {
		super(gateway, transport, name);
		this.client = stanza.createClient({
			jid: this.bare,
			password: this.password,
			transports: { bosh: false, websocket: false, [transport]: this.url },
		});
		this.client.on('raw:*', (direction, text) => this.note(`${direction.slice(4)} ${text}`));
		this.client.on('message', ({ type, from, body }) => this.inbox.put({ type, from, text: body }));
	}

	async login() {
		const started = new Promise((resolve, reject) => {
			this.client.once('session:started', resolve);
			this.client.once('auth:failed', () => reject(new Error(`${this.bare} cannot log in`)));
		});
		this.client.connect();
		this.client.transport.on('error', (error) => this.note(error)); // such as answers that come after its own end
		await within(started, `${this.bare} to be logged in`);
		this.jid = this.client.jid;
		await this.client.getRoster();
		const present = new Promise((resolve) =>
			this.client.on('presence', ({ from }) => { if (from === this.jid) resolve(); }));
		this.client.sendPresence();
		await within(present, 'our own presence');
	}

	say(to, body) {
		this.client.sendMessage({ to, type: 'chat', body });
	}

	join(room, nick) {
		return within(this.client.joinRoom(room, nick), `${nick} to enter ${room}`);
	}

	sayIn(room, body) {
		this.client.sendMessage({ to: room, type: 'groupchat', body });
	}

	/* Not until it says "disconnected": by BOSH it never does when an <r/> of its own was still to be sent. */
	async logout() {
		const gone = new Promise((resolve) => this.client.once('stream:end', resolve));
		this.client.disconnect();
		this.jid = null;
		await within(gone, `${this.bare} to be disconnected`);
	}
}

/* stanza.io, the same under an older name: by BOSH it has as many requests open as it may. */
class StanzaIoPerson extends Person {
	constructor(gateway, transport, name) {
		super(gateway, transport, name);
		this.client = stanzaIo.createClient({
			jid: this.bare, password: this.password, transport, boshURL: this.url, wsURL: this.url, useStreamManagement: false,
		});
		this.client.on('raw:outgoing', (text) => this.note(`outgoing ${text}`));
		this.client.on('raw:incoming', (text) => this.note(`incoming ${text}`));
		this.client.on('message', ({ type, from, body }) => this.inbox.put({ type, from: from.full, text: body }));
	}

	async login() {
		await within(new Promise((resolve, reject) => {
			this.client.once('session:started', resolve);
			this.client.once('auth:failed', () => reject(new Error(`${this.bare} cannot log in`)));
			this.client.connect();
		}), `${this.bare} to be logged in`);
		this.jid = this.client.jid.full;
		await this.client.getRoster();
		this.client.sendPresence();
	}

	say(to, body) {
		this.client.sendMessage({ to, type: 'chat', body });
	}

	async logout() {
		const gone = new Promise((resolve) => this.client.once('disconnected', resolve));
		this.client.disconnect();
		this.jid = null;
		await within(gone, `${this.bare} to be disconnected`);
	}
}

/* @xmpp/client: WebSocket only; enables stream management of its own. */
class XmppJsPerson extends Person {
	constructor(gateway, transport, name) {
		super(gateway, transport, name);
		this.client = xmppJs.client({ service: this.url, domain: DOMAIN, username: name, password: this.password });
		this.client.reconnect.stop();
		this.client.on('error', (error) => this.note(error));
		this.client.on('input', (text) => this.note(`< ${text}`));
		this.client.on('output', (text) => this.note(`> ${text}`));
		this.client.on('stanza', (element) => {
			if (element.is('message') && element.getChild('body'))
				this.inbox.put({ type: element.attrs.type, from: element.attrs.from, text: element.getChildText('body') });
		});
	}

	/* Sends a presence and waits until it comes back from the address that it makes ours. */
	async #appear(presence, from) {
		const present = new Promise((resolve) =>
			this.client.on('stanza', ({ name, attrs }) => { if (name === 'presence' && attrs.from === from) resolve(); }));
		await this.client.send(presence);
		await within(present, `our presence as ${from}`);
	}

	async login() {
		const started = this.client.start().catch((error) => { throw new Error(`${this.bare} cannot log in: ${error}`); });
		this.jid = String(await within(started, `${this.bare} to be logged in`));
		await this.#appear(xmppJs.xml('presence'), this.jid);
	}

	#message(to, type, text) {
		return this.client.send(xmppJs.xml('message', { to, type }, xmppJs.xml('body', {}, text)));
	}

	say(to, text) {
		return this.#message(to, 'chat', text);
	}

	join(room, nick) {
		const muc = xmppJs.xml('x', { xmlns: 'http://jabber.org/protocol/muc' });
		return this.#appear(xmppJs.xml('presence', { to: `${room}/${nick}` }, muc), `${room}/${nick}`);
	}

	sayIn(room, text) {
		return this.#message(room, 'groupchat', text);
	}

	async logout() {
		this.jid = null;
		await within(this.client.stop(), `${this.bare} to be disconnected`);
	}
}

/* libpurple, by ../purple.c: BOSH only, and no rooms. */
class PurplePerson extends Person {
	/* command: the program made of ../purple.c */
	constructor(gateway, transport, name, command) {
		super(gateway, transport, name);
		this.directory = temporaryDirectory('purple');
		this.program = new Program('purple', command, [this.directory, this.url, `${this.bare}/purple`, this.password],
			{ stdio: ['pipe', 'pipe', 'pipe'] });
		this.program.watchers.add({
			line: (line) => this.#line(line),
			end: (status) => this.inbox.end(`the program ended: ${JSON.stringify(status)}`),
		});
	}

	#line(line) {
		const [, from, text] = /^heard (\S+) (.*)/.exec(line) || [];
		if (from)
			this.inbox.put({ type: 'chat', from, text });
	}

	async login() {
		const [, reason] = await this.program.line(/^online$|^failed (.*)/, { ms: 20000 });
		if (reason)
			throw new Error(`${this.bare} cannot log in: ${reason}`);
		this.jid = `${this.bare}/purple`;
	}

	say(to, text) {
		this.program.child.stdin.write(`say ${to} ${text}\n`);
	}

	/* The program ends; its own word on how that went. */
	async logout() {
		this.jid = null;
		this.program.child.stdin.write('leave\n');
		const { code } = await within(this.program.ended, 'purple to end');
		if (code !== 0)
			throw new Error(`purple ended with status ${code}`);
	}

	async end() {
		try {
			await super.end();
		} finally {
			this.program.kill('SIGKILL');
			removeDirectory(this.directory);
		}
	}

	tail() {
		return this.program.tail();
	}
}

module.exports = { PurplePerson, StanzaIoPerson, StanzaPerson, XmppJsPerson };
