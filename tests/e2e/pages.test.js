'use strict';
/*
 * pages.test.js: static files: what is served and how, and that nothing else
 * is, whatever a path says.
 */

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { Agent } = require('node:http');
const net = require('node:net');
const path = require('node:path');

const { BINARY, Culvert, DIRECT } = require('./lib/gateway');
const { RawConnection, request, upgradeHeaders } = require('./lib/http');
const { removeDirectory, temporaryDirectory } = require('./lib/program');
const { culvert: test, explain } = require('./lib/stage');
const { poll } = require('./lib/wait');

const { after, before } = require('node:test');

const LARGE = 64 << 20;
const gateways = [];
let top, www, gateway;

async function start(config) {
	const started = await Culvert.start({ 'example.test': 9 }, config);
	gateways.push(started);
	return started;
}

before(async () => {
	if (DIRECT)
		return;
	top = temporaryDirectory('pages');
	www = path.join(top, 'www');
	fs.mkdirSync(path.join(www, 'sub'), { recursive: true });
	fs.mkdirSync(path.join(www, 'empty'));
	fs.mkdirSync(path.join(www, '.git'));
	fs.mkdirSync(path.join(www, 'http-bind'));
	fs.writeFileSync(path.join(top, 'secret.txt'), 'secret');
	fs.writeFileSync(path.join(www, 'index.html'), '<title>first</title>');
	fs.writeFileSync(path.join(www, 'sub', 'index.html'), '<title>sub</title>');
	fs.writeFileSync(path.join(www, 'sub', 'a b.txt'), 'blank');
	fs.writeFileSync(path.join(www, 'http-bind', 'index.html'), 'hidden by BOSH');
	fs.writeFileSync(path.join(www, 'empty.txt'), '');
	fs.writeFileSync(path.join(www, '.htaccess'), 'secret');
	fs.writeFileSync(path.join(www, '.git', 'config'), 'secret');
	for (const name of ['app.js', 'app.mjs', 'app.js.map', 'style.css', 'logo.svg', 'favicon.ico', 'font.woff2', 'app.wasm',
		'ding.ogg', 'ding.mp3', 'data.json', 'site.webmanifest', 'LICENSE', 'picture.png'])
		fs.writeFileSync(path.join(www, name), name);
	fs.symlinkSync('sub/index.html', path.join(www, 'link.html'));
	fs.symlinkSync('../secret.txt', path.join(www, 'out.txt'));
	fs.symlinkSync(path.join(top, 'secret.txt'), path.join(www, 'absolute.txt'));
	fs.symlinkSync('..', path.join(www, 'up'));
	fs.truncateSync(fs.openSync(path.join(www, 'large.wav'), 'w'), LARGE);
	gateway = await start({ pages: www });
});

after(async () => {
	for (const started of gateways)
		await started.stop();
	if (top)
		removeDirectory(top);
});

const get = (name, options) => request(gateway.port, 'GET', name, options);

test('an index, a file, a file by an escaped name', async () => {
	const index = await get('/');
	assert.deepEqual([index.status, index.text], [200, '<title>first</title>']);
	assert.equal(index.headers['content-type'], 'text/html; charset=utf-8');
	assert.equal(index.headers['cache-control'], 'no-cache');
	assert.equal(index.headers['x-content-type-options'], 'nosniff');
	assert.equal((await get('/?x=1&y=%00')).text, '<title>first</title>');
	assert.equal((await get('/sub/')).text, '<title>sub</title>');
	assert.equal((await get('/sub/a%20b.txt')).text, 'blank');
	assert.equal((await get('/link.html')).text, '<title>sub</title>');
	assert.deepEqual([(await get('/empty.txt')).status, (await get('/empty.txt')).text], [200, '']);
});

test('a directory without its slash leads to the one with it, wherever a proxy shows it', async () => {
	const { status, headers } = await get('/sub');
	assert.deepEqual([status, headers.location], [301, './sub/']);
	assert.equal((await get('/empty')).status, 301);
	/* No list of what is in it. */
	assert.equal((await get('/empty/')).status, 404);
});

test('types, and how long they are kept', async () => {
	const rows = {
		'app.js': ['text/javascript; charset=utf-8', 'no-cache'],
		'app.mjs': ['text/javascript; charset=utf-8', 'no-cache'],
		'app.js.map': ['application/json', 'no-cache'],
		'style.css': ['text/css; charset=utf-8', 'no-cache'],
		'data.json': ['application/json', 'no-cache'],
		'site.webmanifest': ['application/manifest+json', 'no-cache'],
		'app.wasm': ['application/wasm', 'no-cache'],
		'LICENSE': ['application/octet-stream', 'no-cache'],
		'logo.svg': ['image/svg+xml', 'public, max-age=86400'],
		'picture.png': ['image/png', 'public, max-age=86400'],
		'favicon.ico': ['image/x-icon', 'public, max-age=86400'],
		'font.woff2': ['font/woff2', 'public, max-age=86400'],
		'ding.ogg': ['audio/ogg', 'public, max-age=86400'],
		'ding.mp3': ['audio/mpeg', 'public, max-age=86400'],
	};
	for (const [name, [type, cache]] of Object.entries(rows)) {
		const { status, text, headers } = await get(`/${name}`);
		assert.deepEqual([status, text, headers['content-type'], headers['cache-control']], [200, name, type, cache], name);
		assert.equal(headers['x-content-type-options'], 'nosniff', name);
	}
});

test('HEAD is GET without the body, on a connection that lives on', async () => {
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	try {
		for (const name of ['/', '/app.js', '/large.wav', '/nothing', '/sub']) {
			const head = await request(gateway.port, 'HEAD', name, { agent });
			assert.equal(head.text, '');
			if (name === '/large.wav') {
				assert.equal(head.headers['content-length'], String(LARGE));
				continue;
			}
			const whole = await request(gateway.port, 'GET', name, { agent });
			assert.equal(head.status, whole.status, name);
			for (const field of ['content-type', 'content-length', 'etag', 'last-modified', 'cache-control', 'location'])
				assert.equal(head.headers[field], whole.headers[field], `${name}: ${field}`);
		}
		const [sockets] = Object.values(agent.freeSockets);
		assert.equal(sockets.length, 1);
	} finally {
		agent.destroy();
	}
});

test('validators: 304 for who has it, anew for who has another', async () => {
	const file = path.join(www, 'changing.html');
	const ask = (headers) => get('/changing.html', { headers });
	fs.writeFileSync(file, 'one');
	const { headers } = await ask({});
	const { etag, 'last-modified': date } = headers;
	assert.match(etag, /^"[0-9a-f-]+"$/);
	assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60000, date);
	for (const have of [{ 'If-None-Match': etag }, { 'If-None-Match': `"x", W/${etag}` }, { 'If-None-Match': '*' },
		{ 'If-Modified-Since': date }]) {
		const { status, text, headers: found } = await ask(have);
		assert.deepEqual([status, text, found.etag], [304, '', etag], JSON.stringify(have));
		assert.equal(found['content-type'], undefined);
	}
	for (const have of [{ 'If-None-Match': '"x"' }, { 'If-None-Match': '"x"', 'If-Modified-Since': date },
		{ 'If-Modified-Since': 'yesterday' }])
		assert.equal((await ask(have)).status, 200, JSON.stringify(have));
	fs.writeFileSync(file, 'two');
	const again = await ask({ 'If-None-Match': etag });
	assert.deepEqual([again.status, again.text], [200, 'two']);
});

/* A request as it is written; the client's library would tidy the path. */
async function raw(target, head = 'Host: x\r\n') {
	const connection = await RawConnection.open(gateway.port);
	connection.write(`GET ${target} HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
	await connection.ended();
	await connection.end();
	return connection.text;
}

test('nothing outside, nothing hidden, nothing by another name', async () => {
	const targets = [
		'/../secret.txt', '/..', '/sub/../../secret.txt', '/sub/../index.html', '/./index.html',
		'/%2e%2e/secret.txt', '/.%2e/secret.txt', '/%2E%2E%2Fsecret.txt', '/sub%2f..%2f..%2fsecret.txt', '/..%2fsecret.txt',
		'/%252e%252e/secret.txt', '/..%5csecret.txt', '/..\\secret.txt', '/sub%2findex.html', '/%2findex.html',
		'/index.html%00', '/index.html%00.png', '/%00', '/index.html%0a', '/index.html/', '/index.html/x',
		'//index.html', '//etc/passwd', '/sub//index.html', '/etc/passwd', '/%2fetc%2fpasswd', '/%', '/%zz', '/index.html%',
		'/.htaccess', '/.git/config', '/%2ehtaccess', '/%2egit/config', '/sub/.', '/sub/..', '/up/secret.txt', '/up/www/index.html',
		'/out.txt', '/absolute.txt', '/nothing', '/sub/nothing', `/${'a'.repeat(300)}`, `/${'a/'.repeat(700)}`,
		'/index.htm', '/INDEX.HTML',
		'http://x/../secret.txt', 'http://x//etc/passwd', '/.well-known/acme-challenge/x',
	];
	for (const target of targets) {
		const text = await raw(target);
		assert.match(text, /^HTTP\/1\.1 404 /, `${target}: ${text}`);
		assert.doesNotMatch(text, /secret$|root:/, target);
	}
	for (const target of ['http://x/', 'http://x', 'HTTP://x/index.html?y'])
		assert.match(await raw(target), /^HTTP\/1\.1 200 [^]*first/, target);
	assert.match(await raw('*'), /^HTTP\/1\.1 404 /);
	assert.match(await raw('index.html'), /^HTTP\/1\.1 (400|404) /);
	assert.equal((await get('/')).status, 200);
});

test('a page that says that there is none, for who reads pages', async () => {
	const page = await get('/nothing', { headers: { Accept: 'text/html,*/*' } });
	assert.equal(page.status, 404);
	assert.match(page.headers['content-type'], /^text\/html/);
	assert.match(page.text, /<h1>/);
	const plain = await get('/nothing');
	assert.match(plain.headers['content-type'], /^text\/plain/);
	assert.ok(plain.text.length < 100);
	for (const { headers } of [page, plain])
		assert.deepEqual([headers['cache-control'], headers['x-content-type-options']], ['no-store', 'nosniff']);
});

test('other methods: 405 where a page is, 404 where none is', async () => {
	for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
		const { status, headers } = await request(gateway.port, method, '/index.html', { body: 'x' });
		assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
		assert.equal((await request(gateway.port, method, '/nothing', { body: 'x' })).status, 404, method);
	}
	assert.equal((await get('/index.html', { headers: upgradeHeaders() })).status, 200);
});

test('the paths of the transports come first', async () => {
	for (const name of ['/http-bind', '/http-bind/'])
		assert.match((await get(name)).text, /BOSH endpoint/, name);
	assert.match((await get('/xmpp-websocket')).text, /WebSocket endpoint/);
	assert.equal((await get('/http-bind/index.html')).text, 'hidden by BOSH');
});

test('a page may not be read by other origins', async () => {
	const { headers } = await get('/', { headers: { Origin: 'https://other.example' } });
	assert.equal(headers['access-control-allow-origin'], undefined);
});

const rssKib = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${gateway.program.pid}/status`, 'utf8'))[1]);

test('a large file arrives whole and costs no memory, nobody waits for who reads slowly', { ms: 60000 }, async () => {
	const before_ = rssKib();
	const slow = [];
	for (let i = 0; i < 8; i++) {
		const connection = await RawConnection.open(gateway.port);
		connection.socket.pause();
		connection.write('GET /large.wav HTTP/1.1\r\nHost: x\r\n\r\n');
		slow.push(connection);
	}
	const began = Date.now();
	for (let i = 0; i < 20; i++)
		assert.equal((await get('/')).status, 200);
	const took = Date.now() - began;
	assert.ok(took < await gateway.bound(5000), `took ${took} ms`);
	const received = await new Promise((resolve, reject) => {
		let n = 0;
		const socket = net.connect(gateway.port, '127.0.0.1', () =>
			socket.write('GET /large.wav HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
		socket.on('data', (chunk) => { n += chunk.length; });
		socket.on('end', () => resolve(n));
		socket.on('error', reject);
	});
	assert.ok(received > LARGE && received < LARGE + 1000, `${received}`);
	assert.ok(rssKib() - before_ < 16 << 10, `${before_} KiB, then ${rssKib()} KiB`);
	/* Who leaves in the middle is forgotten, with the file. */
	const files = () => fs.readdirSync(`/proc/${gateway.program.pid}/fd`)
		.filter((fd) => { try { return fs.readlinkSync(`/proc/${gateway.program.pid}/fd/${fd}`).endsWith('large.wav'); } catch { return false; } });
	assert.ok(files().length > 0);
	for (const connection of slow)
		connection.socket.resetAndDestroy();
	await poll(() => files().length === 0, 'the files to be closed');
});

test('what cannot be read, or is no file, is not there; the log says why', async () => {
	fs.writeFileSync(path.join(www, 'closed.txt'), 'closed', { mode: 0 });
	execFileSync('mkfifo', [path.join(www, 'pipe.txt')]);
	assert.equal((await get('/pipe.txt')).status, 404);
	if (process.getuid() !== 0) {
		const { mark } = gateway.program;
		assert.equal((await get('/closed.txt')).status, 404);
		await gateway.program.line(/page not served file="closed\.txt" reason="Permission denied"/, { mark });
	}
});

test('a reload: other pages, none, and a directory that is not there', async () => {
	const file = path.join(top, 'lost.json');
	const text = JSON.stringify({ domains: { 'example.test': { connect: 'xmpp://127.0.0.1' } }, pages: 'lost' });
	fs.writeFileSync(file, text);
	const lost = spawnSync(BINARY, ['-c', file], { encoding: 'utf8' });
	assert.equal(lost.status, 1);
	assert.equal(lost.stderr, `${file}:1:${text.indexOf('"lost"') + 1}: pages: ${top}/lost: No such file or directory, expected a directory with pages\n`);

	const second = await start({ pages: www });
	const ask = (name) => request(second.port, 'GET', name);
	try {
		fs.mkdirSync(path.join(second.directory, 'other'));
		fs.writeFileSync(path.join(second.directory, 'other', 'index.html'), 'other');
		assert.match(await second.reload((c) => { c.pages = 'other'; }), /reloaded/);
		await poll(async () => (await ask('/')).text === 'other', 'the other pages');
		assert.match(await second.reload((c) => { c.pages = 'nothing'; }), /wrong.*nothing: No such file or directory/);
		assert.equal((await ask('/')).text, 'other');
		assert.match(await second.reload((c) => { c.pages = false; }), /reloaded/);
		await poll(async () => (await ask('/')).status === 404, 'no pages');
		assert.match((await ask('/http-bind')).text, /BOSH/);
	} catch (error) {
		throw explain(error, second);
	}
});

test('quick start: --pages', async () => {
	const quick = await Culvert.run(['--listen', '127.0.0.1:0', '--domain', 'example.test=xmpp://127.0.0.1:9', '--pages', www]);
	gateways.push(quick);
	assert.equal((await request(quick.port, 'GET', '/')).text, '<title>first</title>');
});
