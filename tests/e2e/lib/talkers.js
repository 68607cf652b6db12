'use strict';
/*
 * talkers.js: sessions that talk at a steady rate, in a process of its own, so
 * that nothing a test does is taken for culvert's being slow.  Each sends
 * messages at fixed times and hears them again from a stand-in server of this
 * process; a message counts from the moment it was due, whatever kept it.
 *
 *	const talkers = await Talkers.start({ each, rate });
 *	await talkers.talk(gateway);			each sessions by either transport log in at talk.test, whose server
 *							has talkers.port, and begin to talk
 *	await talkers.measure(() => ...)		{ p50, p99, most, n } of the messages that were said meanwhile, in ms
 */

const { fork } = require('node:child_process');
const http = require('node:http');
const https = require('node:https');

const { within } = require('./wait');

const DOMAIN = 'talk.test';
const ANSWER_MS = 120000; // only what is lost takes so long

/* ---- in the test ---- */

class Talkers {
	static async start(options) {
		const talkers = new Talkers();
		talkers.child = fork(__filename, [JSON.stringify(options)]);
		talkers.over = new Promise((resolve) => talkers.child.once('exit', (code, signal) => resolve({ code, signal })));
		talkers.port = await talkers.#hear('port');
		return talkers;
	}

	/* The next word of this kind. */
	#hear(kind) {
		const { child } = this;
		let on;
		const heard = new Promise((resolve, reject) => {
			on = (word) => {
				if (word.kind === 'failed')
					reject(new Error(word.value));
				else if (word.kind === kind)
					resolve(word.value);
			};
			child.on('message', on);
			this.over.then((status) => reject(new Error(`the talkers have ended: ${JSON.stringify(status)}`)));
		});
		return within(heard, `the talkers to say: ${kind}`, ANSWER_MS).finally(() => child.off('message', on));
	}

	#ask(kind, value) {
		const heard = this.#hear(kind);
		this.child.send({ kind, value });
		return heard;
	}

	talk({ port, boshPath, websocketUrl, tls }) {
		return this.#ask('talk', { port, boshPath, websocketUrl, tls });
	}

	async measure(play) {
		await this.#ask('begin');
		await play();
		return this.#ask('measured');
	}

	async stop() {
		this.child.kill('SIGKILL');
		await this.over;
	}

	tail() {
		return '--- talkers';
	}
}

module.exports = { DOMAIN, Talkers };

/* ---- in the process of its own ---- */

const now = () => performance.now();
const message = (n) => `<message xmlns='jabber:client' to='echo@${DOMAIN}' type='chat'><body>${n}.</body></message>`;
const numbersIn = (text) => [...text.matchAll(/<body>(\d+)\.<\/body>/g)].map(([, n]) => Number(n));

/* What is on its way, and how long what came took. */
class Tally {
	constructor() {
		this.sent = new Map();
		this.last = 0;
		this.times = null;
	}

	/* A message that is said now; its number. */
	send() {
		this.sent.set(++this.last, now());
		return this.last;
	}

	heard(n) {
		const at = this.sent.get(n);
		if (at === undefined)
			return;
		this.sent.delete(n);
		if (this.times && at >= this.from && at < this.to)
			this.times.push(now() - at);
		if (this.whole)
			this.#look();
	}

	begin() {
		this.times = [];
		[this.from, this.to] = [now(), Infinity];
	}

	/* Waits until all that were said by now have come. */
	measured() {
		this.to = now();
		return new Promise((resolve) => {
			this.whole = resolve;
			this.#look();
		});
	}

	#look() {
		if ([...this.sent.values()].some((at) => at < this.to))
			return;
		const times = this.times.sort((a, b) => a - b);
		const quantile = (q) => times[Math.min(times.length - 1, Math.floor(q * times.length))];
		const { whole } = this;
		this.whole = this.times = null;
		whole({ p50: quantile(0.5), p99: quantile(0.99), most: times[times.length - 1], n: times.length });
	}
}

/* A logged in WebSocket session. */
async function byWebsocket(gateway, tally, fail) {
	const { WsClient } = require('./websocket');
	const client = new WsClient(gateway, DOMAIN);
	await client.login();
	client.ws.removeAllListeners('message');
	client.ws.on('message', (data) => numbersIn(data.toString()).forEach((n) => tally.heard(n)));
	client.ws.on('close', (code) => fail(`a WebSocket session of the talkers has ended: ${code}`));
	return (n) => client.ws.send(message(n));
}

/* A logged in BOSH session: always one request is held, and no more than two are open. */
async function byBosh(gateway, tally, fail) {
	const { BoshClient, body } = require('./bosh');
	const client = new BoshClient(gateway, DOMAIN);
	const protocol = gateway.tls ? https : http;
	client.agent = new protocol.Agent({ keepAlive: true, maxSockets: 2 });
	await client.login();
	const { agent, sid } = client;
	let open = client.open.size, waiting = [];
	const ask = () => {
		const text = body({ rid: client.rid++, sid }, waiting.map(message).join(''));
		waiting = [];
		open++;
		const request = protocol.request({
			...gateway.tls, host: '127.0.0.1', port: gateway.port, method: 'POST', path: gateway.boshPath, agent,
			headers: { 'Content-Type': 'text/xml', 'Content-Length': Buffer.byteLength(text) },
		}, (answer) => {
			let heard = '';
			answer.setEncoding('utf8').on('data', (piece) => { heard += piece; });
			answer.on('end', () => {
				if (answer.statusCode !== 200)
					fail(`a BOSH session of the talkers has ended: ${answer.statusCode} ${heard}`);
				hear(heard);
			});
		});
		request.on('error', (error) => fail(`a BOSH session of the talkers has ended: ${error}`));
		request.end(text);
	};
	const hear = (text) => {
		if (/<body [^>]*type='terminate'/.test(text))
			fail(`a BOSH session of the talkers has ended: ${text}`);
		open--;
		numbersIn(text).forEach((n) => tally.heard(n));
		next();
	};
	const next = () => {
		if (open < 1 || (open < 2 && waiting.length > 0))
			ask();
	};
	client.open.forEach((answered) => answered.then(({ text }) => hear(text)));
	next();
	return (n) => {
		waiting.push(n);
		next();
	};
}

async function run({ each, rate }) {
	const { Server } = require('./server');
	const server = await Server.start();
	const tally = new Tally();
	const say = (kind, value) => process.send({ kind, value });
	const fail = (why) => say('failed', why);

	const talk = async (gateway) => {
		const sessions = [];
		for (let i = 0; i < each; i++)
			sessions.push(await byWebsocket(gateway, tally, fail), await byBosh(gateway, tally, fail));
		const from = now();
		for (let i = 0; ; i++) {
			const wait = from + i * 1000 / rate - now();
			if (wait > 0)
				await new Promise((resolve) => setTimeout(resolve, wait));
			sessions[i % sessions.length](tally.send());
			if (i === sessions.length * 5)
				say('talk');
		}
	};
	process.on('message', ({ kind, value }) => {
		if (kind === 'talk')
			talk(value).catch((error) => fail(String(error)));
		else if (kind === 'begin')
			say('begin', tally.begin());
		else
			tally.measured().then((result) => say('measured', result));
	});
	process.on('disconnect', () => process.exit());
	say('port', server.port);
}

if (require.main === module)
	run(JSON.parse(process.argv[2]));
