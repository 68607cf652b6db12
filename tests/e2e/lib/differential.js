'use strict';
/*
 * differential.js: the same client script against two gateways in front of
 * one server, and what a client sees of it as lines of text that can be
 * compared: what differs from one run to the next is written as *.
 */

const { BoshClient, post } = require('./bosh');
const { WsClient } = require('./websocket');
const { pause } = require('./wait');
const { NS, is, parse } = require('./xml');

const SHORT = Object.fromEntries(Object.entries(NS).map(([short, uri]) => [uri, short]));
const QUIET_MS = 120;

/* An element as a line: names by namespace, attributes in order of their names, features in order of theirs. */
function line(element, secrets) {
	const attributes = Array.from(element.attributes).filter(({ name }) => !/^xmlns(:|$)/.test(name))
		.map(({ name, value }) => `${name}=${hide(value, secrets)}`).sort();
	let inner = Array.from(element.childNodes).map((node) => node.nodeType === 1 ? line(node, secrets) : hide(node.data, secrets));
	if (is(element, 'features', NS.stream))
		inner = inner.sort();
	const name = `${SHORT[element.namespaceURI] || element.namespaceURI}:${element.localName}`;
	return `<${[name, ...attributes].join(' ')}>${inner.join('')}`;
}

function hide(text, secrets) {
	for (const [secret, name] of secrets)
		text = text.replaceAll(secret, name);
	return text;
}

/* A script's view of either transport: say(), hear() and the lines heard so far. */
class Player {
	constructor(client) {
		this.client = client;
		this.lines = [];
		this.secrets = new Map();
	}

	/* What came so far is no matter. */
	forget() {
		this.lines = [];
	}

	hide(secret, name) {
		if (secret)
			this.secrets.set(secret, name);
	}

	note(text) {
		this.lines.push(text);
	}

	heard(element) {
		this.note(line(element, this.secrets));
		return element;
	}
}

class WebsocketPlayer extends Player {
	static on(gateway, domain) {
		return new WebsocketPlayer(new WsClient(gateway, domain));
	}

	async connect(options) {
		await this.client.connect(options);
	}

	say(text, options) {
		this.client.send(text, options);
	}

	/* The next message; <open/> is the same whatever its id. */
	async hear() {
		const element = parse((await this.client.inbox.take(undefined, 'a message')).text);
		if (is(element, 'open', NS.framing))
			this.hide(element.getAttribute('id'), '*');
		return this.heard(element);
	}

	/* Everything up to the WebSocket's end, and its code. */
	async hearEnd() {
		const { code } = await this.client.closed();
		while (this.client.inbox.things.length > 0)
			await this.hear();
		this.note(`close ${code}`);
	}

	async start(attrs) {
		this.client.openStream(attrs);
		await this.hear();
		return this.hear();
	}

	async greet() {
		await this.connect();
		await this.start();
	}

	/* In a session of a guest's. */
	async login() {
		await this.greet();
		this.say(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
		await this.hear();
		await this.start();
		await this.bind();
	}

	async bind() {
		this.say(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`);
		const result = parse((await this.client.inbox.take()).text);
		this.jid = result.textContent;
		this.hide(this.jid, 'JID');
		this.hide(this.jid.split('/')[0], 'BARE');
		this.heard(result);
	}

	/* Nothing more comes for a while. */
	async quiet() {
		await pause(await this.client.gateway.bound(QUIET_MS));
		while (this.client.inbox.things.length > 0)
			await this.hear();
		this.note('...');
	}

	end() {
		return this.client.end();
	}
}

class BoshPlayer extends Player {
	static on(gateway, domain) {
		return new BoshPlayer(new BoshClient(gateway, domain));
	}

	/* An answer as a line: status, type and condition; the payload comes by hear(). */
	answered({ status, body, type, condition }) {
		this.note(`${status} ${body ? `body${type ? ` ${type}` : ''}${condition ? ` ${condition}` : ''}` : 'no body'}`);
	}

	async create(attrs) {
		const answer = await this.client.create(attrs);
		this.hide(this.client.sid, 'SID');
		this.answered(answer);
		return answer;
	}

	/* Sends without waiting for the answer, which may be a long time in coming. */
	say(payload, attrs) {
		this.client.send(payload, attrs).catch(() => {});
	}

	async hear() {
		return this.heard(await this.client.stanza(() => true, 'a stanza'));
	}

	/* A request of the script's own making, and what it is answered. */
	async ask(payload, attrs) {
		this.answered(await this.client.send(payload, attrs));
	}

	async post(text, options) {
		const answer = await post(this.client.gateway, text, options);
		this.answered(answer);
		return answer;
	}

	async greet() {
		await this.create();
		await this.hear();
	}

	async login() {
		await this.greet();
		this.say(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
		await this.hear();
		this.say('', { 'to': this.client.domain, 'xmpp:restart': 'true', 'xmlns:xmpp': NS.xbosh });
		await this.hear();
		await this.bind();
	}

	async bind() {
		this.say(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`);
		const result = await this.client.stanza(() => true, 'the result of binding');
		this.jid = result.textContent;
		this.hide(this.jid, 'JID');
		this.hide(this.jid.split('/')[0], 'BARE');
		this.heard(result);
	}

	async quiet() {
		await pause(await this.client.gateway.bound(QUIET_MS));
		for (const stanza of this.client.inbox.things.splice(0))
			this.heard(stanza);
		this.note('...');
	}

	async end() {
		await this.client.end().catch(() => {});
	}
}

const players = { websocket: WebsocketPlayer, bosh: BoshPlayer };

/* Lines without what we put in words, and without the WebSocket's closing code. */
const withoutWords = (lines) => lines.map((text) => text.replace(/<errors:text[^]*$/, '').replace(/^close \d+$/, 'close'));

/* Plays a script on a gateway; what it saw. */
async function played(transport, gateway, domain, script) {
	const player = players[transport].on(gateway, domain);
	try {
		await script(player);
	} finally {
		await player.end();
	}
	return player.lines;
}

module.exports = { played, withoutWords };
