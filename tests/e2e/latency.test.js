'use strict';
/*
 * latency.test.js: what an attack costs others.  20 sessions exchange 100
 * messages a second through a culvert with one worker, the worst case; while
 * somebody attacks it, one in a hundred may take ten times as long as before.
 * See lib/withstand.js.
 *
 *	E2E_ATTACK=text		only attacks with this in their name
 *	E2E_SECONDS=10		for each, instead of 2
 */

const dgram = require('node:dgram');
const { once } = require('node:events');
const { after, before } = require('node:test');

const { DOMAIN, NAMES } = require('./lib/attacks');
const { Culvert } = require('./lib/gateway');
const { freePort } = require('./lib/program');
const { culvert, explain } = require('./lib/stage');
const { Talkers, DOMAIN: TALK } = require('./lib/talkers');
const { Withstand } = require('./lib/withstand');

const MS = 1000 * (process.env.E2E_SECONDS || 2);
const TEST_MS = 600000; // only what hangs takes so long

let talkers, gateway, other, silent, ports, withstand;

function daemon() {
	return Culvert.start({}, {
		workers: 1,
		domains: {
			[TALK]: { connect: [`xmpp://127.0.0.1:${talkers.port}`] },
			[DOMAIN]: { connect: [`xmpp://127.0.0.1:${ports[0]}`] },
			'mute.test': { connect: [`xmpp://127.0.0.1:${ports[1]}`] },
			'dead.test': { connect: ['xmpp://127.0.0.1:1'] },
			'nowhere.test': { connect: ['xmpp://nobody.test:5222'] },
		},
		resolver: { servers: [`127.0.0.1:${silent.address().port}`] },
	});
}

before(async () => {
	silent = dgram.createSocket('udp4');
	silent.bind(0, '127.0.0.1');
	await once(silent, 'listening');
	ports = [await freePort(), await freePort()];
	talkers = await Talkers.start({ each: 10, rate: 100 });
	gateway = await daemon();
	other = await daemon();
	await talkers.talk(gateway);
	withstand = new Withstand({ talkers, gateway, other, ports, ms: MS });
	await withstand.rest();
});

after(async () => {
	silent.close();
	for (const part of [talkers, gateway, other].filter(Boolean))
		await part.stop();
});

for (const name of NAMES.filter((each) => each.includes(process.env.E2E_ATTACK || '')))
	culvert(name, { ms: TEST_MS }, async (t) => {
		try {
			await withstand.attack(t, name);
		} catch (error) {
			throw explain(error, gateway);
		}
	});
