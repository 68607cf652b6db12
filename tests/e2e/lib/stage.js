'use strict';
/*
 * stage.js: what a test plays on.  A stage is made of parts, each with stop()
 * and tail(): an XMPP server, on demand a wire, and the gateway in front of
 * them.  Other servers and proxies become parts by stage.add().
 *
 *	const stage = suite({ users: ['alice', 'bob'] });
 *	test('alice logs in', async () => {
 *		const alice = await stage.login('alice', 'bosh');
 *		...
 *	});
 *
 * When a test fails, its error ends with the last lines of every part.
 */

const nodeTest = require('node:test');

const { Culvert, DIRECT, Direct } = require('./gateway');
const { DOMAIN, GUESTS, Prosody, ROOMS, passwordOf } = require('./prosody');
const { Wire } = require('./wire');
const { BoshClient } = require('./bosh');
const { WsClient } = require('./websocket');
const { User } = require('./user');
const { endAll } = require('./program');
const { within } = require('./wait');

const TRANSPORTS = ['bosh', 'websocket'];
const TEST_MS = 90000; // as WAIT_MS: only what hangs takes so long

const stages = new Set();

class Stage {
	/*
	 * options:
	 *	users		names of accounts at example.test
	 *	server		a class to start() instead of Prosody: Ejabberd
	 *	rooms		true: rooms at rooms.example.test
	 *	wire		true: a wire (stage.wire) between the gateway and the server;
	 *			with E2E_DIRECT=1 it is between the client and the server
	 *	inactivity	seconds, of BOSH sessions
	 *	config		further keys of culvert's configuration
	 *	modules		of the server, beside the usual ones (lib/prosody.js)
	 *	hosts		certificates of the server's domains (lib/prosody.js)
	 *	domains		(stage, port) => culvert's configuration of domains, instead of the usual ones
	 *	upstreams	further domains and their ports: { domain: port }, or an async function that returns it
	 */
	constructor(options = {}) {
		this.options = options;
		this.parts = [];
		this.clients = [];
	}

	async up() {
		const { options } = this;
		stages.add(this);
		this.prosody = this.add(await (options.server || Prosody).start(options));
		let port = DIRECT ? this.prosody.httpPort : this.prosody.port;
		if (options.wire) {
			this.wire = this.add(await Wire.start(port));
			port = this.wire.port;
		}
		if (DIRECT) {
			this.gateway = this.add(new Direct(port));
		} else {
			const config = { ...options.config };
			if (options.inactivity)
				config.bosh = { ...config.bosh, inactivity: options.inactivity };
			if (options.domains)
				config.domains = await options.domains(this, port);
			const more = typeof options.upstreams === 'function' ? await options.upstreams() : options.upstreams;
			this.gateway = this.add(await Culvert.start({ [DOMAIN]: port, [GUESTS]: port, ...more }, config));
		}
		return this;
	}

	/* From now on the stage stops this part, before those added earlier. */
	add(part) {
		this.parts.unshift(part);
		return part;
	}

	/* Ends the clients of a test; what keeps them from ending is no matter here. */
	async clear() {
		await Promise.allSettled(this.clients.splice(0).map((client) => within(client.end(), 'a client to end', 2000)));
	}

	async down() {
		await this.clear();
		stages.delete(this);
		let failure;
		for (const part of this.parts.splice(0))
			await part.stop().catch((error) => { failure = failure || error; });
		if (failure)
			throw failure;
	}

	tail() {
		return [...this.clients, ...this.parts].filter((part) => part.tail).map((part) => part.tail()).join('\n');
	}

	/* Whatever has end() and tail() ends with the test. */
	client(client) {
		this.clients.push(client);
		return client;
	}

	/* A Strophe user of example.test, not yet connected. */
	user(name, transport, { domain = DOMAIN, password = passwordOf(name), options } = {}) {
		const url = transport === 'bosh' ? this.gateway.boshUrl : this.gateway.websocketUrl;
		return this.client(new User(url, `${name}@${domain}`, password, options));
	}

	/* The same, logged in and available. */
	async login(name, transport) {
		const user = this.user(name, transport);
		await user.login();
		await user.available();
		return user;
	}

	/* A client that writes its own BOSH bodies or WebSocket messages; not connected. */
	bosh(domain = GUESTS) {
		return this.client(new BoshClient(this.gateway, domain));
	}

	websocket(domain = GUESTS) {
		return this.client(new WsClient(this.gateway, domain));
	}

	/* The same, logged in as a guest with a resource of its own: client.jid. */
	async guest(transport) {
		const client = this[transport]();
		await client.login();
		return client;
	}
}

/* A stage for all tests of a file. */
function suite(options) {
	const stage = new Stage(options);
	/* What could not be started whole would keep the file of tests from ending. */
	nodeTest.before(() => stage.up().catch((error) => {
		endAll();
		throw error;
	}));
	nodeTest.afterEach(() => stage.clear());
	nodeTest.after(() => stage.down());
	return stage;
}

/* A stage for one test, which spoils it. */
async function withStage(options, play) {
	const stage = new Stage(options);
	try {
		await stage.up();
		await play(stage);
	} catch (error) {
		throw explain(error, stage);
	} finally {
		await stage.down();
	}
}

/* The same error, followed by the last words of stages or parts. */
function explain(error, ...parts) {
	if (error.explained)
		return error;
	const longer = new Error(`${error.message}\n${parts.map((part) => part.tail()).join('\n')}`, { cause: error });
	return Object.assign(longer, { explained: true });
}

/* node:test's test(), with a limit of time and the parts' last words in the error. */
function test(name, options, play) {
	if (!play)
		[options, play] = [{}, options];
	const { ms = TEST_MS, ...rest } = options;
	return nodeTest.test(name, rest, async (t) => {
		try {
			await within(Promise.resolve(play(t)), 'the test to end', ms);
		} catch (error) {
			throw explain(error, ...stages);
		}
	});
}

/* A test of what Prosody's own endpoints do not do, or do otherwise. */
const culvert = (name, options, play) => play
	? test(name, { skip: DIRECT && 'only culvert does this', ...options }, play)
	: test(name, { skip: DIRECT && 'only culvert does this' }, options);

/*
 * What a file of tests puts together itself: start() gives each part to add(), and the last one stops first.  A test that
 * fails ends with the parts' last words.
 */
function parts(start) {
	const all = [];
	nodeTest.before(async () => {
		await null; // add() is there when the file has been read
		if (!DIRECT)
			await start();
	});
	nodeTest.after(async () => {
		for (const part of all)
			await part.stop();
	});
	return {
		add(part) {
			all.unshift(part);
			return part;
		},
		test: (name, play) => culvert(name, async () => {
			try {
				await play();
			} catch (error) {
				throw explain(error, ...all.filter((part) => part.tail));
			}
		}),
	};
}

/* One test for each transport. */
function each(name, play, declare = test) {
	for (const transport of TRANSPORTS)
		declare(`${transport}: ${name}`, (t) => play(transport, t));
}

module.exports = { DIRECT, DOMAIN, GUESTS, ROOMS, Stage, TRANSPORTS, culvert, each, explain, parts, suite, test, withStage };
