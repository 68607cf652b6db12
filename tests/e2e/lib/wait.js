'use strict';
/*
 * wait.js: waiting for events instead of sleeping.  Whatever waits has a limit
 * and says, when the limit is reached, what it was that did not come.
 */

const WAIT_MS = 30000; // only what fails takes so long, also on a machine with much else to do

/* Settles as the promise does, but not later than ms from now. */
function within(promise, what, ms = WAIT_MS) {
	let timer;
	const limit = new Promise((resolve, reject) => {
		timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
	});
	return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/*
 * Asks again and again, for what announces itself by no event (a port that opens).  Returns the first true answer.
 * What: a text, or a function that gives one when the time is over.
 */
async function poll(ask, what, ms = WAIT_MS) {
	const end = Date.now() + ms;
	for (;;) {
		const answer = await ask();
		if (answer)
			return answer;
		if (Date.now() > end)
			throw new Error(`waited ${ms} ms in vain for ${typeof what === 'function' ? what() : what}`);
		await pause(20);
	}
}

/*
 * Things that arrive, and those who wait for them.  take() gives the first
 * thing that matches, whether it is here already or comes later; the others
 * stay where they are, in order.  end() makes every take() fail, now and later.
 */
class Inbox {
	constructor() {
		this.things = [];
		this.takers = [];
		this.ended = null;
	}

	put(thing) {
		const i = this.takers.findIndex((taker) => taker.match(thing));
		if (i < 0)
			this.things.push(thing);
		else
			this.takers.splice(i, 1)[0].resolve(thing);
	}

	take(match = () => true, what = 'something to arrive', ms = WAIT_MS) {
		const i = this.things.findIndex(match);
		if (i >= 0)
			return Promise.resolve(this.things.splice(i, 1)[0]);
		if (this.ended)
			return Promise.reject(new Error(`${what} can no longer come: ${this.ended}`));
		const taker = { match };
		const taken = new Promise((resolve, reject) => Object.assign(taker, { resolve, reject, what }));
		this.takers.push(taker);
		return within(taken, what, ms).finally(() => {
			this.takers = this.takers.filter((other) => other !== taker);
		});
	}

	end(reason) {
		this.ended = this.ended || reason;
		for (const taker of this.takers.splice(0))
			taker.reject(new Error(`${taker.what} can no longer come: ${reason}`));
	}
}

module.exports = { Inbox, pause, poll, within };
