'use strict';
/*
 * frames.test.js: the frames of a WebSocket, right and wrong (RFC 6455, 5 to
 * 7), by a client that writes them itself.
 */

const assert = require('node:assert/strict');

const { BINARY, CLOSE, FrameClient, PING, PONG, TEXT, frame } = require('./lib/frames');
const { GUESTS, culvert, suite, test, withStage } = require('./lib/stage');
const { poll } = require('./lib/wait');
const { NS, is, parse, streamError } = require('./lib/xml');

const MAX = 65536;
const stage = suite({ config: { websocket: { max_message: MAX, ping: 0 }, limits: { stanza: 2 * MAX } } });

const OPEN = `<open xmlns='${NS.framing}' to='${GUESTS}' version='1.0'/>`;
const CLOSE_STREAM = `<close xmlns='${NS.framing}'/>`;
const code = (n, reason = '') => Buffer.concat([Buffer.from([n >> 8, n & 255]), Buffer.from(reason)]);

async function connected(options) {
	const client = await FrameClient.open(stage.gateway, options);
	stage.clients.push(client);
	assert.match(client.head, /^HTTP\/1\.1 101 /);
	return client;
}

/* The stream stands. */
async function opened() {
	const client = await connected();
	client.text(OPEN);
	await expectStream(client);
	return client;
}

/* Logged in. */
async function guest() {
	const client = await opened();
	client.text(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
	assert.ok(is(parse(await client.next(TEXT)), 'success', NS.sasl));
	client.text(OPEN);
	await expectStream(client);
	client.text(`<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='${NS.bind}'/></iq>`);
	return { client, jid: parse(await client.next(TEXT)).textContent };
}

async function expectStream(client) {
	assert.ok(is(parse(await client.next(TEXT)), 'open', NS.framing));
	assert.ok(is(parse(await client.next(TEXT)), 'features', NS.stream));
}

/* What is not XMPP's to say: the WebSocket fails (7.1.7), with this code. */
async function fails(client, expected) {
	assert.equal((await client.closing()).code, expected);
}

/* The stream fails: our <open/> if there was none, the error, <close/>, the closing frame. */
async function failsStream(client, error, expected) {
	let element = parse(await client.next(TEXT));
	if (is(element, 'open', NS.framing))
		element = parse(await client.next(TEXT));
	assert.equal(streamError(element), error);
	assert.ok(is(parse(await client.next(TEXT)), 'close', NS.framing));
	const { code: heard, reason } = await client.closing();
	assert.equal(heard, expected);
	assert.equal(reason, element.textContent, 'the closing frame says what the error says');
}

test('what we send is final, not masked and without extension bits; no pong comes unasked', async () => {
	const client = await connected();
	client.text(OPEN);
	for (let i = 0; i < 2; i++) {
		const { fin, rsv, opcode, masked } = await client.inbox.take();
		assert.deepEqual({ fin, rsv, opcode, masked }, { fin: true, rsv: 0, opcode: TEXT, masked: false });
	}
	assert.equal(client.inbox.things.length, 0);
});

culvert('frames that came with the upgrade are read', async () => {
	const client = await connected({ rest: frame(TEXT, OPEN) });
	await expectStream(client);
});

culvert('so are many of them', async () => {
	const rest = [
		frame(TEXT, '', { fin: false }), ...[...OPEN].map((c) => frame(0, c, { fin: false })), frame(0, ''),
		frame(TEXT, `<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`),
	];
	const client = await connected({ rest: Buffer.concat(rest) });
	await expectStream(client);
	assert.ok(is(parse(await client.next(TEXT)), 'success', NS.sasl));
});

culvert('a message of many fragments, some empty, one byte each', async () => {
	const client = await connected();
	client.write(frame(TEXT, '', { fin: false }), ...[...OPEN].map((c) => frame(0, c, { fin: false })), frame(0, ''));
	await expectStream(client);
});

culvert('pings between fragments are answered at once, with the same bytes; a pong unasked is nothing', async () => {
	const client = await connected();
	client.write(frame(TEXT, OPEN.slice(0, 20), { fin: false }), frame(PING, 'one'), frame(PONG, 'unasked'));
	assert.equal(await client.next(PONG), 'one');
	client.write(frame(0, OPEN.slice(20, 30), { fin: false }), frame(PING, 'x'.repeat(125)));
	assert.equal(await client.next(PONG), 'x'.repeat(125));
	client.write(frame(PING, ''));
	assert.equal(await client.next(PONG), '');
	/* Of several that come at once, the library answers the first; 5.5.3 would have the last. */
	client.write(frame(PING, 'two'), frame(PING, 'three'), frame(0, OPEN.slice(30)));
	assert.equal(await client.next(PONG), 'two');
	await expectStream(client);
});

culvert('a character cut by a fragment is whole again', async () => {
	const { client, jid } = await guest();
	const bytes = Buffer.from(`<message xmlns='jabber:client' to='${jid}'><body>\u{1F600}</body></message>`);
	const at = bytes.indexOf(0xf0);
	client.write(frame(TEXT, bytes.subarray(0, at + 1), { fin: false }), frame(0, bytes.subarray(at + 1, at + 3), { fin: false }),
		frame(0, bytes.subarray(at + 3)));
	assert.equal(parse(await client.next(TEXT)).textContent, '\u{1F600}');
});

/* 5.2, 5.4, 5.5: the library's judgement. */
const broken = {
	'an extension bit without an extension': [frame(TEXT, OPEN, { rsv: 4 })],
	'the other extension bits': [frame(TEXT, OPEN, { rsv: 3 })],
	'a reserved opcode': [frame(3, OPEN)],
	'a reserved opcode of a control frame': [frame(11)],
	'a continuation of nothing': [frame(0, OPEN)],
	'a new message within a message': [frame(TEXT, '<a', { fin: false }), frame(TEXT, OPEN)],
	'a control frame in fragments': [frame(PING, 'x', { fin: false })],
};
for (const [what, frames] of Object.entries(broken)) {
	culvert(`1002: ${what}`, async () => {
		const client = await connected();
		client.write(...frames);
		await fails(client, 1002);
	});
}

culvert('a control frame above 125 bytes: the connection is dropped', async () => {
	const client = await connected();
	client.write(frame(PING, 'x'.repeat(126)));
	await client.ended;
});

culvert('a length of 2^63: the connection is dropped', async () => {
	const client = await connected();
	client.write(Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
	await client.ended;
});

/* 8.1 */
const notUtf8 = {
	'a byte that is none': [frame(TEXT, Buffer.from([0x3c, 0xff]))],
	'a surrogate': [frame(TEXT, Buffer.from([0x3c, 0xed, 0xa0, 0x80]))],
	'a sequence cut at the end': [frame(TEXT, Buffer.from([0x3c, 0xc3]))],
	'a sequence broken across fragments': [frame(TEXT, Buffer.from([0x3c, 0xc3]), { fin: false }), frame(0, Buffer.from([0x28]))],
};
for (const [what, frames] of Object.entries(notUtf8)) {
	culvert(`1007: ${what}`, async () => {
		const client = await connected();
		client.write(...frames);
		await failsStream(client, 'not-well-formed', 1007);
	});
}

/* Ours, with a stream error. */
culvert('1002: a first frame without a mask', async () => {
	for (const n of [0, 200, 70000]) {
		const client = await connected();
		client.text(OPEN.replace('<open', `<open${' '.repeat(n)}`), { masked: false });
		await failsStream(client, n < MAX ? 'bad-format' : 'policy-violation', n < MAX ? 1002 : 1009);
	}
});

culvert('how far that goes: frames without a mask behind a proper one are taken; lengths longer than need be too', async () => {
	const client = await connected();
	client.text(OPEN, { wide: 64 });
	await expectStream(client);
	client.text(CLOSE_STREAM, { masked: false });
	assert.ok(is(parse(await client.next(TEXT)), 'close', NS.framing));
});

culvert('1003: a binary message', async () => {
	const client = await connected();
	client.write(frame(BINARY, OPEN));
	await failsStream(client, 'bad-format', 1003);
});

culvert('1003: fragments of a binary message, at the first', async () => {
	const client = await opened();
	client.write(frame(BINARY, 'a', { fin: false }));
	await failsStream(client, 'bad-format', 1003);
});

culvert('1009: as soon as a message is too large, not at its end', async () => {
	const client = await opened();
	client.write(frame(TEXT, `<a xmlns='urn:a'>${'x'.repeat(MAX)}`, { fin: false }));
	await failsStream(client, 'policy-violation', 1009);
});

culvert('1009: as soon as a frame is too large, whatever length it says', async () => {
	const client = await opened();
	client.write(frame(TEXT, `<a xmlns='urn:a'>${'x'.repeat(MAX)}`, { length: 2 ** 40 }));
	await failsStream(client, 'policy-violation', 1009);
});

culvert('the largest message there may be passes, in one frame or in two', async () => {
	const { client, jid } = await guest();
	const [before, after] = [`<message xmlns='jabber:client' to='${jid}'><body>`, '</body></message>'];
	const body = 'x'.repeat(MAX - before.length - after.length);
	client.text(before + body + after);
	assert.ok(parse(await client.next(TEXT)).textContent === body);
	client.write(frame(TEXT, before + body.slice(0, 30000), { fin: false }), frame(0, body.slice(30000) + after));
	assert.ok(parse(await client.next(TEXT)).textContent === body);
});

/* 5.5.1, 7.4: a code that may be sent comes back, one that must not be is an error. */
culvert('closing frames are answered', async () => {
	const rows = [
		[code(1000), 1000], [code(1000, 'bye'), 1000], [code(1001), 1001], [code(3000), 3000], [code(4999), 4999], ['', null],
		[code(1000, '\u00e9\u{1f600}'), 1000],
		[Buffer.concat([code(1000), Buffer.from([0x3c, 0xff])]), 1007], [Buffer.concat([code(1000), Buffer.from([0xc3])]), 1007],
		[code(0), 1002], [code(999), 1002], [code(1004), 1002], [code(1005), 1002], [code(1006), 1002],
	];
	for (const [payload, expected] of rows) {
		const client = await connected();
		client.write(frame(CLOSE, payload));
		assert.equal((await client.closing()).code, expected, `closing frame ${Buffer.from(payload).toString('hex')}`);
		await client.ended;
	}
});

test('nothing is read behind a closing frame', async () => {
	const client = await connected();
	client.write(frame(CLOSE, code(1000)), frame(TEXT, OPEN));
	await client.closing();
	await client.ended;
	assert.equal(client.inbox.things.length, 0);
});

culvert('a closing frame without <close/> ends the session at the server', async () => {
	const { gateway } = stage;
	const client = await opened();
	const mark = gateway.program.mark;
	client.write(frame(CLOSE, code(1000)));
	await client.ended;
	await gateway.program.line(/session closed.*reason=CLIENT_GONE/, { mark });
});

culvert('who does not answer our closing frame is left after some seconds', async () => {
	const client = await opened();
	const from = Date.now();
	client.text(CLOSE_STREAM);
	assert.ok(is(parse(await client.next(TEXT)), 'close', NS.framing));
	await client.closing();
	await client.ended;
	const took = Date.now() - from;
	assert.ok(took < await stage.gateway.bound(9000), `left after ${took} ms`);
});

culvert('pings: a client that says nothing is asked', async () => {
	await withStage({ config: { websocket: { ping: 1, pong_timeout: 5 } } }, async ({ gateway, clients }) => {
		const client = await FrameClient.open(gateway);
		clients.push(client);
		client.text(OPEN);
		const payload = await client.next(PING, 'a ping');
		client.write(frame(PONG, payload));
		await client.next(PING, 'another ping');
		await poll(async () => client.inbox.ended === null, 'the connection to stand');
	});
});
