'use strict';
/*
 * port443.test.js: the chapter "On port 443" of doc/RUNNING.md, followed as it
 * is written: its configuration, but for the ports, which are free ones, and
 * the place of the files; its commands; and then two people chat in Chromium,
 * with Converse.js, which is made of Strophe.js, by https and wss.
 */

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { createHash, X509Certificate } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { after, before } = require('node:test');
const { promisify } = require('node:util');
const execFile = promisify(require('node:child_process').execFile);

const { Authority } = require('./lib/authority');
const { Browser } = require('./lib/browser');
const { Person, pages } = require('./lib/chat');
const { BINARY, DIRECT } = require('./lib/gateway');
const { temporaryDirectory } = require('./lib/program');
const { Stage, culvert } = require('./lib/stage');

const HOST = 'chat.example.com';
const LONG = { ms: 180000 }; // only what hangs takes so long

const chapter = /^## On port 443$([^]*?)^## /m.exec(fs.readFileSync(path.join(__dirname, '../../doc/RUNNING.md'), 'utf8'))[1];
const written = /^```json\n([^]*?)^```$/m.exec(chapter)[1];
const commands = [...chapter.matchAll(/^ {4}(\S.*)$/gm)].map(([, line]) => line);

let authority, root, stage, gateway;

before(async () => {
	if (DIRECT)
		return;
	root = temporaryDirectory('port443');
	authority = new Authority('A test authority', 'ec');
	const files = authority.issue(HOST, { names: `DNS:${HOST},IP:127.0.0.1` });
	const live = path.join(root, 'etc/letsencrypt/live', HOST);
	fs.mkdirSync(live, { recursive: true });
	fs.writeFileSync(path.join(live, 'fullchain.pem'), fs.readFileSync(files.certificate) + fs.readFileSync(authority.file));
	fs.copyFileSync(files.key, path.join(live, 'privkey.pem'));

	const { listen } = JSON.parse(written.replaceAll('/etc/letsencrypt', `${root}/etc/letsencrypt`)
		.replaceAll('/var/lib', `${root}/var/lib`), (key, value) => key === 'port' ? 0 : key === 'address' ? '127.0.0.1' : value);
	stage = new Stage({ users: ['romeo', 'juliet'], rooms: true, upstreams: { 'example.com': 1 },
		config: { listen, pages: pages(['romeo', 'juliet'], 'verona') } });
	await stage.up();
	gateway = stage.gateway.secured(stage.gateway.listenerPort(0), { ca: fs.readFileSync(authority.file), servername: HOST });
});

after(() => stage?.down());

/* A command of the chapter, to our own ports and with our own authority. */
async function follow(start) {
	const line = commands.find((one) => one.startsWith(start));
	assert.ok(line, `the chapter has no command that begins with ${start}`);
	const words = line.replace(' </dev/null', '').replaceAll('/var/lib', `${root}/var/lib`).split(' ');
	const [https, http] = [gateway.port, stage.gateway.listenerPort(1)];
	if (words[0] === 'curl')
		words.push('-sS', '--cacert', authority.file, '--connect-to', `${HOST}:443:127.0.0.1:${https}`,
			'--connect-to', `${HOST}:80:127.0.0.1:${http}`);
	if (words[0] === 'openssl')
		words.splice(words.indexOf('-connect') + 1, 1, `127.0.0.1:${https}`, '-CAfile', authority.file);
	const running = execFile(words[0], words.slice(1), { encoding: 'utf8' });
	running.child.stdin.end();
	return (await running).stdout;
}

culvert('the configuration as it is written is accepted by check, but for files that are not there', () => {
	const file = path.join(root, 'culvert.json');
	fs.writeFileSync(file, written.replaceAll('/etc/letsencrypt', `${root}/etc/letsencrypt`));
	assert.equal(execFileSync(BINARY, ['check', '-c', file], { encoding: 'utf8' }), 'ok\n');
});

culvert('the commands show what the chapter says', async () => {
	await follow('mkdir -p');
	const challenges = path.join(root, 'var/lib/culvert/acme/.well-known/acme-challenge');
	fs.mkdirSync(challenges, { recursive: true });
	fs.writeFileSync(path.join(challenges, 'token'), 'token.print');
	const { stdout } = await execFile('curl', ['-sS', `http://127.0.0.1:${stage.gateway.listenerPort(1)}/.well-known/acme-challenge/token`]);
	assert.equal(stdout, 'token.print');

	assert.match(await follow('curl -I http://'), new RegExp(`^HTTP/1\\.1 301 [^]*^Location: https://${HOST}:${gateway.port}/\r$`, 'm'));
	assert.match(await follow('curl https://'), new RegExp(`"https://${HOST}/http-bind"[^]*"wss://${HOST}/xmpp-websocket"`));
	assert.match(await follow('openssl s_client'), /Verify return code: 0 \(ok\)/);
});

culvert('two people chat, one by https, one by wss', LONG, async () => {
	const key = new X509Certificate(fs.readFileSync(authority.file)).publicKey.export({ type: 'spki', format: 'der' });
	const trusted = createHash('sha256').update(key).digest('base64');
	const browser = stage.add(await Browser.start({ args: [`--ignore-certificate-errors-spki-list=${trusted}`] }));
	const romeo = await Person.enter(browser, gateway, 'romeo', 'bosh');
	const juliet = await Person.enter(browser, gateway, 'juliet', 'websocket');
	assert.ok(romeo.page.url().startsWith('https://'));
	await romeo.turnTo(juliet.jid);
	await romeo.say('By a name I know not how to tell thee who I am');
	await juliet.turnTo(romeo.jid);
	await juliet.sees(romeo.jid, 'By a name I know not how to tell thee who I am');
	await juliet.say('Art thou not Romeo?');
	await romeo.sees(juliet.jid, 'Art thou not Romeo?');
	assert.deepEqual([romeo.sockets.length, juliet.sockets.length, romeo.bodies.length > 0], [0, 1, true]);
	for (const { outside } of [romeo, juliet])
		assert.deepEqual(outside, []);
});
