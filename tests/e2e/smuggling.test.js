'use strict';
/*
 * smuggling.test.js: nginx, HAProxy and Apache in front of culvert are sent
 * heads that two readers may read differently.  What each of them makes of
 * one is written down here, and whatever it is: culvert answers as many
 * requests as the proxy has asked.  A wire between the two sees all.
 */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before } = require('node:test');
const tls = require('node:tls');

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // certificates are not the point here

const { Culvert, DIRECT } = require('./lib/gateway');
const { ReverseProxy } = require('./lib/reverse');
const { culvert: test } = require('./lib/stage');
const { poll } = require('./lib/wait');
const { Wire } = require('./lib/wire');

const KINDS = ['nginx', 'haproxy', 'apache'];
const QUIET_MS = 1500;
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: chat.example.com\r\n\r\n';
const LAST = 'GET /last HTTP/1.1\r\nHost: chat.example.com\r\nConnection: close\r\n\r\n';
const HOST = 'Host: chat.example.com\r\n';

let gateway, wire;
const proxies = {};

before(async () => {
	if (DIRECT)
		return;
	gateway = await Culvert.start({ 'example.test': 9 }, { response_headers: { 'X-By': 'culvert' } });
	wire = await Wire.start(gateway.port);
	for (const kind of KINDS)
		proxies[kind] = await ReverseProxy.start(kind, wire);
});

after(async () => {
	for (const part of [...Object.values(proxies), wire, gateway].filter(Boolean))
		await part.stop();
});

const count = (text, pattern) => (text.match(pattern) || []).length;
/* Answers of culvert, in what came back: libmicrohttpd writes some refusals in two heads. */
const answers = (text) => count(text.replace(/HTTP\/1\.1 4\d\d [^]*?(HTTP\/1\.1 4\d\d [^]*?<html>)/g, '$1'), /HTTP\/1\.1 (?!100)\d{3} /g);

/* What a proxy made of a request: the framing, and what is odd in its head still. */
function describe(sent) {
	const head = sent.slice(0, sent.indexOf('\r\n\r\n') + 2);
	const fields = [...head.matchAll(/\r\n(content-length|transfer-encoding) *: *([^\r]*)/gi)].map(([, name, value]) =>
		`${name.toLowerCase() === 'content-length' ? 'length' : 'encoding'} ${value.trim()}`);
	const oddities = [[/\r\n[ \t]/, 'folded'], [/\0/, 'NUL'], [/\r(?!\n)/, 'CR'], [/[ \t]:/, 'blank before colon'], [/\nhost:[^]*\nhost:/i, 'two hosts'],
		[/ HTTP\/1\.0\r/, '1.0']];
	return [...fields, ...oddities.filter(([pattern]) => pattern.test(head)).map(([, what]) => what)].join(', ') || 'no body';
}

async function send(kind, bytes, isKept) {
	const socket = tls.connect({ host: '127.0.0.1', port: proxies[kind].port, ALPNProtocols: ['http/1.1'] });
	let text = '', last = Date.now(), isClosed = false;
	socket.on('data', (chunk) => { text += chunk.toString('latin1'); last = Date.now(); });
	socket.on('error', () => {});
	socket.on('close', () => { isClosed = true; });
	await once(socket, 'secureConnect');
	if (isKept) {
		socket.write(`POST /http-bind HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\n<a>`);
		await poll(() => /x-by: culvert[^]*<\/body>|x-by: culvert[^]*<body[^]*>/i.test(text), 'the first answer');
		text = '';
	}
	const [up, down] = [wire.up.seen.length, wire.down.seen.length];
	socket.write(Buffer.from(bytes, 'latin1'));
	last = Date.now();
	await poll(() => isClosed || Date.now() - last > QUIET_MS, 'the proxy to have done');
	socket.destroy();
	return { text, sent: wire.up.seen.slice(up), got: wire.down.seen.slice(down) };
}

const post = (fields, { path = '/http-bind', host = HOST, version = '1.1' } = {}) => `POST ${path} HTTP/${version}\r\n${host}${fields}\r\n`;
/* [what is sent, what nginx 1.22, HAProxy 2.6 and Apache 2.4 of Debian 12 make of it: a status of their own, or what they send on]. */
const CASES = {
	'two lengths': [post('Content-Length: 0\r\nContent-Length: 5\r\n'),
		'400', '400', '400'],
	'the same length twice': [post('Content-Length: 0\r\nContent-Length: 0\r\n'),
		'400', 'length 0', '400'],
	'a list of lengths': [post('Content-Length: 0, 0\r\n'),
		'400', 'length 0', '400'],
	'a length with a sign': [post('Content-Length: +0\r\n'),
		'400', '400', '400'],
	'a hexadecimal length': [post('Content-Length: 0x0\r\n'),
		'400', '400', '400'],
	'a blank before the colon': [post('Content-Length : 0\r\n'),
		'400', '400', '400'],
	'a length and chunks': [`${post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
		'400', 'encoding chunked', 'length 0'],
	'folded chunks and a length': [`${post('Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n')}0\r\n\r\n`,
		'400', 'encoding chunked', 'length 0'],
	'a folded length': [post('Content-Length:\r\n 0\r\n'),
		'400', 'length 0', 'length 0'],
	'a folded field': [post('X: a\r\n b\r\nContent-Length: 0\r\n'),
		'400', 'length 0', 'length 0'],
	'gzip, chunked': [`${post('Transfer-Encoding: gzip, chunked\r\n')}0\r\n\r\n`,
		'501', '422', '500'],
	'identity': [post('Transfer-Encoding: identity\r\n'),
		'501', '400', '400'],
	'xchunked': [`${post('Transfer-Encoding: xchunked\r\n')}0\r\n\r\n`,
		'501', '400', '400'],
	'chunked twice': [`${post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
		'400', '400', '500'],
	'a blank behind chunked': [`${post('Transfer-Encoding: chunked \r\n')}0\r\n\r\n`,
		'length 0', 'encoding chunked', 'length 0'],
	'a blank behind a length': [post('Content-Length: 0 \r\n'),
		'length 0', 'length 0', 'length 0'],
	'HTTP/1.0 in chunks': [`${post('Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n', { version: '1.0' })}0\r\n\r\n`,
		'400', 'encoding chunked, 1.0', 'length 0'],
	'a NUL in a value': [post('X: a\0b\r\nContent-Length: 0\r\n'),
		'400', 'length 0, NUL', '400'],
	'a NUL in Host': [post('Content-Length: 0\r\n', { host: 'Host: chat.example.com\0x\r\n' }),
		'400', 'length 0, NUL', '400'],
	'a NUL in the path': [post('Content-Length: 0\r\n', { path: '/http-bind\0x' }),
		'400', '400', '400'],
	'a NUL in front of a field': [post('\0X: y\r\nContent-Length: 0\r\n'),
		'400', '400', '400'],
	'a CR alone': [post('X: a\rContent-Length: 31\r\n'),
		'400', '400', '400'],
	'a blank in front of the first field': [post('Content-Length: 0\r\n', { host: ` X: y\r\n${HOST}` }),
		'400', '400', '400'],
	'no host': [post('Content-Length: 0\r\n', { host: '' }),
		'400', 'length 0', '400'],
	'two hosts': [post('Content-Length: 0\r\n', { host: `${HOST}Host: elsewhere\r\n` }),
		'400', '400', '400'],
	'lines ended by LF': [post('Content-Length: 0\r\n').replaceAll('\r\n', '\n'),
		'length 0', 'length 0', '400'],
	'chunks': [`${post('Transfer-Encoding: chunked\r\n')}1\r\nx\r\n0\r\n\r\n`,
		'length 1', 'encoding chunked', 'length 1'],
	'chunk lines ended by LF': [`${post('Transfer-Encoding: chunked\r\n')}1\nx\n0\n\n`,
		'length 1', 'encoding chunked', '400'],
	'a chunk with an extension': [`${post('Transfer-Encoding: chunked\r\n')}1;a="\n\r\nx\r\n0\r\n\r\n`,
		'400', '400', '400'],
	'a trailer': [`${post('Transfer-Encoding: chunked\r\n')}0\r\nContent-Length: 5\r\n\r\n`,
		'length 0', 'encoding chunked', 'length 0'],
};

for (const [what, [bytes, ...made]] of Object.entries(CASES)) {
	for (const [i, kind] of KINDS.entries()) {
		for (const isKept of [false, true]) {
			test(`${kind}: ${what}${isKept ? ', on a kept connection' : ''}`, async () => {
				const { text, sent, got } = await send(kind, bytes + HIDDEN + LAST, isKept);
				const isRefused = sent === '';
				assert.equal(isRefused ? /HTTP\/1\.1 (\d+)/.exec(text)[1] : describe(sent), made[i], text);
				/* As many requests, as many answers, and no other request's answer. */
				assert.equal(answers(got), count(sent, /(GET|POST) \/\S* HTTP\/1\.[01]\r\n/g), sent + got);
				assert.equal(answers(got), answers(text) - (isRefused ? 1 : 0), text + got);
				if (!isRefused)
					assert.equal(Number(/HTTP\/1\.1 (\d+)/.exec(got)[1]), /NUL|1\.0/.test(made[i]) || what === 'no host' ? 400 : 200, got);
			});
		}
	}
}
