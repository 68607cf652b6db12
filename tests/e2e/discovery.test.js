'use strict';
/*
 * discovery.test.js: host-meta (XEP-0156): what it says, for whom, and what
 * it never says, whatever a request claims.
 */

const assert = require('node:assert/strict');
const { after, before } = require('node:test');

const { Culvert, DIRECT } = require('./lib/gateway');
const { RawConnection, request } = require('./lib/http');
const { culvert: test } = require('./lib/stage');
const { poll } = require('./lib/wait');
const { parse } = require('./lib/xml');

const XRD = '/.well-known/host-meta';
const JRD = '/.well-known/host-meta.json';
const PUBLIC = 'https://chat.example.net';
const KNOWN = { xbosh: `${PUBLIC}/http-bind`, websocket: 'wss://chat.example.net/xmpp-websocket' };

const gateways = [];
let known, unknown, strict; /* with a public URL; without; without, and without trusted proxies */

before(async () => {
	if (DIRECT)
		return;
	const start = async (config) => {
		const gateway = await Culvert.start({ 'example.test': 9, 'bücher.example': 9 }, { pages: false, ...config });
		gateways.push(gateway);
		return gateway;
	};
	known = await start({ public_url: PUBLIC });
	unknown = await start({ trusted_proxies: ['127.0.0.0/8'] });
	strict = await start({ trusted_proxies: [] });
});

after(async () => {
	for (const gateway of gateways)
		await gateway.stop();
});

/* { rel: href } of an answer, in either form. */
function links(path, text) {
	if (path.startsWith(JRD))
		return Object.fromEntries(JSON.parse(text).links.map(({ rel, href }) => [rel.replace('urn:xmpp:alt-connections:', ''), href]));
	const root = parse(text);
	assert.equal(root.namespaceURI, 'http://docs.oasis-open.org/ns/xri/xrd-1.0');
	assert.equal(root.localName, 'XRD');
	return Object.fromEntries([...root.getElementsByTagNameNS(root.namespaceURI, 'Link')].map((link) =>
		[link.getAttribute('rel').replace('urn:xmpp:alt-connections:', ''), link.getAttribute('href')]));
}

const ask = (gateway, path, headers = {}, method = 'GET') =>
	request(gateway.port, method, path, { headers: { Host: 'example.test', ...headers } });

async function found(gateway, path, headers, want) {
	const answer = await ask(gateway, path, headers);
	assert.equal(answer.status, 200, `${path} ${JSON.stringify(headers)}: ${answer.text}`);
	assert.deepEqual(links(path, answer.text), want, path);
	return answer;
}

test('both forms say the same, for every domain served', async () => {
	for (const path of [XRD, JRD]) {
		const { headers } = await found(known, path, {}, KNOWN);
		assert.equal(headers['content-type'], path === JRD ? 'application/json' : 'application/xrd+xml');
		assert.equal(headers['access-control-allow-origin'], '*');
		assert.equal(headers['cache-control'], 'public, max-age=3600');
		assert.equal(headers['x-content-type-options'], 'nosniff');
		for (const host of ['EXAMPLE.test', 'example.test:5280', 'xn--bcher-kva.example'])
			await found(known, path, { Host: host }, KNOWN);
		for (const name of ['example.test', 'Example.Test', 'xn--bcher-kva.example', 'b%C3%BCcher.example', 'B%c3%9ccher.example',
			'example.test.'])
			await found(known, `${path}?domain=${name}`, { Host: '127.0.0.1:5280' }, KNOWN);
	}
});

test('a domain that is not served: 404', async () => {
	for (const path of [XRD, JRD]) {
		for (const query of ['?domain=other.example', '?domain=', '?domain=example.test%00', '?domain=%', '?domain=%zz',
			'?domain=example.test%0d%0aX:y', `?domain=${'a'.repeat(2000)}`, '?domain=*', '?domain=b%FCcher.example', '?domain=../x',
			'?domain=%3Cscript%3E', '?domain=a&domain=example.test']) {
			const { status, headers, text } = await ask(known, path + query);
			assert.equal(status, 404, query);
			assert.match(text, /"domains"/);
			assert.doesNotMatch(text, /script/);
			assert.deepEqual([headers['content-type'], headers['cache-control'], headers['access-control-allow-origin']],
				['text/plain; charset=utf-8', 'no-store', '*']);
		}
		for (const host of ['other.example', 'chat.example.net', '127.0.0.1', '[::1]:5280', 'a/example.test'])
			assert.equal((await ask(known, path, { Host: host })).status, 404, host);
	}
	/* Neither a longer nor a shorter path. */
	for (const path of [`${XRD}/`, `${XRD}.xml`, '/.well-known/', '/.well-known/host-metadata', '/.well-known/HOST-META', '/host-meta'])
		assert.match((await ask(known, path)).text, /nothing here/, path);
});

test('HEAD, OPTIONS, 405', async () => {
	for (const path of [XRD, JRD]) {
		const get = await ask(known, path);
		const head = await ask(known, path, {}, 'HEAD');
		assert.deepEqual([head.status, head.text], [200, '']);
		for (const field of ['content-type', 'content-length', 'etag', 'cache-control', 'access-control-allow-origin'])
			assert.equal(head.headers[field], get.headers[field], field);
		const options = await ask(known, path, { 'Origin': 'https://any.example', 'Access-Control-Request-Method': 'GET',
			'Access-Control-Request-Headers': 'x-requested-with' }, 'OPTIONS');
		assert.deepEqual([options.status, options.headers['access-control-allow-origin']], [204, '*']);
		assert.match(options.headers['access-control-allow-methods'], /GET/);
		for (const method of ['POST', 'PUT', 'DELETE']) {
			const { status, headers } = await ask(known, path, {}, method);
			assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, OPTIONS'], method);
		}
	}
});

test('validators', async () => {
	const tags = new Set();
	for (const path of [XRD, JRD]) {
		const { headers: { etag } } = await ask(known, path);
		assert.match(etag, /^"[0-9a-f]+"$/);
		tags.add(etag);
		const again = await ask(known, path, { 'If-None-Match': `"x", ${etag}` });
		assert.deepEqual([again.status, again.text, again.headers.etag, again.headers['access-control-allow-origin']],
			[304, '', etag, '*']);
		assert.equal((await ask(known, path, { 'If-None-Match': '"x"' })).status, 200);
	}
	assert.equal(tags.size, 2);
});

test('without a public URL a plain request gets no address, but what to set', async () => {
	for (const path of [XRD, JRD, `${XRD}?domain=example.test`]) {
		for (const headers of [{}, { 'X-Forwarded-Proto': 'http' }, { 'X-Forwarded-Host': 'example.test' }]) {
			const { status, text, headers: fields } = await ask(unknown, path, headers);
			assert.equal(status, 404);
			assert.match(text, /"public_url"/);
			assert.match(text, /X-Forwarded-Proto: https/);
			assert.deepEqual([fields['cache-control'], fields['access-control-allow-origin']], ['no-store', '*']);
		}
	}
});

test('behind a trusted proxy that took TLS off: the address of this request, kept by nobody', async () => {
	const https = { 'X-Forwarded-Proto': 'https' };
	for (const path of [XRD, JRD]) {
		const rows = [
			[path, { Host: 'Example.Test' }, 'example.test'],
			[path, { 'Host': '127.0.0.1:5280', 'X-Forwarded-Host': 'example.test' }, 'example.test'],
			[path, { 'Host': 'example.test', 'X-Forwarded-Host': 'example.test:8443', 'X-Forwarded-Proto': 'HTTPS' }, 'example.test:8443'],
			[`${path}?domain=example.test`, { Host: 'web.example:444' }, 'web.example:444'],
			[`${path}?domain=example.test`, { 'Host': 'x', 'X-Forwarded-Host': '[2001:DB8::1]' }, '[2001:db8::1]'],
		];
		for (const [target, headers, host] of rows) {
			const { headers: fields } = await found(unknown, target, { ...https, ...headers },
				{ xbosh: `https://${host}/http-bind`, websocket: `wss://${host}/xmpp-websocket` });
			assert.equal(fields['cache-control'], 'no-store');
			assert.ok(fields.etag);
		}
	}
});

test('a host that is none gets into no address', async () => {
	for (const host of ['a"b', 'a<b', 'a>b', "a' b", 'a/b', 'u@a', 'a?b', 'a#b', 'a, b', 'a:0', 'a:99999', 'a:', 'a:b', '[::1', '::1', 'a b', 'a\\b',
		'b\u00fccher.example', '1.2.3']) {
		for (const headers of [{ 'Host': host }, { 'X-Forwarded-Host': host }]) {
			const { status, text } = await ask(unknown, `${JRD}?domain=example.test`, { 'X-Forwarded-Proto': 'https', ...headers });
			assert.equal(status, 404, `${JSON.stringify(headers)} ${text}`);
			assert.match(text, /"public_url"/, host);
		}
	}
});

/* Fields as they are written: node would put two of a kind into one, or drop one. */
async function raw(gateway, lines) {
	const connection = await RawConnection.open(gateway.port);
	connection.write(`GET ${JRD}?domain=example.test HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`);
	await connection.ended();
	await connection.end();
	return connection.text;
}

test('what the proxy and the client may both have written counts for nothing', async () => {
	const good = ['Host: example.test', 'X-Forwarded-Proto: https'];
	assert.match(await raw(unknown, good), /^HTTP\/1\.1 200 /);
	for (const lines of [
		[...good, 'X-Forwarded-Proto: http'],
		['Host: example.test', 'X-Forwarded-Proto: http', 'x-forwarded-proto: https'],
		[...good, 'X-Forwarded-Proto: https'],
		['Host: example.test', 'X-Forwarded-Proto: https, http'],
		['Host: example.test', 'X-Forwarded-Proto: http,https'],
		['Host: example.test', 'X-Forwarded-Proto:'],
		['Host: example.test', 'X-Forwarded-Proto: httpsx'],
		['Host:', 'X-Forwarded-Proto: https'],
		[...good, 'X-Forwarded-Host:'],
		[...good, 'X-Forwarded-Host: a.example', 'X-Forwarded-Host: b.example'],
	])
		assert.match(await raw(unknown, lines), /^HTTP\/1\.1 404 [^]*public_url/, lines.join('; '));
	for (const lines of [[...good, 'Host: evil.example'], ['X-Forwarded-Proto: https']])
		assert.match(await raw(unknown, lines), /^HTTP\/1\.1 400 /, lines.join('; '));
});

test('who is no trusted proxy is not believed', async () => {
	const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'example.test' };
	assert.equal((await ask(strict, JRD, headers)).status, 404);
	assert.match((await ask(strict, JRD, { ...headers, Host: 'other.example' })).text, /"domains"/);
	/* A reload decides anew, for connections to come and for those there are. */
	assert.match(await strict.reload((c) => { c.trusted_proxies = '127.0.0.1'; }), /reloaded/);
	await poll(async () => (await ask(strict, JRD, headers)).status === 200, 'the proxy to be trusted');
	assert.match(await strict.reload((c) => { c.trusted_proxies = ['127.0.0.2', '10.0.0.0/8']; c.public_url = 'https://a.example/im/'; }), /reloaded/);
	await poll(async () => (await ask(strict, JRD, {})).status === 200, 'the public URL');
	await found(strict, XRD, headers, { xbosh: 'https://a.example/im/http-bind', websocket: 'wss://a.example/im/xmpp-websocket' });
});

test('only what is served is made known, the first path of each', async () => {
	const gateway = await Culvert.start({ 'example.test': 9 },
		{ pages: false, public_url: PUBLIC, paths: { bosh: ['/b', '/http-bind/'], websocket: [] } });
	gateways.push(gateway);
	for (const path of [XRD, JRD])
		await found(gateway, path, {}, { xbosh: `${PUBLIC}/b` });
});
