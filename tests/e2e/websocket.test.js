'use strict';
/*
 * websocket.test.js: XMPP over WebSocket as it looks on the wire (RFC 7395),
 * with messages written by hand.
 */

const assert = require('node:assert/strict');

const { body } = require('./lib/bosh');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { GUESTS, culvert, suite, test, withStage } = require('./lib/stage');
const { poll } = require('./lib/wait');
const { NS, find, is, parse } = require('./lib/xml');

const MAX = 65536;
const stage = suite({ config: { websocket: { max_message: MAX }, limits: { stanza: MAX } } });

const message = (to, text) => `<message xmlns='jabber:client' to='${to}'><body>${text}</body></message>`;

test('<open/> is answered by <open/>, then the features come', async () => {
	const client = stage.websocket();
	await client.connect();
	assert.equal(client.ws.protocol, 'xmpp');
	const { open, features } = await client.start(" xml:lang='de'");
	assert.equal(open.getAttribute('from'), GUESTS);
	assert.equal(open.getAttribute('version'), '1.0');
	assert.ok(open.getAttribute('id'), 'no stream id');
	assert.ok(find(features, 'mechanisms', NS.sasl));
});

test('a stream restarts after login, with a new id', async () => {
	const client = stage.websocket();
	await client.connect();
	const first = await client.start();
	client.send(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
	await client.expect('success', NS.sasl);
	const second = await client.start();
	assert.ok(find(second.features, 'bind', NS.bind));
	assert.notEqual(second.open.getAttribute('id'), first.open.getAttribute('id'));
});

test('every message stands alone, and is text', async () => {
	const client = await stage.guest('websocket');
	client.send(message(client.jid, 'alone'));
	const { text, isBinary } = await client.inbox.take();
	assert.equal(isBinary, false);
	assert.ok(is(parse(text), 'message', NS.client), text);
});

test('many messages in a row stay in order', async () => {
	const client = await stage.guest('websocket');
	const texts = Array.from({ length: 200 }, (_, i) => `number ${i}`);
	texts.forEach((text) => client.send(message(client.jid, text)));
	for (const text of texts)
		assert.equal((await client.next()).textContent, text);
});

test('<close/> is answered by <close/>, then the WebSocket closes', async () => {
	const client = await stage.guest('websocket');
	client.send(`<close xmlns='${NS.framing}'/>`);
	await client.expect('close', NS.framing);
	client.ws.close(1000);
	assert.equal((await client.closed()).code, 1000);
});

test('<close/> ends the session at the server', async () => {
	const [client, other] = [await stage.guest('websocket'), await stage.guest('websocket')];
	client.send(`<presence xmlns='jabber:client' to='${other.jid}'/>`);
	await other.stanza((s) => s.localName === 'presence' && !s.getAttribute('type'), 'presence');
	client.send(`<close xmlns='${NS.framing}'/>`);
	await other.stanza((s) => s.localName === 'presence' && s.getAttribute('type') === 'unavailable', 'presence unavailable');
});

culvert('a message in fragments is one message', async () => {
	const client = await stage.guest('websocket');
	const text = message(client.jid, `f${'é😀'.repeat(2000)}`);
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; at += 777)
		client.send(bytes.subarray(at, at + 777), { binary: false, fin: at + 777 >= bytes.length });
	assert.equal((await client.next()).textContent, parse(text).textContent);
});

test('a ping is answered, also between messages', async () => {
	const client = await stage.guest('websocket');
	const pong = new Promise((resolve) => client.ws.once('pong', (data) => resolve(data.toString())));
	client.ws.ping('are you there');
	client.send(message(client.jid, 'yes'));
	assert.equal(await pong, 'are you there');
	await client.message('yes');
});

test('a large message of many scripts passes byte by byte', async () => {
	const client = await stage.guest('websocket');
	let text = '';
	while (Buffer.byteLength(text) < 50000)
		text += `${text.length} &lt;&amp;&gt; ünï 日本語 \u{1F468}\u200D\u{1F469} \u2028 \u0085 &#13;\n`;
	client.send(message(client.jid, text));
	const { text: heard } = await client.inbox.take();
	const inside = (xml) => xml.slice(xml.indexOf('<body>') + 6, xml.indexOf('</body>'));
	assert.ok(inside(heard) === text.replaceAll('&#13;', inside(heard).includes('&#13;') ? '&#13;' : '\r'), 'the text was changed');
});

culvert('an error before the server has spoken: <open/> with an id that nobody can guess, from nobody', async () => {
	const ids = new Set();
	for (let i = 0; i < 4; i++) {
		const client = stage.websocket('elsewhere.test');
		await client.connect();
		client.openStream(` from='juliet@elsewhere.test/balcony'`);
		const open = await client.expect('open', NS.framing);
		assert.equal(open.getAttribute('from'), '');
		assert.equal(open.getAttribute('to'), 'juliet@elsewhere.test');
		assert.match(open.getAttribute('id'), /^[0-9a-f]{32}$/);
		ids.add(open.getAttribute('id'));
		const error = await client.expect('error', NS.stream);
		await client.expect('close', NS.framing);
		assert.equal((await client.closed()).reason, error.textContent, 'the closing frame says what the error says');
	}
	assert.equal(ids.size, 4);
});

culvert('a client of before RFC 7395 is told what is spoken here', async () => {
	const client = stage.websocket();
	await client.connect();
	client.send(`<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' to='${GUESTS}' version='1.0'>`);
	await client.expect('open', NS.framing);
	assert.match((await client.expect('error', NS.stream)).textContent, /RFC 7395.*urn:ietf:params:xml:ns:xmpp-framing/);
	assert.match((await client.closed()).reason, /RFC 7395/);
});

culvert('whoever says <close/> hears what the server still has to say', async () => {
	const client = await stage.guest('websocket');
	for (let i = 0; i < 50; i++)
		client.send(message(client.jid, `${i}`));
	client.send(`<close xmlns='${NS.framing}'/>`);
	for (let i = 0; i < 50; i++)
		assert.equal((await client.next(`message ${i}`)).textContent, `${i}`);
	await client.expect('close', NS.framing);
	assert.equal((await client.closed()).code, 1000);
});

test('an unknown domain: host-unknown', async () => {
	const client = stage.websocket('elsewhere.test');
	await client.connect();
	client.openStream();
	assert.equal((await client.failure()).error, 'host-unknown');
});

/* What must not be said, before and after <open/>: the stream error and the close code it gets. */
const open = `<open xmlns='${NS.framing}' to='${GUESTS}' version='1.0'/>`;
const bad = [
	/* when,   what,                       said,                                          error,               code */
	['first', 'a stanza before <open/>', message('a@b', 'early'), 'bad-format', 1002],
	['first', 'an <open/> of another namespace', open.replace(NS.framing, 'urn:x'), 'invalid-namespace', 1002],
	['first', 'the stream header of TCP', `<stream:stream xmlns:stream='${NS.stream}' to='${GUESTS}' version='1.0'/>`, 'bad-format', 1002],
	['first', 'an <open/> without a domain', `<open xmlns='${NS.framing}' version='1.0'/>`, 'improper-addressing', 1008],
	['first', 'an <open/> without a version', `<open xmlns='${NS.framing}' to='${GUESTS}'/>`, 'unsupported-version', 1002],
	['first', 'an <open/> of version 0.9', open.replace('1.0', '0.9'), 'unsupported-version', 1002],
	['first', 'an XML declaration', `<?xml version='1.0'?>${open}`, 'restricted-xml', 1007],
	['first', 'a comment', `<!-- x -->${open}`, 'restricted-xml', 1007],
	['first', 'white space before <open/>', ` ${open}`, 'not-well-formed', 1007],
	['first', 'half an <open/>', open.slice(0, -2), 'not-well-formed', 1007],
	['first', 'a DTD', `<!DOCTYPE open [<!ENTITY a "b">]>${open}`, 'restricted-xml', 1007],
	['first', 'text', 'hello', 'not-well-formed', 1007],
	['then', 'a second <open/>', open, 'bad-format', 1002],
	['then', 'a <close/> of another namespace', "<close xmlns='jabber:client'/>", 'invalid-namespace', 1002],
	['then', 'a request for TLS', `<starttls xmlns='${NS.tls}'/>`, 'unsupported-stanza-type', 1002],
	['then', 'a request for compression', "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>", 'unsupported-stanza-type', 1002],
	['then', 'white space to keep the connection alive', ' ', 'not-well-formed', 1007],
	['then', 'an XML declaration', `<?xml version='1.0'?>${message('a@b', '1')}`, 'restricted-xml', 1007],
	['then', 'two elements in a message', message('a@b', '1') + message('a@b', '2'), 'not-well-formed', 1007],
	['then', 'half an element', '<message><body>', 'not-well-formed', 1007],
	['then', 'an empty message', '', 'not-well-formed', 1007],
	['then', 'a DTD', `<!DOCTYPE message []>${message('a@b', 'x')}`, 'restricted-xml', 1007],
	['then', 'a comment', `<message xmlns='jabber:client'><!-- x --></message>`, 'restricted-xml', 1007],
	['then', 'a processing instruction', `<message xmlns='jabber:client'><?x y?></message>`, 'restricted-xml', 1007],
	['then', 'an entity of its own', `<message xmlns='jabber:client'><body>&bomb;</body></message>`, null, 1007],
	['then', 'a prefix not declared', '<x:message/>', 'not-well-formed', 1007],
	['then', 'a binary message', Buffer.from(message('a@b', 'x')), 'bad-format', 1003],
	['then', 'a message above the limit', message('a@b', 'x'.repeat(MAX)), 'policy-violation', 1009],
	['then', 'a message far above the limit', message('a@b', 'x'.repeat(10 * MAX)), 'policy-violation', 1009],
];
for (const [when, what, said, error, code] of bad) {
	culvert(`bad message: ${what}${when === 'then' ? ', in a session' : ''}`, async () => {
		const client = stage.websocket();
		if (when === 'first')
			await client.connect();
		else
			await client.login();
		client.send(said);
		const failed = await client.failure();
		if (error)
			assert.deepEqual(failed, { error, code });
		else
			assert.equal(failed.code, code);
	});
}

culvert('bad message: fragments that grow above the limit', async () => {
	const client = await stage.guest('websocket');
	client.send("<message xmlns='jabber:client'><body>", { fin: false });
	for (let i = 0; i < 20; i++)
		client.send('x'.repeat(8192), { fin: false });
	assert.deepEqual(await client.failure(), { error: 'policy-violation', code: 1009 });
});

culvert('bad message: what is no UTF-8', async () => {
	const client = await stage.guest('websocket');
	client.send(Buffer.from([0x3c, 0x61, 0xc3, 0x28, 0x2f, 0x3e]), { binary: false });
	assert.equal((await client.closed()).code, 1007);
});

test('the server forgets a client whose connection is lost', async () => {
	const [client, other] = [await stage.guest('websocket'), await stage.guest('websocket')];
	client.send(`<presence xmlns='jabber:client' to='${other.jid}'/>`);
	await other.stanza((s) => s.localName === 'presence' && !s.getAttribute('type'), 'presence');
	client.ws._socket.resetAndDestroy();
	await other.stanza((s) => s.localName === 'presence' && s.getAttribute('type') === 'unavailable', 'presence unavailable');
});

/* The upgrade. */
const upgrade = (changes, gateway = stage.gateway) =>
	request(gateway.port, 'GET', gateway.websocketPath, { headers: upgradeHeaders(changes) });

test('upgrade: a proper one is accepted', async () => {
	const { status, headers } = await upgrade();
	assert.equal(status, 101);
	assert.equal(headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
	assert.equal(headers['sec-websocket-protocol'], 'xmpp');
	assert.equal(headers['sec-websocket-extensions'], undefined);
});

test('upgrade: tokens are found in lists, in any case', async () => {
	const { status, headers } = await upgrade({
		'Connection': 'keep-alive, UPGRADE', 'Upgrade': 'WebSocket', 'Sec-WebSocket-Protocol': 'foo, xmpp',
	});
	assert.deepEqual([status, headers['sec-websocket-protocol']], [101, 'xmpp']);
});

culvert('upgrade: compression is not taken up', async () => {
	const { status, headers } = await upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
	assert.deepEqual([status, headers['sec-websocket-extensions']], [101, undefined]);
});

culvert('upgrade: without the subprotocol it is refused', async () => {
	for (const protocol of [null, 'xmpp2', 'chat, superchat']) {
		const { status } = await upgrade({ 'Sec-WebSocket-Protocol': protocol });
		assert.ok(status >= 400 && status < 500, `status ${status} for ${protocol}`);
	}
});

culvert('upgrade: another version gets 426 and the one we speak', async () => {
	for (const version of ['8', '14', null]) {
		const { status, headers } = await upgrade({ 'Sec-WebSocket-Version': version });
		assert.deepEqual([status, headers['sec-websocket-version']], [426, '13']);
	}
});

culvert('upgrade: a bad key gets 400', async () => {
	for (const key of [null, '', 'short', 'dGhlIHNhbXBsZSBub25jZQ=', 'dGhlIHNhbXBsZSBub25jZSE=x', '!!!!IHNhbXBsZSBub25jZQ=='])
		assert.equal((await upgrade({ 'Sec-WebSocket-Key': key })).status, 400, `key ${key}`);
});

culvert('upgrade: only the origins of the configuration may', async () => {
	await withStage({ config: { origins: ['https://chat.example.com'] } }, async ({ gateway }) => {
		const origins = {
			'https://chat.example.com': 101,
			'https://evil.example.com': 403,
			'http://chat.example.com': 403,
			'https://chat.example.com.evil.org': 403,
			'null': 403,
		};
		for (const [origin, expected] of Object.entries(origins))
			assert.equal((await upgrade({ Origin: origin }, gateway)).status, expected, origin);
		assert.equal((await upgrade({}, gateway)).status, 101, 'no browser');
	});
});

culvert('an empty list of origins: only pages of the host they ask, and who is no browser, by both transports', async () => {
	await withStage({ config: { origins: [] } }, async ({ gateway }) => {
		for (const [Origin, expected] of [[null, true], [`http://127.0.0.1:${gateway.port}`, true], [`https://127.0.0.1:${gateway.port}`, true],
			['http://127.0.0.1', false], ['https://chat.example.com', false], ['null', false]]) {
			const headers = Origin ? { Origin } : {};
			assert.equal((await upgrade(headers, gateway)).status, expected ? 101 : 403, `WebSocket: ${Origin}`);
			const answer = await request(gateway.port, 'POST', gateway.boshPath, { headers, body: body({ rid: 1, sid: 'none' }) });
			assert.equal(answer.status, expected ? 200 : 403, `BOSH: ${Origin}`);
			assert.match(answer.text, expected ? /item-not-found/ : /Origin is not allowed/);
			assert.equal(answer.headers['access-control-allow-origin'], undefined);
		}
	});
});

culvert('upgrade: the subprotocol is xmpp and no other spelling; offered twice it is clear enough', async () => {
	for (const [protocol, expected] of [['XMPP', 400], ['xmpp ', 101], ['xmpp;q=1', 400], ['xmpp, xmpp', 101], ['', 400]])
		assert.equal((await upgrade({ 'Sec-WebSocket-Protocol': protocol })).status, expected, JSON.stringify(protocol));
});

culvert('upgrade: without "require_subprotocol" none need be offered, and then none is agreed upon', async () => {
	await withStage({ config: { websocket: { require_subprotocol: false } } }, async (lax) => {
		const { status, headers } = await upgrade({ 'Sec-WebSocket-Protocol': null }, lax.gateway);
		assert.deepEqual([status, headers['sec-websocket-protocol']], [101, undefined]);
		assert.equal((await upgrade({ 'Sec-WebSocket-Protocol': 'chat' }, lax.gateway)).status, 400);
		assert.equal((await upgrade({}, lax.gateway)).headers['sec-websocket-protocol'], 'xmpp');
		const client = lax.websocket();
		await client.connect({ protocols: [] });
		await client.start();
	});
});

/* Heads that node's HTTP client does not write.  The answer's status. */
async function upgradeBy(requestLine, lines) {
	const raw = await RawConnection.open(stage.gateway.port);
	raw.write(`${requestLine}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
	await poll(() => raw.text.includes('\r\n\r\n'), 'the answer');
	await raw.end();
	return Number(raw.text.split(' ')[1]);
}
const lines = ['Host: localhost', ...Object.entries(upgradeHeaders()).map(([name, value]) => `${name}: ${value}`)];

culvert('upgrade: what RFC 6455, 4.2.1 asks of the head', async () => {
	const path = stage.gateway.websocketPath;
	const rows = [
		[`GET ${path} HTTP/1.1`, lines, 101],
		[`GET ${path}?a=b HTTP/1.1`, lines, 101],
		[`GET ${path}/ HTTP/1.1`, lines, 101],
		[`GET http://localhost${path} HTTP/1.1`, lines, 101],
		[`GET ${path} HTTP/1.0`, lines, 400],
		[`GET ${path} HTTP/1.1`, lines.slice(1), 400],
		[`GET ${path} HTTP/1.1`, lines.filter((line) => !line.startsWith('Connection')), 400],
		[`POST ${path} HTTP/1.1`, [...lines, 'Content-Length: 0'], 405],
		[`GET ${path} HTTP/1.1`, [...lines, 'X-Unknown: \u00ff'], 101],
		[`GET ${path} HTTP/1.1`, [...lines, 'Sec-WebSocket-Extensions: x-unknown; a="b", y'], 101],
		[`GET ${path} HTTP/1.1`, [...lines, 'Sec-WebSocket-Protocol: chat'], 101],
		[`GET ${path} HTTP/1.1`, [...lines, 'Connection: keep-alive'], 101],
	];
	for (const [requestLine, head, expected] of rows)
		assert.equal(await upgradeBy(requestLine, head), expected, `${requestLine} ${head.slice(-1)}`);
});

culvert('upgrade: a refusal says why', async () => {
	for (const [changes, words] of [
		[{ 'Sec-WebSocket-Protocol': null }, /Sec-WebSocket-Protocol.* xmpp/], [{ 'Sec-WebSocket-Version': '8' }, /version 13/],
		[{ 'Sec-WebSocket-Key': null }, /Sec-WebSocket-Key/], [{ Connection: 'close' }, /Connection/],
	])
		assert.match((await upgrade(changes)).text, words);
});

test('a plain GET shows a page', async () => {
	const answer = await request(stage.gateway.port, 'GET', stage.gateway.websocketPath);
	assert.equal(answer.status, 200);
	assert.match(answer.text, /WebSocket/i);
});
