'use strict';
/* random.js: numbers that look random and are the same in every run with the same seed. */

class Random {
	constructor(seed) {
		this.x = seed >>> 0 || 1;
	}

	/* A whole number from 0 to n - 1. */
	below(n) {
		this.x ^= this.x << 13;
		this.x ^= this.x >>> 17;
		this.x ^= this.x << 5;
		return (this.x >>> 0) % n;
	}

	/* True with a chance of one in n. */
	oneIn(n) {
		return this.below(n) === 0;
	}
}

module.exports = { Random };
