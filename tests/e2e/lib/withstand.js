'use strict';
/*
 * withstand.js: what an attack costs others: sessions that exchange messages at
 * a steady rate, one in a hundred of which may take TIMES as long as at rest.
 *
 * A machine that is busy with the attack is slower, whatever culvert does: so
 * when that is exceeded, "at rest" is measured once more while the same attack
 * runs against another culvert.  And an attack has failed only when it has
 * exceeded its bound three times.
 */

const assert = require('node:assert/strict');

const { Attack } = require('./attacks');
const { pause } = require('./wait');

const TIMES = 10;
const TURN_MS = 4; // a scheduler lets somebody else go first as long; not a fault, whatever was measured at rest
const TRIES = 3;

const say = ({ p50, p99, most }) => [p50, p99, most].map((ms) => ms.toFixed(1)).join(' / ');

class Withstand {
	/* talkers talk by the gateway already; other: a culvert like it; ports: for stand-in servers; ms: for each measurement. */
	constructor({ talkers, gateway, other, ports, ms }) {
		Object.assign(this, { talkers, gateway, other, ports, ms });
	}

	async rest() {
		await pause(1000);
		const { p50, p99, most } = await this.talkers.measure(() => pause(2 * this.ms));
		this.atRest = { p50, p99: Math.max(p99, TURN_MS), most };
	}

	/* How the talkers fare while somebody attacks this one. */
	async under(name, target) {
		const attack = await Attack.start(name, target, this.ports);
		try {
			await pause(500);
			return await this.talkers.measure(() => pause(this.ms));
		} finally {
			await attack.stop();
			await this.talkers.measure(() => pause(500)); // until what is left of it is done
		}
	}

	async attack(t, name) {
		for (let tries = 1; ; tries++) {
			const attacked = await this.under(name, this.gateway);
			t.diagnostic(`${name}: ${say(attacked)} ms; at rest ${say(this.atRest)}`);
			if (attacked.p99 <= TIMES * this.atRest.p99)
				return;
			const control = await this.under(name, this.other);
			t.diagnostic(`${name}: ${say(control)} ms while it attacks another one`);
			if (attacked.p99 <= TIMES * Math.max(control.p99, this.atRest.p99))
				return;
			assert.ok(tries < TRIES, `p99 ${attacked.p99.toFixed(1)} ms, at rest ${this.atRest.p99.toFixed(1)}, ` +
				`while it attacks another one ${control.p99.toFixed(1)}`);
		}
	}
}

module.exports = { Withstand };
