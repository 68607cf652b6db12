/*
 * bosh.js: the test of BOSH (XEP-0124, XEP-0206), without an account: a
 * session is opened up to where a client would log in, and ended.  Its steps
 * have the names of those of websocket.js, so that one cause has one name.
 *
 * test: { url, domain, hold (seconds), signal }
 */

import { ask, isMixed, isSameOrigin } from './reach.js';
import * as reasons from './reasons.js';
import { Failure } from './steps.js';
import { NS, attributes, is, mechanisms, offers, parse, streamError } from './xmpp.js';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' };
const ANSWER_MS = 30000; // longer than culvert tries to connect
const MORE_MS = 10000;   // beyond the time a request is held

const fail = (reason) => {
	throw new Failure(reason);
};

class Session {
	constructor({ url, domain, hold, signal }) {
		Object.assign(this, { url, domain, hold, signal });
		this.rid = 1 + Math.floor(Math.random() * 2 ** 32);
		this.isOver = false;
	}

	/* The next request, and its answer as reach.js has it. */
	send(attrs = {}, ms = ANSWER_MS, signal = this.signal) {
		const more = this.sid ? { sid: this.sid } : {};
		const body = `<body xmlns='${NS.body}'${attributes({ rid: this.rid++, ...more, ...attrs })}/>`;
		return ask(this.url, { body, headers: XML, ms, signal });
	}

	/* The first request. */
	begin() {
		return this.send({
			'to': this.domain,
			'ver': '1.6',
			'wait': this.hold,
			'hold': 1,
			'xml:lang': 'en',
			'xmpp:version': '1.0',
			'xmlns:xmpp': NS.xbosh,
		});
	}

	/* The <body/> of an answer; anything else is a failure. */
	read(answer) {
		const body = answer.kind === 'answer' && answer.status === 200 ? parse(answer.text) : null;
		if (answer.kind === 'blocked') // plain requests were not
			fail(reasons.broken(this.url));
		if (!body || !is(body, 'body', NS.body))
			fail(reasons.badAnswer('bosh', this.url, answer));
		if (body.getAttribute('type') === 'terminate')
			this.isOver = true;
		return body;
	}

	/* The same, for those who want the session to go on. */
	readOn(answer) {
		const body = this.read(answer);
		if (!this.isOver)
			return body;
		const error = streamError([...body.children].find((child) => streamError(child)));
		const condition = body.getAttribute('condition');
		if (condition === 'remote-stream-error' && error)
			fail(reasons.ended(error.condition, { domain: this.domain, text: error.text }));
		return fail(reasons.ended(condition, { domain: this.domain, text: error?.text, isFirst: !this.sid }));
	}

	/* What a failed test leaves behind is not for the server to wait for. */
	leave() {
		if (this.sid && !this.isOver)
			this.send({ type: 'terminate' }, MORE_MS, undefined).catch(() => {});
	}
}

/*
 * A plain request, and one as clients make them, which the browser asks for
 * permission (CORS) when page and address are of different origins: it ends
 * a session that there is not, so nothing happens.
 */
async function connect(test) {
	const answer = await ask(test.url, { signal: test.signal });
	if (isMixed(test.url) && answer.kind !== 'answer')
		fail(reasons.mixed(test.url));
	if (answer.kind !== 'answer' || answer.status === 404 || answer.status === 401 || answer.status >= 500)
		fail(reasons.badAnswer('bosh', test.url, answer));
	if (!isSameOrigin(test.url)) {
		const permission = await ask(test.url, { headers: XML, signal: test.signal });
		if (permission.kind !== 'answer')
			fail(permission.kind === 'blocked' ? reasons.preflight(test.url) : reasons.badAnswer('bosh', test.url, permission));
	}
	const session = new Session(test);
	session.read(await session.send({ sid: 'none', type: 'terminate' }));
	return isSameOrigin(test.url) ? 'A BOSH endpoint answers.' : `A BOSH endpoint answers, and pages of ${location.origin} may use it.`;
}

/* Whether a session that begins now is refused because of a limit. */
export async function isLimited(test) {
	const session = new Session(test);
	const answer = await session.begin();
	const body = answer.kind === 'answer' && parse(answer.text);
	if (!body || !is(body, 'body', NS.body))
		return false;
	session.sid = body.getAttribute('sid');
	session.isOver = body.getAttribute('type') === 'terminate';
	session.leave();
	return session.isOver && body.getAttribute('condition') === 'policy-violation';
}

/* The session, and what the XMPP server offers in it. */
async function server(test) {
	const session = test.session = new Session(test);
	const body = session.readOn(await session.begin());
	session.sid = body.getAttribute('sid');
	if (!session.sid)
		fail(reasons.ended(null, { domain: test.domain, text: 'the answer has no session id' }));
	session.wait = Math.min(test.hold, Number(body.getAttribute('wait')) || test.hold);
	return features(test, body);
}

async function features({ session, domain }, first) {
	for (let body = first, left = 3; ; left--) {
		const [found] = [...body.children].filter((child) => is(child, 'features', NS.stream));
		if (found) {
			const names = mechanisms(found);
			return names.length > 0 ? offers(domain, names) : { state: 'note', reason: reasons.noMechanisms(domain) };
		}
		if (left === 0)
			return fail(reasons.noFeatures(domain));
		body = session.readOn(await session.send());
	}
}

/* An answer with nothing in it is due when the time is over, not much earlier, and not never. */
async function held(test) {
	const { session } = test;
	for (let last = false; ; last = true) {
		const answer = await session.send({}, session.wait * 1000 + MORE_MS);
		const isCut = ['blocked', 'broken'].includes(answer.kind) || (answer.kind === 'answer' && answer.status >= 500);
		if (isCut)
			fail(reasons.pollCut(answer.ms, session.wait, answer));
		const body = session.readOn(answer);
		if (answer.ms >= session.wait * 900)
			return `The request was held for ${session.wait}\u00a0s, then answered.`;
		if (last)
			return { state: 'note', reason: reasons.pollEarly(answer.ms, session.wait) };
		last = body.children.length === 0;
	}
}

async function end(test) {
	const { session } = test;
	const body = session.read(await session.send({ type: 'terminate' }, MORE_MS));
	return body.getAttribute('type') === 'terminate' ? 'The session has ended on both sides.' : 'The server was told, and has answered.';
}

export const steps = [
	{ title: 'Connect', plan: 'Two HTTP requests to this address.', act: connect },
	{ title: 'Reach the XMPP server', plan: 'culvert opens a session, and the server says how to log in.', act: server },
	{ title: 'Stay connected', plan: 'One silent request, which a proxy might cut.', act: held },
	{ title: 'Close', plan: 'End the session, and wait for the answer.', act: end },
];

export const finish = (test) => test.session?.leave();
