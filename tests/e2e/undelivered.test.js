'use strict';
/*
 * undelivered.test.js: messages for somebody whose BOSH client dies go back to
 * the server, and come at the next login.  All ways to die, other servers, and
 * what becomes of the messages without culvert: undelivered.js.
 */

const assert = require('node:assert/strict');

const { Culvert } = require('./lib/gateway');
const { DOMAIN, culvert, suite } = require('./lib/stage');
const { ends, play } = require('./lib/undelivered');

const stage = suite({ users: ['alice', 'bob'], inactivity: 2, modules: ['offline'] });

for (const [way, seen] of [['answered, never confirmed', 1], ['first confirmed, then gone', 1]]) {
	culvert(`${way}: no message is lost`, async () => {
		const result = await play({ gateway: stage.gateway, carrier: 'bosh', way });
		assert.deepEqual([result.seen, result.lost, result.returned], [seen, 0, 0]);
		assert.equal(result.seen + result.delivered - result.doubled, result.sent);
	});
}

for (const way of Object.keys(ends)) {
	culvert(`${way}: no message is lost`, async () => {
		const gateway = await Culvert.start({ [DOMAIN]: stage.prosody.port });
		try {
			const { sent, delivered, lost, returned } = await play({ gateway, others: stage.gateway, carrier: 'bosh', way });
			assert.deepEqual([delivered, lost, returned], [sent, 0, 0]);
		} finally {
			await gateway.program.stop('SIGKILL');
		}
	});
}
