'use strict';
/*
 * life.test.js: how sessions begin and end: what the log says of them, limits
 * of time for clients that do not go on, pings, the end of the daemon; and a
 * new configuration while it runs.
 */

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { Culvert } = require('./lib/gateway');
const { post, body } = require('./lib/bosh');
const { Server } = require('./lib/server');
const { DOMAIN, GUESTS, TRANSPORTS, culvert, each, explain, suite } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');
const { NS } = require('./lib/xml');

const FIRST_MESSAGE = 1, AUTH = 2, PING = 1, PONG = 1;

let silent;
const stage = suite({
	users: ['alice'],
	config: {
		limits: { first_message_timeout: FIRST_MESSAGE, auth_timeout: AUTH },
		websocket: { ping: PING, pong_timeout: PONG },
	},
	upstreams: async () => {
		silent = stage.add(await Server.start({ opened: () => {} }));
		return { 'silent.test': silent.port };
	},
});

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

/* Says something to itself and hears it. */
async function echo(client, text) {
	await client.tell(message(client.jid, text));
	await client.message(text);
}

async function loggedIn(transport, domain) {
	const client = stage[transport](domain);
	await client.login();
	return client;
}

/* Runs a daemon of its own against the server of the stage, as stage.gateway. */
async function withDaemon(domains, extra, play) {
	const { gateway } = stage;
	const own = stage.gateway = await Culvert.start(domains, extra);
	try {
		await play(own);
		await stage.clear();
		await own.stop();
	} catch (error) {
		throw explain(error, own, stage.prosody);
	} finally {
		own.program.kill('SIGKILL');
		stage.gateway = gateway;
	}
}

/* A client as far as its stream, which it does not use. */
async function begun(transport, domain) {
	const client = stage[transport](domain);
	if (transport === 'bosh') {
		await client.create();
	} else {
		await client.connect();
		client.openStream();
	}
	return client;
}

/* Waits for the end of a session; { error, code } as the client sees it. */
async function ending(client, transport) {
	if (transport === 'websocket') {
		for (;;) {
			const element = await client.next('the end of the stream');
			if (element.localName === 'error') {
				const [condition] = Array.from(element.childNodes).map((child) => child.localName);
				return { error: condition, code: (await client.closed()).code };
			}
		}
	}
	for (;;) {
		const answer = await client.send();
		if (answer.type === 'terminate')
			return { error: answer.condition, code: null };
	}
}

/* The log. */

each('one line of the log each when a session opens, when its user has logged in, when it ends', async (transport) => {
	const { program } = stage.gateway;
	const { mark } = program;
	const client = await stage.guest(transport);
	await echo(client, 'one'); // features, auth, success, features, bind, result: 2 up, 4 down; and the messages
	if (transport === 'bosh')
		await client.terminate();
	else
		client.send(`<close xmlns='${NS.framing}'/>`);
	const [opened, number] = await program.line(/session opened session=(\d+) .*/, { mark });
	const [closed] = await program.line(new RegExp(`session closed session=${number} .*`), { mark });
	for (const line of [opened, closed])
		assert.match(line, new RegExp(`\\btransport=${transport} client=127\\.0\\.0\\.1:\\d+ domain=${GUESTS}\\b`));
	assert.match(opened, /\bserver=\S+:\d+ address=127\.0\.0\.1:\d+ tls=none certificate=none after_s=[\d.]+$/);
	const [, reason, seconds, up, bytesUp, down, bytesDown, unconfirmed] =
		/\breason=(\w+) .*\bduration_s=([\d.]+) stanzas_up=(\d+) bytes_up=(\d+) stanzas_down=(\d+) bytes_down=(\d+) unconfirmed_stanzas=(\d+) unconfirmed_bytes=\d+$/.exec(closed);
	assert.equal(reason, 'CLIENT_CLOSED');
	assert.ok(Number(seconds) > 0 && Number(seconds) < 20, closed);
	assert.deepEqual([Number(up), Number(down)], [3, 5]);
	assert.ok(Number(bytesUp) > 200 && Number(bytesDown) > Number(bytesUp), closed);
	// The result and the message: who ends its session does not show any more that it has the last answers.
	assert.ok(Number(unconfirmed) <= (transport === 'bosh' ? 2 : 0), closed);
	await echo(await stage.guest(transport), 'two'); // and nothing more was said of the first
	const about = program.lines.slice(mark - program.dropped).filter((line) => line.includes(`session=${number} `));
	assert.equal(about.length, 3, about.join('\n'));
	assert.match(about[1], /session logged in session=\d+ mechanism=ANONYMOUS after_s=[\d.]+$/);
	if (client.sid)
		assert.deepEqual(program.lines.filter((line) => line.includes(client.sid)), []);
}, culvert);

culvert('sessions have different numbers', async () => {
	const { mark } = stage.gateway.program;
	for (let i = 0; i < 6; i++)
		await stage.guest(TRANSPORTS[i % 2]);
	const numbers = stage.gateway.program.lines.slice(mark - stage.gateway.program.dropped)
		.map((line) => /session opened session=(\d+)/.exec(line)).filter(Boolean).map(([, n]) => n);
	assert.equal(new Set(numbers).size, 6);
});

/* Limits of time. */

each('who does not log in is sent away, who has stays', async (transport) => {
	const { mark } = stage.gateway.program;
	const other = await stage.guest(transport);
	const from = Date.now();
	const client = await begun(transport);
	const expected = transport === 'bosh' ? { error: 'policy-violation', code: null } : { error: 'connection-timeout', code: 1008 };
	assert.deepEqual(await ending(client, transport), expected);
	const took = Date.now() - from;
	assert.ok(took > AUTH * 800 && took < await stage.gateway.bound(AUTH * 1000 + 3000), `after ${took} ms`);
	await stage.gateway.program.line(/reason=NO_LOGIN/, { mark });
	await pause(AUTH * 500);
	await echo(other, 'still here');
}, culvert);

each('so is who waits for a server that says nothing', async (transport) => {
	const from = Date.now();
	const client = stage[transport]('silent.test');
	let told;
	if (transport === 'bosh') {
		told = (await client.create()).condition;
	} else {
		await client.connect();
		client.openStream();
		told = (await ending(client, transport)).error;
	}
	assert.ok(['policy-violation', 'connection-timeout', 'remote-connection-failed'].includes(told), told);
	const took = Date.now() - from;
	assert.ok(took < await stage.gateway.bound(AUTH * 1000 + 3000), `after ${took} ms`);
}, culvert);

culvert('websocket: who says nothing at all is sent away', async () => {
	const { mark } = stage.gateway.program;
	const client = stage.websocket();
	const from = Date.now();
	await client.connect();
	assert.deepEqual(await client.failure(), { error: 'connection-timeout', code: 1008 });
	const took = Date.now() - from;
	assert.ok(took > FIRST_MESSAGE * 800 && took < await stage.gateway.bound(FIRST_MESSAGE * 1000 + 3000), `after ${took} ms`);
	await stage.gateway.program.line(/reason=NO_OPEN/, { mark });
});

culvert('websocket: who answers pings stays', async () => {
	const client = stage.websocket();
	await client.login();
	let pings = 0;
	client.ws.on('ping', () => pings++);
	await pause((PING + PONG) * 2000);
	assert.ok(pings >= 1, 'no ping came');
	await echo(client, 'still here');
});

culvert('websocket: who does not answer pings is gone', async () => {
	const { mark } = stage.gateway.program;
	const client = stage.websocket();
	const { connect } = client;
	client.connect = () => connect.call(client, { autoPong: false });
	await client.login();
	const from = Date.now();
	const { code } = await client.closed();
	const took = Date.now() - from;
	assert.ok(took > PING * 800 && took < await stage.gateway.bound((PING + PONG) * 1000 + 4000), `after ${took} ms`);
	assert.notEqual(code, 1000);
	await stage.gateway.program.line(/session closed .*transport=websocket .*reason=CLIENT_GONE/, { mark });
});

/* The end. */

culvert('SIGTERM: who still waits for a server is told too, and the daemon ends in time', async () => {
	const domains = { [GUESTS]: stage.prosody.port, 'silent.test': silent.port };
	await withDaemon(domains, {}, async (gateway) => {
		const byBosh = stage.bosh('silent.test');
		const created = byBosh.create();
		const byWebsocket = stage.websocket('silent.test');
		await byWebsocket.connect();
		byWebsocket.openStream();
		const idle = stage.websocket('silent.test');
		await idle.connect();
		const before = silent.connections.length;
		while ((await gateway.counters()).sessions_opened < 3 || silent.connections.length < before)
			await pause(10);
		await pause(50);
		const bound = await gateway.bound(4000);
		const from = Date.now();
		const [ended, answer, failure, other] = await Promise.all([
			gateway.terminate(), created, ending(byWebsocket, 'websocket'), ending(idle, 'websocket'),
		]);
		assert.equal(ended.code, 0);
		assert.ok(Date.now() - from < bound);
		assert.deepEqual([answer.type, answer.condition], ['terminate', 'system-shutdown']);
		assert.deepEqual(failure, { error: 'system-shutdown', code: 1001 });
		assert.deepEqual(other, { error: 'system-shutdown', code: 1001 });
		assert.equal(gateway.program.lines.filter((line) => /session closed .*reason=SHUTDOWN/.test(line)).length, 3);
	});
});

/* A new configuration. */

const domainOf = () => ({ connect: `xmpp://127.0.0.1:${stage.prosody.port}` });

culvert('SIGHUP: a configuration that is wrong changes nothing, and the log says what is wrong', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, {}, async (gateway) => {
		const clients = [await stage.guest('bosh'), await stage.guest('websocket')];
		const good = fs.readFileSync(gateway.file, 'utf8');
		const wrong = [
			['{"domains": {', /culvert\.json:1:\d+/],
			[good.replace('"workers"', '"wrokers"'), /culvert\.json:\d+:\d+.*wrokers/],
			[good.replace('"domains"', '"domain"'), /culvert\.json/],
			['{"domains": {}}', /domain/],
		];
		for (const [text, pattern] of wrong) {
			const line = await gateway.reload(text);
			assert.match(line, /configuration wrong/);
			assert.match(line, pattern);
			for (const client of clients)
				await echo(client, text.length.toString());
			await echo(await stage.guest('bosh'), 'new');
		}
		const fifo = path.join(gateway.directory, 'fifo');
		execFileSync('mkfifo', [fifo]);
		fs.writeFileSync(gateway.file, good);
		for (const [key, what] of [['ca_file', 'a FIFO, expected'], ['pages', 'Not a directory, expected']]) {
			const line = await gateway.reload((c) => {
				if (key === 'pages')
					c.pages = fifo;
				else
					c.domains[GUESTS].ca_file = fifo;
			});
			assert.match(line, new RegExp(`configuration wrong, .*culvert\\.json:\\d+:\\d+: \\S*${key}: ${fifo}: ${what}`));
			fs.writeFileSync(gateway.file, good);
		}
		for (const change of [() => {}, () => fs.mkdirSync(gateway.file), () => fs.renameSync(fifo, gateway.file), () => fs.symlinkSync('/dev/zero', gateway.file)]) {
			fs.rmSync(gateway.file, { recursive: true });
			change();
			const { mark } = gateway.program;
			gateway.program.kill('SIGHUP');
			await gateway.program.line(/configuration wrong, .*: cannot be read: /, { mark });
			for (const client of clients)
				await echo(client, 'still here');
			fs.rmSync(gateway.file, { recursive: true, force: true });
			fs.writeFileSync(gateway.file, good);
		}
		assert.match(await gateway.reload(good), /configuration reloaded/);
		await echo(await stage.guest('websocket'), 'as ever');
	});
});

culvert('SIGHUP: domains that come and go count for new sessions, old ones go on', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, {}, async (gateway) => {
		const old = [];
		for (let i = 0; i < 4; i++) // of both workers
			old.push(await stage.guest(TRANSPORTS[i % 2]));
		assert.match(await gateway.reload((c) => { c.domains = { [DOMAIN]: domainOf() }; }), /configuration reloaded/);
		for (let i = 0; i < 4; i++) {
			const client = stage.bosh(GUESTS);
			assert.equal((await client.create()).condition, 'host-unknown');
		}
		const byWebsocket = stage.websocket(GUESTS);
		await byWebsocket.connect();
		byWebsocket.openStream();
		assert.equal((await byWebsocket.failure()).error, 'host-unknown');
		for (const transport of TRANSPORTS)
			await stage.login('alice', transport);
		for (const client of old)
			await echo(client, 'as ever');
		await gateway.reload((c) => { c.domains[GUESTS] = domainOf(); });
		await echo(await stage.guest('bosh'), 'back again');
	});
});

culvert('SIGHUP: origins', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, {}, async (gateway) => {
		const Origin = 'https://chat.example.test';
		const client = await stage.guest('websocket');
		const ask = () => post(gateway, body({ rid: 1, sid: 'none' }), { headers: { Origin } });
		const upgrade = async () => {
			const other = stage.websocket();
			await other.connect({ origin: Origin });
		};
		assert.equal((await ask()).headers['access-control-allow-origin'], '*');
		await upgrade();
		await gateway.reload((c) => { c.origins = ['https://other.example.test']; });
		for (let i = 0; i < 4; i++) {
			assert.equal((await ask()).status, 403);
			await assert.rejects(upgrade(), /403/);
		}
		await gateway.reload((c) => { c.origins = [Origin]; });
		for (let i = 0; i < 4; i++) {
			assert.equal((await ask()).headers['access-control-allow-origin'], Origin);
			await upgrade();
		}
		/* A held request's answer may still be read by the page that waits for it, wherever it stands in the list now. */
		const sid = (await post(gateway, body({ rid: 1, to: GUESTS, wait: 3, hold: 1 }), { headers: { Origin } })).body.getAttribute('sid');
		const held = post(gateway, body({ rid: 2, sid }), { headers: { Origin } });
		await pause(200);
		await gateway.reload((c) => { c.origins = ['https://other.example.test', Origin]; });
		assert.equal((await held).headers['access-control-allow-origin'], Origin);
		/* Who says two things is believed neither. */
		const two = await post(gateway, body({ rid: 1, sid: 'none' }), { headers: { Origin: [Origin, 'https://evil.example'] } });
		assert.equal(two.status, 403);
		await echo(client, 'as ever');
	});
});

culvert('SIGHUP: limits of time, the level of the log', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, { limits: { auth_timeout: 60 } }, async (gateway) => {
		await gateway.reload((c) => {
			c.limits.auth_timeout = 1;
			c.log.level = 'notice';
		});
		const client = await begun('websocket');
		assert.equal((await ending(client, 'websocket')).error, 'connection-timeout');
		const { lines } = gateway.program;
		assert.ok(!lines.some((line) => /session opened/.test(line)), 'the log is as talkative as before');
	});
});

culvert('SIGHUP: what needs a restart is said', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, {}, async (gateway) => {
		const { mark } = gateway.program;
		assert.match(await gateway.reload((c) => { c.workers = 1; c.node = 'other'; }), /configuration reloaded/);
		for (const key of ['workers', 'node'])
			await gateway.program.line(new RegExp(`needs a restart.*key=${key}`), { mark });
		await echo(await stage.guest('bosh'), 'as ever');
	});
});

/* Not with the configuration that was read last, of which it did not take everything either. */
culvert('SIGHUP: what needs a restart is what differs from what runs', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, {}, async (gateway) => {
		const told = async (change) => {
			const { mark } = gateway.program;
			assert.match(await gateway.reload(change), /configuration reloaded/);
			return gateway.program.lines.slice(mark).map((line) => /needs a restart key=(\S+)/.exec(line)).filter(Boolean).map(([, key]) => key);
		};
		const { workers } = JSON.parse(fs.readFileSync(gateway.file, 'utf8'));
		assert.deepEqual(await told((c) => { c.workers = workers + 1; }), ['workers']);
		assert.deepEqual(await told((c) => { c.websocket = { ping: 7, pong_timeout: 8 }; }), ['workers']);
		assert.deepEqual(await told((c) => { c.workers = workers; }), []);
		assert.deepEqual(await told((c) => { c.resolver = { servers: ['127.0.0.1'] }; }), []);
	});
});

culvert('SIGHUP: pings, for connections that begin then', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, { websocket: { ping: 0 } }, async (gateway) => {
		const pinged = (client) => {
			let n = 0;
			client.ws.on('ping', () => n++);
			return () => n;
		};
		const before = pinged(await stage.guest('websocket'));
		await gateway.reload((c) => { c.websocket = { ping: 0.2, pong_timeout: 20 }; });
		const after = pinged(await stage.guest('websocket'));
		await poll(() => after() >= 2, 'pings');
		assert.equal(before(), 0);
	});
});

/* Whoever keeps the log may be slow, or hang. */
culvert('a log that nobody reads stops nobody', { ms: 30000 }, async () => {
	await withDaemon({ 'silent.test': silent.port }, { log: { level: 'debug' } }, async (own) => {
		own.program.child.stderr.pause();
		for (let i = 0; i < 1500; i++)
			assert.equal((await post(own, body({ rid: 1, sid: 'none' }))).condition, 'item-not-found');
		for (let i = 0; i < 300; i++)
			assert.equal((await post(own, body({ rid: i + 1, to: 'unknown.test', ver: '1.6' }))).condition, 'host-unknown');
		own.program.child.stderr.resume();
		await pause(100);
		const { mark } = own.program;
		await post(own, body({ rid: 1, to: 'unknown.test', ver: '1.6' }));
		await own.program.line(/lines could not be written lines=\d+ reason="Resource temporarily unavailable"/, { mark: 0 });
		assert.ok(mark >= 0);
	});
});

culvert('SIGHUP: many times while people talk', async () => {
	await withDaemon({ [GUESTS]: stage.prosody.port }, {}, async (gateway) => {
		let isOver = false;
		const talk = Promise.all(TRANSPORTS.map(async (transport) => {
			const client = await stage.guest(transport);
			for (let i = 0; i < 50; i++)
				await echo(client, `${i}`);
			for (let i = 0; i < 5; i++)
				await echo(await loggedIn(transport, GUESTS), 'new');
		})).finally(() => { isOver = true; });
		talk.catch(() => {});
		while (!isOver) {
			await gateway.reload((c) => { c.limits = { stanza: 100000 + Math.floor(Math.random() * 1000) }; });
			await pause(15); // the log says the same not more than 100 times in a second
		}
		await talk;
	});
});
