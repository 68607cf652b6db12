'use strict';
/*
 * undelivered.js: what becomes of messages for somebody whose client dies:
 * one person writes them, another one's client takes some and is gone, in one
 * of several ways; then that person logs in again and looks.
 *
 *	const result = await play({ gateway, server, carrier: 'bosh', way: 'nobody polls', queries: false });
 *	result.lost		neither seen, nor delivered, nor in the archive, nor returned
 */

const http = require('node:http');

const { $msg } = require('strophe.js');

const { BoshClient } = require('./bosh');
const { DOMAIN, passwordOf } = require('./prosody');
const { User } = require('./user');
const { pause, poll } = require('./wait');
const { NS, is, parse } = require('./xml');
const { WsClient } = require('./websocket');

const MESSAGES = 12;
const MAM = 'urn:xmpp:mam:2';
const FORWARD = 'urn:xmpp:forward:0';
const QUIET_MS = 700; // so long nothing more comes: that was all

/* How the client of a session dies.  Each gets one that is available, and say(n), which sends n messages more. */
const ways = {
	/* No request is open, and none comes. */
	'nobody polls': async (client, say) => {
		await say(MESSAGES);
	},
	/* One is open, and its connection breaks. */
	'gone from an open poll': async (client, say) => {
		const answered = client.send('').catch(() => {});
		await pause(100);
		client.cut();
		await answered;
		await say(MESSAGES);
	},
	/* The first message is answered to somebody who never comes again. */
	'answered, never confirmed': async (client, say) => {
		const answered = client.send('');
		await pause(100);
		await say(1);
		await answered;
		await say(MESSAGES - 1);
	},
	/* The first message is answered, and the client goes on; then its connection breaks. */
	'first confirmed, then gone': async (client, say) => {
		const answered = client.send('');
		await pause(100);
		await say(1);
		await answered;
		for (let i = 0; i < 3; i++) {
			const next = client.send(`<iq xmlns='jabber:client' type='get' id='still ${i}'><ping xmlns='urn:xmpp:ping'/></iq>`);
			await next.catch(() => {});
		}
		const last = client.send('').catch(() => {});
		await pause(100);
		client.cut();
		await last;
		await say(MESSAGES - 1);
	},
};

/* What else ends a session: the client itself, or what it does wrong. */
Object.assign(ways, {
	'its own end': async (client, say) => {
		await say(MESSAGES);
		await client.terminate();
	},
	'a rid out of the window': async (client, say) => {
		await say(MESSAGES);
		client.rid += 50;
		await client.send('');
	},
});

/* And what ends culvert. */
const ends = {
	'culvert killed': 'SIGKILL',
	'culvert told to stop': 'SIGTERM',
};

/* A WebSocket breaks; nobody comes back for the session. */
const websocketWays = {
	'connection cut': async (client, say) => {
		client.cut();
		await say(MESSAGES);
	},
	'cut after the first message': async (client, say) => {
		await say(1);
		await client.message('number 0');
		client.cut();
		await say(MESSAGES - 1);
	},
};

const base64 = (text) => Buffer.from(text).toString('base64');

/* Both clients log in by PLAIN; what they have heard is in heard. */
async function loginBosh(gateway, user) {
	const client = new BoshClient(gateway, DOMAIN);
	const sockets = new Set();
	client.agent = new http.Agent({ keepAlive: true });
	client.agent.on('free', (socket) => sockets.add(socket));
	const create = client.agent.createConnection;
	client.agent.createConnection = function (...args) {
		const socket = create.apply(this, args);
		sockets.add(socket);
		return socket;
	};
	client.cut = () => sockets.forEach((socket) => socket.destroy());
	client.heard = [];
	const { put } = client.inbox;
	client.inbox.put = (stanza) => { client.heard.push(stanza); put.call(client.inbox, stanza); };
	await client.create({ hold: 1, wait: 2 });
	await client.stanza((s) => is(s, 'features', NS.stream), 'the features');
	await client.ask(`<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${base64(`\0${user}\0${passwordOf(user)}`)}</auth>`,
		(s) => is(s, 'success', NS.sasl), 'success');
	await client.ask('', (s) => is(s, 'features', NS.stream), 'the features after login',
		{ 'to': DOMAIN, 'xmpp:restart': 'true', 'xmlns:xmpp': NS.xbosh });
	await client.ask(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`,
		(s) => s.getAttribute('id') === 'bind', 'the result of binding');
	return client;
}

async function loginWebSocket(gateway, user) {
	const client = new WsClient(gateway, DOMAIN);
	client.heard = [];
	const { put } = client.inbox;
	client.inbox.put = (message) => { client.heard.push(parse(message.text)); put.call(client.inbox, message); };
	await client.connect();
	await client.start();
	client.send(`<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${base64(`\0${user}\0${passwordOf(user)}`)}</auth>`);
	await client.stanza((s) => is(s, 'success', NS.sasl), 'success');
	await client.start();
	client.send(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${NS.bind}'/></iq>`);
	await client.stanza((s) => s.getAttribute('id') === 'bind', 'the result of binding');
	client.ask = async (text, match, what) => {
		client.send(text);
		return client.stanza(match, what);
	};
	client.cut = () => client.ws._socket.destroy();
	return client;
}

/* Available, to this person too; that has come back, and nothing is open. */
async function available(client, to = '') {
	const directed = to && `<presence xmlns='jabber:client' to='${to}'/>`;
	await client.ask(`<presence xmlns='jabber:client'/>${client.open ? directed : ''}`, (s) => s.localName === 'presence', 'presence');
	if (client.open)
		await Promise.allSettled([...client.open]);
	else if (directed)
		client.send(directed);
}

/* Asks for the archive, all of it; its texts. */
async function archive(client, id) {
	await client.ask(`<iq xmlns='jabber:client' type='set' id='${id}'><query xmlns='${MAM}' queryid='${id}'/></iq>`,
		(s) => s.localName === 'iq' && s.getAttribute('id') === id, 'the archive');
	return client.heard.filter((s) => s.getElementsByTagNameNS(FORWARD, 'forwarded').length > 0).map(textOf);
}

const textOf = (stanza) => stanza.getElementsByTagNameNS(NS.client, 'body')[0]?.textContent;
const isMessage = (s) => s.localName === 'message' && s.getAttribute('type') !== 'error' &&
	s.getElementsByTagNameNS(FORWARD, 'forwarded').length === 0 && textOf(s) !== undefined;
const messages = (client) => client.heard.filter(isMessage).map(textOf);

/* Alice's culvert ends, in the middle of the messages. */
const end = (signal) => async (client, say) => {
	await say(MESSAGES / 2);
	const { program } = client.gateway;
	const { pid } = program; // of the process that serves
	const stopped = program.stop(signal);
	if (signal === 'SIGKILL')
		process.kill(pid, signal);
	await stopped;
	await say(MESSAGES / 2);
};

const carriers = {
	bosh: { ways, login: loginBosh },
	websocket: { ways: websocketWays, login: loginWebSocket },
};

/* A message whose id is its text. */
const tell = (user, to, text) => user.connection.send($msg({ to, type: 'chat', id: text }).c('body').t(text));
/* The texts of those that came back. */
const returnedTo = (user) => user.inbox.things.filter((s) => s.nodeName === 'message' && s.getAttribute('type') === 'error')
	.map((s) => s.getAttribute('id'));

/* others: what Bob uses, and Alice later; without it the same gateway.  way: the name of one of the carrier's, or of ends. */
async function play({ gateway, others = gateway, carrier, way, queries = false, hasArchive = false, prefix = 'number' }) {
	const bob = new User(others.websocketUrl, `bob@${DOMAIN}`, passwordOf('bob'));
	const sent = [];
	let alice, again;
	try {
		await bob.login();
		await bob.available();
		alice = await carriers[carrier].login(gateway, 'alice');
		await available(alice, bob.jid);
		await bob.inbox.take((s) => s.nodeName === 'presence' && s.getAttribute('from').startsWith('alice@'), 'alice');
		if (queries)
			await archive(alice, 'before');
		const to = `alice@${DOMAIN}`;
		const say = async (n) => {
			for (let i = 0; i < n; i++) {
				sent.push(`${prefix} ${sent.length}`);
				tell(bob, to, sent.at(-1));
			}
			await pause(300);
		};
		await (carriers[carrier].ways[way] || end(ends[way]))(alice, say);
		/* The session ends when the server says so to who knows her. */
		const jid = await poll(() => alice.heard.find((s) => s.getAttribute('id') === 'bind')
			?.getElementsByTagNameNS(NS.bind, 'jid')[0].textContent, 'the address');
		await bob.presence(jid, 'unavailable');
		await pause(300);
		again = await loginWebSocket(others, 'alice');
		await available(again);
		for (let n = -1; n !== again.heard.length; await pause(QUIET_MS))
			n = again.heard.length;
		const delivered = messages(again);
		const archived = hasArchive ? await archive(again, 'after') : [];
		const returned = returnedTo(bob);
		const seen = messages(alice);
		const known = new Set([...seen, ...delivered, ...archived, ...returned]);
		return {
			sent: sent.length,
			seen: new Set(seen).size,
			delivered: delivered.filter((text) => sent.includes(text)).length,
			archived: new Set(archived.filter((text) => sent.includes(text))).size,
			returned: new Set(returned).size,
			lost: sent.filter((text) => !known.has(text)).length,
			doubled: seen.filter((text) => delivered.includes(text)).length,
		};
	} finally {
		alice?.cut();
		alice?.agent?.destroy?.();
		await again?.end().catch(() => {});
		await bob.end().catch(() => {});
	}
}

module.exports = { available, carriers, ends, loginBosh, loginWebSocket, messages, play, returnedTo, tell };
