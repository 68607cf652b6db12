'use strict';
/*
 * bosh.js: a BOSH client that does what a test says, no more: bodies written
 * by hand, every request on a new connection.
 */

const crypto = require('node:crypto');

const { request } = require('./http');
const { Inbox } = require('./wait');
const { NS, children, escape, find, is, parse } = require('./xml');

const attributes = (attrs) => Object.entries(attrs).map(([name, value]) => ` ${name}='${escape(String(value))}'`).join('');

/* A <body/> as text. */
const body = (attrs, payload = '') =>
	`<body xmlns='${NS.body}'${attributes(attrs)}>${payload}</body>`;

/* POSTs text and reads the answer: { status, headers, text, body, condition, type }, body being null if it is no XML. */
async function post(gateway, text, { headers = {}, path = gateway.boshPath, agent } = {}) {
	const answer = await request(gateway.port, 'POST', path, {
		headers: { 'Content-Type': 'text/xml; charset=utf-8', ...headers },
		body: text,
		agent,
		tls: gateway.tls,
	});
	const isXml = /xml/.test(answer.headers['content-type'] || '');
	const root = isXml ? parse(answer.text) : null;
	return {
		...answer,
		body: root,
		type: root && root.getAttribute('type'),
		condition: root && root.getAttribute('condition'),
	};
}

class BoshClient {
	constructor(gateway, domain) {
		this.gateway = gateway;
		this.domain = domain;
		this.rid = crypto.randomInt(1, 2 ** 32);
		this.delivered = this.rid - 1;
		this.answers = new Map();
		this.inbox = new Inbox();
		this.agent = false;
		this.open = new Set();
	}

	/* The session's first request; attrs overrides. */
	async create(attrs = {}) {
		const answer = await this.send('', {
			'to': this.domain,
			'wait': 20,
			'hold': 1,
			'ver': '1.6',
			'xml:lang': 'en',
			'xmpp:version': '1.0',
			'xmlns:xmpp': NS.xbosh,
			...attrs,
		});
		this.sid = answer.body && answer.body.getAttribute('sid');
		return answer;
	}

	/* One request with the next rid; its stanzas also go to the inbox. */
	send(payload = '', attrs = {}) {
		const rid = this.rid++;
		return this.post(attrs.rid || rid, body({ rid, ...this.sid && { sid: this.sid }, ...attrs }, payload));
	}

	post(rid, text) {
		const answered = this.#post(rid, text);
		this.open.add(answered);
		answered.catch(() => {}).finally(() => this.open.delete(answered));
		return answered;
	}

	async #post(rid, text) {
		const answer = await post(this.gateway, text, { agent: this.agent });
		if (answer.type === 'terminate')
			this.delivered = rid - 1;
		this.answers.set(rid, answer);
		this.#deliver();
		return answer;
	}

	/* Answers may overtake each other, being on different connections; the rids say what comes first. */
	#deliver() {
		for (const rid of [...this.answers.keys()].sort((a, b) => a - b)) {
			if (rid > this.delivered + 1)
				break;
			const answer = this.answers.get(rid);
			this.answers.delete(rid);
			this.delivered = Math.max(this.delivered, rid);
			if (answer.body)
				children(answer.body).forEach((stanza) => this.inbox.put(stanza));
			if (answer.type === 'terminate')
				this.inbox.end(`session terminated (${answer.condition || 'no condition'})`);
		}
	}

	/* Waits for a stanza, with a request held open all the while. */
	stanza(match, what) {
		let seen = false;
		const wanted = this.inbox.take((stanza) => match(stanza) && (seen = true), what);
		const over = wanted.catch(() => { seen = true; });
		const hold = async () => {
			while (!seen && !this.inbox.ended) {
				if (this.open.size === 0)
					this.send().catch(() => {});
				await Promise.race([over, ...this.open].map((p) => p.catch(() => {})));
			}
		};
		hold();
		return wanted;
	}

	/* Sends payload and waits for a stanza, which may come as the answer or on a request held before. */
	ask(payload, match, what, attrs) {
		this.send(payload, attrs).catch(() => {});
		return this.stanza(match, what);
	}

	async login() {
		await this.create();
		await this.stanza((s) => is(s, 'features', NS.stream), 'the stream features');
		await this.ask(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`, (s) => is(s, 'success', NS.sasl), 'SASL success');
		await this.ask('', (s) => is(s, 'features', NS.stream), 'the stream features after login',
			{ 'to': this.domain, 'xmpp:restart': 'true', 'xmlns:xmpp': NS.xbosh });
		const result = await this.ask(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`,
			(s) => s.getAttribute('id') === 'bind', 'the result of binding');
		this.jid = find(result, 'jid', NS.bind).textContent;
	}

	/* Puts stanzas on their way, all in one body; settles when that is done, not when the request is answered. */
	async tell(...stanzas) {
		this.send(stanzas.join('')).catch(() => {});
	}

	/* Waits for a message with this body. */
	message(text) {
		return this.stanza((s) => s.localName === 'message' && s.textContent === text, `the message "${text}"`);
	}

	terminate(payload = '') {
		return this.send(payload, { type: 'terminate' });
	}

	async end() {
		if (this.sid && !this.inbox.ended)
			await this.terminate();
	}
}

module.exports = { BoshClient, body, post };
