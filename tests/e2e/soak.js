#!/usr/bin/env node
'use strict';
/*
 * soak.js: thousands of messages to somebody whose BOSH sessions die at random
 * moments, in random ways; each is seen, delivered later, or returned.
 *
 *	CULVERT=../../src/culvert node soak.js [MESSAGES [SEED [ejabberd]]]
 *
 * Somebody is logged in most of the time, by one session after the other.  Ends
 * with 1 when a message was lost; what came twice is counted.
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

/* Alice comes, polls for a while, and dies: in the middle of a poll, between two, or by her own end. */
async function session(gateway, random, bob, seen) {
	const client = await loginBosh(gateway, 'alice');
	await available(client, bob.jid);
	const end = Date.now() + 50 + random.below(3000);
	while (Date.now() < end)
		await Promise.race([client.send('').catch(() => {}), pause(Math.max(1, end - Date.now()))]);
	const way = random.below(3);
	if (way === 0)
		client.cut();
	else if (way === 1)
		await client.terminate().catch(() => {});
	const heard = messages(client);
	seen.push(...heard);
	client.agent.destroy();
	return ['cut', 'terminated', 'left'][way];
}

async function main(total, seed, Server) {
	const server = await Server.start({ users: USERS, inactivity: INACTIVITY, modules: ['offline'], offline: true });
	const culvert = await Culvert.start({ [DOMAIN]: server.port }, { bosh: { inactivity: INACTIVITY } });
	const random = new Random(seed);
	const bob = new User(culvert.websocketUrl, `bob@${DOMAIN}`, passwordOf('bob'));
	const seen = [], ends = {};
	let sent = 0;
	await bob.login();
	await bob.available();
	const talk = (async () => {
		while (sent < total) {
			for (let n = 1 + random.below(10); n > 0 && sent < total; n--)
				tell(bob, `alice@${DOMAIN}`, `soak ${sent++}`);
			await pause(random.below(120));
		}
	})();
	let isOver = false;
	talk.then(() => { isOver = true; });
	while (!isOver) {
		const end = await session(culvert, random, bob, seen);
		ends[end] = (ends[end] || 0) + 1;
		await pause(random.below(2) * random.below(2500));
	}
	await pause(INACTIVITY * 1000 + 2000);
	const last = await loginWebSocket(culvert, 'alice');
	await available(last);
	for (let n = -1; n !== last.heard.length; await pause(2000))
		n = last.heard.length;
	seen.push(...messages(last));
	const returned = new Set(returnedTo(bob)), known = new Set(seen);
	const lost = Array.from({ length: sent }, (_, i) => `soak ${i}`).filter((text) => !known.has(text) && !returned.has(text));
	console.log(`sent ${sent}, seen ${known.size}, returned ${returned.size}, of them unseen ${[...returned].filter((text) => !known.has(text)).length}, lost ${lost.length}, ` +
		`twice ${seen.length - known.size}; sessions: ${JSON.stringify(ends)}`);
	await last.end();
	await bob.end();
	await culvert.stop();
	await server.stop();
	return lost.length > 0 ? 1 : 0;
}

const [messagesWanted = 10000, seed = 1, server] = process.argv.slice(2);
main(Number(messagesWanted), Number(seed), server === 'ejabberd' ? Ejabberd : Prosody).then((status) => process.exit(status), (error) => {
	console.error(error);
	process.exit(1);
});
