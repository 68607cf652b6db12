/*
 * websocket.js: the test of WebSocket (RFC 7395), without an account: a stream
 * is opened up to where a client would log in, and closed.
 *
 * test: { url, urls (also that of BOSH), domain, hold (seconds), signal }
 */

import { isLimited } from './bosh.js';
import { ask, httpUrl, isMixed, isSameOrigin } from './reach.js';
import * as reasons from './reasons.js';
import { Failure, within } from './steps.js';
import { NS, attributes, is, mechanisms, offers, parse, streamError } from './xmpp.js';

const CONNECT_MS = 15000;
const ANSWER_MS = 30000; // longer than culvert tries to connect to the server
const CLOSE_MS = 5000;

const fail = (reason) => {
	throw new Failure(reason);
};

/* A WebSocket whose messages and end are waited for in order. */
class Socket {
	constructor(url, signal, protocols) {
		this.signal = signal;
		this.arrived = [];
		this.waiting = null;
		this.ws = new WebSocket(url, protocols);
		this.opened = new Promise((resolve) => {
			this.ws.addEventListener('open', () => resolve(true));
			this.ws.addEventListener('error', () => resolve(false));
		});
		this.ws.addEventListener('message', ({ data }) => this.#put({ element: typeof data === 'string' ? parse(data) : null }));
		this.ws.addEventListener('close', (closed) => this.#put({ closed }));
	}

	#put(event) {
		this.arrived.push(event);
		this.waiting?.();
	}

	/* The next event: { element }, null when it is no XML, or { closed }; null when none comes in time. */
	async next(ms) {
		if (this.arrived.length === 0)
			await within(new Promise((resolve) => { this.waiting = resolve; }), ms, this.signal);
		return this.arrived.shift() || null;
	}

	/* The next message, for those who want the stream to go on. */
	async read(domain, silence) {
		const event = await this.next(ANSWER_MS);
		if (!event)
			return fail(silence);
		if (event.closed)
			return fail(reasons.socketLost(event.closed));
		const error = streamError(event.element);
		if (error)
			return fail(reasons.ended(error.condition, { domain, text: error.text }));
		if (event.element && is(event.element, 'close', NS.framing))
			return fail(reasons.ended(null, { domain }));
		return event.element;
	}
}

/* Whether an upgrade works; a constructor that throws is the browser's way to refuse mixed content. */
async function upgrade(test, protocols) {
	try {
		const socket = new Socket(test.url, test.signal, protocols);
		const isOpen = await within(socket.opened, CONNECT_MS, test.signal, null).catch((error) => {
			socket.ws.close();
			throw error;
		});
		if (!isOpen)
			socket.ws.close();
		return { socket, isOpen };
	} catch (error) {
		if (test.signal.aborted)
			throw error;
		return { isOpen: false };
	}
}

async function connect(test) {
	const { socket, isOpen } = await upgrade(test, ['xmpp']);
	if (isOpen) {
		test.socket = socket;
		if (socket.ws.protocol !== 'xmpp')
			fail(reasons.noSubprotocol());
		return 'A WebSocket endpoint answers, with the subprotocol xmpp.';
	}
	return fail(await whyNot(test, isOpen === null));
}

/* A browser does not say why an upgrade failed; what a plain request to the same address meets says most of it. */
async function whyNot(test, isLate) {
	const url = httpUrl(test.url);
	if (isMixed(test.url))
		return reasons.mixed(test.url);
	const answer = await ask(url, { signal: test.signal });
	if (answer.kind !== 'answer' || answer.status === 404 || answer.status === 401 || answer.status >= 500)
		return reasons.badAnswer('websocket', url, answer);
	if (isLate)
		return reasons.late(test.url, CONNECT_MS);
	const other = await upgrade(test);
	if (other.isOpen) {
		other.socket.ws.close();
		return reasons.noSubprotocol();
	}
	if (answer.status === 200 && /WebSocket/i.test(answer.text))
		return await refusal(test) || reasons.upgradeLost();
	return answer.status === 200 || answer.status === 405 ? reasons.badAnswer('websocket', url, answer) : reasons.upgradeRefused(answer);
}

/*
 * Why culvert itself refuses the upgrade, null when it does not seem to; BOSH
 * is told in words.  A plain request of the page's own origin does not name the
 * origin, so that culvert had nothing to refuse in it; a POST does.  One that
 * says nothing starts nothing.
 */
async function refusal({ url, urls, domain, signal }) {
	if (!isSameOrigin(url) || !urls.bosh || !isSameOrigin(urls.bosh))
		return null;
	const answer = await ask(urls.bosh, { body: '', signal });
	if (answer.kind === 'answer' && reasons.isOriginRefused(answer))
		return reasons.originRefused();
	return await isLimited({ url: urls.bosh, domain, hold: 1, signal }) ? reasons.ended('policy-violation', { domain }) : null;
}

/* <open/> is answered by culvert itself; what the server offers shows that it has been reached. */
async function server(test) {
	const { socket, domain } = test;
	socket.ws.send(`<open xmlns='${NS.framing}'${attributes({ 'to': domain, 'version': '1.0', 'xml:lang': 'en' })}/>`);
	const element = await socket.read(domain, reasons.late(test.url, ANSWER_MS));
	if (!element || !is(element, 'open', NS.framing))
		fail(reasons.noSubprotocol());
	const features = await socket.read(domain, reasons.noFeatures(domain));
	if (!features || !is(features, 'features', NS.stream))
		fail(reasons.noFeatures(domain));
	const names = mechanisms(features);
	return names.length > 0 ? offers(domain, names) : { state: 'note', reason: reasons.noMechanisms(domain) };
}

async function quiet(test) {
	const begin = performance.now();
	const event = await test.socket.next(test.hold * 1000);
	if (!event)
		return `Still connected after ${test.hold}\u00a0s of silence.`;
	if (event.closed)
		fail(reasons.socketCut(performance.now() - begin, test.hold, event.closed));
	test.socket.arrived.unshift(event);
	await test.socket.read(test.domain);
	return 'The server sent something by itself; still connected.';
}

async function close(test) {
	const { socket } = test;
	socket.ws.send(`<close xmlns='${NS.framing}'/>`);
	let isAnswered = false;
	for (let event; (event = await socket.next(CLOSE_MS)); ) {
		if (event.closed)
			return isAnswered && event.closed.wasClean ? `The stream and the connection have ended (code ${event.closed.code}).`
				: { state: 'note', reason: reasons.noClosing() };
		if (event.element && is(event.element, 'close', NS.framing)) {
			isAnswered = true;
			socket.ws.close(1000);
		}
	}
	return { state: 'note', reason: reasons.noClosing() };
}

export const steps = [
	{ title: 'Connect', plan: 'One HTTP request that becomes a WebSocket.', act: connect },
	{ title: 'Reach the XMPP server', plan: 'culvert opens a stream, and the server says how to log in.', act: server },
	{ title: 'Stay connected', plan: 'A silent connection, which a proxy might cut.', act: quiet },
	{ title: 'Close', plan: 'Close the stream, and wait for the answer.', act: close },
];

export const finish = (test) => test.socket?.ws.close();
