'use strict';
/*
 * origins.test.js: whose pages may connect, by both transports: heads as
 * browsers write them, and then a browser's own.  The rule itself is
 * tests/unit/test_origin.c.
 */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const { body } = require('./lib/bosh');
const { Browser } = require('./lib/browser');
const { Culvert } = require('./lib/gateway');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { removeDirectory, temporaryDirectory } = require('./lib/program');
const { culvert: test } = require('./lib/stage');
const { poll } = require('./lib/wait');

const LISTED = ['https://listed.example', 'https://*.wide.example', 'capacitor://localhost', 'file://'];
const CONFIG = { origins: LISTED, public_url: 'https://chat.example.com/im', response_headers: { 'x-jitsi-shard': 's1', 'x-b': 'c' } };
const KEPT_ALIVE = 'GET /http-bind HTTP/1.1\r\nHost: x\r\n\r\n';

async function withCulvert(config, play) {
	const gateway = await Culvert.start({ 'xmpp.example.org': 9, 'b\u00fccher.example': 9 }, config);
	try {
		return await play(gateway);
	} finally {
		await gateway.stop();
	}
}

const bosh = ({ port }, headers) => request(port, 'POST', '/http-bind', { headers, body: body({ rid: 1, sid: 'none' }) });
const websocket = ({ port }, headers) => request(port, 'GET', '/xmpp-websocket', { headers: upgradeHeaders(headers) });

/* An upgrade on a connection that served a request before: it is not the door that judges it. */
async function lateWebsocket({ port }, headers) {
	const raw = await RawConnection.open(port);
	raw.write(KEPT_ALIVE);
	await poll(() => raw.text.includes('BOSH URL here'), 'the first answer');
	raw.text = '';
	raw.write(`GET /xmpp-websocket HTTP/1.1\r\n${Object.entries(upgradeHeaders({ Host: 'x', ...headers })).map(([name, value]) =>
		`${name}: ${value}\r\n`).join('')}\r\n`);
	await poll(() => raw.text.includes('\r\n\r\n'), 'the second');
	await raw.end();
	return { status: Number(raw.text.split(' ')[1]) };
}

/* Is it served, by whatever way it comes? */
async function served(gateway, headers) {
	const all = [(await bosh(gateway, headers)).status === 200];
	all.push((await websocket(gateway, headers)).status === 101, (await lateWebsocket(gateway, headers)).status === 101);
	assert.equal(new Set(all).size, 1, `${JSON.stringify(headers)}: BOSH, WebSocket, late WebSocket: ${all}`);
	return all[0];
}

test('pages of the host they ask: by a name that is known, and by no other', () => withCulvert(CONFIG, async (gateway) => {
	const rows = [
		/* Whoever owns a name may let it point here. */
		['http://evil.example', 'evil.example', false],
		[`http://evil.example:${gateway.port}`, `evil.example:${gateway.port}`, false],
		['https://chat.example.com.evil.example', 'chat.example.com.evil.example', false],
		['http://127.0.0.1.evil.example', '127.0.0.1.evil.example', false],
		/* Addresses, localhost, public_url, domains and what is below, names in the list. */
		[`http://127.0.0.1:${gateway.port}`, `127.0.0.1:${gateway.port}`, true],
		['http://[2001:db8::1]:5280', '[2001:db8::1]:5280', true],
		['http://localhost:5280', 'localhost:5280', true],
		['http://chat.example.com:5280', 'chat.example.com:5280', true],
		['https://XMPP.example.org', 'xmpp.Example.org.', true],
		['https://web.xmpp.example.org', 'web.xmpp.example.org', true],
		['https://example.org', 'example.org', false],
		['https://xn--bcher-kva.example', 'xn--bcher-kva.example', true],
		['http://listed.example:8080', 'listed.example:8080', true],
		/* The scheme's own port is as good as none. */
		['https://xmpp.example.org', 'xmpp.example.org:443', true],
		['http://xmpp.example.org', 'xmpp.example.org:80', true],
		['https://xmpp.example.org', 'xmpp.example.org:80', false],
		['https://xmpp.example.org:8443', 'xmpp.example.org', false],
		/* Pages of public_url are at home, whatever a proxy made of Host. */
		['https://chat.example.com', 'backend:5280', true],
		['http://chat.example.com', 'backend:5280', false],
	];
	for (const [Origin, Host, expected] of rows)
		assert.equal(await served(gateway, { Origin, Host }), expected, `${Origin} asks ${Host}`);
}));

test('what Host was for a proxy is believed of one that is trusted', async () => {
	const forwarded = (name) => ({ 'Origin': 'https://xmpp.example.org', 'Host': 'meet.internal', 'X-Forwarded-Host': name });
	await withCulvert(CONFIG, async (gateway) => {
		assert.equal(await served(gateway, forwarded('xmpp.example.org')), true);
		assert.equal(await served(gateway, forwarded('xmpp.example.org:443')), true);
		assert.equal(await served(gateway, forwarded('other.example')), false);
		assert.equal(await served(gateway, { ...forwarded('evil.example'), Origin: 'https://evil.example' }), false);
	});
	await withCulvert({ ...CONFIG, trusted_proxies: [] }, async (gateway) =>
		assert.equal(await served(gateway, forwarded('xmpp.example.org')), false));
});

test('origins of all kinds', () => withCulvert(CONFIG, async (gateway) => {
	const rows = {
		'https://listed.example': true, 'HTTPS://LISTED.example': true, 'https://listed.example:443': true,
		'http://listed.example': false, 'https://listed.example:444': false, 'https://a.listed.example': false,
		'https://a.wide.example': true, 'https://wide.example': false, 'https://b.a.wide.example': false,
		'capacitor://localhost': true, 'ionic://localhost': false, 'https://localhost': false,
		'file://': true, 'file:///': false, 'file://a': false, 'null': false, '': false,
	};
	for (const [Origin, expected] of Object.entries(rows)) {
		assert.equal(await served(gateway, { Origin, Host: 'h.example' }), expected, Origin);
		const { headers } = await bosh(gateway, { Origin, Host: 'h.example' });
		assert.equal(headers['access-control-allow-origin'], expected ? Origin : undefined);
		assert.equal(headers.vary, 'Origin', 'also who is refused');
		assert.equal(headers['access-control-allow-credentials'], undefined);
		assert.equal(headers['access-control-expose-headers'], expected ? 'x-jitsi-shard, x-b' : undefined);
	}
}));

test('"*" is everybody, "null" too, with nothing that depends on who asks', () => withCulvert({}, async (gateway) => {
	for (const Origin of ['null', 'https://a.example', 'file://']) {
		assert.equal(await served(gateway, { Origin }), true);
		const { headers } = await bosh(gateway, { Origin });
		assert.deepEqual([headers['access-control-allow-origin'], headers.vary], ['*', undefined]);
	}
	assert.equal(await served(gateway, { Host: 'chat.lan:5280', Origin: 'http://chat.lan:5280' }), true, 'a first try by a name');
}));

test('a page that is refused is in the log: who asked what, and the cure', () => withCulvert(CONFIG, async (gateway) => {
	const evil = { Origin: 'http://chat.lan:5280', Host: 'chat.lan:5280' };
	const unknown = 'status=403 reason="This Origin is not allowed\\." origin=http://chat\\.lan:5280 host=chat\\.lan:5280 ' +
		'forwarded_host=- cure="a page of the host that it connects to, by a name that is not known here: set public_url ';
	for (const [ask, event] of [[bosh, 'request'], [websocket, 'upgrade'], [lateWebsocket, 'upgrade']]) {
		const { mark } = gateway.program;
		assert.equal((await ask(gateway, evil)).status, 403);
		await gateway.program.line(new RegExp(`${event} refused client=127\\.0\\.0\\.1:\\d+ listener=\\S+ ${unknown}`), { mark });
	}
	let { mark } = gateway.program;
	await bosh(gateway, { 'Origin': 'https://a.example" x="y', 'Host': 'backend', 'X-Forwarded-Host': 'chat.example.com' });
	await gateway.program.line(
		/request refused .*origin="https:\/\/a\.example\\" x=\\"y" host=backend forwarded_host=chat\.example\.com cure="a page of another site: add/,
		{ mark });
	/* However often: bounded by the second. */
	mark = gateway.program.mark;
	const from = Date.now();
	for (let i = 0; i < 20; i++)
		await Promise.all(Array.from({ length: 50 }, () => bosh(gateway, evil)));
	const { http_refused: refused } = await gateway.counters();
	const lines = gateway.program.lines.slice(mark).filter((line) => /request refused client=/.test(line));
	assert.ok(refused >= 1000, `${refused} are counted`);
	assert.ok(lines.length <= 100 * (Math.ceil((Date.now() - from) / 1000) + 1), `${lines.length} lines`);
}));

test('a preflight of an allowed origin gets whatever fields it asks for', () => withCulvert(CONFIG, async (gateway) => {
	const preflight = async (Origin, asked) => {
		const { status, headers } = await request(gateway.port, 'OPTIONS', '/http-bind', { headers: {
			Origin, 'Access-Control-Request-Method': 'POST', ...(asked && { 'Access-Control-Request-Headers': asked }) } });
		assert.equal(status, 204);
		return headers;
	};
	const usual = 'Content-Type, Content-Encoding, X-Requested-With';
	assert.equal((await preflight('https://listed.example'))['access-control-allow-headers'], usual);
	assert.equal((await preflight('https://a.wide.example', 'authorization,content-type,x-own'))['access-control-allow-headers'],
		`${usual}, authorization, x-own`);
	assert.equal((await preflight('https://listed.example', 'x y, z'))['access-control-allow-headers'], `${usual}, z`);
	assert.equal((await preflight('https://listed.example', 'x'.repeat(1000)))['access-control-allow-headers'], usual);
	const refused = await preflight('https://evil.example', 'x-own');
	for (const name of ['origin', 'headers', 'methods', 'credentials'])
		assert.equal(refused[`access-control-allow-${name}`], undefined);
}));

/* A web site of its own: an empty page, whatever is asked for. */
async function site() {
	const server = http.createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!DOCTYPE html>'));
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return { server, port: server.address().port };
}

/* In the page: what became of a BOSH request and of a WebSocket, and what a page may see. */
const tryBosh = (page, url, init = {}) => page.evaluate(async ([url, init]) => {
	try {
		const answer = await fetch(url, { method: 'POST', body: '<body/>', ...init });
		return { status: answer.status, shard: answer.headers.get('x-jitsi-shard') };
	} catch (error) {
		return { error: String(error) };
	}
}, [url, init]);
const tryWebsocket = (page, url) => page.evaluate((url) => new Promise((resolve) => {
	const socket = new WebSocket(url, 'xmpp');
	socket.onopen = () => { resolve('open'); socket.close(); };
	socket.onerror = () => resolve('error');
}), url);

test('a browser, for which all names lead here', async () => {
	const browser = await Browser.start({ args: ['--host-resolver-rules=MAP * 127.0.0.1'] });
	const { server, port } = await site();
	const www = temporaryDirectory('www');
	fs.writeFileSync(path.join(www, 'index.html'), '<!DOCTYPE html>');
	try {
		const own = `http://site.example:${port}`;
		await withCulvert({ ...CONFIG, origins: [own], cors_credentials: true, pages: www }, async (gateway) => {
			const page = await browser.page();
			const home = (name) => `${name}.example.com:${gateway.port}`;

			/* A page that came from culvert, by the name that the configuration tells, and by one that somebody made up. */
			await page.goto(`http://${home('chat')}/`);
			assert.deepEqual(await tryBosh(page, `http://${home('chat')}/http-bind`), { status: 200, shard: 's1' });
			assert.equal(await tryWebsocket(page, `ws://${home('chat')}/xmpp-websocket`), 'open');
			await page.goto(`http://${home('evil')}/`);
			assert.equal((await tryBosh(page, `http://${home('evil')}/http-bind`)).status, 403);
			assert.equal(await tryWebsocket(page, `ws://${home('evil')}/xmpp-websocket`), 'error');

			/* A page of another site, with fields of its own and with cookies. */
			const init = { credentials: 'include', headers: { 'Content-Type': 'text/xml', 'X-Own': 'a', 'Authorization': 'b' } };
			await page.goto(own);
			assert.deepEqual(await tryBosh(page, `http://${home('gate')}/http-bind`, init), { status: 200, shard: 's1' });
			assert.equal(await tryWebsocket(page, `ws://${home('gate')}/xmpp-websocket`), 'open');
			await page.goto(`http://other.example:${port}`);
			assert.match((await tryBosh(page, `http://${home('gate')}/http-bind`, init)).error, /Failed to fetch/);
			assert.match((await tryBosh(page, `http://${home('gate')}/http-bind`)).error, /Failed to fetch/);
			assert.equal(await tryWebsocket(page, `ws://${home('gate')}/xmpp-websocket`), 'error');

			/* Without the key: no cookies. */
			await gateway.reload((c) => { c.cors_credentials = false; });
			await page.goto(own);
			assert.match((await tryBosh(page, `http://${home('gate')}/http-bind`, init)).error, /Failed to fetch/);
			assert.equal((await tryBosh(page, `http://${home('gate')}/http-bind`)).status, 200);
		});
	} finally {
		await browser.stop();
		server.close();
		server.closeAllConnections();
		removeDirectory(www);
	}
});
