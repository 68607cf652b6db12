'use strict';
/*
 * landing.test.js: the page in www/, served by culvert, in a real browser: its
 * test passes by both transports, and of each thing that commonly goes wrong,
 * done for real, it names the cause and the cure.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { before } = require('node:test');

const { WebSocketServer } = require('ws');

const { Authority } = require('./lib/authority');
const { Browser } = require('./lib/browser');
const { Culvert } = require('./lib/gateway');
const { freePort } = require('./lib/program');
const { GUESTS } = require('./lib/prosody');
const { Proxy } = require('./lib/proxy');
const { Server } = require('./lib/server');
const { DIRECT, culvert, suite } = require('./lib/stage');

const PAGES = path.join(__dirname, '..', '..', 'www');
const STEPS = ['Connect', 'Reach the XMPP server', 'Stay connected', 'Close'];

const stage = suite({
	config: { pages: PAGES, websocket: { ping: 0 } },
	upstreams: async () => ({ 'down.test': await freePort() }),
});
let browser;
let usual;

before(async () => {
	if (DIRECT)
		return;
	browser = stage.add(await Browser.start({ args: ['--host-resolver-rules=MAP *.test 127.0.0.1'] }));
	usual = await browser.page();
});

/* The page of a host, with what the address bar gives it; looks: of Browser.page(), or a page to go there. */
async function visit(query = {}, { origin = `http://127.0.0.1:${stage.gateway.port}`, page, ...looks } = {}) {
	page ||= await browser.page(looks);
	await page.goto(`${origin}/?${new URLSearchParams({ domain: GUESTS, hold: 1, ...query })}`);
	await page.waitForSelector('html[data-ready]');
	return page;
}

/* What the page shows: { verdict, websocket: { chip, steps: [{ title, state, time, text, what, cures }] }, bosh }. */
const read = (page) => page.evaluate(() => {
	const $$ = (selector, within) => [...within.querySelectorAll(selector)];
	const said = (element) => element?.textContent.replaceAll('\u00a0', ' ') || '';
	const text = (selector, within) => said(within.querySelector(selector));
	const shown = { verdict: text('#verdict', document) };
	for (const panel of $$('.result:not([hidden])', document)) {
		const steps = $$('ol > li', panel).map((row) => ({
			title: row.querySelector('.title').firstChild.data,
			state: row.dataset.state,
			time: text('.time', row),
			text: text('.found', row),
			what: text('.what', row),
			cures: $$('.reason li', row).map(said),
		}));
		shown[panel.dataset.transport] = { chip: text('.chip', panel), steps, last: steps.find(({ what }) => what) };
	}
	return shown;
});

/* Runs the page's test and waits for its end. */
async function run(page) {
	await page.getByRole('button', { name: /^Test/ }).click();
	await page.waitForSelector('.after:not([hidden])', { timeout: 15000 });
	return read(page);
}

/* Visits, tests, takes a picture, and gives back what was shown; all with the same page, unless they need one each. */
async function outcome(name, query, looks = { page: usual }) {
	const page = await visit(query, looks);
	const shown = await run(page);
	await browser.shot(page, name);
	if (page !== usual)
		await browser.close(page);
	return shown;
}

/* One transport failed at a step: what is said of it, and the cure that comes first. */
function fails({ chip, steps, last }, title, what, cure) {
	assert.equal(chip, 'fails');
	assert.equal(last.title, title, JSON.stringify(last, null, 1));
	assert.equal(last.state, 'fail');
	assert.match(last.what, what);
	assert.match(last.cures[0], cure);
	const i = steps.indexOf(last);
	assert.ok(steps.slice(0, i).every(({ state }) => state === 'pass' || state === 'skip'), JSON.stringify(steps, null, 1));
	assert.ok(steps.slice(i + 1).every(({ state }) => state === 'left'), JSON.stringify(steps, null, 1));
}

const passes = ({ chip, steps }) => {
	assert.equal(chip, 'works', JSON.stringify(steps, null, 1));
	assert.deepEqual(steps.filter(({ state }) => state !== 'pass' && state !== 'skip'), []);
};

/* Addresses of another port, as the form takes them. */
const at = (port, { secure = '', host = '127.0.0.1', websocket = '/xmpp-websocket', bosh = '/http-bind' } = {}) =>
	({ websocket: `ws${secure}://${host}:${port}${websocket}`, bosh: `http${secure}://${host}:${port}${bosh}` });

culvert('everything passes by both transports, with timings', async () => {
	const page = await visit({}, { width: 1100 });
	await browser.shot(page, 'before-light-wide');
	const { verdict, websocket, bosh } = await run(page);
	await browser.shot(page, 'passed-light-wide');
	assert.equal(verdict, 'WebSocket works. BOSH works.');
	for (const [name, result] of Object.entries({ websocket, bosh })) {
		passes(result);
		assert.deepEqual(result.steps.map(({ title }) => title), STEPS, name);
		assert.match(result.steps[1].text, /^The server of guest\.test answers\. Login by ANONYMOUS\.$/);
		for (const { state, time } of result.steps)
			assert.match(time, state === 'skip' ? /^$/ : /^\d+ ms$|^\d+\.\d s$/);
	}
	assert.match(bosh.steps[2].text, /^The request was held for 1 s, then answered/);
	assert.match(bosh.steps[2].time, /^1\.\d s$/);
	assert.match(websocket.steps[2].time, /^1\.\d s$/);
	assert.deepEqual(page.said.filter((line) => !/host-meta|404/.test(line)), []);
	await browser.close(page);
});

culvert('an address of another origin that is allowed', async () => {
	const other = stage.add(await Culvert.start({ [GUESTS]: stage.prosody.port }));
	const { websocket, bosh } = await outcome('passed-other-origin', at(other.port));
	passes(websocket);
	passes(bosh);
	assert.match(bosh.steps[0].text, /^A BOSH endpoint answers, and pages of http:\/\/127\.0\.0\.1:\d+ may use it/);
});

culvert('the origin is not in the list', async () => {
	const other = stage.add(await Culvert.start({ [GUESTS]: stage.prosody.port }, { origins: ['https://elsewhere.test'] }));
	const { websocket, bosh } = await outcome('failed-origin', at(other.port));
	const cure = new RegExp(`"origins": \\["http://127\\.0\\.0\\.1:${stage.gateway.port}"\\]`);
	fails(bosh, 'Connect', /does not allow pages of http:\/\/127\.0\.0\.1:\d+ .*CORS/, cure);
	fails(websocket, 'Connect', /does not allow pages of .*CORS/, cure);
	assert.equal(websocket.last.what, bosh.last.what);
});

culvert('the origin is not in the list, and a proxy hides that page and addresses belong together', async () => {
	const other = stage.add(await Culvert.start({ [GUESTS]: stage.prosody.port }, { pages: PAGES, origins: ['https://elsewhere.test'] }));
	const proxy = stage.add(await Proxy.start(other.port, { host: 'backend' }));
	const { websocket, bosh } = await outcome('failed-origin-proxy', {}, { page: usual, origin: `http://127.0.0.1:${proxy.port}` });
	fails(bosh, 'Connect', /^culvert refuses pages of http/, /"origins": \["http:\/\/127/);
	assert.match(bosh.last.cures[1], /proxy_set_header Host/);
	fails(websocket, 'Connect', /^culvert refuses pages of http/, /"origins": \["http:\/\/127/);
	assert.equal(websocket.last.what, bosh.last.what);
});

culvert('a path that is none of culvert\'s', async () => {
	const { websocket, bosh } = await outcome('failed-path', { websocket: '/ws', bosh: '/bosh' });
	fails(bosh, 'Connect', /^culvert answers, but \/bosh is not one of its paths \(404\)/, /"paths": \{"bosh": …\}.*\/http-bind/);
	fails(websocket, 'Connect', /^culvert answers, but \/ws is not one of its paths \(404\)/, /"paths": \{"websocket": …\}.*\/xmpp-websocket/);
});

/* An HTTP server that is something else. */
async function site(answer) {
	const server = http.createServer(answer);
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	stage.add({
		port: server.address().port,
		server,
		stop: async () => { server.close(); server.closeAllConnections(); },
		tail: () => '--- a web site',
	});
	return stage.parts[0];
}

culvert('another web server is there', async () => {
	const { port } = await site((request, response) => response.writeHead(404, { 'Access-Control-Allow-Origin': '*' }).end('<h1>Not Found</h1>'));
	const { websocket, bosh } = await outcome('failed-other-server', at(port));
	fails(bosh, 'Connect', /404 Not Found.*not culvert/, /path.*\/http-bind/);
	fails(websocket, 'Connect', /404 Not Found.*not culvert/, /path.*\/xmpp-websocket/);
	assert.match(websocket.last.cures[1], /location = \/xmpp-websocket .*Upgrade/);
});

culvert('a page answers where BOSH should be', async () => {
	const { port } = await site((request, response) => response.writeHead(200, {
		'Access-Control-Allow-Origin': '*',
		'Access-Control-Allow-Headers': 'Content-Type',
	}).end('<!DOCTYPE html><title>Welcome</title>'));
	const { websocket, bosh } = await outcome('failed-not-bosh', at(port));
	fails(bosh, 'Connect', /200 OK\. A BOSH endpoint would answer otherwise: .*Welcome/, /\/http-bind/);
	fails(websocket, 'Connect', /200 OK\. A WebSocket endpoint would answer otherwise/, /\/xmpp-websocket/);
});

culvert('a proxy that does not answer preflights', async () => {
	const { port } = await site((request, response) => response.writeHead(request.method === 'OPTIONS' ? 405 : 200,
		{ 'Access-Control-Allow-Origin': '*' }).end('BOSH, perhaps'));
	const { bosh } = await outcome('failed-preflight', at(port));
	fails(bosh, 'Connect', /preflight/, /pass OPTIONS requests on/);
});

culvert('an address that leads elsewhere', async () => {
	const { port } = await site((request, response) => response.writeHead(301,
		{ 'Access-Control-Allow-Origin': '*', 'Location': `${request.url}/` }).end());
	const { bosh } = await outcome('failed-redirect', at(port));
	fails(bosh, 'Connect', /redirect/, /address it leads to/);
});

culvert('a proxy that loses the headers of the upgrade', async () => {
	const proxy = stage.add(await Proxy.start(stage.gateway.port, { upgrade: false }));
	const { verdict, websocket, bosh } = await outcome('failed-upgrade', {}, { page: usual, origin: `http://127.0.0.1:${proxy.port}` });
	assert.equal(verdict, 'WebSocket fails at “Connect”. BOSH works.');
	passes(bosh);
	fails(websocket, 'Connect', /not the upgrade to a WebSocket\. Mostly that is a proxy in front that drops the Upgrade header/,
		/proxy_http_version 1\.1; proxy_set_header Upgrade \$http_upgrade; proxy_set_header Connection "upgrade";/);
});

culvert('a limit of culvert is called that by both transports, not a fault of a proxy', async () => {
	const full = stage.add(await Culvert.start({ [GUESTS]: stage.prosody.port }, { pages: PAGES, limits: { sessions: 1 } }));
	const body = `<body xmlns='http://jabber.org/protocol/httpbind' rid='1' to='${GUESTS}' wait='60' hold='1' ver='1.6'/>`;
	const first = await fetch(`http://127.0.0.1:${full.port}/http-bind`, { method: 'POST', body });
	assert.match(await first.text(), / sid='/);
	const { websocket, bosh } = await outcome('failed-limit', {}, { page: usual, origin: `http://127.0.0.1:${full.port}` });
	fails(websocket, 'Connect', /does not begin a session now because of a limit/, /which limit, in a line limit reached/);
	fails(bosh, 'Reach the XMPP server', /does not begin a session now because of a limit/, /which limit, in a line limit reached/);
	assert.match(full.tail(), /limit reached .*limit=limits\.sessions/);
});

culvert('a proxy that cuts what is silent', async () => {
	const cuts = async (cut, word) => {
		const proxy = stage.add(await Proxy.start(stage.gateway.port, { patience: 1000, cut }));
		const { websocket, bosh } = await outcome(`failed-cut-${cut}`, { hold: 4 }, { origin: `http://127.0.0.1:${proxy.port}` });
		fails(bosh, 'Stay connected', word, /proxy_read_timeout 90s;.*timeout server 90s/);
		for (const { last } of [bosh, websocket])
			assert.match(last.what, /^The connection was cut after .* It should have lasted 4 s/);
		fails(websocket, 'Stay connected', /cut after \d\.\d s of silence/, /proxy_read_timeout 90s;.*timeout tunnel 90s/);
	};
	await Promise.all([
		cuts(504, /after \d\.\d s of silence, with 504 Gateway Timeout/),
		cuts(0, /after \d\.\d s of silence, by closing the connection \(.*twice/),
	]);
});

culvert('a proxy without culvert behind it', async () => {
	const gone = stage.add(await Culvert.start({ [GUESTS]: stage.prosody.port }, { pages: PAGES }));
	const proxy = stage.add(await Proxy.start(gone.port));
	const page = await visit({}, { page: usual, origin: `http://127.0.0.1:${proxy.port}` });
	await gone.terminate();
	const { websocket, bosh } = await run(page);
	await browser.shot(page, 'failed-502');
	fails(bosh, 'Connect', /502 Bad Gateway\. The proxy in front cannot reach culvert/, /Does culvert run/);
	fails(websocket, 'Connect', /502 Bad Gateway\. The proxy in front cannot reach culvert/, /Does culvert run/);
});

culvert('nothing listens there', async () => {
	const port = await freePort();
	const { websocket, bosh } = await outcome('failed-unreached', at(port));
	fails(bosh, 'Connect', new RegExp(`^Nothing answers at http://127\\.0\\.0\\.1:${port}\\.`), /Does a server listen/);
	fails(websocket, 'Connect', /^Nothing answers at/, /Does a server listen/);
});

culvert('a domain that is not served', async () => {
	const { verdict, websocket, bosh } = await outcome('failed-domain', { domain: 'chat.nowhere.test' });
	assert.equal(verdict, 'Both fail at “Reach the XMPP server”.');
	assert.equal(websocket.last.what, bosh.last.what);
	for (const result of [bosh, websocket]) {
		fails(result, 'Reach the XMPP server', /^The domain chat\.nowhere\.test is not served here \(host-unknown\)/, /after the @.*Perhaps nowhere\.test\?/);
		assert.match(result.last.cures[1], /"domains": \{"chat\.nowhere\.test"/);
	}
});

culvert('the XMPP server is down', async () => {
	const { websocket, bosh } = await outcome('failed-server-down', { domain: 'down.test' });
	assert.equal(websocket.last.what, bosh.last.what);
	for (const result of [bosh, websocket]) {
		fails(result, 'Reach the XMPP server', /^culvert works, but cannot reach the XMPP server of down\.test \(remote-connection-failed\)/, /Does the XMPP server of down\.test run/);
		assert.match(result.last.cures[1], /upstream not reached/);
	}
});

culvert('the XMPP server offers no way to log in', async () => {
	const server = stage.add(await Server.start({ features: () => '' }));
	const other = stage.add(await Culvert.start({ 'stand-in.test': server.port }));
	const { verdict, websocket, bosh } = await outcome('note-no-login', { domain: 'stand-in.test', ...at(other.port) });
	assert.equal(verdict, 'WebSocket works, with a remark. BOSH works, with a remark.');
	for (const { steps } of [websocket, bosh]) {
		const step = steps.find(({ title }) => title === 'Reach the XMPP server');
		assert.equal(step.state, 'note');
		assert.match(step.what, /no way to log in/);
		assert.match(step.cures[0], /before TLS/);
	}
});

const PERMISSION = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'Content-Type' };

/* A server with one answer for all, except preflights; its port. */
const answering = async (status, text = '') =>
	(await site((request, response) => response.writeHead(request.method === 'OPTIONS' ? 204 : status, PERMISSION).end(text))).port;

/* A BOSH of few words: says(n) is its answer to the nth POST of a session, which is none when it is null; says(0) that to one of no session. */
async function terse(says) {
	let n = 0;
	return (await site(async (request, response) => {
		const chunks = await request.toArray();
		const text = request.method === 'POST' ? says(String(Buffer.concat(chunks)).includes(`sid='none'`) ? 0 : ++n) : 'BOSH';
		if (text === null)
			response.destroy();
		else
			response.writeHead(200, PERMISSION).end(text);
	})).port;
}

const bodyOf = (attrs, payload = '') => `<body xmlns='http://jabber.org/protocol/httpbind' ${attrs}>${payload}</body>`;
const features = `<features xmlns='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>` +
	'<mechanism>PLAIN</mechanism></mechanisms></features>';
const session = bodyOf(`sid='s' wait='1'`, features);
const none = bodyOf(`type='terminate' condition='item-not-found'`);
const error = `<error xmlns='http://etherx.jabber.org/streams'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
	`<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>out of memory</text></error>`;

culvert('BOSH: what else may be answered', async () => {
	const rows = [
		[await answering(401), 'Connect', /401.*wants a password/, /Switch HTTP authentication off/],
		[await answering(403, 'not you'), 'Connect', /403.*forbids it: not you/, /in the proxy/],
		[await answering(429), 'Connect', /429.*Too many/, /Wait a while/],
		[await answering(503), 'Connect', /503.*cannot reach culvert/, /Does culvert run/],
		[await answering(503, 'Too many connections are open: try again later.'), 'Connect', /culvert itself refuses.*Too many connections/,
			/Try again/],
		[await answering(504), 'Connect', /504.*waited too long/, /reach culvert at all/],
		[await terse(() => null), 'Connect', /plain requests, but its answer to this one did not arrive/, /log of the proxy/],
		[await terse((n) => n > 0 ? null : none), 'Reach the XMPP server', /plain requests, but its answer to this one did not arrive/, /log of the proxy/],
		[await terse((n) => n === 1 ? session : none), 'Stay connected', /does not know this session/, /load balancer/],
		[await terse(() => bodyOf(`type='terminate' condition='remote-stream-error'`, error)), 'Reach the XMPP server',
			/internal-server-error \(“out of memory”\)/, /logs of culvert/],
		[await terse(() => bodyOf(`type='terminate' condition='policy-violation'`)), 'Reach the XMPP server', /because of a limit/, /which limit/],
		[await terse(() => bodyOf(`type='terminate' condition='system-shutdown'`)), 'Reach the XMPP server', /shutting down/, /Try again/],
		[await terse(() => bodyOf(`type='terminate'`)), 'Reach the XMPP server', /without a reason/, /logs of culvert/],
		[await terse((n) => n === 1 ? bodyOf(`sid='s' wait='1'`) : bodyOf('')), 'Reach the XMPP server', /does not say what it offers/, /port for clients \(5222\)/],
	];
	const page = await visit();
	await page.getByText('Test other addresses').click();
	await page.getByLabel('WebSocket address', { exact: true }).fill('');
	for (const [port, title, what, cure] of rows) {
		await page.getByLabel('BOSH address', { exact: true }).fill(at(port).bosh);
		const { bosh } = await run(page);
		fails(bosh, title, what, cure);
	}
	await page.getByLabel('BOSH address', { exact: true }).fill(at(await terse((n) => n === 1 ? session : bodyOf(''))).bosh);
	const { verdict, bosh } = await run(page);
	assert.equal(verdict, 'BOSH works, with a remark.');
	assert.match(bosh.last.what, /^An empty answer came after \d\.\d s instead of 1 s/);
	await browser.close(page);
});

culvert('WebSocket: servers that close without XMPP, or at once, or not properly', async () => {
	const open = `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='x.test' version='1.0'/>`;
	const close = `<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`;
	const talk = async (play) => {
		const { server, port } = await site((request, response) => response.writeHead(400, PERMISSION).end('no upgrade'));
		const sockets = new WebSocketServer({ server });
		sockets.on('connection', (socket) => socket.on('message', (data) => play(socket, String(data))));
		return port;
	};
	const rows = [
		[await answering(400, 'not so'), 'Connect', /refuses the upgrade; a plain request gets 400 Bad Request: not so/, /headers of the upgrade/],
		[await talk((socket) => socket.close(1011, 'tired')), 'Reach the XMPP server', /closed the connection \(code 1011, “tired”\)/, /passes the upgrade/],
		[await talk((socket) => socket.terminate()), 'Reach the XMPP server', /cut without a closing frame/, /passes the upgrade/],
		[await talk((socket) => socket.send('hello')), 'Reach the XMPP server', /does not accept the subprotocol xmpp/, /Another WebSocket service/],
		[await talk((socket) => socket.send(`<error ${error.slice(7)}`)), 'Reach the XMPP server', /internal-server-error/, /logs of culvert/],
		[await talk((socket) => { socket.send(open); socket.send(close); }), 'Reach the XMPP server', /without a reason/, /logs of culvert/],
	];
	const page = await visit();
	await page.getByText('Test other addresses').click();
	await page.getByLabel('BOSH address', { exact: true }).fill('');
	for (const [port, title, what, cure] of rows) {
		await page.getByLabel('WebSocket address', { exact: true }).fill(at(port).websocket);
		const { websocket } = await run(page);
		fails(websocket, title, what, cure);
	}
	const rude = await talk((socket, text) => text.includes('<open') ? [open, features].forEach((one) => socket.send(one)) : socket.terminate());
	await page.getByLabel('WebSocket address', { exact: true }).fill(at(rude).websocket);
	const { verdict, websocket } = await run(page);
	assert.equal(verdict, 'WebSocket works, with a remark.');
	assert.match(websocket.last.what, /closing handshake .* did not arrive/);
	await browser.close(page);
});

culvert('an address that is silent', async () => {
	const { port } = await site(() => {});
	const page = await browser.page();
	await page.clock.install();
	await page.goto(`${new URL(stage.gateway.boshUrl).origin}/?${new URLSearchParams({ domain: GUESTS, ...at(port), websocket: '' })}`);
	await page.waitForSelector('html[data-ready]');
	await page.getByRole('button', { name: 'Test', exact: true }).click();
	await page.waitForSelector('li[data-state=run]');
	await page.clock.fastForward(15001);
	await page.waitForSelector('.after:not([hidden])');
	const { bosh } = await read(page);
	fails(bosh, 'Connect', /^No answer from .* within 15\.\d s/, /firewall/);
	await browser.close(page);
});

culvert('a WebSocket server that does not speak XMPP', async () => {
	const { server, port } = await site((request, response) => response.writeHead(426, { 'Access-Control-Allow-Origin': '*' }).end());
	const sockets = new WebSocketServer({ server, handleProtocols: () => false });
	const { websocket } = await outcome('failed-subprotocol', { ...at(port), bosh: '' });
	sockets.close();
	fails(websocket, 'Connect', /does not accept the subprotocol xmpp/, /"paths": \{"websocket": …\}/);
});

culvert('a page by https, addresses without; and a certificate nobody vouches for', async () => {
	const files = Authority.selfSigned('page.test');
	const secure = { key: fs.readFileSync(files.key), cert: fs.readFileSync(files.certificate) };
	const proxy = stage.add(await Proxy.start(stage.gateway.port, { secure }));
	const looks = { origin: `https://page.test:${proxy.port}`, ignoreHTTPSErrors: true };

	const well = await outcome('passed-tls', {}, looks);
	assert.equal(well.verdict, 'WebSocket works. BOSH works.');

	const mixed = await outcome('failed-mixed', at(stage.gateway.port, { host: 'gateway.test' }), looks);
	fails(mixed.bosh, 'Connect', /mixed content/, /https:\/\/gateway\.test:\d+\/http-bind/);
	fails(mixed.websocket, 'Connect', /mixed content/, /wss:\/\/gateway\.test:\d+\/xmpp-websocket/);

	const refused = await outcome('failed-certificate', at(proxy.port, { secure: 's', host: 'page.test' }));
	for (const [result, title] of [[refused.bosh, 'Connect'], [refused.websocket, 'Connect']]) {
		fails(result, title, /^No answer from https:\/\/page\.test.*trusts/, /certificate may not be valid for page\.test.*new tab/);
	}
});

culvert('addresses: of the query, of the fragment, of host-meta (XEP-0156), or the defaults', async () => {
	const { origin } = new URL(stage.gateway.boshUrl);
	const page = await browser.page();
	const addresses = async (suffix, meta) => {
		await page.unroute('**/host-meta.json');
		if (meta)
			await page.route('**/.well-known/host-meta.json', (route) => route.fulfill({ json: meta }));
		await page.goto('about:blank');
		await page.goto(`${origin}/${suffix}`);
		await page.waitForSelector('html[data-ready]');
		return page.$$eval('.addresses .url', (urls) => urls.map((url) => url.textContent));
	};
	const links = [
		{ rel: 'urn:xmpp:alt-connections:xbosh', href: 'https://chat.example.com/b' },
		{ rel: 'urn:xmpp:alt-connections:websocket', href: 'wss://chat.example.com/w' },
	];
	const ws = origin.replace('http', 'ws');
	assert.deepEqual(await addresses(''), [`${ws}/xmpp-websocket`, `${origin}/http-bind`]);
	assert.deepEqual(await addresses('?bosh=/x&websocket=/w#bosh=https://b.test/b'), [`${ws}/w`, 'https://b.test/b']);
	assert.deepEqual(await addresses('#websocket=javascript:alert(1)'), ['(none)', `${origin}/http-bind`]);
	assert.deepEqual(await addresses('', { links }), ['wss://chat.example.com/w', 'https://chat.example.com/b']);
	assert.deepEqual(await addresses('#bosh=/b', { links }), ['wss://chat.example.com/w', `${origin}/b`]);
	assert.deepEqual(await addresses('', { links: 'nonsense' }), [`${ws}/xmpp-websocket`, `${origin}/http-bind`]);
	await browser.close(page);
});

culvert('what the site says of itself: a domain, a chat', async () => {
	const page = await browser.page();
	const shown = async (site) => {
		await page.unroute('**/site.json');
		await page.route('**/site.json', (route) => route.fulfill(site));
		await page.goto(`http://127.0.0.1:${stage.gateway.port}/`);
		await page.waitForSelector('html[data-ready]');
		const link = page.getByRole('link', { name: 'Open the chat' });
		return [await page.getByLabel('XMPP domain').inputValue(), await link.isVisible() && await link.evaluate(({ href }) => new URL(href).pathname)];
	};
	assert.deepEqual(await shown({ json: { domain: 'demo.test', chat: 'chat/' } }), ['demo.test', '/chat/']);
	assert.deepEqual(await shown({ json: {} }), ['', false]);
	assert.deepEqual(await shown({ status: 404 }), ['', false]);
	assert.deepEqual(await shown({ body: 'nonsense' }), ['', false]);
	await browser.close(page);
});

culvert('before the test there are no steps', async () => {
	const page = await visit();
	assert.equal(await page.locator('.results').isVisible(), false);
	await browser.close(page);
});

culvert('the domain is guessed from the host', async () => {
	const page = await browser.page();
	for (const [host, domain] of [['127.0.0.1', ''], ['guest.test', 'guest.test'], ['chat.guest.test', 'guest.test'], ['chat.test', 'chat.test']]) {
		await page.goto(`http://${host}:${stage.gateway.port}/`);
		await page.waitForSelector('html[data-ready]');
		assert.equal(await page.getByLabel('XMPP domain').inputValue(), domain, host);
	}
	await browser.close(page);
});

culvert('by keyboard: what is missing is said, a test is begun and stopped, and a reload begins with the same', async () => {
	const page = await visit({ domain: '' });
	const complaint = () => page.getByRole('alert').textContent();
	await page.getByLabel('XMPP domain').focus();
	await page.keyboard.press('Enter');
	assert.match(await complaint(), /^Which domain/);
	await page.keyboard.type(`somebody@${GUESTS}`);
	await page.keyboard.press('Tab');
	await page.keyboard.type('0');
	await page.keyboard.press('Enter');
	assert.match(await complaint(), /whole seconds/);
	await page.keyboard.press('ControlOrMeta+A');
	await page.keyboard.type('30');
	await page.keyboard.press('Enter');
	assert.equal(await complaint(), '');
	await page.waitForSelector('.result[data-transport=bosh] li:nth-child(3)[data-state=run]');
	await page.waitForSelector('.result[data-transport=websocket] li:nth-child(3)[data-state=run]');
	await browser.shot(page, 'running');
	await page.keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Stop');
	await page.keyboard.press('Enter');
	await page.waitForSelector('.after:not([hidden])');
	const { verdict, websocket, bosh } = await read(page);
	assert.equal(verdict, 'WebSocket was stopped. BOSH was stopped.');
	assert.deepEqual([websocket.chip, bosh.chip], ['stopped', 'stopped']);
	await page.reload();
	await page.waitForSelector('html[data-ready]');
	assert.equal(await page.getByLabel('XMPP domain').inputValue(), GUESTS);
	assert.equal(await page.getByLabel('Stay connected for').inputValue(), '30');
	await browser.close(page);
});

culvert('what is copied: an address, and a report', async () => {
	const page = await visit({ websocket: '' });
	await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
	const pasted = () => page.evaluate(() => navigator.clipboard.readText());
	await page.getByRole('button', { name: 'Copy the BOSH address' }).click();
	await page.getByText('Copied', { exact: true }).waitFor();
	assert.equal(await pasted(), stage.gateway.boshUrl);
	await page.getByLabel('BOSH address', { exact: true }).fill('/elsewhere');
	await run(page);
	await page.getByRole('button', { name: 'Copy a report' }).click();
	await page.locator('#report', { hasText: 'Copied' }).waitFor();
	const text = await pasted();
	assert.match(text, /failed +Connect, .*\n +culvert answers, but `\/elsewhere` is not one of its paths/);
	assert.match(text, /not tried +Reach the XMPP server/);
	assert.doesNotMatch(text, /WebSocket +ws/);

	/* By http from elsewhere there is no clipboard for scripts, and the page says what else is amiss. */
	await page.goto(`http://guest.test:${stage.gateway.port}/`);
	await page.waitForSelector('html[data-ready]');
	assert.equal(await page.evaluate(() => isSecureContext), false);
	assert.ok(await page.locator('#insecure').isVisible());
	await page.getByRole('button', { name: 'Copy the BOSH address' }).click();
	await page.getByText('Copied', { exact: true }).waitFor();
	await page.getByLabel('XMPP domain').fill('');
	await page.getByLabel('XMPP domain').press('ControlOrMeta+V');
	assert.equal(await page.getByLabel('XMPP domain').inputValue(), `http://guest.test:${stage.gateway.port}/http-bind`);
	await browser.close(page);
});

/* Of all text that is seen: what stands out too little from what is behind it (WCAG 2, 1.4.3: 4.5 to 1). */
const pale = () => {
	const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
	const rgba = (colour) => {
		canvas.clearRect(0, 0, 1, 1);
		canvas.fillStyle = colour;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data];
	};
	const light = (colour) => rgba(colour).slice(0, 3).map((c) => c / 255)
		.map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (element) => {
		for (let e = element; e; e = e.parentElement) {
			const { backgroundColor } = getComputedStyle(e);
			if (rgba(backgroundColor)[3] === 255)
				return backgroundColor;
		}
		return 'white';
	};
	const found = [];
	for (const element of document.querySelectorAll('body *')) {
		if (!element.checkVisibility() || ![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
			continue;
		const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5)
			found.push(`${contrast.toFixed(1)}: ${element.outerHTML.slice(0, 80)}`);
	}
	return found;
};

culvert('light and dark, wide and narrow: nothing is pale, nothing sticks out, everything has a name', async () => {
	const page = await visit({ websocket: '/not-here' });
	await page.getByText('Settings of common clients').click();
	const look = async (name, what) => {
		for (const colorScheme of ['light', 'dark']) {
			await page.emulateMedia({ colorScheme });
			for (const [width, size] of [[1100, 'wide'], [320, 'narrow']]) {
				await page.setViewportSize({ width, height: 800 });
				await browser.shot(page, `${name}-${colorScheme}-${size}`);
				assert.deepEqual(await page.evaluate(pale), [], `${what}, ${colorScheme}, ${size}`);
				assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what}: wider than ${width}`);
			}
		}
	};
	await look('before', 'before the test');
	const { websocket, bosh } = await run(page);
	fails(websocket, 'Connect', /404/, /paths/);
	passes(bosh);
	await look('after', 'after it');
	assert.deepEqual(await page.$$eval('input', (all) => all.filter((input) => !input.labels.length).map((input) => input.id)), []);
	assert.deepEqual(await page.$$eval('button', (all) => all.filter((button) => !button.textContent.trim()).length), 0);
	await browser.close(page);
});
