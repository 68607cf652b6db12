'use strict';
/*
 * servers.test.js: culvert in front of real servers, as Debian 12 has them:
 * every way to reach them, by both transports, and what happens when the
 * server is restarted.
 */

const assert = require('node:assert/strict');
const { describe } = require('node:test');

const { Authority } = require('./lib/authority');
const { Ejabberd } = require('./lib/ejabberd');
const { Culvert } = require('./lib/gateway');
const { Jabberd2 } = require('./lib/jabberd2');
const { Prosody } = require('./lib/prosody');
const { DOMAIN, ROOMS, TRANSPORTS, culvert, suite } = require('./lib/stage');

const MESSAGES = 200;
const FEW = 20; // before a restart, and after it

const authority = new Authority();
const hosts = { [DOMAIN]: authority.issue(DOMAIN, { key: 'rsa' }) };
const verified = { verify: true, ca_file: authority.file };

/* What culvert's configuration says of the domain, and what its log says of how the server was reached. */
const MODES = {
	plain: { domain: ({ port }) => ({ connect: `xmpp://127.0.0.1:${port}`, tls: 'off' }), log: /tls=none/ },
	STARTTLS: { domain: ({ port }) => ({ connect: `xmpp://127.0.0.1:${port}`, tls: 'required', ...verified }), log: /tls="TLS/ },
	'direct TLS': { domain: ({ directPort }) => ({ connect: `xmpps://127.0.0.1:${directPort}`, ...verified }), log: /tls="TLS/ },
};

/* mechanism: how Strophe.js logs in. */
const SERVERS = {
	'Prosody 0.12': { server: Prosody, rooms: true, mechanism: /^SCRAM-/ },
	'ejabberd 23.01': { server: Ejabberd, rooms: true, mechanism: /^SCRAM-/ },
	'jabberd2 2.7': { server: Jabberd2, mechanism: /^PLAIN$/ }, // rooms are a package of their own
};

/* Every way to reach a server. */
const ways = Object.keys(MODES).flatMap((mode) => TRANSPORTS.map((transport) => ({ mode, transport })));

/* Both say everything at once; each has to hear all of it in order, and nothing twice. */
async function converse(a, b, n) {
	const numbers = Array.from({ length: n }, (_, i) => i);
	for (const i of numbers) {
		a.say(b.jid, `a ${i}`);
		b.say(a.jid, `b ${i}`);
	}
	const [byA, byB] = await Promise.all([b.hearAll(a.jid, n), a.hearAll(b.jid, n)]);
	assert.deepEqual(byA, numbers.map((i) => `a ${i}`));
	assert.deepEqual(byB, numbers.map((i) => `b ${i}`));
	assert.deepEqual([a.unheard(b.jid), b.unheard(a.jid)], [0, 0], 'messages arrived twice');
}

async function meet(room, a, b) {
	await a.join(room, 'a');
	await b.join(room, 'b');
	a.sayIn(room, 'hello');
	assert.deepEqual(await Promise.all([a.hearIn(room, 'a'), b.hearIn(room, 'a')]), ['hello', 'hello']);
	b.sayIn(room, 'hello yourself');
	assert.deepEqual(await Promise.all([a.hearIn(room, 'b'), b.hearIn(room, 'b')]), ['hello yourself', 'hello yourself']);
}

/* The tests of one server. */
function play(name, { server, rooms, mechanism }) {
	const stage = suite({ users: ['alice', 'bob'], server, rooms, hosts, optional: true });
	const gateways = {}; // one for each mode

	/* Alice and Bob, who are there. */
	const both = async ({ mode, transport }) => {
		gateways[mode] ||= Culvert.start({}, { domains: { [DOMAIN]: MODES[mode].domain(stage.prosody) } }).then((one) => stage.add(one));
		stage.gateway = await gateways[mode];
		const users = ['alice', 'bob'].map((user) => stage.user(user, transport));
		await Promise.all(users.map(async (user) => {
			await user.login();
			await user.appear();
		}));
		return users;
	};

	for (const way of ways) {
		const { mode, transport } = way;
		culvert(`${name}, ${mode}, ${transport}: login, roster, ${MESSAGES} messages each way${rooms ? ', a room' : ''}`, async () => {
			const [alice, bob] = await both(way);
			await stage.gateway.program.line(new RegExp(`session opened .*transport=${transport} .* ${MODES[mode].log.source}`));
			assert.match(alice.connection._sasl_mechanism.mechname, mechanism);
			const friend = `${mode.replace(' ', '-').toLowerCase()}-${transport}@${DOMAIN}`;
			await alice.setRosterItem(friend, 'a friend');
			assert.equal((await alice.roster())[friend], 'none');
			await converse(alice, bob, MESSAGES);
			if (rooms)
				await meet(`${friend.split('@')[0]}@${ROOMS}`, alice, bob);
			for (const user of [alice, bob]) {
				await user.logout();
				await stage.prosody.left?.(user.jid);
			}
		});
	}

	culvert(`${name} is restarted in the middle: everybody is told, logs in again, and goes on`, async () => {
		const pairs = await Promise.all(ways.map(both));
		await Promise.all(pairs.map((pair) => converse(...pair, FEW)));
		await stage.prosody.shutdown();
		for (const user of pairs.flat())
			await user.statuses.take(({ name: status }) => status === 'DISCONNECTED', `${user.jid} to be told`);
		await stage.clear();
		await stage.prosody.run();
		await Promise.all(ways.map(async (way) => converse(...await both(way), FEW)));
	});
}

for (const [name, server] of Object.entries(SERVERS))
	describe(name, () => play(name, server));
