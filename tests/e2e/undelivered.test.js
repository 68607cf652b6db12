'use strict';
/*
 * undelivered.test.js: messages for somebody whose BOSH client dies go back to
 * the server, and come at the next login.  All ways to die, other servers, and
 * what becomes of the messages without culvert: undelivered.js.
 */

const assert = require('node:assert/strict');

const { culvert, suite } = require('./lib/stage');
const { play } = require('./lib/undelivered');

const stage = suite({ users: ['alice', 'bob'], inactivity: 2, modules: ['offline'] });

for (const [way, seen] of [['gone from an open poll', 0], ['answered, never confirmed', 1], ['first confirmed, then gone', 1]]) {
	culvert(`${way}: no message is lost`, async () => {
		const result = await play({ gateway: stage.gateway, carrier: 'bosh', way });
		assert.deepEqual([result.seen, result.lost, result.returned], [seen, 0, 0]);
		assert.equal(result.seen + result.delivered - result.doubled, result.sent);
	});
}
