'use strict';
/*
 * opener.js: whom the log names as who opened a session, by each way that
 * there is to open one.  In front of the gateway may stand what only changes
 * who it is: gateway.port is where clients connect, gateway.program has the log.
 */

const assert = require('node:assert/strict');
const net = require('node:net');

const { body, post } = require('./bosh');
const { request, upgradeHeaders } = require('./http');
const { poll } = require('./wait');
const { WsClient } = require('./websocket');
const { NS } = require('./xml');

/* A BOSH session's sid. */
const create = async (gateway, rid, headers) => {
	const answer = await post(gateway, body({ rid, 'to': 'example.test', 'wait': 1, 'hold': 1, 'ver': '1.6', 'xmpp:version': '1.0',
		'xmlns:xmpp': NS.xbosh }), { headers });
	assert.equal(answer.status, 200);
	return answer.body.getAttribute('sid');
};

/* The log's word on who opened the session that begins now. */
async function opener(gateway, begin) {
	const { mark } = gateway.program;
	await begin();
	return (await gateway.program.line(/session opened .*\bclient=(\S+)/, { mark }))[1];
}

const byWebSocket = (gateway, headers) => async () => {
	const client = new WsClient(gateway, 'example.test');
	await client.connect({ headers });
	client.openStream();
	await client.next();
	client.ws.terminate();
};

/* Proxies send an upgrade on a connection that served requests before. */
async function upgradeLate(gateway, headers) {
	const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
	const socket = net.connect(gateway.port, '127.0.0.1');
	let heard = '';
	socket.on('data', (data) => { heard += data.toString('latin1'); });
	socket.write('GET /http-bind HTTP/1.1\r\nHost: localhost\r\n\r\n');
	await poll(() => heard.includes('It works'), 'the first answer');
	socket.write(`GET /xmpp-websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${fields}`
		+ 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n');
	await poll(() => /HTTP\/1\.1 .*HTTP\/1\.1 \d+ .*\r\n\r\n/s.test(heard), 'the answer to the upgrade');
	return { socket, heard: () => heard.slice(heard.lastIndexOf('HTTP/1.1 ')) };
}

const byLateUpgrade = (gateway, headers) => async () => {
	const { socket, heard } = await upgradeLate(gateway, headers);
	assert.match(heard(), /^HTTP\/1\.1 101 /);
	const text = Buffer.from(`<open xmlns='${NS.framing}' to='example.test' version='1.0'/>`);
	/* A final text frame, masked with zeros (RFC 6455, 5.2). */
	socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
	await poll(() => heard().includes('<open '), 'the stream');
	socket.destroy();
};

/* The status of each way, when none opens a session: by BOSH, by an upgrade, and by a late one. */
async function refusals(gateway, headers) {
	const bosh = await post(gateway, body({ rid: 1, to: 'example.test' }), { headers });
	const upgrade = await request(gateway.port, 'GET', gateway.websocketPath, { headers: upgradeHeaders(headers) });
	const late = await upgradeLate(gateway, headers);
	late.socket.destroy();
	return [bosh, upgrade, { status: Number(late.heard().split(' ')[1]), text: late.heard() }];
}

const TRANSPORTS = {
	'BOSH': (gateway, headers) => () => create(gateway, 1, headers),
	'WebSocket': byWebSocket,
	'a late upgrade': byLateUpgrade,
};

module.exports = { TRANSPORTS, create, opener, refusals, upgradeLate };
