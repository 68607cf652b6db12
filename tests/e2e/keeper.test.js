'use strict';
/*
 * keeper.test.js: two processes: the keeper, whose pid is culvert's, and the
 * one that serves, which may nothing.  What each of them has and may; how
 * they begin, reload and end; sockets that somebody else has opened.
 */

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');

const { Authority } = require('./lib/authority');
const { body, post } = require('./lib/bosh');
const { BINARY, DIRECT, Daemon } = require('./lib/gateway');
const { RawConnection, request } = require('./lib/http');
const { canLook, find } = require('./lib/memory');
const { freePort, temporaryDirectory } = require('./lib/program');
const { Server } = require('./lib/server');
const { culvert } = require('./lib/stage');
const { poll } = require('./lib/wait');

const NOBODY = 65534;
const isRoot = process.getuid() === 0;
const asRoot = { skip: !isRoot && 'needs root' };

const directory = temporaryDirectory('keeper');
fs.chmodSync(directory, 0o755);
const inDirectory = (name) => path.join(directory, name);

/* Where everybody may run it. */
const program = inDirectory('culvert');
if (!DIRECT)
	fs.copyFileSync(BINARY, program);

let n = 0;

/* Root's alone. */
function writeFile(configuration, file = inDirectory(`${++n}.json`)) {
	fs.writeFileSync(file, typeof configuration === 'string' ? configuration
		: JSON.stringify({ domains: { 'a.test': { connect: 'xmpp://127.0.0.1:9' } }, pages: false, workers: 1, ...configuration }), { mode: 0o600 });
	return file;
}

class Culvert extends Daemon {
	static async start(configuration, options = {}) {
		const file = writeFile(configuration);
		const culvert = new Culvert('culvert', options.command || program, [...(options.args || []), '-c', file], options.spawn);
		culvert.file = file;
		await culvert.line(/\bculvert ready\b/);
		return culvert;
	}

	get keeper() {
		return this.child.pid;
	}

	/* The command: { status, stdout, stderr }. */
	reload(configuration, file = this.file) {
		if (configuration)
			writeFile(configuration, this.file);
		return spawnSync(program, ['reload', '-c', file], { encoding: 'utf8', timeout: 30000 });
	}
}

async function withCulvert(configuration, play, options) {
	const own = await Culvert.start(configuration, options);
	try {
		await play(own);
		if (!own.status)
			assert.deepEqual(await own.stop(), { code: 0, signal: null });
	} catch (error) {
		error.message += `\n${own.tail()}`;
		throw error;
	} finally {
		const serving = own.pid;
		own.kill('SIGKILL');
		await own.ended;
		await poll(() => serving === own.keeper || !fs.existsSync(`/proc/${serving}`), 'the serving process to end');
	}
}

const onPort = (port) => ({ listen: [{ address: '127.0.0.1', port }] });
const serves = async (port) => assert.equal((await request(port, 'GET', '/http-bind')).status, 200);

const status = (pid) => Object.fromEntries(fs.readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').map((line) => line.split(/:\s+/)));
const ids = (pid) => status(pid).Uid.split('\t').map(Number);
const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
	try {
		return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
	} catch {
		return 'gone';
	}
});

culvert('who serves has no rights, none of root\'s files and nothing that was open', asRoot, async () => {
	const secret = inDirectory('secret');
	fs.writeFileSync(secret, 'dear to somebody', { mode: 0o600 });
	const stdio = ['ignore', 'pipe', 'pipe', fs.openSync(secret, 'r'), fs.openSync('/dev/zero', 'r')];
	await withCulvert({ ...onPort(0), user: 'nobody' }, async (own) => {
		const [, port] = await own.line(/listening .*port=(\d+)/);
		await serves(Number(port));
		assert.deepEqual(ids(own.keeper), [0, 0, 0, 0]);
		assert.deepEqual(ids(own.pid), [NOBODY, NOBODY, NOBODY, NOBODY]);
		const is = status(own.pid), keeper = status(own.keeper);
		for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
			assert.match(is[set], /^0+$/, set);
		assert.equal(is.NoNewPrivs, '1');
		assert.deepEqual(is.Groups.trim().split(/\s+/), [String(NOBODY)]);
		assert.equal(BigInt(`0x${keeper.CapEff}`) & ~0x5efn, 0n); // what listeners, files and processes take
		const open = descriptors(own.pid);
		assert.deepEqual(open.filter((name) => name.startsWith(directory) || name === '/dev/zero'), []);
		assert.equal(open.includes('/dev/null'), true);
		/* Neither leaves a core dump, nor may its user look into it: of a process that may be dumped he owns what /proc tells of it. */
		for (const pid of [own.keeper, own.pid]) {
			assert.match(fs.readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max core file size +0 /m);
			assert.equal(fs.statSync(`/proc/${pid}/environ`).uid, 0);
		}
	}, { spawn: { stdio } });
	stdio.slice(3).forEach((fd) => fs.closeSync(fd));
});

const lowest = Number(fs.readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));

/* A port that takes rights; there are few, so another test may have it. */
async function lowPort() {
	for (let port = lowest - 1; port > 500; port--) {
		const isFree = await new Promise((resolve) => {
			const server = net.createServer().once('error', () => resolve(false));
			server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
		});
		if (isFree)
			return port;
	}
	throw new Error('no low port is free');
}

culvert('a port that takes rights, served by nobody; and again after a crash', { skip: !(isRoot && lowest > 600) && 'needs root, and low ports' }, async () => {
	const port = await lowPort();
	await withCulvert({ ...onPort(port), user: 'nobody' }, async (own) => {
		await serves(port);
		/* What takes a restart, a process that takes another's place has. */
		const another = await freePort();
		const listen = [{ address: '127.0.0.1', port: another }, { address: '127.0.0.1', port }];
		assert.deepEqual(own.reload({ listen, user: 'nobody' }).stdout, 'listen: the change takes a restart\nreloaded\n');
		await assert.rejects(serves(another));
		const [{ keeper, pid, mark }, waiting] = [own, []];
		process.kill(pid, 'SIGSTOP');
		for (let i = 0; i < 3; i++) // the kernel accepts them; nobody reads them
			waiting.push(net.connect(port, '127.0.0.1'));
		process.kill(pid, 'SIGKILL');
		const late = serves(port);
		await own.line(/error serving process ended pid=\d+ signal=9 reason=Killed$/, { mark });
		await own.line(/culvert ready/, { mark });
		await late;
		assert.deepEqual([own.keeper, own.pid !== pid], [keeper, true]);
		assert.deepEqual(ids(own.pid), [NOBODY, NOBODY, NOBODY, NOBODY]);
		waiting.forEach((socket) => socket.destroy());
		await serves(another);
	});
});

culvert('who serves does not outlive the keeper', async () => {
	await withCulvert(onPort(0), async (own) => {
		const { pid } = own;
		process.kill(own.keeper, 'SIGKILL');
		await own.line(/culvert stops signal=- reason="the process that started this one is gone"/);
		await poll(() => !fs.existsSync(`/proc/${pid}`), 'it to end');
	});
});

culvert('SIGTERM and SIGINT go on to who serves, whose status is that of all', async () => {
	for (const signal of ['SIGTERM', 'SIGINT']) {
		const port = await freePort(), unix = inDirectory(`${signal}.sock`);
		await withCulvert({ listen: [{ address: '127.0.0.1', port }, { unix }] }, async (own) => {
			await serves(port);
			assert.equal(fs.existsSync(unix), true);
			assert.deepEqual(await own.stop(signal), { code: 0, signal: null });
			assert.match(own.tail(), new RegExp(`culvert stops signal=${signal.slice(3)}\n`));
			await assert.rejects(request(port, 'GET', '/'));
			assert.equal(fs.existsSync(unix), false);
		});
	}
	await withCulvert(onPort(0), async (own) => { // who serves cannot tell any more how it went
		const { pid } = own;
		process.kill(pid, 'SIGSTOP');
		own.child.kill('SIGTERM');
		process.kill(pid, 'SIGKILL');
		assert.deepEqual(await own.ended, { code: 1, signal: null });
	});
});

/* The condition that a BOSH client of a domain gets, or null when it has a session. */
const condition = async (port, to) => (await post({ port, boshPath: '/http-bind' }, body({ rid: 1, to, ver: '1.6', wait: 5, hold: 1 }))).condition;

culvert('reload: files that are root\'s alone, right and wrong; the command waits, and says why', asRoot, async () => {
	const [first, second] = [new Authority(), new Authority()];
	const files = first.issue('stand-in.test');
	const server = await Server.start({ secure: { key: fs.readFileSync(files.key), cert: fs.readFileSync(files.certificate) } });
	const port = await freePort(), authority = inDirectory('authority.pem');
	const take = (from) => fs.writeFileSync(authority, fs.readFileSync(from.file), { mode: 0o600 });
	const configuration = {
		...onPort(port), user: 'nobody',
		domains: { 'stand-in.test': { connect: `xmpp://127.0.0.1:${server.port}`, tls: 'required', verify: true, ca_file: authority } },
	};
	take(second);
	try {
		await withCulvert(configuration, async (own) => {
			assert.equal(await condition(port, 'stand-in.test'), 'remote-connection-failed');
			await own.line(/its issuer is not known/);
			take(first);
			const good = own.reload();
			assert.deepEqual([good.status, good.stdout, good.stderr], [0, 'reloaded\n', '']);
			await own.line(/configuration reloaded /);
			assert.equal(await condition(port, 'stand-in.test'), null);
			const { mark } = own;
			const domains = { 'b.test': { connect: 'xmpp://127.0.0.1:9' } };
			for (const [text, expected] of [
				['{"domains": {', /^\S+\.json:1:\d+: .*expected/],
				[{ domains, wrokers: 2 }, /: wrokers: unknown key, did you mean "workers"\?\n$/],
				[{ domains, user: 'no-such-user' }, /: user: "no-such-user", expected a user of this machine, by name or number\n$/],
				[{ domains, pages: '/root' }, /: pages: \/root: Permission denied, expected a directory with pages\n$/], // who serves says so
				[{ domains: { 'b.test': { connect: 'xmpp://127.0.0.1', ca_file: own.file } } }, /: domains\.b\.test\.ca_file: .*: no certificate in it, expected /],
			]) {
				const bad = own.reload(text);
				assert.deepEqual([bad.status, bad.stdout], [1, '']);
				assert.match(bad.stderr, expected);
				assert.equal(await condition(port, 'b.test'), 'host-unknown');
				assert.equal(await condition(port, 'stand-in.test'), null);
			}
			await own.line(/error configuration wrong, the old one stays complaint=.*no certificate in it/, { mark });
			/* What serves begins with is what was right last. */
			process.kill(own.pid, 'SIGKILL');
			await own.line(/culvert ready/, { mark });
			assert.equal(await condition(port, 'stand-in.test'), null);
			writeFile({ ...configuration, domains }, own.file);
			own.kill('SIGHUP');
			await poll(async () => (await condition(port, 'b.test')) !== 'host-unknown', 'SIGHUP to do the same');
		});
	} finally {
		await server.stop();
	}
});

culvert('a listener with TLS: its key and the directory are root\'s alone', asRoot, async () => {
	const closed = inDirectory('live'), authority = new Authority();
	const port = await freePort();
	fs.mkdirSync(closed, { mode: 0o700 });
	const take = (name) => {
		const { certificate, key } = authority.issue('chat.test', { file: name });
		fs.copyFileSync(certificate, path.join(closed, 'chain.pem'));
		fs.copyFileSync(key, path.join(closed, 'key.pem'));
		fs.chmodSync(path.join(closed, 'key.pem'), 0o600);
		return new crypto.X509Certificate(fs.readFileSync(certificate)).fingerprint256;
	};
	const shown = () => new Promise((resolve, reject) => {
		const socket = tls.connect({ port, host: '127.0.0.1', servername: 'chat.test', ca: fs.readFileSync(authority.file) }, () => {
			resolve(socket.getPeerCertificate().fingerprint256);
			socket.destroy();
		}).once('error', reject);
	});
	const [before] = [take('before')];
	const listen = [{ address: '127.0.0.1', port, tls: [{ certificate: path.join(closed, 'chain.pem'), key: path.join(closed, 'key.pem') }] }];
	await withCulvert({ listen, user: 'nobody' }, async (own) => {
		assert.deepEqual(ids(own.pid), [NOBODY, NOBODY, NOBODY, NOBODY]);
		assert.equal(await shown(), before);
		const after = take('after');
		assert.notEqual(after, before);
		assert.equal(await shown(), before);
		assert.deepEqual(own.reload().stdout, 'reloaded\n');
		assert.equal(await shown(), after);
		/* A bad one keeps the old; so does one that is gone, and who takes another's place still has it. */
		fs.writeFileSync(path.join(closed, 'key.pem'), 'no key');
		assert.match(own.reload().stderr, /: listen\[0\]\.tls: .*key\.pem/);
		fs.rmSync(closed, { recursive: true });
		assert.match(own.reload().stderr, /chain\.pem: No such file or directory/);
		assert.equal(await shown(), after);
		const { mark } = own;
		process.kill(own.pid, 'SIGKILL');
		await own.line(/culvert ready/, { mark });
		assert.equal(await shown(), after);
	});
});

culvert('reload: what takes a restart is said; what is read no more does not stay in memory', { skip: !(isRoot && canLook) && 'needs root' }, async () => {
	const secrets = [0, 1].map(() => crypto.randomBytes(3000).toString('hex'));
	const authority = inDirectory('secret.pem');
	const certificate = fs.readFileSync(new Authority().file, 'utf8');
	const take = (secret) => fs.writeFileSync(authority, `${secret}\n${certificate}`, { mode: 0o600 });
	/* Pieces of it, from its beginning to its end. */
	const left = (pid, secret) => [100, 2500, 5900].map((at) => find(pid, secret.slice(at, at + 60)).length);
	take(secrets[0]);
	const domains = { 'a.test': { connect: 'xmpp://127.0.0.1:9', tls: 'required', ca_file: authority } };
	await withCulvert({ ...onPort(0), user: 'nobody', domains }, async (own) => {
		const [before, pid] = [secrets[0], own.pid];
		for (const process of [own.keeper, pid])
			assert.notDeepEqual(left(process, before), [0, 0, 0]);
		take(secrets[1]);
		const { status: code, stdout } = own.reload({ ...onPort(0), user: 'nobody', domains, node: 'x', workers: 2 });
		assert.deepEqual([code, stdout], [0, 'workers: the change takes a restart\nnode: the change takes a restart\nreloaded\n']);
		assert.equal(own.pid, pid);
		for (const process of [own.keeper, pid])
			assert.deepEqual(left(process, before), [0, 0, 0], String(process === pid));
	});
});

culvert('reload: nobody there, or nobody who may be asked', asRoot, async () => {
	const say = (file, options) => spawnSync(program, ['reload', '-c', file], { encoding: 'utf8', timeout: 30000, ...options });
	const none = say(writeFile({}));
	assert.deepEqual([none.status, none.stdout], [1, '']);
	assert.match(none.stderr, /^culvert: \S+\.json: no culvert runs with this file; name the file that it was started with; /);
	assert.match(say(inDirectory('none.json')).stderr, /none\.json: No such file or directory; /);
	await withCulvert({ ...onPort(0), user: 'nobody' }, async (own) => {
		fs.chmodSync(own.file, 0o644);
		const { status, stderr } = say(own.file, { uid: NOBODY, gid: NOBODY }); // as who serves
		assert.equal(status, 1);
		assert.match(stderr, /culvert ended meanwhile, or listens to another user only; see its log\n$/);
		assert.equal(say(own.file).status, 0);
	});
});

culvert('a unix socket: mode, owner, group', asRoot, async () => {
	const unix = inDirectory('web.sock');
	for (const [keys, expected] of [
		[{}, [0o660, NOBODY, NOBODY]],
		[{ mode: '0600', owner: 'root' }, [0o600, 0, 0]],
		[{ mode: '0777', group: '123' }, [0o777, NOBODY, 123]],
		[{ mode: '0000', owner: '4711', group: 'root' }, [0, 4711, 0]],
	]) {
		await withCulvert({ listen: [{ unix, ...keys }], user: 'nobody' }, async (own) => {
			const { mode, uid, gid } = fs.statSync(unix);
			assert.deepEqual([mode & 0o777, uid, gid], expected);
			assert.equal(own.status, undefined);
		});
	}
});

/* What systemd does: sockets from descriptor 3 on. */
function activated(handles, environment = '') {
	return {
		command: 'sh',
		args: ['-c', `LISTEN_PID=$$ LISTEN_FDS=${handles.length} ${environment} exec "$0" "$@"`, program],
		spawn: { stdio: ['ignore', 'pipe', 'pipe', ...handles.map((server) => server._handle.fd)] },
	};
}

const listening = (where) => new Promise((resolve, reject) => {
	const server = net.createServer().once('error', reject);
	server.listen(where, () => resolve(server));
});

culvert('sockets that were opened by somebody else (LISTEN_FDS)', async () => {
	const tcp = await listening({ host: '127.0.0.1', port: 0 }), unix = inDirectory('given.sock'), local = await listening(unix);
	const { port } = tcp.address();
	const options = activated([local, tcp]);
	const configuration = { listen: [{ address: '127.0.0.1', port }, { unix }, { address: '127.0.0.1', port: 0 }] };
	const wrong = spawnSync('sh', [...activated([local]).args, '-c', writeFile(onPort(0))], { encoding: 'utf8', stdio: activated([local]).spawn.stdio });
	assert.equal(wrong.status, 1);
	assert.match(wrong.stderr, /^culvert: descriptor 3 of LISTEN_FDS listens where "listen" of the configuration does not; /m);
	await withCulvert(configuration, async (own) => {
		/* Ours are closed, without the path that goes with one of them; theirs stay. */
		fs.renameSync(unix, `${unix}.kept`);
		tcp.close();
		local.close();
		fs.renameSync(`${unix}.kept`, unix);
		await serves(port);
		const raw = await RawConnection.open(unix);
		raw.write('GET /http-bind HTTP/1.1\r\nHost: localhost\r\n\r\n');
		await poll(() => /^HTTP\/1\.1 200 /.test(raw.text), 'an answer');
		await raw.end();
		const environment = fs.readFileSync(`/proc/${own.pid}/environ`, 'utf8');
		assert.doesNotMatch(environment, /LISTEN_/);
		assert.deepEqual(await own.stop(), { code: 0, signal: null });
		assert.equal(fs.existsSync(unix), true); // whoever made it removes it
	}, options);
});

culvert('without root: as who one is, and as nobody else', async () => {
	const unprivileged = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
	const file = writeFile(onPort(0));
	fs.chmodSync(file, 0o644);
	const own = new Daemon('culvert', program, ['-c', file], unprivileged);
	await own.line(/culvert ready/);
	for (const pid of [own.pid, own.child.pid])
		assert.deepEqual(ids(pid), Array(4).fill(isRoot ? NOBODY : process.getuid()));
	assert.deepEqual(spawnSync(program, ['reload', '-c', file], { encoding: 'utf8', ...unprivileged }).stdout, 'reloaded\n');
	assert.deepEqual(await own.stop(), { code: 0, signal: null });
	writeFile({ ...onPort(0), user: 'root' }, file);
	const { status: code, stderr } = spawnSync(program, ['-c', file], { encoding: 'utf8', ...unprivileged });
	assert.deepEqual([code, stderr], [1, 'culvert: only root can become the user root; start culvert as root or as this user, or leave "user" out\n']);
});

culvert('only culvert starts who serves', () => {
	const { status: code, stderr } = spawnSync(program, ['serving', '-c', writeFile({})], { encoding: 'utf8' });
	assert.deepEqual([code, stderr], [1, 'culvert: only culvert itself starts a "serving" process\n']);
});
