'use strict';
/*
 * http.test.js: the one port: what is no BOSH and no WebSocket, down to what
 * is not even HTTP, and that it disturbs nobody else.
 */

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { Agent } = require('node:http');
const { connect } = require('node:net');

const { BoshClient, body, post } = require('./lib/bosh');
const { BINARY, TEXT, frame } = require('./lib/frames');
const { Culvert } = require('./lib/gateway');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { GUESTS, culvert, each, suite, test } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');

const HEADER_TIMEOUT = 1;
const LATE_HEAD = 7500; // what the HTTP library has room for, whatever came first
const stage = suite({ config: { limits: { header_timeout: HEADER_TIMEOUT } } });

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

/* Numbers that look random and are the same in every run. */
function* noise(seed) {
	for (let x = seed >>> 0 || 1; ;) {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		yield x & 0xff;
	}
}

function randomBytes(n, seed) {
	const source = noise(seed);
	return Buffer.from(Array.from({ length: n }, () => source.next().value));
}

/* Bytes on a connection of their own; what came back until it was closed. */
async function throwAt(port, bytes, ms = 5000) {
	const raw = await RawConnection.open(port);
	raw.write(bytes);
	await raw.ended(ms);
	await raw.end();
	return raw.text;
}

/* The fields of a proper upgrade, as they are on the wire. */
const upgradeLines = (changes = {}) =>
	Object.entries(upgradeHeaders(changes)).map(([name, value]) => `${name}: ${value}\r\n`).join('');

const statusOf = (text) => Number((/^HTTP\/1\.[01] (\d{3}) /.exec(text) || [])[1]);

test('an unknown path: 404', async () => {
	for (const [method, path] of [['POST', '/nothing'], ['GET', '/nothing'], ['POST', '/http-bindx']])
		assert.equal((await request(stage.gateway.port, method, path, { body: method === 'POST' ? 'x' : undefined })).status, 404, path);
});

culvert('an upgrade on another path is no WebSocket', async () => {
	const { status } = await request(stage.gateway.port, 'GET', '/nothing', { headers: upgradeHeaders() });
	assert.equal(status, 404);
});

culvert('a method that makes no sense: 405', async () => {
	for (const method of ['PUT', 'DELETE', 'PATCH']) {
		const { status, headers } = await request(stage.gateway.port, method, stage.gateway.boshPath);
		assert.equal(status, 405, method);
		assert.match(headers.allow, /POST/);
	}
});

test('HEAD gets a head', async () => {
	const { status, text } = await request(stage.gateway.port, 'HEAD', stage.gateway.boshPath);
	assert.deepEqual([status, text], [200, '']);
});

test('a connection serves several requests', async () => {
	const { Agent } = require('node:http');
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	try {
		for (let i = 0; i < 5; i++) {
			const answer = await post(stage.gateway, body({ rid: i + 1, sid: 'no-such-session' }), { agent });
			assert.equal(answer.condition, 'item-not-found');
			assert.notEqual(answer.headers.connection, 'close');
		}
		const [sockets] = Object.values(agent.freeSockets);
		assert.equal(sockets.length, 1);
	} finally {
		agent.destroy();
	}
});

culvert('a body in chunks is a body', async () => {
	const text = body({ rid: 5, sid: 'no-such-session' });
	const chunks = [...text].map((c) => `1\r\n${c}\r\n`).join('');
	const answer = await throwAt(stage.gateway.port, `POST ${stage.gateway.boshPath} HTTP/1.1\r\nHost: localhost\r\n` +
		`Content-Type: text/xml\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunks}0\r\n\r\n`);
	assert.equal(statusOf(answer), 200, answer);
	assert.match(answer, /item-not-found/);
});

/* The head of a POST, and its body. */
const postText = (text, fields = '', version = '1.1') => `POST ${stage.gateway.boshPath} HTTP/${version}\r\nHost: localhost\r\n` +
	`Content-Type: text/xml\r\n${fields}Content-Length: ${text.length}\r\n\r\n${text}`;
const unknown = body({ rid: 5, sid: 'no-such-session' });

/* Waits until so many answers have come whole; their bodies. */
async function answersOn(raw, n) {
	const all = () => {
		const bodies = [];
		for (let rest = raw.text; ;) {
			const found = /^HTTP\/1\.1 200 [^]*?content-length: *(\d+)[^]*?\r\n\r\n/i.exec(rest);
			if (!found || rest.length < found[0].length + Number(found[1]))
				return bodies;
			bodies.push(rest.slice(found[0].length, found[0].length + Number(found[1])));
			rest = rest.slice(found[0].length + Number(found[1]));
		}
	};
	await poll(() => all().length >= n, `${n} answers; here is: ${raw.text}`);
	return all();
}

culvert('Expect: 100-continue: the body is asked for, then answered', async () => {
	const raw = await RawConnection.open(stage.gateway.port);
	const text = postText(unknown, 'Expect: 100-continue\r\n');
	raw.write(text.slice(0, -unknown.length));
	await poll(() => /^HTTP\/1\.1 100 [^\r]*\r\n\r\n$/.test(raw.text), '100 Continue');
	raw.text = '';
	raw.write(unknown);
	assert.match((await answersOn(raw, 1))[0], /item-not-found/);
	await raw.end();
});

culvert('HTTP/1.0: answered, and the connection closed', async () => {
	const answer = await throwAt(stage.gateway.port, postText(unknown, '', '1.0'));
	assert.equal(statusOf(answer), 200, answer);
	assert.match(answer, /item-not-found/);
	assert.doesNotMatch(answer, /transfer-encoding/i);
});

culvert('Connection: close: answered, and the connection closed', async () => {
	const answer = await throwAt(stage.gateway.port, postText(unknown, 'Connection: close\r\n'));
	assert.equal(statusOf(answer), 200, answer);
	assert.match(answer, /\r\nconnection: close\r\n/i);
});

culvert('pipelined: requests of one connection are answered in order', async () => {
	const raw = await RawConnection.open(stage.gateway.port);
	const page = `GET ${stage.gateway.boshPath} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
	raw.write(postText(unknown) + page + postText(unknown) + page + page);
	const bodies = await answersOn(raw, 5);
	assert.deepEqual(bodies.map((text) => /item-not-found/.test(text)), [true, false, true, false, false]);
	await raw.end();
});

culvert('pipelined: a held request does not keep those behind it', async () => {
	for (let i = 0; i < 4; i++) { // of both workers
		const client = await stage.guest('bosh');
		await Promise.all(client.open);
		const raw = await RawConnection.open(stage.gateway.port);
		const [first, second] = [client.rid++, client.rid++];
		raw.write(postText(body({ rid: first, sid: client.sid })) +
			postText(body({ rid: second, sid: client.sid }, message(client.jid, 'behind'))));
		const [empty, full] = await answersOn(raw, 2);
		assert.ok(/behind/.test(empty + full), empty + full);
		assert.doesNotMatch(empty + full, /terminate/);
		await raw.end();
	}
});

culvert('pipelined: a third behind a held one, in pieces', async () => {
	const client = await stage.guest('bosh');
	await Promise.all(client.open);
	const raw = await RawConnection.open(stage.gateway.port);
	const texts = [1, 2, 3].map((i) => postText(body({ rid: client.rid++, sid: client.sid }, message(client.jid, `part ${i}`)))).join('');
	for (let at = 0; at < texts.length; at += 100) {
		raw.write(texts.slice(at, at + 100));
		await pause(2);
	}
	await poll(() => [1, 2, 3].every((i) => raw.text.includes(`part ${i}`)), 'all three messages');
	assert.deepEqual(raw.text.match(/part \d/g), ['part 1', 'part 2', 'part 3']);
	await raw.end();
});

/*
 * Programs that end, and pages that are closed, send their last words and wait
 * for no answer.  The daemon is stopped meanwhile, so that it sees the words
 * and the end of the connection in one turn.
 */
for (const where of ['on a connection of their own', 'on a connection used before', 'behind a held request', 'behind another request, all at once']) {
	culvert(`last words of a client that leaves at once: ${where}`, async () => {
		const { program } = stage.gateway;
		for (let i = 0; i < 4; i++) { // of both workers
			const [alice, bob] = [await stage.guest('bosh'), await stage.guest('websocket')];
			const { mark } = program;
			const raw = await RawConnection.open(stage.gateway.port);
			if (where === 'on a connection used before') {
				raw.write(postText(unknown));
				await answersOn(raw, 1);
			}
			if (where === 'behind a held request') {
				raw.write(postText(body({ rid: alice.rid++, sid: alice.sid })));
				await pause(30); // it is held by then; if not, it is read together with the other
			}
			program.kill('SIGSTOP');
			const first = where === 'behind another request, all at once' ? postText(body({ rid: alice.rid++, sid: alice.sid })) : '';
			raw.socket.end(first + postText(body({ rid: alice.rid++, sid: alice.sid, type: 'terminate' }, message(bob.jid, 'farewell'))));
			await pause(20);
			program.kill('SIGCONT');
			await bob.message('farewell');
			await program.line(/session closed.*transport=bosh.*CLIENT_CLOSED/, { mark });
			await bob.end();
		}
	});
}

/* A connection that served requests, as a proxy keeps them. */
async function usedConnection() {
	const raw = await RawConnection.open(stage.gateway.port);
	for (let i = 1; i <= 3; i++) {
		raw.write(postText(unknown));
		await answersOn(raw, i);
	}
	raw.socket.removeAllListeners('data');
	return raw;
}

culvert('a late upgrade, on a connection that served requests', async () => {
	for (let i = 0; i < 4; i++) { // of both workers
		const { socket } = await usedConnection();
		const client = stage.websocket();
		const { connect } = client;
		client.connect = () => connect.call(client, { createConnection: () => socket });
		await client.login();
		client.tell(message(client.jid, 'late'));
		await client.message('late');
	}
});

/* What comes on a kept connection the library reads before culvert; doc/DIFFERENCES.md says what it answers by itself. */
const SITE = 'Host: localhost\r\nOrigin: https://chat.example\r\n';
const LATER = {
	'no Host': ['POST /http-bind HTTP/1.1\r\nOrigin: https://chat.example\r\nContent-Length: 0\r\n\r\n', 400, 'There is no Host'],
	'no Host, HTTP/1.2': ['POST /http-bind HTTP/1.2\r\nOrigin: https://chat.example\r\nContent-Length: 0\r\n\r\n', 400, 'There is no Host'],
	'a blank in a path': [`GET /http bind HTTP/1.1\r\n${SITE}\r\n`, 400, 'a blank too many'],
	'a blank in a query': [`GET /http-bind?a b HTTP/1.1\r\n${SITE}\r\n`, 400, 'a blank too many'],
	'two lengths': [`POST /http-bind HTTP/1.1\r\n${SITE}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400, '[Ll]ength'],
	'a line that is no field': [`GET /http-bind HTTP/1.1\r\n${SITE}nonsense\r\n\r\n`, 400, 'HTTP library', { own: 1 }],
	'a length that is no number': [`POST /http-bind HTTP/1.1\r\n${SITE}Content-Length: x\r\n\r\n`, 400, 'HTTP library', { own: 2 }],
	'a chunk whose size is no number': [`POST /http-bind HTTP/1.1\r\n${SITE}Transfer-Encoding: chunked\r\n\r\nx\r\n`, 400, 'HTTP library', { own: 1 }],
};

for (const [name, [bytes, status, reason, { own = 0 } = {}]] of Object.entries(LATER)) {
	culvert(`on a kept connection: ${name}`, async () => {
		const { program } = stage.gateway;
		const { mark } = program;
		const raw = await RawConnection.open(stage.gateway.port);
		raw.write(postText(unknown));
		await answersOn(raw, 1);
		raw.text = '';
		raw.write(bytes);
		await raw.ended();
		await program.line(new RegExp(`request refused.*status=${status} reason="[^"]*${reason}`), { mark });
		assert.deepEqual(raw.text.match(/HTTP\/1\.1 \d+/g), Array(own || 1).fill(`HTTP/1.1 ${status}`));
		assert.equal(/\r\naccess-control-allow-origin: \*\r\n/i.test(raw.text), !own);
	});
}

culvert('a late upgrade that is refused', async () => {
	for (let i = 0; i < 4; i++) {
		const { socket } = await usedConnection();
		await assert.rejects(stage.websocket().connect({ createConnection: () => socket, protocolVersion: 8 }), /426/);
	}
});

/* A client whose connection breaks while its request is held, on either worker. */
culvert('a held request whose client has vanished gets no payload, the next one does', async () => {
	for (let i = 0; i < 4; i++) {
		const client = stage.bosh();
		client.create = (attrs) => BoshClient.prototype.create.call(client, { ...attrs, hold: 2 }); // both may be held
		await client.login();
		const other = await stage.guest('websocket');
		await Promise.all(client.open);
		const rid = client.rid++;
		const text = body({ rid, sid: client.sid });
		const raw = await RawConnection.open(stage.gateway.port);
		raw.write(postText(text));
		await pause(50);
		await raw.end();
		await pause(50); // it is known by then
		const next = client.rid++;
		const held = post(stage.gateway, body({ rid: next, sid: client.sid }));
		await pause(50);
		other.tell(message(client.jid, `for you ${i}`));
		assert.match((await held).text, new RegExp(`for you ${i}`));
		const repeated = await post(stage.gateway, text);
		assert.doesNotMatch(repeated.text, /for you|terminate/);
	}
});

culvert('a held request whose client has vanished is taken up again by its repetition', async () => {
	for (let i = 0; i < 4; i++) {
		const client = await stage.guest('bosh');
		const other = await stage.guest('websocket');
		await Promise.all(client.open);
		const text = body({ rid: client.rid++, sid: client.sid });
		const raw = await RawConnection.open(stage.gateway.port);
		raw.write(postText(text));
		await pause(50);
		await raw.end();
		await pause(50);
		other.tell(message(client.jid, `for you ${i}`));
		await pause(50);
		assert.match((await post(stage.gateway, text)).text, new RegExp(`for you ${i}`));
	}
});

culvert('a client that leaves in the middle of its head costs no CPU', async () => {
	const ticks = () => readFileSync(`/proc/${stage.gateway.program.pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')
		.slice(11, 13).reduce((sum, n) => sum + Number(n), 0);
	const from = ticks();
	for (let i = 0; i < 20; i++) {
		const raw = await RawConnection.open(stage.gateway.port);
		raw.socket.end(i % 2 ? 'PO' : 'GET /xmpp-websocket HTTP/1.1\r\nHost: loc');
	}
	await pause(HEADER_TIMEOUT * 800);
	assert.ok(ticks() - from < 20, `${ticks() - from} ticks of 10 ms`);
});

/* Two readers of one connection must not see different requests in it: [what, fields, path and version, why not]. */
const hidden = `POST /hidden HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`;
const ambiguous = [
	['two lengths', `Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n`, /more than one Content-Length/],
	['the same length twice', 'Content-Length: 0\r\nContent-Length: 0\r\n', /more than one Content-Length/],
	['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', /both/],
	['chunks in a folded field, and a length', 'Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n', /begins with a blank|goes on/],
	['chunks in a folded field', 'Transfer-Encoding:\r\n\tchunked\r\n', /begins with a blank|goes on/],
	['a length in a folded field', 'Content-Length:\r\n 0\r\n', /begins with a blank|goes on/],
	['a folded field', 'X: a\r\n b\r\nContent-Length: 0\r\n', /begins with a blank|goes on/],
	['a folded field of blanks', 'X: a\r\n \r\nContent-Length: 0\r\n', /begins with a blank|goes on/],
	['a folded field that is one itself', 'Content-Length: 0\r\nX: y\r\n Transfer-Encoding: chunked\r\n', /begins with a blank|goes on/],
	['an encoding that is none', 'Transfer-Encoding: xchunked\r\n', /not chunked/],
	['two encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', /more than one Transfer-Encoding/],
	['a list of encodings', 'Transfer-Encoding: gzip, chunked\r\n', /not chunked/],
	['an encoding of nothing', 'Transfer-Encoding: identity\r\n', /not chunked/],
	['a blank before the colon of an encoding', 'Transfer-Encoding : chunked\r\n', /name is none/],
	['a blank before the colon of a length', 'Content-Length : 0\r\n', /name is none/],
	['a length with a sign', 'Content-Length: +0\r\n', /not a number/],
	['a hexadecimal length', 'Content-Length: 0x0\r\n', /not a number/],
	['a list of lengths', 'Content-Length: 0, 0\r\n', /not a number/],
	['a length behind a CR alone', 'X: a\rContent-Length: 31\r\n', /control character/],
	['a CR at the end of a field', 'X: a\r\r\nContent-Length: 0\r\n', /control character/],
	['a NUL in a value', 'X: a\0b\r\nContent-Length: 0\r\n', /control character|a NUL/],
	['a NUL in a length', 'Content-Length: 0\0 5\r\n', /not a number|control character|a NUL/],
	['a NUL in a name', 'X\0: a\r\nContent-Length: 0\r\n', /name is none|a NUL/],
	['a NUL at the beginning of a line', '\0X: a\r\nContent-Length: 0\r\n', /name is none|a NUL/],
	['a line without a colon', 'nothing\r\nContent-Length: 0\r\n', /no header field/],
	['two hosts', 'Host: elsewhere\r\nContent-Length: 0\r\n', /more than one Host/],
	['a NUL in the path', 'Content-Length: 0\r\n', /control character|a NUL/, { path: '/http-bind\0x' }],
	['a CR in the path', 'Content-Length: 0\r\n', /control character/, { path: '/http-bind\rx' }],
	['a NUL in Host', 'Content-Length: 0\r\n', /control character|a NUL/, { host: 'Host: localhost\0.elsewhere\r\n' }],
	['no host', 'Content-Length: 0\r\n', /no Host/, { host: '' }],
	['a blank in front of the first field', 'Content-Length: 0\r\n', /begins with a blank|name is none/, { host: ' X: y\r\nHost: localhost\r\n' }],
	['HTTP/1.0 in chunks', 'Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n', /Only HTTP\/1\.1/, { version: '1.0' }],
	/* Legal (RFC 9110, 5.5), but libmicrohttpd reads them wrong. */
	['a blank behind a length', 'Content-Length: 0 \r\n', /legal, but not read/],
	['a blank behind an encoding', 'Transfer-Encoding: chunked\t\r\n', /legal, but not read/],
];
const ambiguousText = (fields, { path = stage.gateway.boshPath, host = 'Host: localhost\r\n', version = '1.1' } = {}) =>
	`POST ${path} HTTP/${version}\r\n${host}${fields}\r\n${/encoding/i.test(fields) ? '0\r\n\r\n' : ''}${hidden}`;
for (const [what, fields, reason, options] of ambiguous) {
	culvert(`smuggling: ${what} gets 400 with the reason and nothing else, and the connection closed`, async () => {
		const { mark } = stage.gateway.program;
		const answer = await throwAt(stage.gateway.port, ambiguousText(fields, options));
		assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 400'], answer);
		assert.match(answer.slice(answer.indexOf('\r\n\r\n')), reason);
		assert.match((await stage.gateway.program.line(/request refused .*/, { mark }))[0], /status=400 reason="[^"]+"$/);
	});

	/* Here some is refused by the library, which says 400 in two heads and closes. */
	culvert(`smuggling, on a kept connection: ${what} gets 400 and nothing else, and the connection closed`, async () => {
		const raw = await RawConnection.open(stage.gateway.port);
		raw.write(postText(unknown));
		await answersOn(raw, 1);
		raw.text = '';
		raw.write(ambiguousText(fields, options));
		await raw.ended();
		await raw.end();
		assert.match(raw.text, /^HTTP\/1\.1 400 /);
		assert.deepEqual([...new Set(raw.text.match(/HTTP\/1\.1 \d+/g))], ['HTTP/1.1 400'], raw.text);
		if (!/<html>/.test(raw.text))
			assert.match(raw.text.slice(raw.text.indexOf('\r\n\r\n')), reason);
	});
}

/* Where chunks end, others may see otherwise: a line ended by LF alone, say. */
for (const [what, chunks] of [['', '1\r\nx\r\n0\r\n\r\n'], [', of lines ended by LF alone', '1\nx\n0\n\n'],
	[', with an extension', '1;a="\n\r\nx\r\n0\r\n\r\n'], [', with a trailer', '0\r\nContent-Length: 5\r\n\r\n']]) {
	for (const isLate of [false, true]) {
		culvert(`smuggling: behind a body in chunks${what} no request is read${isLate ? ', on a kept connection' : ''}`, async () => {
			const raw = await RawConnection.open(stage.gateway.port);
			if (isLate) {
				raw.write(postText(unknown));
				await answersOn(raw, 1);
				raw.text = '';
			}
			raw.write(`POST ${stage.gateway.boshPath} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}${hidden}`);
			await raw.ended();
			await raw.end();
			assert.equal((raw.text.match(/HTTP\/1\.1 \d+/g) || []).length, 1, raw.text);
			assert.match(raw.text, /\r\nconnection: close\r\n/i);
		});
	}
}

culvert('a target in absolute form is its path', async () => {
	const answer = await throwAt(stage.gateway.port,
		postText(unknown, 'Connection: close\r\n').replace(stage.gateway.boshPath, (path) => `http://localhost${path}?x=/y`));
	assert.equal(statusOf(answer), 200, answer);
	assert.match(answer, /item-not-found/);
	for (const [target, status] of [[stage.gateway.websocketPath, 101], ['/nothing', 404], [`?${stage.gateway.websocketPath}`, 404]]) {
		const raw = await RawConnection.open(stage.gateway.port);
		raw.write(`GET http://localhost${target} HTTP/1.1\r\nHost: localhost\r\n${upgradeLines()}\r\n`);
		await poll(() => raw.text.includes('\r\n\r\n'), 'an answer');
		assert.equal(statusOf(raw.text), status, `${target}: ${raw.text}`);
		await raw.end();
	}
});

culvert('a path is compared as it is written', async () => {
	for (const path of ['/http-bind%00x', '/http-bind%00', '/%68ttp-bind', '/http-bind%2f', '/http-bind;x', '//http-bind'])
		assert.equal((await request(stage.gateway.port, 'POST', path, { body: 'x' })).status, 404, path);
});

/* The whole body first and only then a look at the answer, as many clients do it. */
culvert('a body a little too large is read to its end, and then refused', async () => {
	const [max, more] = [1048576, 500000];
	for (const [what, head, send] of [
		['a length', `Content-Length: ${max + more}`, (raw) => raw.write('x'.repeat(max + more))],
		['chunks', 'Transfer-Encoding: chunked', (raw) => {
			for (let n = 0; n < max + more; n += 50000)
				raw.write(`c350\r\n${'x'.repeat(50000)}\r\n`);
			raw.write('0\r\n\r\n');
		}],
	]) {
		const raw = await RawConnection.open(stage.gateway.port);
		raw.socket.pause();
		raw.write(`POST ${stage.gateway.boshPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n${head}\r\n\r\n`);
		send(raw);
		await poll(() => raw.socket.writableLength === 0, `${what}: all to be written`);
		await pause(100);
		raw.socket.resume();
		await poll(() => raw.text.includes('\r\n\r\n'), `${what}: the answer`);
		await poll(() => raw.text.includes("condition='policy-violation'"), `${what}: the condition; here is: ${raw.text}`);
		await raw.end();
	}
});

culvert('a body much too large is refused before it is read', async () => {
	const answer = await throwAt(stage.gateway.port, `POST ${stage.gateway.boshPath} HTTP/1.1\r\nHost: localhost\r\n` +
		`Content-Type: text/xml\r\nContent-Length: 100000000\r\n\r\n`);
	assert.match(answer, /condition='policy-violation'/);
});

/* Upgrades with much else in the head, and on a connection that served a request before. */
for (const [what, query, headers] of [
	['a cookie of 6000 bytes', '', { Cookie: 'c'.repeat(6000) }],
	['a query of 5000 bytes', `?token=${'q'.repeat(5000)}`, {}],
]) {
	culvert(`upgrade: ${what} is no matter`, async () => {
		const client = stage.websocket();
		client.gateway = { websocketUrl: stage.gateway.websocketUrl + query };
		await client.connect({ headers });
		const { open } = await client.start();
		assert.equal(open.getAttribute('from'), GUESTS);
	});
}

/* How much memory a connection has is chosen by its first head; a proxy's has the usual. */
culvert('large cookies: in the first request, in a later one, of a proxy', async () => {
	const own = await Culvert.start({ [GUESTS]: 9 }, { trusted_proxies: [] });
	const ask = async (gateway, agent, cookie) => {
		const { status, text } = await request(gateway.port, 'POST', gateway.boshPath,
			{ body: unknown, agent, headers: cookie ? { Cookie: 'c'.repeat(cookie) } : {} });
		assert.equal(/item-not-found/.test(text), status === 200, text);
		return status;
	};
	try {
		for (const [gateway, cookies, statuses] of [
			[own, [100, 3000], [200, 200]],
			[own, [100, 6000, 6000], [200, 431, 200]],
			[own, [7000, 100, 7000], [200, 200, 200]],
			[own, [15000, 15000], [200, 200]],
			[stage.gateway, [100, 7000], [200, 200]],
		]) {
			const agent = new Agent({ keepAlive: true, maxSockets: 1 });
			const seen = [];
			/* The library says its 431 twice, and clients differ in what they make of that. */
			for (const cookie of cookies)
				seen.push(await ask(gateway, agent, cookie).catch(() => 431));
			assert.deepEqual(seen, statuses, `cookies of ${cookies}`);
			agent.destroy();
		}
		await own.stop();
	} finally {
		own.program.kill('SIGKILL');
	}
});

/* What a connection that has served a request, or a new one, answers to this. */
async function answerTo(bytes, isLate) {
	const raw = await RawConnection.open(stage.gateway.port);
	if (isLate) {
		raw.write(postText(unknown));
		await answersOn(raw, 1);
		raw.text = '';
	}
	raw.write(bytes);
	await poll(() => raw.text.includes('\r\n\r\n'), 'the answer');
	await raw.end();
	return raw.text;
}

const upgradeText = (lines, { query = '', version = '1.1' } = {}) =>
	`GET ${stage.gateway.websocketPath}${query} HTTP/${version}\r\nHost: localhost\r\n${lines}\r\n`;
const without = (name) => upgradeLines({ [name]: null });
const trailing = (name, value) => `${without(name)}${name}: ${value} \t\r\n`;

/* The judge is one, wherever the fields come from: the same upgrade at once and late. */
const upgrades = {
	/* what: [lines, status or words of a refusal, query and version] */
	'a proper one is accepted': [upgradeLines(), 101],
	'a blank behind the key': [trailing('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='), 101],
	'a blank behind Upgrade': [trailing('Upgrade', 'websocket'), 101],
	'a blank behind Connection': [trailing('Connection', 'Upgrade'), 101],
	'a blank behind the version': [trailing('Sec-WebSocket-Version', '13'), 101],
	'a blank behind the subprotocol': [trailing('Sec-WebSocket-Protocol', 'xmpp'), 101],
	'a query with a % of its own': [upgradeLines(), 101, { query: '?room=100%' }],
	'a query with %00': [upgradeLines(), 101, { query: '?a=%00&b' }],
	'a query of 100 parameters': [upgradeLines(), 101, { query: `?${Array.from({ length: 100 }, (_, i) => `p${i}=${i}`).join('&')}` }],
	'Upgrade is a list': [upgradeLines({ Upgrade: 'h2c, websocket' }), 101],
	'Upgrade that comes twice': [`${upgradeLines()}Upgrade: websocket\r\n`, 101],
	'another Upgrade behind it': [`${upgradeLines()}Upgrade: h2c\r\n`, 101],
	'another Upgrade before it': [`Upgrade: h2c\r\n${upgradeLines()}`, 101],
	'Connection in two lines': [`Connection: keep-alive\r\n${upgradeLines()}`, 101],
	'many subprotocols': [upgradeLines({ 'Sec-WebSocket-Protocol': `${'chat, '.repeat(100)}xmpp` }), 101],
	'a subprotocol that is nothing': [upgradeLines({ 'Sec-WebSocket-Protocol': 'chat,, xmpp,' }), 101],
	'subprotocols in two lines': [`${upgradeLines({ 'Sec-WebSocket-Protocol': 'chat' })}Sec-WebSocket-Protocol: xmpp\r\n`, 101],
	'a subprotocol in capitals': [upgradeLines({ 'Sec-WebSocket-Protocol': 'XMPP' }), /does not offer xmpp/],
	'long extensions': [`${upgradeLines()}Sec-WebSocket-Extensions: ${'x-unknown; a="b", '.repeat(150)}y\r\n`, 101],
	'a length of nothing': [`${upgradeLines()}Content-Length: 0\r\n`, 101],
	'a length': [`${upgradeLines()}Content-Length: 5\r\n`, /An upgrade has no body/],
	'an encoding': [`${upgradeLines()}Transfer-Encoding: chunked\r\n`, /An upgrade has no body/],
	'a key that comes twice': [`${upgradeLines()}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`, /comes twice/],
	'two origins': [`${upgradeLines()}Origin: https://a.example\r\nOrigin: https://b.example\r\n`, /comes twice/],
	'two hosts': [`${upgradeLines()}Host: localhost\r\n`, /more than one Host/],
	'a blank before a colon': [`${upgradeLines()}X : y\r\n`, /name is none/],
	'another version': [upgradeLines({ 'Sec-WebSocket-Version': '8' }), 426],
	'HTTP/1.0': [upgradeLines(), /needs HTTP\/1\.1/, { version: '1.0' }],
};
for (const [what, [lines, expected, options]] of Object.entries(upgrades)) {
	for (const isLate of [false, true]) {
		culvert(`upgrade, ${isLate ? 'late' : 'at once'}: ${what}`, async () => {
			const answer = await answerTo(upgradeText(lines, options), isLate);
			const status = typeof expected === 'number' ? expected : 400;
			assert.equal(statusOf(answer), status, answer);
			if (status === 101)
				assert.match(answer, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
			else
				assert.match(answer, /\r\nconnection: (upgrade, )?close\r\n/i);
			if (status === 426)
				assert.ok(/\r\nupgrade: websocket\r\n/i.test(answer) && /\r\nsec-websocket-version: 13\r\n/i.test(answer), answer);
			if (expected instanceof RegExp)
				assert.match(answer, expected);
		});
	}
}

/* Cookies and the like are no matter; what is too long for us is told so, not cut off. */
const requests = {
	'an upgrade': [() => upgradeText(`${upgradeLines()}Filler\r\n`), 101],
	'a BOSH request': [() => postText(unknown, 'Filler\r\n'), 200],
	'a page': [() => 'GET /nothing HTTP/1.1\r\nHost: localhost\r\nFiller\r\n\r\n', 404],
};
/* So many bytes of fields, without the last line's end. */
const fillers = {
	'one long field': (n) => `X-Filler: ${'x'.repeat(Math.max(0, n - 10))}`,
	'one long cookie': (n) => `Cookie: c=${'c'.repeat(Math.max(0, n - 10))}`,
	'many cookies': (n) => `Cookie: ${Array.from({ length: n }, (_, i) => `name${i}=${'v'.repeat(24)}`).join('; ')}`.slice(0, n),
	'many fields': (n) => `${'X-Filler: and its value\r\n'.repeat(Math.max(0, Math.floor(n / 25) - 1))}X: ${'x'.repeat(Math.max(0, n < 25 ? n - 3 : n % 25 + 22))}`,
};
for (const [what, [text, status]] of Object.entries(requests)) {
	for (const [how, fill] of Object.entries(fillers)) {
		culvert(`heads of up to 16 KB: ${what} with ${how}`, async () => {
			const head = (n) => {
				const without = text();
				const length = without.indexOf('\r\n\r\n') + 4 - 'Filler'.length;
				const filled = without.replace('Filler', fill(n - length));
				assert.equal(filled.indexOf('\r\n\r\n') + 4, n);
				return filled;
			};
			const seen = [];
			for (const n of [...Array.from({ length: 32 }, (_, i) => (i + 1) * 500), 16383, 16384, 16385, 20000]) {
				const answer = await answerTo(head(n), false);
				seen.push(statusOf(answer));
				/* There is one answer.  Who is refused learns why, the log says the same, and what fits does not depend on luck. */
				assert.equal(answer.match(/HTTP\/1\.1 /g).length, 1, answer);
				if (statusOf(answer) === 431)
					assert.match(answer, /The request head (is too long|has too many)/);
				else
					assert.equal(statusOf(answer), status, `${n} bytes`);
			}
			const fits = 500 * seen.indexOf(431);
			assert.ok(fits >= (/many/.test(how) && status !== 101 ? 7000 : 15000), `up to ${fits} bytes`);
			assert.deepEqual(seen.slice(-2), [431, 431]);
			assert.ok(seen.slice(seen.indexOf(431)).every((each) => each === 431), `${seen}`);
		});

		/* How much memory the connection has was chosen by another head. */
		culvert(`heads of up to 16 KB, on a kept connection: ${what} with ${how}`, async () => {
			const seen = [];
			for (let n = 500; n <= 16000; n += 500) {
				const without = text();
				const raw = await RawConnection.open(stage.gateway.port);
				raw.write(postText(unknown));
				await answersOn(raw, 1);
				raw.text = '';
				raw.write(without.replace('Filler', fill(n - (without.indexOf('\r\n\r\n') - 2))));
				await Promise.race([raw.closed, poll(() => raw.text.includes('\r\n\r\n'), 'the answer')]);
				await raw.end();
				seen.push(raw.text === '' ? 'closed' : statusOf(raw.text));
			}
			const n = seen.findIndex((each) => each !== status);
			const fits = n < 0 ? seen.length : n;
			assert.ok(500 * fits >= (/many/.test(how) ? 3500 : LATE_HEAD), `up to ${500 * fits} bytes`);
			assert.ok(seen.slice(fits).every((each) => each === 431 || each === 'closed'), `${seen}`);
		});
	}
}

culvert('a query of 100 parameters, of nothing, of a % alone', async () => {
	for (const query of [Array.from({ length: 100 }, (_, i) => `p${i}=${i}`).join('&'), '', '%', 'a=%00', '&&&', 'a=b=c&d']) {
		for (const isLate of [false, true]) {
			for (const [bytes, status] of [[postText(unknown).replace(' HTTP', `?${query} HTTP`), 200], [`GET /nothing?${query} HTTP/1.1\r\nHost: x\r\n\r\n`, 404]])
				assert.equal(statusOf(await answerTo(bytes, isLate)), status, `${query}, ${isLate}`);
		}
	}
});

/* A client has to wait for the answer (RFC 6455, 4.1).  What it says before is read all the same, or it is told. */
for (const n of [...Array.from({ length: 10 }, (_, i) => i + 1), 40]) {
	culvert(`upgrade, late: ${n} bytes of a frame behind the head are not lost without a word`, async () => {
		const early = frame(TEXT, "<open xmlns='x'/>".padEnd(60)).subarray(0, n);
		const raw = await RawConnection.open(stage.gateway.port);
		raw.write(postText(unknown));
		await answersOn(raw, 1);
		raw.text = '';
		raw.write(Buffer.concat([Buffer.from(upgradeText(upgradeLines())), early]));
		await raw.ended();
		await raw.end();
		assert.equal(statusOf(raw.text), 400, raw.text);
		assert.match(raw.text, /Wait for the answer to an upgrade/);
	});
}

culvert('the log shows each step of a connection', async () => {
	const own = await Culvert.start({ [GUESTS]: 9 }, { log: { level: 'debug' } });
	try {
		let { mark } = own.program;
		const step = async (what) => { await own.program.line(new RegExp(`debug state fd=\\d+ ${what}`), { mark }); };
		const raw = await RawConnection.open(own.port);
		raw.write('GET /xmpp-websocket HTTP/1.1\r\n');
		await step('guest="new -> waiting"');
		raw.write('nothing\r\n\r\n');
		await step('guest="waiting -> refused"');
		await raw.end();

		const leaving = await RawConnection.open(own.port);
		leaving.write('GET /');
		await pause(20);
		leaving.socket.end();
		await step('guest="waiting -> leaving"');

		({ mark } = own.program);
		const socket = await RawConnection.open(own.port);
		socket.write(upgradeText(upgradeLines()));
		await poll(() => socket.text.includes('\r\n\r\n'), 'the upgrade');
		socket.write(frame(BINARY, 'x'));
		await step('websocket="open -> deaf"');
		await step('websocket="deaf -> hung up"');
		await socket.end();
		await own.stop();
	} finally {
		own.program.kill('SIGKILL');
	}
});

culvert('a request without a host: 400', async () => {
	const answer = await throwAt(stage.gateway.port, `POST ${stage.gateway.boshPath} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`);
	assert.equal(statusOf(answer), 400, answer);
});

culvert('a head without end is refused', async () => {
	const answer = await throwAt(stage.gateway.port, `GET / HTTP/1.1\r\nHost: localhost\r\nCookie: ${'x'.repeat(100000)}`);
	assert.ok([0, NaN, 400, 413, 431].some((status) => Object.is(statusOf(answer), status)), answer.slice(0, 200));
});

/* What is no HTTP at all. */
const garbage = {
	'50 KB of noise': randomBytes(50 * 1024, 1),
	'other noise': randomBytes(50 * 1024, 99),
	'noise after a good beginning': Buffer.concat([Buffer.from('GET /http-bind HTTP/1.1\r\nHost: '), randomBytes(50 * 1024, 7)]),
	'zeros': Buffer.alloc(50 * 1024),
	'line ends': Buffer.alloc(50 * 1024, '\r\n'),
	'a TLS hello': Buffer.concat([Buffer.from('160301020001000200fc0303', 'hex'), randomBytes(508, 3)]),
	'an XMPP stream': Buffer.from(`<?xml version='1.0'?><stream:stream to='${GUESTS}' xmlns='jabber:client'>`),
	'HTTP/2': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
};
for (const [what, bytes] of Object.entries(garbage)) {
	culvert(`garbage: ${what} gets the connection closed, and disturbs nobody`, async () => {
		const [byBosh, byWebsocket] = [await stage.guest('bosh'), await stage.guest('websocket')];
		const thrown = throwAt(stage.gateway.port, bytes);
		for (let i = 0; i < 3; i++) {
			byBosh.tell(message(byWebsocket.jid, `${i}`));
			await byWebsocket.message(`${i}`);
			byWebsocket.tell(message(byBosh.jid, `${i}`));
			await byBosh.message(`${i}`);
		}
		const answer = await thrown;
		assert.ok(answer === '' || statusOf(answer) >= 400, answer.slice(0, 200));
	});
}

culvert('garbage: inside a WebSocket it ends that WebSocket', async () => {
	const client = await stage.guest('websocket');
	client.ws._socket.write(randomBytes(5000, 11));
	client.ws.on('error', () => {});
	await client.closed();
});

each('garbage: many connections opened and dropped leave the others alone', async (transport) => {
	const client = await stage.guest(transport);
	for (let i = 0; i < 100; i++) {
		const socket = connect(stage.gateway.port, '127.0.0.1');
		socket.on('error', () => {});
		socket.write(i % 3 ? 'POST /http-bind HTTP/1.1\r\nContent-Le' : randomBytes(64, i + 1));
		setImmediate(() => socket.resetAndDestroy());
	}
	client.tell(message(client.jid, 'still here'));
	await client.message('still here');
}, culvert);

/* A head has to be complete in time, whatever comes of it meanwhile. */
const slow = {
	'nothing at all': [],
	'a byte now and then': [...'POST /http-bind HTTP/1.1\r\nHost: localhost\r\nX: '.repeat(4)],
	'a head without its last line': ['GET /xmpp-websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n'],
};
for (const [what, pieces] of Object.entries(slow)) {
	culvert(`a slow client is cut off: ${what}`, async () => {
		const raw = await RawConnection.open(stage.gateway.port);
		const from = Date.now();
		let over = false;
		raw.closed.then(() => { over = true; });
		for (const piece of pieces) {
			if (over)
				break;
			raw.write(piece);
			await Promise.race([raw.closed, pause(250)]);
		}
		await raw.ended();
		const took = Date.now() - from;
		assert.ok(took > HEADER_TIMEOUT * 800 && took < await stage.gateway.bound(HEADER_TIMEOUT * 3000), `cut off after ${took} ms`);
	});
}

for (const [what, head, frame] of [
	['', (n) => `Content-Length: ${n}`, (text) => text],
	[' in chunks', () => 'Transfer-Encoding: chunked', (text) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`],
]) {
	culvert(`a slow client is cut off: on a connection that served a request${what}`, async () => {
		const raw = await RawConnection.open(stage.gateway.port);
		const text = body({ rid: 5, sid: 'no-such-session' });
		raw.write(`POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n${head(text.length)}\r\n\r\n${frame(text)}`);
		await poll(() => /item-not-found/.test(raw.text), 'the answer');
		raw.write('POST /http-bind HTTP/1.1\r\nHost: lo');
		await raw.ended();
	});
}

culvert('a held request is not cut off by the limit on heads', async () => {
	const client = new BoshClient(stage.gateway, GUESTS);
	await client.create({ wait: HEADER_TIMEOUT + 1 });
	await client.stanza((s) => s.localName === 'features', 'the stream features');
	const from = Date.now();
	const answer = await client.send();
	assert.equal(answer.type, null);
	assert.ok(Date.now() - from > HEADER_TIMEOUT * 1000 + 500);
	await client.terminate();
});
