#!/usr/bin/env node
'use strict';
/*
 * soak.js: thousands of messages to somebody whose BOSH sessions die at random
 * moments, in random ways; each is seen, delivered later, or returned.
 *
 *	CULVERT=../../src/culvert node soak.js [MESSAGES [SEED [ejabberd]]]
 *
 * Somebody is logged in most of the time, by one session after the other.  Ends
 * with 1 when a message was lost, or came twice without one of these reasons:
 *
 *	ending		it was in what the client heard while it ended its session: nobody
 *			asks afterwards, so that nobody can know whether it was read
 *	unproven	the client was gone before it had sent the request that shows what
 *			it has ("requests" rids later: 2; that of its own end: one more)
 */

process.env.CULVERT = process.env.CULVERT || '../../build/src/culvert';

const { Culvert } = require('./lib/gateway');
const { Ejabberd } = require('./lib/ejabberd');
const { DOMAIN, Prosody, passwordOf } = require('./lib/prosody');
const { Random } = require('./lib/random');
const { available, loginBosh, loginWebSocket, messages, returnedTo, tell } = require('./lib/undelivered');
const { User } = require('./lib/user');
const { pause } = require('./lib/wait');

const USERS = ['alice', 'bob'];
const INACTIVITY = 1;
const REQUESTS = 2; // of the sessions

const isText = (stanza) => messages({ heard: [stanza] });

/* What the client has heard: for each text, whether it had shown to have it by its last request. */
function note(client, ending) {
	const { put } = client.inbox;
	const heard = [];
	client.inbox.put = (stanza) => {
		isText(stanza).forEach((text) => heard.push({ text, rid: client.delivered, ending: ending() }));
		put.call(client.inbox, stanza);
	};
	return (isTerminated) => {
		const proven = client.rid - 1 - REQUESTS - (isTerminated ? 1 : 0);
		return heard.map(({ text, rid, ending }) => ({ text, state: ending ? 'ending' : rid > proven ? 'unproven' : 'proven' }));
	};
}

/* Alice comes, polls for a while, and dies: in the middle of a poll, between two, or by her own end. */
async function session(gateway, random, bob, seen) {
	const client = await loginBosh(gateway, 'alice');
	let ending = false;
	const heard = note(client, () => ending);
	await available(client, bob.jid);
	const end = Date.now() + 50 + random.below(3000);
	while (Date.now() < end)
		await Promise.race([client.send('').catch(() => {}), pause(Math.max(1, end - Date.now()))]);
	const way = random.below(3);
	ending = true;
	if (way === 0)
		client.cut();
	else if (way === 1)
		await client.terminate().catch(() => {});
	seen.push(...heard(way === 1));
	client.agent.destroy();
	return ['cut', 'terminated', 'left'][way];
}

/* Why texts came again: what was known of each the time before. */
function why(seen) {
	const states = new Map(), doubles = {};
	for (const { text, state } of seen) {
		if (states.has(text))
			doubles[states.get(text)] = (doubles[states.get(text)] || 0) + 1;
		states.set(text, state);
	}
	return doubles;
}

async function main(total, seed, Server) {
	const server = await Server.start({ users: USERS, inactivity: INACTIVITY, modules: ['offline'], offline: true });
	const culvert = await Culvert.start({ [DOMAIN]: server.port }, { bosh: { inactivity: INACTIVITY } });
	const random = new Random(seed);
	const bob = new User(culvert.websocketUrl, `bob@${DOMAIN}`, passwordOf('bob'));
	const seen = [], ends = {}, sentAt = [], moments = [];
	let sent = 0;
	await bob.login();
	await bob.available();
	const talk = (async () => {
		while (sent < total) {
			for (let n = 1 + random.below(10); n > 0 && sent < total; n--) {
				sentAt.push(Date.now());
				tell(bob, `alice@${DOMAIN}`, `soak ${sent++}`);
			}
			await pause(random.below(120));
		}
	})();
	let isOver = false;
	talk.then(() => { isOver = true; });
	while (!isOver) {
		moments.push({ what: 'a login', at: Date.now() });
		const end = await session(culvert, random, bob, seen);
		moments.push({ what: `the end (${end})`, at: Date.now() });
		ends[end] = (ends[end] || 0) + 1;
		await pause(random.below(2) * random.below(2500));
	}
	await pause(INACTIVITY * 1000 + 2000);
	const last = await loginWebSocket(culvert, 'alice');
	await available(last);
	for (let n = -1; n !== last.heard.length; await pause(2000))
		n = last.heard.length;
	seen.push(...messages(last).map((text) => ({ text, state: 'unproven' })));
	const returned = new Set(returnedTo(bob)), known = new Set(seen.map(({ text }) => text));
	const doubles = why(seen);
	const lost = Array.from({ length: sent }, (_, i) => `soak ${i}`).filter((text) => !known.has(text) && !returned.has(text));
	console.log(`sent ${sent}, seen ${known.size}, returned ${returned.size}, of them unseen ${[...returned].filter((text) => !known.has(text)).length}, lost ${lost.length}, ` +
		`twice ${seen.length - known.size}: ${JSON.stringify(doubles)}; sessions: ${JSON.stringify(ends)}`);
	for (const text of lost) {
		const at = sentAt[text.slice('soak '.length)];
		const near = moments.filter((m) => Math.abs(m.at - at) < 4000).map((m) => `${at - m.at} ms after ${m.what}`);
		console.log(`lost: ${text}, sent ${near.join(', ')}`);
	}
	await last.end();
	await bob.end();
	await culvert.stop();
	await server.stop();
	return lost.length > 0 || doubles.proven ? 1 : 0;
}

const [messagesWanted = 10000, seed = 1, server] = process.argv.slice(2);
main(Number(messagesWanted), Number(seed), server === 'ejabberd' ? Ejabberd : Prosody).then((status) => process.exit(status), (error) => {
	console.error(error);
	process.exit(1);
});
