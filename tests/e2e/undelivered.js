#!/usr/bin/env node
'use strict';
/*
 * undelivered.js: what becomes of messages for somebody whose client dies, by
 * culvert and by the BOSH and WebSocket of the server itself, as a table.
 *
 *	CULVERT=../../src/culvert node undelivered.js [prosody|ejabberd]
 *
 * lost: neither seen, nor delivered at the next login, nor in the archive, nor
 * returned to who sent them.  doubled: seen, and delivered again.  Ends with 1
 * when culvert loses one by BOSH.
 */

process.env.CULVERT = process.env.CULVERT || '../../build/src/culvert';

const { Culvert, Direct } = require('./lib/gateway');
const { Ejabberd } = require('./lib/ejabberd');
const { DOMAIN, Prosody } = require('./lib/prosody');
const { carriers, play } = require('./lib/undelivered');

const COLUMNS = ['sent', 'seen', 'delivered', 'archived', 'returned', 'lost', 'doubled'];
const USERS = ['alice', 'bob'];
const INACTIVITY = 2;

/* Each server, with and without an archive. */
const servers = {
	'prosody': () => Prosody.start({ users: USERS, inactivity: INACTIVITY, modules: ['offline'] }),
	'prosody, archive': () => Prosody.start({ users: USERS, inactivity: INACTIVITY, modules: ['offline', 'mam'] }),
	'ejabberd': () => Ejabberd.start({ users: USERS, inactivity: INACTIVITY, offline: true, resend: false }),
	'ejabberd, if_offline': () => Ejabberd.start({ users: USERS, inactivity: INACTIVITY, offline: true }),
	'ejabberd, archive': () => Ejabberd.start({ users: USERS, inactivity: INACTIVITY, offline: true, archive: true }),
};

function print(cells) {
	const [what, ...numbers] = cells;
	console.log(what.padEnd(78) + numbers.map((n) => String(n).padStart(10)).join(''));
}

async function rows(name, server) {
	const hasArchive = /archive/.test(name);
	const culvert = await Culvert.start({ [DOMAIN]: server.port }, { bosh: { inactivity: INACTIVITY } });
	let lost = 0;
	for (const [who, gateway] of [['itself', new Direct(server.httpPort)], ['culvert', culvert]]) {
		for (const [carrier, { ways }] of Object.entries(carriers)) {
			for (const way of Object.keys(ways)) {
				for (const queries of hasArchive ? [false, true] : [false]) {
					const result = await play({ gateway, carrier, way, queries, hasArchive });
					print([`${name}: ${who}, ${carrier}: ${way}${queries ? ', archive queried' : ''}`, ...COLUMNS.map((c) => result[c])]);
					if (gateway === culvert && carrier === 'bosh')
						lost += result.lost;
				}
			}
		}
	}
	await culvert.stop();
	return lost;
}

async function main(only) {
	let lost = 0;
	print(['', ...COLUMNS]);
	for (const [name, start] of Object.entries(servers)) {
		if (only && !name.startsWith(only))
			continue;
		const server = await start();
		lost += await rows(name, server);
		await server.stop();
	}
	console.log(`culvert lost ${lost} by BOSH`);
	return lost === 0 ? 0 : 1;
}

main(process.argv[2]).then((status) => process.exit(status), (error) => {
	console.error(error);
	process.exit(1);
});
