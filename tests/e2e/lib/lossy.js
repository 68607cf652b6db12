'use strict';
/*
 * lossy.js: a BOSH client whose connections break: before a request is sent
 * whole, after that and before the answer, in the middle of the answer.  It
 * does what XEP-0124 (14.3) asks of a client then: it sends the same bytes with
 * the same rid again, on another connection.  When and how connections break is
 * decided by a seed.
 *
 *	const client = new LossyClient(gateway, domain, { hold: 2, seed: 1 });
 *	await client.login();
 *	client.say(stanza) ...			puts stanzas on their way
 *	client.heard				what has come, as text, in order
 *	await client.until(() => client.heard.length === 1000, 'all messages');
 *
 * Connections are sound until login is done and lossy is set.
 */

const net = require('node:net');

const { body } = require('./bosh');
const { Random } = require('./random');
const { within } = require('./wait');
const { NS } = require('./xml');

const LOSSES = ['unsent', 'unanswered', 'unread'];
const MAX_STANZAS = 5; // in one request

class Broken extends Error {}

/* One HTTP connection; serves one request at a time. */
class Line {
	constructor(port) {
		this.socket = net.connect(port, '127.0.0.1');
		this.socket.setNoDelay(true);
		this.socket.setEncoding('utf8');
		this.text = '';
		this.isBroken = false;
		this.socket.on('data', (text) => { this.text += text; this.wake?.(); });
		this.socket.on('error', () => {});
		this.socket.on('close', () => this.break());
	}

	break() {
		this.isBroken = true;
		this.socket.destroy();
		this.wake?.();
	}

	/* Waits until as many bytes of an answer are here. */
	async #until(has) {
		while (!has()) {
			if (this.isBroken)
				throw new Broken();
			await new Promise((resolve) => { this.wake = resolve; });
		}
	}

	/* The body of the answer; answers are ASCII, so their length is that of the text. */
	async answer({ loss, after }) {
		const end = () => this.text.indexOf('\r\n\r\n');
		if (loss === 'unread') {
			await this.#until(() => this.text.length > 0);
			await this.#until(() => this.text.length > after || end() >= 0);
			this.break();
			throw new Broken();
		}
		await this.#until(() => end() >= 0);
		const head = this.text.slice(0, end());
		const length = Number(/^content-length: *(\d+)/im.exec(head)[1]);
		const from = end() + 4;
		await this.#until(() => this.text.length >= from + length);
		const text = this.text.slice(from, from + length);
		this.text = this.text.slice(from + length);
		if (!head.startsWith('HTTP/1.1 200 '))
			throw new Error(`unexpected answer: ${head}`);
		return text;
	}
}

class LossyClient {
	constructor(gateway, domain, { hold = 1, seed = 1 } = {}) {
		Object.assign(this, { gateway, domain, hold });
		this.random = new Random(seed);
		this.rid = this.first = 1 + this.random.below(1e9); // first: the oldest rid without an answer
		this.answers = new Map();
		this.idle = [];
		this.lines = new Set();
		this.unsaid = [];
		this.heard = [];
		this.lossy = false;
		this.losses = Object.fromEntries(LOSSES.map((loss) => [loss, 0]));
		this.watchers = new Set();
		this.open = 0;
	}

	say(stanza) {
		this.unsaid.push(stanza);
		this.#fill();
	}

	/* Waits until test() is true; it is asked after each answer. */
	until(test, what, ms = 25000) {
		const happened = new Promise((resolve, reject) => {
			const watcher = () => {
				if (this.failure)
					reject(this.failure);
				else if (test())
					resolve();
				else
					return;
				this.watchers.delete(watcher);
			};
			this.watchers.add(watcher);
			watcher();
		});
		return within(happened, what, ms);
	}

	/* As many requests as the session allows while there is something to say, otherwise as many as are held. */
	#fill() {
		while (this.sid && !this.isEnding && this.rid < this.first + this.requests &&
			(this.open < this.hold || (this.unsaid.length > 0 && this.open < this.requests)))
			this.#send({}, this.unsaid.splice(0, 1 + this.random.below(MAX_STANZAS)).join(''));
	}

	/* One rid, until its answer is here; answers count in the order of rids. */
	async #send(attrs, payload = '') {
		const rid = this.rid++;
		const text = body({ rid, ...this.sid && { sid: this.sid }, ...attrs }, payload);
		this.open++;
		try {
			let answer;
			do
				answer = await this.#try(text);
			while (answer === null && !this.isOver);
			if (answer !== null)
				this.answers.set(rid, answer);
		} catch (error) {
			this.failure = this.failure || error;
		}
		this.open--;
		while (this.answers.has(this.first))
			this.#take(this.answers.get(this.first++));
		this.#fill();
		this.watchers.forEach((watcher) => watcher());
	}

	#take(text) {
		this.answers.delete(this.first - 1);
		if (/^<body[^>]*\btype='terminate'/.test(text) && !this.isEnding)
			this.failure = this.failure || new Error(`the session ended: ${text}`);
		const from = text.indexOf('>') + 1, end = text.lastIndexOf('</body>');
		if (end > from)
			this.heard.push(...text.slice(from, end).match(/<(\w[^\s>]*).*?<\/\1>|<[^>]*\/>/gs));
		this.sid = this.sid || /\bsid='(.*?)'/.exec(text)[1];
		this.requests = this.requests || Number(/\brequests='(.*?)'/.exec(text)[1]);
	}

	/* What will become of the next connection. */
	#fate() {
		const loss = this.lossy && !this.random.oneIn(3) ? LOSSES[this.random.below(LOSSES.length)] : null;
		return { loss, after: this.random.below(400), delay: this.random.below(4) };
	}

	#line() {
		while (this.idle.length > 0) {
			const line = this.idle.pop();
			if (!line.isBroken)
				return line;
		}
		const line = new Line(this.gateway.port);
		this.lines.add(line);
		line.socket.on('close', () => this.lines.delete(line));
		return line;
	}

	/* Sends a request once.  Its answer, or null when the connection broke. */
	async #try(text) {
		const line = this.#line();
		const fate = this.#fate();
		const request = `POST ${this.gateway.boshPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n` +
			`Content-Length: ${text.length}\r\n\r\n${text}`;
		if (fate.loss)
			this.losses[fate.loss]++;
		if (fate.loss === 'unsent') {
			line.socket.write(request.slice(0, this.random.below(request.length)), () => line.break());
			await new Promise((resolve) => line.socket.once('close', resolve));
			return null;
		}
		line.socket.write(request);
		if (fate.loss === 'unanswered')
			setTimeout(() => line.break(), fate.delay);
		try {
			const answer = await line.answer(fate);
			if (fate.loss)
				throw new Broken();
			this.idle.push(line);
			/* 17.3: a copy of this request came later than we sent this one, and waits in its place. */
			return /^<body[^>]*\btype='error'/.test(answer) ? null : answer;
		} catch (error) {
			line.break();
			if (error instanceof Broken)
				return null;
			throw error;
		}
	}

	/* Waits for something that matches, takes it and what was before it. */
	async #hear(pattern) {
		await this.until(() => this.heard.some((text) => pattern.test(text)), String(pattern));
		const found = this.heard.find((text) => pattern.test(text));
		this.heard.splice(0, this.heard.indexOf(found) + 1);
		return found;
	}

	async login() {
		await this.#send({ 'to': this.domain, 'wait': 20, 'hold': this.hold, 'ver': '1.6', 'xmpp:version': '1.0', 'xmlns:xmpp': NS.xbosh });
		await this.#hear(/mechanisms/);
		this.say(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
		await this.#hear(/<success/);
		this.#send({ 'to': this.domain, 'xmpp:restart': 'true', 'xmlns:xmpp': NS.xbosh });
		await this.#hear(/<bind|urn:ietf:params:xml:ns:xmpp-bind/);
		this.say(`<iq xmlns='${NS.client}' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`);
		[, this.jid] = /<jid>(.*?)<\/jid>/.exec(await this.#hear(/<jid>/));
	}

	async end() {
		this.isEnding = true;
		this.lossy = false;
		setTimeout(() => { this.isOver = true; }, 1000).unref();
		const terminated = this.failure || !this.sid ? null : this.#send({ type: 'terminate' });
		await terminated;
		this.isOver = true;
		for (const line of this.lines)
			line.break();
	}

	tail() {
		return `--- lossy client: ${this.rid - this.first} requests open, ${this.heard.length} stanzas heard, ` +
			`${this.unsaid.length} unsaid, losses ${JSON.stringify(this.losses)}`;
	}
}

module.exports = { LossyClient };
