'use strict';
/*
 * certificates.test.js: files of certificates and keys as certbot and acme.sh
 * leave them, what is wrong with others, and what becomes of sessions when
 * they are renewed.
 */

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before } = require('node:test');
const tls = require('node:tls');
const { once } = require('node:events');

const { Authority } = require('./lib/authority');
const { BoshClient } = require('./lib/bosh');
const { BINARY, Culvert, DIRECT } = require('./lib/gateway');
const { temporaryDirectory } = require('./lib/program');
const { Server } = require('./lib/server');
const { culvert: test } = require('./lib/stage');
const { within } = require('./lib/wait');
const { WsClient } = require('./lib/websocket');

const DOMAIN = 'example.test';
const HOST = 'chat.test';
const LIVING = 50;

let authority, server, directory;

before(async () => {
	if (DIRECT)
		return;
	authority = new Authority('A test authority', 'ec');
	directory = temporaryDirectory('certificates');
	server = await Server.start();
});

after(async () => {
	if (server)
		await server.stop();
});

const issue = (options) => authority.issue(HOST, { names: `DNS:${HOST},IP:127.0.0.1`, ...options });

/* As certbot has it: archive/ has the files, live/ links to the newest ones. */
class Certbot {
	constructor() {
		this.root = path.join(directory, 'letsencrypt');
		this.live = path.join(this.root, 'live', HOST);
		this.n = 0;
		fs.mkdirSync(this.live, { recursive: true });
		fs.mkdirSync(path.join(this.root, 'archive', HOST), { recursive: true });
		this.renew();
	}

	renew() {
		const files = issue({ file: `certbot-${++this.n}` });
		const names = { fullchain: [files.certificate, authority.file], privkey: [files.key] };
		for (const [name, parts] of Object.entries(names)) {
			const file = `archive/${HOST}/${name}${this.n}.pem`;
			fs.writeFileSync(path.join(this.root, file), parts.map((part) => fs.readFileSync(part)).join(''), { mode: 0o600 });
			fs.rmSync(path.join(this.live, `${name}.pem`), { force: true });
			fs.symlinkSync(`../../${file}`, path.join(this.live, `${name}.pem`));
		}
	}

	get identity() {
		return { certificate: path.join(this.live, 'fullchain.pem'), key: path.join(this.live, 'privkey.pem') };
	}
}

/* As acme.sh has it: a directory for each name and kind of key, files that are written over. */
class AcmeSh {
	constructor() {
		this.root = path.join(directory, '.acme.sh', `${HOST}_ecc`);
		fs.mkdirSync(this.root, { recursive: true });
		this.renew();
	}

	renew() {
		const files = issue({ file: 'acme-sh' });
		fs.writeFileSync(this.identity.certificate, fs.readFileSync(files.certificate) + fs.readFileSync(authority.file));
		fs.copyFileSync(files.key, this.identity.key);
	}

	get identity() {
		return { certificate: path.join(this.root, 'fullchain.cer'), key: path.join(this.root, `${HOST}.key`) };
	}
}

const trust = () => ({ ca: fs.readFileSync(authority.file), servername: HOST });

async function start(identities) {
	const gateway = await Culvert.start({ [DOMAIN]: server.port },
		{ listen: [{ address: '127.0.0.1', port: 0, tls: identities }] });
	return gateway.secured(gateway.port, trust());
}

/* The number of the certificate that is shown now. */
async function shown(gateway) {
	const socket = tls.connect({ host: '127.0.0.1', port: gateway.port, ...gateway.tls });
	try {
		await within(once(socket, 'secureConnect'), 'a handshake');
		return socket.getPeerCertificate().serialNumber;
	} finally {
		socket.destroy();
	}
}

const message = (text) => `<message xmlns='jabber:client' to='echo@example.test'><body>${text}</body></message>`;

async function loggedIn(gateway, i) {
	const client = i % 2 === 0 ? new BoshClient(gateway, DOMAIN) : new WsClient(gateway, DOMAIN);
	await client.login();
	return client;
}

async function echo(client, text) {
	await client.tell(message(text));
	await client.message(text);
}

for (const Layout of [Certbot, AcmeSh]) {
	test(`the files of ${Layout.name}, renewed under ${LIVING} living sessions`, async () => {
		const layout = new Layout();
		const gateway = await start([layout.identity]);
		try {
			const clients = await Promise.all(Array.from({ length: LIVING }, (_, i) => loggedIn(gateway, i)));
			const before = await shown(gateway);
			assert.equal(await shown(gateway), before);
			layout.renew();
			assert.equal(await shown(gateway), before, 'before the reload');
			assert.match(await gateway.reload(() => {}), /configuration reloaded/);
			const now = await shown(gateway);
			assert.notEqual(now, before);
			await Promise.all(clients.map((client, i) => echo(client, `still here ${i}`)));

			/* Bad ones: the old ones stay, and the log says why. */
			const good = fs.readFileSync(layout.identity.certificate);
			fs.writeFileSync(layout.identity.certificate, good.subarray(0, 300));
			const { mark } = gateway.program;
			assert.match(await gateway.reload(() => {}), /configuration wrong, the old one stays.*certificate 1 is broken/);
			assert.equal(await shown(gateway), now);
			fs.writeFileSync(layout.identity.certificate, good);
			fs.rmSync(layout.identity.key);
			assert.match(await gateway.reload(() => {}), /configuration wrong, the old one stays.*No such file/);
			assert.equal(await shown(gateway), now);
			await Promise.all(clients.map((client, i) => echo(client, `and here ${i}`)));
			assert.equal(gateway.program.lines.slice(mark - gateway.program.dropped).some((line) => /session closed/.test(line)), false);
			await Promise.all(clients.map((client) => client.end()));
		} finally {
			await gateway.stop();
		}
	});
}

test('another name by a reload; a listener without TLS gets none by it', async () => {
	const [one, other] = [issue({ file: 'one' }), authority.issue('other.test')];
	const gateway = await start([one]);
	try {
		await gateway.reload((c) => { c.listen[0].tls.push(other); });
		const socket = tls.connect({ host: '127.0.0.1', port: gateway.port, ...trust(), servername: 'other.test' });
		await within(once(socket, 'secureConnect'), 'a handshake');
		socket.destroy();
		const { mark } = gateway.program;
		assert.match(await gateway.reload((c) => { c.listen[0].tls = []; }), /configuration reloaded/);
		await gateway.program.line(/needs a restart key=listen/, { mark });
		await shown(gateway);
	} finally {
		await gateway.stop();
	}
});

/* What --check-config says, and its status. */
function check(tlsOf, options = {}) {
	const file = path.join(directory, 'check.json');
	fs.writeFileSync(file, JSON.stringify({
		listen: [{ port: 443, tls: [tlsOf] }],
		domains: { [DOMAIN]: { connect: 'xmpp://127.0.0.1:5222' } },
	}));
	const { status, stdout, stderr } = spawnSync(BINARY, ['--check-config', '-c', file], { encoding: 'utf8', ...options });
	return { status, text: stdout + stderr };
}

test('what is wrong with a file is said, with its path and what to do', () => {
	const good = issue({ file: 'good' }), second = issue({ file: 'second' });
	const write = (name, text) => {
		const file = path.join(directory, name);
		fs.writeFileSync(file, text);
		return file;
	};
	const locked = path.join(directory, 'locked.key');
	execFileSync('openssl', ['pkey', '-in', good.key, '-aes128', '-passout', 'pass:secret', '-out', locked]);
	const reversed = write('reversed.pem', fs.readFileSync(authority.file) + fs.readFileSync(good.certificate));
	const ed25519 = path.join(directory, 'ed25519.key');
	execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', ed25519]);
	for (const [change, complaint] of [
		[{ certificate: '/nowhere/x.pem' }, /x\.pem: No such file or directory, expected a file \(PEM\); write its whole path/],
		[{ key: directory }, /a directory, expected a file/],
		[{ certificate: write('empty.pem', '') }, /empty\.pem: an empty file, expected the certificate and those of its issuers/],
		[{ certificate: good.key }, /a PRIVATE KEY and no certificate, expected the certificate/],
		[{ key: good.certificate }, /no private key in it, expected the file with the key; are the two files exchanged\?/],
		[{ key: second.key }, /second\.key: not the key of the certificate in .*good\.crt, expected the two files of one certificate/],
		[{ key: locked }, /locked\.key: the key is locked by a passphrase.*openssl pkey/],
		[{ key: ed25519 }, /ed25519\.key: no private key that can be read/],
		[{ key: write('junk.key', 'junk') }, /junk\.key: no private key that can be read/],
		[{ certificate: reversed }, /is not the first in the file, expected it before those of its issuers/],
		[{ certificate: write('cut.pem', fs.readFileSync(good.certificate).subarray(0, 400)) }, /cut\.pem:1: certificate 1 is broken/],
	]) {
		const { status, text } = check({ ...good, ...change });
		assert.notEqual(status, 0, text);
		assert.match(text, /check\.json:1:\d+: listen\[0\]\.tls: /);
		assert.match(text, complaint);
	}
	const fine = check(good);
	assert.equal(fine.status, 0, fine.text);
});

test('what will be a trouble soon is said, too', () => {
	const chain = (files) => {
		fs.appendFileSync(files.certificate, fs.readFileSync(authority.file));
		return files;
	};
	for (const [files, note] of [
		[issue({ file: 'alone' }), /alone\.crt: only one certificate.*fullchain\.pem/],
		[chain(issue({ file: 'old', from: -20, to: -2 })), /old\.crt: expired on \d{4}-\d\d-\d\d.*renew it, then reload/],
		[chain(issue({ file: 'soon', from: -80, to: 9 })), /soon\.crt: expires on \d{4}-\d\d-\d\d: renew it, then reload/],
		[chain(issue({ file: 'early', from: 2, to: 9 })), /early\.crt: not valid yet/],
		[chain(issue({ file: 'staple', extensions: ['tlsfeature=status_request'] })), /staple\.crt: demands OCSP stapling \("must-staple"\)/],
		[chain(issue({ file: 'usage', extensions: ['keyUsage=keyEncipherment'] })), /usage\.crt: may not be used for signatures/],
	]) {
		const { status, text } = check(files);
		assert.equal(status, 0, text);
		assert.match(text, note);
	}
	/* A short life is no trouble, nor is one that has long to go. */
	for (const days of [{ from: -1, to: 5 }, { from: -30, to: 60 }]) {
		const { text } = check(chain(issue({ file: 'fine', ...days })));
		assert.doesNotMatch(text, /fine\.crt/);
	}
});

test('a trouble at the start is a warning of the log', async () => {
	const files = issue({ file: 'at-start', from: -80, to: 9 });
	const gateway = await start([files]);
	try {
		await gateway.program.line(/warning certificate complaint=".*at-start\.crt: expires on/);
		await shown(gateway);
	} finally {
		await gateway.stop();
	}
});
