'use strict';
/*
 * attacks.js: clients and servers that mean no good, each kind in a process of
 * its own that goes on until it is ended:
 *
 *	const attack = await Attack.start(name, gateway, ports);	two, where its stand-in servers listen, if it has any
 *	...
 *	await attack.stop();
 *
 * A gateway under attack serves attack.test by the first port, mute.test by the
 * second, whose server never says a word, dead.test by a port nobody listens
 * on, nowhere.test by a name that nobody knows.
 *
 * XML that is dear to read is of the shapes of tests/cost/cost.c.
 */

const { fork } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');

const { within } = require('./wait');

const DOMAIN = 'attack.test';
const LARGE = 1000000; // bytes; a little less than the limit

const repeat = (n, piece) => Array.from({ length: n }, (_, i) => piece(i)).join('');
const fill = (bytes, piece) => piece.repeat(Math.floor(bytes / piece.length));
/* Pieces that differ by a number, for so many bytes. */
const count = (bytes, piece) => repeat(Math.floor(bytes / piece(99999).length), piece);

/* Elements of about so many bytes. */
const SHAPES = {
	'ordinary stanzas inside': (n) => `<m xmlns='jabber:client'>${fill(n, `<message from='juliet@example.org/balcony' ` +
		`to='romeo@example.net' type='chat' id='m1'><body>Art thou not Romeo?</body>` +
		`<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>` +
		`<origin-id xmlns='urn:xmpp:sid:0' id='m1'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>`)}</m>`,
	'tiny elements': (n) => `<m xmlns='jabber:client'>${fill(n, '<b/>')}</m>`,
	'many names': (n) => `<m xmlns='jabber:client'>${count(n, (i) => `<n${i} a${i}=''/>`)}</m>`,
	'many attributes': (n) => `<m xmlns='jabber:client'>${fill(n, `<a${repeat(250, (i) => ` a${i}=''`)}/>`)}</m>`,
	'many declarations': (n) => `<m xmlns='jabber:client'>${fill(n, `<a${repeat(250, (i) => ` xmlns:p${i}='u'`)}/>`)}</m>`,
	'long names of namespaces': (n) => `<m xmlns='jabber:client'>${fill(n,
		`<a xmlns:p='${'0'.repeat(48)}'${repeat(52, (i) => ` p:${String.fromCharCode(i < 26 ? 65 + i : 71 + i)}=''`)}/>`)}</m>`,
	'deep nesting': (n) => `<m xmlns='jabber:client'>${fill(n, `${'<d>'.repeat(100)}${'</d>'.repeat(100)}`)}</m>`,
	'references': (n) => `<m xmlns='jabber:client'>${fill(n, '&lt;')}</m>`,
	'text': (n) => `<message xmlns='jabber:client'><body>${'x'.repeat(n)}</body></message>`,
};
const TOO_MANY = `<a${repeat(40000, (i) => ` xmlns:p${i}='u'`)}/>`;

/* ---- what attackers are made of ---- */

/* n at once, each again and again; what fails is begun anew a little later. */
function again(n, play) {
	for (let i = 0; i < n; i++)
		(async () => {
			for (;;)
				await play(i).catch(() => new Promise((resolve) => setTimeout(resolve, 50)));
		})();
}

/* A connection whose first bytes are out. */
async function dial(port, bytes) {
	const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
	socket.on('error', () => {});
	await once(socket, 'connect');
	if (bytes)
		socket.write(bytes);
	return socket;
}

const ended = (socket) => socket.destroyed ? null : once(socket, 'close');

const put = (socket, bytes) => new Promise((resolve, reject) =>
	socket.write(bytes, (error) => error ? reject(error) : resolve()));

/* Bytes without end, or until the connection is. */
async function pour(socket, bytes) {
	while (!socket.destroyed)
		await put(socket, bytes);
}

const head = (path, length) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: ${length}\r\n\r\n`;
const posting = (path, text) => Buffer.from(head(path, Buffer.byteLength(text)) + text);
const creation = (domain, more = '') => `<body xmlns='http://jabber.org/protocol/httpbind' to='${domain}' rid='1' wait='60' hold='1' ` +
	`ver='1.6' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'>${more}</body>`;
const unknown = (payload) => `<body xmlns='http://jabber.org/protocol/httpbind' rid='1' sid='unknown'>${payload}</body>`;

/* The same request on the same connection, again as soon as it is answered. */
async function askAgain({ port }, request) {
	const socket = await dial(port, request);
	socket.on('data', () => socket.write(request));
	await ended(socket);
}

/* A WebSocket session, logged in; what it is sent is not looked at from there on. */
async function login(gateway, domain = DOMAIN) {
	const { WsClient } = require('./websocket');
	const client = new WsClient(gateway, domain);
	await client.login();
	client.ws.removeAllListeners('message');
	const socket = client.ws._socket;
	socket.removeAllListeners('data');
	socket.resume();
	socket.on('error', () => {});
	return socket;
}

async function upgrade(gateway) {
	const { FrameClient } = require('./frames');
	const { socket } = await FrameClient.open(gateway);
	socket.removeAllListeners('data');
	socket.resume();
	return socket;
}

const text = (string) => require('./frames').frame(require('./frames').TEXT, string);

/* Stand-in servers: with what one does once its client is logged in, and with its first word. */
async function serve(port, { then, opened } = {}) {
	const { Server } = require('./server');
	const server = await Server.start({
		port,
		opened,
		stanza: (connection) => {
			if (then && !connection.isAttacking)
				then(connection.socket);
			connection.isAttacking = true;
		},
	});
	return server;
}

/* n sessions whose servers do that. */
async function servers({ gateway, ports }, n, then) {
	await serve(ports[0], { then });
	again(n, async () => {
		const socket = await login(gateway);
		socket.write(text(`<message xmlns='jabber:client'/>`));
		await ended(socket);
	});
}

/* ---- the attacks ---- */

const attacks = {}, ofTls = {};
const attack = (name, begin) => { attacks[name] = begin; };
/* The same on a listener with TLS: gateway.tls has the options. */
const tlsAttack = (name, begin) => { ofTls[name] = begin; };

attack('connections that come and go', ({ gateway }) => again(50, async () => {
	const socket = await dial(gateway.port);
	await put(socket, 'GET'); // or the kernel keeps it to itself
	socket.resetAndDestroy();
	await ended(socket);
}));

attack('connections that say nonsense, a line of the log each', ({ gateway }) => again(50, async () => {
	const socket = await dial(gateway.port, '\x16\x03\x01 nonsense\r\n\r\n');
	socket.resume();
	await ended(socket);
}));

attack('requests', ({ gateway }) => again(50, () => askAgain(gateway, 'GET /http-bind HTTP/1.1\r\nHost: a\r\n\r\n')));

attack('requests in one go', ({ gateway }) => again(20, async () => {
	const socket = await dial(gateway.port);
	socket.resume();
	await pour(socket, 'GET /http-bind HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(500));
}));

attack('requests that are refused', ({ gateway }) => again(50, async () => {
	const socket = await dial(gateway.port, `POST ${gateway.boshPath} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n` +
		'Transfer-Encoding: chunked\r\n\r\n');
	socket.resume();
	await ended(socket);
}));

attack('upgrades', ({ gateway }) => again(50, async () => {
	const socket = await upgrade(gateway);
	socket.resetAndDestroy();
	await ended(socket);
}));

attack('upgrades that are refused', ({ gateway }) => again(50, async () => {
	const socket = await dial(gateway.port, `GET ${gateway.websocketPath} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n` +
		'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n');
	await once(socket, 'data');
	socket.resetAndDestroy();
	await ended(socket);
}));

attack('sessions by BOSH, left at once', async ({ gateway, ports }) => {
	await serve(ports[0]);
	again(50, () => askAgain(gateway, posting(gateway.boshPath, creation(DOMAIN))));
});

attack('sessions by WebSocket, left at once', async ({ gateway, ports }) => {
	await serve(ports[0]);
	again(50, async () => {
		const socket = await upgrade(gateway);
		await put(socket, text(`<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='${DOMAIN}' version='1.0'/>`));
		socket.resetAndDestroy();
		await ended(socket);
	});
});

attack('sessions for a server that is down', ({ gateway }) =>
	again(50, () => askAgain(gateway, posting(gateway.boshPath, creation('dead.test')))));

attack('sessions for a server that resets', async ({ gateway, ports }) => {
	await serve(ports[0], { opened: ({ socket }) => socket.resetAndDestroy() });
	again(50, () => askAgain(gateway, posting(gateway.boshPath, creation(DOMAIN))));
});

attack('sessions for a server that says nothing', async ({ gateway, ports }) => {
	await serve(ports[1], { opened: () => {} });
	again(50, async () => {
		const socket = await dial(gateway.port, posting(gateway.boshPath, creation('mute.test')));
		await new Promise((resolve) => setTimeout(resolve, 20));
		socket.resetAndDestroy();
	});
});

attack('sessions for a server whose name nobody knows', ({ gateway }) => again(50, async () => {
	const socket = await dial(gateway.port, posting(gateway.boshPath, creation('nowhere.test')));
	await new Promise((resolve) => setTimeout(resolve, 20));
	socket.resetAndDestroy();
}));

attack('unfinished heads', ({ gateway }) => again(500, async () => {
	const socket = await dial(gateway.port, 'POST /http-bind HTTP/1.1\r\nHost: a\r\nX: ');
	while (!socket.destroyed) {
		await put(socket, 'x');
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}));

attack('unfinished bodies', ({ gateway }) => again(200, async () => {
	const socket = await dial(gateway.port, head(gateway.boshPath, LARGE) + 'x'.repeat(50000));
	while (!socket.destroyed) {
		await put(socket, 'x'.repeat(100));
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}));

attack('clients that leave in the middle of a request', ({ gateway }) => {
	const part = head(gateway.boshPath, LARGE) + 'x'.repeat(LARGE * 0.9);
	again(20, async () => {
		const socket = await dial(gateway.port);
		await put(socket, part);
		socket.resetAndDestroy();
		await ended(socket);
	});
});

attack('clients that leave with a request held', async ({ gateway, ports }) => {
	await serve(ports[0], { opened: () => {} });
	again(50, async () => {
		const socket = await dial(gateway.port);
		await put(socket, posting(gateway.boshPath, creation(DOMAIN)));
		socket.resetAndDestroy();
		await ended(socket);
	});
});

attack('pings', ({ gateway }) => {
	const { PING, frame } = require('./frames');
	const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(PING, 'x')));
	again(20, async () => pour(await upgrade(gateway), pings));
});

attack('wrong frames', ({ gateway }) => {
	const wrong = require('./frames').frame(3, 'x');
	again(50, async () => {
		const socket = await upgrade(gateway);
		socket.write(wrong);
		await ended(socket);
	});
});

attack('small messages', async ({ gateway, ports }) => {
	await serve(ports[0]);
	const messages = Buffer.concat(Array.from({ length: 1000 }, () => text('<a/>')));
	again(20, async () => pour(await login(gateway), messages));
});

attack('small messages, sent back', async ({ gateway, ports }) => {
	const { Server } = require('./server');
	await Server.start({ port: ports[0] });
	const messages = Buffer.concat(Array.from({ length: 1000 }, () => text('<a/>')));
	again(20, async () => pour(await login(gateway), messages));
});

attack('pieces of messages', ({ gateway }) => {
	const { TEXT, frame } = require('./frames');
	const pieces = Buffer.concat([frame(TEXT, '<a>', { fin: false }),
		...Array.from({ length: 10000 }, () => frame(0, 'x', { fin: false }))]);
	again(20, async () => pour(await upgrade(gateway), pieces));
});

for (const [shape, write] of Object.entries(SHAPES)) {
	attack(`messages: ${shape}`, async (target) => {
		await serve(target.ports[0]);
		const message = text(write(LARGE));
		again(10, async () => pour(await login(target.gateway), message));
	});
	attack(`bodies: ${shape}`, ({ gateway }) => {
		const request = posting(gateway.boshPath, unknown(write(LARGE)));
		again(10, () => askAgain(gateway, request));
	});
	attack(`server: ${shape}`, (target) => {
		const element = Buffer.from(write(LARGE));
		return servers(target, 10, (socket) => pour(socket, element));
	});
}

attack('bodies that are refused at their end', ({ gateway }) => {
	const request = posting(gateway.boshPath, unknown(SHAPES['many names'](LARGE)).replace('</body>', '<!-- -->'));
	again(10, () => askAgain(gateway, request));
});

attack('bodies that are refused for too many declarations', ({ gateway }) => {
	const request = posting(gateway.boshPath, unknown(TOO_MANY));
	again(50, () => askAgain(gateway, request));
});

attack('server: stanzas without end', (target) => {
	const stanzas = Buffer.from(SHAPES['ordinary stanzas inside'](65536).replace(/^<.*?>|<\/m>$/g, ''));
	return servers(target, 20, (socket) => pour(socket, stanzas));
});

attack('server: tiny stanzas without end', (target) => {
	const stanzas = Buffer.from('<a/>'.repeat(16384));
	return servers(target, 20, (socket) => pour(socket, stanzas));
});

attack('server: too many declarations', (target) => servers(target, 50, (socket) => pour(socket, TOO_MANY)));

attack('server: an element without end', (target) => {
	const element = Buffer.from('<b>x</b>'.repeat(8192));
	return servers(target, 10, async (socket) => {
		await put(socket, '<m>');
		await pour(socket, element);
	});
});

attack('slow readers', async ({ gateway, ports }) => {
	await serve(ports[0], { then: (socket) => pour(socket, SHAPES.text(4000)) });
	again(50, async () => {
		const socket = await login(gateway);
		socket.write(text(`<message xmlns='jabber:client'/>`));
		socket.pause();
		await ended(socket);
	});
});

/* ---- on a listener with TLS ---- */

async function shake({ port, tls }, options = {}) {
	const socket = require('node:tls').connect({ host: '127.0.0.1', port, ...tls, ...options });
	socket.on('error', () => {});
	await Promise.race([once(socket, 'secureConnect'), once(socket, 'close').then(() => { throw new Error('closed'); })]);
	return socket;
}

/* The bytes of a ClientHello, as node says them. */
async function clientHello({ tls }) {
	const server = net.createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const socket = require('node:tls').connect({ host: '127.0.0.1', port: server.address().port, ...tls });
	socket.on('error', () => {});
	const [inner] = await once(server, 'connection');
	const [bytes] = await once(inner, 'data');
	socket.destroy();
	inner.destroy();
	server.close();
	return bytes;
}

tlsAttack('whole handshakes', ({ gateway }) => again(50, async () => {
	const socket = await shake(gateway);
	socket.destroy();
}));

tlsAttack('handshakes that resume a session', async ({ gateway }) => {
	const session = (await shake(gateway)).getSession();
	again(50, async () => (await shake(gateway, { session })).destroy());
});

tlsAttack('a thousand connections that say nothing, and a thousand in the middle of a ClientHello', async ({ gateway }) => {
	const hello = await clientHello(gateway);
	again(2000, async (i) => ended(await dial(gateway.port, i % 2 === 0 ? null : hello.subarray(0, 60))));
});

tlsAttack('ClientHellos byte by byte', async ({ gateway }) => {
	const hello = await clientHello(gateway);
	again(300, async () => {
		const socket = await dial(gateway.port);
		for (const byte of hello) {
			if (socket.destroyed)
				return;
			await put(socket, Buffer.of(byte));
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	});
});

tlsAttack('handshakes that stop in the middle', async ({ gateway }) => {
	const hello = await clientHello(gateway);
	again(300, async () => {
		const socket = await dial(gateway.port, hello);
		socket.resume();
		await ended(socket);
	});
});

tlsAttack('mutated ClientHellos', async ({ gateway }) => {
	const hello = await clientHello(gateway);
	again(50, async () => {
		const bytes = Buffer.from(hello);
		for (let n = Math.ceil(Math.random() * 6); n > 0; n--)
			bytes[9 + Math.floor(Math.random() * (bytes.length - 9))] = Math.random() * 256;
		const socket = await dial(gateway.port, bytes);
		socket.resume();
		await Promise.race([ended(socket), once(socket, 'data')]);
		socket.destroy();
	});
});

tlsAttack('garbage where the handshake goes on', async ({ gateway }) => {
	const hello = await clientHello(gateway);
	again(50, async () => {
		const socket = await dial(gateway.port, hello);
		await once(socket, 'data');
		socket.resume();
		await put(socket, Buffer.alloc(20000, 0x16));
		await ended(socket);
	});
});

tlsAttack('tiny records', ({ gateway }) => again(10, async () => {
	const socket = await shake(gateway);
	socket.setNoDelay();
	socket.resume();
	await put(socket, `POST /http-bind HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n`);
	while (!socket.destroyed)
		for (let i = 0; i < 100; i++)
			await put(socket, 'x');
}));

tlsAttack('requests by who does not read', ({ gateway }) => again(50, async () => {
	const socket = await shake(gateway);
	socket.pause();
	await pour(socket, 'GET /http-bind HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(100));
}));

/* ---- in the test ---- */

class Attack {
	static async start(name, { port, boshPath, websocketPath, websocketUrl, tls }, ports) {
		const attack = new Attack();
		const gateway = { port, boshPath, websocketPath, websocketUrl, tls };
		attack.child = fork(__filename, [JSON.stringify({ name, gateway, ports })]);
		attack.over = new Promise((resolve) => attack.child.once('exit', (code, signal) => resolve({ code, signal })));
		const ended = attack.over.then((status) => {
			throw new Error(`the attack has ended: ${JSON.stringify(status)}`);
		});
		await within(Promise.race([once(attack.child, 'message'), ended]), 'the attack to begin');
		return attack;
	}

	async stop() {
		this.child.kill('SIGKILL');
		await this.over;
	}
}

module.exports = { Attack, clientHello, DOMAIN, NAMES: Object.keys(attacks), OF_TLS: Object.keys(ofTls) };

if (require.main === module) {
	const { name, ...target } = JSON.parse(process.argv[2]);
	process.on('disconnect', () => process.exit());
	process.on('unhandledRejection', () => {}); // a connection that broke, and nobody waits for
	Promise.resolve({ ...attacks, ...ofTls }[name](target)).then(() => process.send('begun'));
}
