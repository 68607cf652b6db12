'use strict';
/*
 * startup.test.js: what keeps the daemon from starting is said in one line,
 * with what would help, and the exit status tells it too.
 */

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const { BINARY, DIRECT } = require('./lib/gateway');
const { Program, freePort, temporaryDirectory } = require('./lib/program');
const { culvert } = require('./lib/stage');

/* A start that fails ends the process as it stands, which a sanitizer would call a leak. */
process.env.ASAN_OPTIONS = `detect_leaks=0:${process.env.ASAN_OPTIONS || ''}`;

const NOBODY = 65534;
const isRoot = process.getuid() === 0;

const directory = temporaryDirectory('startup');
fs.chmodSync(directory, 0o755);
const inDirectory = (name) => path.join(directory, name);

/* Where everybody may run it. */
const program = inDirectory('culvert');
if (!DIRECT)
	fs.copyFileSync(BINARY, program);

const DOMAINS = { 'a.test': { connect: 'xmpp://127.0.0.1:5222' } };
let n = 0;

function writeFile(text) {
	const file = inDirectory(`${++n}.json`);
	fs.writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text));
	return file;
}

const listening = (listen) => ['-c', writeFile({ listen: [].concat(listen), domains: DOMAINS, pages: false, workers: 1 })];

/* Runs a command that has to fail; what it said, without lines of the log. */
function fail(command, args, options = {}) {
	const run = spawnSync(command, args, { encoding: 'utf8', timeout: 10000, ...options });
	assert.equal(run.stdout, '');
	const lines = run.stderr.split('\n').filter((line) => !/^\d{4}-\d\d-\d\dT\S+Z (notice|info) /.test(line));
	assert.equal(lines.pop(), '', run.stderr);
	return { status: run.status, lines };
}

/* The daemon, with arguments, fails with this status and this one line. */
function refused(args, status, expected, options) {
	const { lines, status: got } = fail(program, args, options);
	assert.equal(lines.length, 1, lines.join('\n'));
	assert.match(lines[0], expected);
	assert.equal(got, status);
}

/* As somebody who may nothing. */
const unprivileged = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

const withServer = (where, play) => new Promise((resolve, reject) => {
	const server = net.createServer();
	server.on('error', reject);
	server.listen(where, () => {
		try {
			play(server.address().port);
			resolve();
		} catch (error) {
			reject(error);
		} finally {
			server.close();
		}
	});
});

culvert('a port that is taken: by whom', async () => {
	for (const address of ['127.0.0.1', '*']) {
		await withServer({ host: '127.0.0.1', port: 0 }, (port) => {
			refused(listening({ address, port }), 1, new RegExp(`^culvert: cannot listen on ${address === '*' ? '\\*' : address}:${port}: ` +
				`Address already in use by \\S+ \\(pid ${process.pid}\\); free it, or choose another port$`));
		});
	}
});

culvert('a port that is taken, by somebody whose processes we may not see', { skip: !isRoot && 'needs root, to be somebody else' }, async () => {
	await withServer({ host: '127.0.0.1', port: 0 }, (port) => {
		refused(listening({ address: '127.0.0.1', port }), 1,
			/: Address already in use by a program of user root; free it, or choose another port$/, unprivileged);
	});
});

culvert('a port that two listeners want', async () => {
	let free;
	await withServer({ host: '127.0.0.1', port: 0 }, (port) => { free = port; });
	refused(listening([{ address: '127.0.0.1', port: free }, { address: '*', port: free }]), 1,
		/: Address already in use by another listener of this configuration; free it, or choose another port$/);
});

culvert('an address that this machine does not have', () => {
	refused(listening({ address: '192.0.2.1', port: 5280 }), 1,
		/^culvert: cannot listen on 192\.0\.2\.1:5280: Cannot assign requested address; no interface of this machine has this address$/);
	refused(listening({ address: '2001:db8::1', port: 5280 }), 1, /^culvert: cannot listen on \[2001:db8::1\]:5280: .*; (no interface|this machine)/);
});

const lowest = Number(fs.readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
culvert('a port that needs rights', { skip: lowest < 2 && 'here no port needs rights' }, () => {
	refused(listening({ address: '127.0.0.1', port: lowest - 1 }), 1,
		/: Permission denied; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE$/, unprivileged);
});

culvert('a unix socket that somebody answers on', async () => {
	const unix = inDirectory('taken.sock');
	await withServer(unix, () => {
		refused(listening({ unix }), 1, new RegExp(`^culvert: cannot listen on ${unix}: ` +
			`Address already in use by \\S+ \\(pid ${process.pid}\\); free it, or choose another path$`));
	});
});

culvert('a unix socket where something else is', () => {
	const file = inDirectory('a-file');
	fs.writeFileSync(file, 'dear to somebody');
	refused(listening({ unix: file }), 1, /: there is a file, no socket; remove it, or choose another path$/);
	assert.equal(fs.readFileSync(file, 'utf8'), 'dear to somebody');
	refused(listening({ unix: directory }), 1, /: there is a directory, no socket; remove it, or choose another path$/);
	refused(listening({ unix: `${file}/x.sock` }), 1, /: Not a directory; a part of the path is a file$/);
	refused(listening({ unix: inDirectory('none/x.sock') }), 1, /: No such file or directory; make its directory first$/);
});

culvert('a unix socket where this user may not make one', () => {
	fs.mkdirSync(inDirectory('closed'), { mode: 0o555 });
	refused(listening({ unix: inDirectory('closed/x.sock') }), 1,
		/: Permission denied; the user that culvert runs as may not make files there/, unprivileged);
});

culvert('a configuration that cannot be read', () => {
	refused(['-c', inDirectory('none.json')], 1,
		/none\.json: cannot be read: No such file or directory; "culvert --help-config=sample" prints one to begin with$/);
	refused(['-c', directory], 1, /: cannot be read: a directory; -c wants a file \("-c -" reads standard input\)$/);
	const file = writeFile('{}');
	fs.chmodSync(file, 0);
	refused(['-c', file], 1, /: cannot be read: Permission denied; the user that starts culvert must be allowed to read it$/, unprivileged);
});

culvert('a configuration that is wrong: where, and what is expected', () => {
	refused(['-c', writeFile('')], 1, /\.json:1:1: .*, expected at least \{"domains"/);
	refused(['-c', writeFile('{"domains": {}}')], 1, /\.json:1:2: domains: no domain, expected /);
	refused(['-c', writeFile({ domains: { 'a.test': { conect: 'xmpp://a' } } })], 1, /:1:\d+: domains\.a\.test\.conect: unknown key, did you mean "connect"\?$/);
	refused(['-c', writeFile({ domains: DOMAINS, workers: 'two' })], 1, /:1:\d+: workers: "two", expected a whole number from 0 to 256$/);
	refused(['-c', writeFile({ domains: DOMAINS, listen: 5 })], 1, /: listen: 5, expected a list of objects/);
	refused(['-c', writeFile('{"domains": {"a.test": {"connect": "xmpp://a"}}')], 1, /:1:\d+: /);
});

culvert('the configurations in the manual are right', () => {
	const top = path.join(__dirname, '../..');
	const manual = fs.readFileSync(path.join(top, 'doc/RUNNING.md'), 'utf8');
	const readme = fs.readFileSync(path.join(top, 'README'), 'utf8');
	const found = [
		...[...manual.matchAll(/^```json\n([^]*?)^```$/gm)].map(([, text]) => text),
		...[...readme.matchAll(/^ {4}\{\n(?: {4}.*\n)*? {4}\}\n/gm)].map(([text]) => text),
	];
	assert.ok(found.length >= 5, `only ${found.length} found`);
	const authority = inDirectory('authority.pem');
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-out', authority,
		'-subj', '/CN=an authority', '-days', '1'], { stdio: 'ignore' });
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', inDirectory('privkey.pem'), '-out',
		inDirectory('fullchain.pem'), '-subj', '/CN=chat.example.com', '-days', '1'], { stdio: 'ignore' });
	for (const text of found) {
		const file = writeFile(text.replace('/etc/ssl/our-own-authority.pem', authority)
			.replaceAll('/etc/letsencrypt/live/chat.example.com', path.dirname(authority)));
		for (const check of ['check', '--check-config']) {
			const run = spawnSync(program, [check, '-c', file], { encoding: 'utf8' });
			const more = text.includes('our-own-authority') ? `${authority}: 1 certificate\n` : '';
			assert.deepEqual([run.status, run.stdout, run.stderr], [0, `${more}ok\n`, ''], text);
		}
	}
	refused(['-c', writeFile({ domains: { 'a.test': { connect: 'xmpp://192.0.2.1', ca_file: '/nonexistent' } } })], 1,
		/\.json:1:62: domains\.a\.test\.ca_file: \/nonexistent: No such file or directory, expected a file with the certificates/);
});

/* Whatever a path names: nobody waits for it, and nothing is read without end. */
culvert('what is no file, where one is named: at the start and on standard input', () => {
	const fifo = inDirectory('fifo');
	execFileSync('mkfifo', [fifo]);
	const expected = (what) => new RegExp(`: cannot be read: ${what}; -c wants a file \\("-c -" reads standard input\\)$`);
	for (const [file, what] of [[fifo, 'a FIFO'], ['/dev/zero', 'a device'], ['/dev/tty', 'a device'], [directory, 'a directory']])
		refused(['-c', file], 1, expected(what));
	for (const [file, what] of [[fifo, 'a FIFO'], ['/dev/zero', 'a device'], [directory, 'a directory']])
		refused(['-c', writeFile({ domains: { 'a.test': { connect: 'xmpp://192.0.2.1', ca_file: file } } })], 1,
			new RegExp(`\\.json:1:62: domains\\.a\\.test\\.ca_file: ${file}: ${what}, expected a file with the certificates`));
	for (const file of [fifo, '/dev/zero', writeFile('')])
		refused(['-c', writeFile({ domains: DOMAINS, pages: file })], 1,
			new RegExp(`\\.json:1:\\d+: pages: ${file}: Not a directory, expected a directory with pages$`));
	for (const mode of ['fifo', 'device'])
		refused(listening({ unix: mode === 'fifo' ? fifo : '/dev/zero' }), 1, new RegExp(`: there is a ${mode === 'fifo' ? 'FIFO' : 'device'}, no socket; `));
	refused(['check', '-c', '-'], 1, /^standard input: cannot be read: larger than 16 MiB; that is no configuration$/,
		{ stdio: [fs.openSync('/dev/zero'), 'pipe', 'pipe'] });
});

culvert('a unix socket whose owner does not come to accept: nobody waits for him', async () => {
	const unix = inDirectory('busy.sock');
	await withServer({ path: unix, backlog: 1 }, () => {
		for (let i = 0; i < 4; i++) // nobody accepts them while we do not return
			net.connect(unix).on('error', () => {});
		refused(listening({ unix }), 1, /: Address already in use by /);
	});
});

culvert('a directory of pages that may not be entered', () => {
	const closed = inDirectory('closed-pages');
	fs.mkdirSync(closed, { mode: 0o400 });
	refused(['-c', writeFile({ domains: DOMAINS, pages: closed })], 1, /\.json:1:\d+: pages: \S+: Permission denied, expected a directory with pages$/,
		unprivileged);
});

culvert('the configuration on standard input', () => {
	const run = (input) => spawnSync(program, ['check', '-c', '-'], { encoding: 'utf8', input });
	assert.deepEqual(run(JSON.stringify({ domains: DOMAINS })).stdout, 'ok\n');
	assert.match(run('{"domains": {}}').stderr, /^standard input:1:2: domains: no domain, /);
});

/* Of a process that may be dumped the user owns what /proc tells of it. */
culvert('no core dumps, unless they are asked for', { skip: !isRoot && 'needs root, to be somebody else' }, async () => {
	for (const options of [[], ['--core-dumps']]) {
		const port = await freePort();
		const daemon = new Program('culvert', program,
			[...options, '--listen', `127.0.0.1:${port}`, '--domain', 'a.test=xmpp://127.0.0.1:1'], { uid: NOBODY, gid: NOBODY });
		await daemon.listening(port);
		assert.equal(fs.statSync(`/proc/${daemon.pid}/environ`).uid, options.length > 0 ? NOBODY : 0);
		const [, soft, hard] = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(fs.readFileSync(`/proc/${daemon.pid}/limits`, 'utf8'));
		assert.equal(soft, options.length > 0 ? hard : '0');
		assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
	}
});

culvert('options that make no sense', () => {
	const table = [
		[[], /^culvert: nothing to serve; say -c FILE or --domain NAME \(culvert --help tells more\)$/],
		[['-c'], /^culvert: -c wants a file$/],
		[['--config'], /^culvert: -c wants a file$/],
		[['--listen'], /^culvert: --listen wants a place: /],
		[['--domain'], /^culvert: --domain wants NAME or NAME=/],
		[['--domain', 'a b'], /--domain a b: expected a domain like example\.com$/],
		[['--domain', 'a=b'], /--domain a=b: expected "dns", xmpp:\/\/HOST/],
		[['--bogus'], /^culvert: --bogus: no such option, .*culvert --help lists them all$/],
		[['-x'], /^culvert: unknown option -x; culvert --help lists them all$/],
		[['culvert.json'], /^culvert: culvert\.json: not an option; a configuration file is named with -c culvert\.json$/],
		[['--listen', ':5280'], /^culvert: --listen alone reaches no domain; add --domain /],
	];
	for (const [args, expected] of table)
		refused(args, 2, expected);
});

culvert('words: run is what no word means; others are refused, with the nearest', () => {
	const file = writeFile('{"domains": {}}');
	for (const word of [[], ['run'], ['check']])
		refused([...word, '-c', file], 1, /\.json:1:2: domains: no domain, expected /);
	const table = [
		[['run'], /^culvert: nothing to serve; say -c FILE or /],
		[['check'], /^culvert: nothing to check; say -c FILE or /],
		[['chekc', '-c', file], /^culvert: unknown word "chekc", did you mean "check"\?$/],
		[['reload'], /^culvert: nothing to reload; say -c FILE, the one that culvert was started with$/],
		[['sessions'], /^culvert: "sessions" is not built yet; .*SIGUSR1/],
		[['kick'], /^culvert: "kick" is not built yet; /],
		[['tail'], /^culvert: "tail" is not built yet; .*SIGHUP/],
		[['upgrade'], /^culvert: "upgrade" is not built yet; .*SIGTERM/],
		[['-c', file, 'check'], /^culvert: "check" is behind an option; the word comes first, as in culvert check -c FILE$/],
		[['run', 'check', '-c', file], /^culvert: "check" is one word too many after "run"; /],
		[['check', 'culvert.json'], /^culvert: culvert\.json: not an option; a configuration file is named with -c culvert\.json$/],
	];
	for (const [args, expected] of table)
		refused(args, 2, expected);
});

culvert('too few descriptors', () => {
	const args = (limit) => ['-c', `ulimit -n ${limit} && exec "$0" "$@"`, program, ...listening({ address: '127.0.0.1', port: 0 })];
	for (const limit of [3, 20, 60]) {
		const { status, lines } = fail('sh', args(limit));
		assert.equal(lines.length, 1, lines.join('\n'));
		if (limit > 3) // below, even the program's libraries cannot be loaded
			assert.match(lines[0], new RegExp(`^culvert: only ${limit} files may be open, and it takes \\d+ to start; raise the limit .*ulimit -n.*LimitNOFILE=`));
		assert.notEqual(status, 0);
	}
});

/* The plugin is hidden behind another file, in a world of its own. */
const canHide = spawnSync('unshare', ['-rm', 'true']).status === 0;
culvert('libwebsockets without its libuv plugin', { skip: !canHide && 'mount namespaces are not allowed here' }, () => {
	const [, plugin] = /=> (\S*)\/libwebsockets\.so/.exec(execFileSync('ldd', [program], { encoding: 'utf8' }));
	const fake = inDirectory('no-library');
	fs.writeFileSync(fake, '');
	const hide = `mount --bind ${fake} ${plugin}/libwebsockets-evlib_uv.so && exec "$0" "$@"`;
	const { status, lines } = fail('unshare', ['-rm', 'sh', '-c', hide, program, ...listening({ address: '127.0.0.1', port: 0 })]);
	assert.equal(lines.length, 1, lines.join('\n'));
	assert.match(lines[0], / error libwebsockets does not start .*libwebsockets-evlib-uv/);
	assert.equal(status, 1);
});

culvert('--help fits a screen of 80 by 24; --version names the libraries that run', () => {
	const say = (option) => execFileSync(program, [option], { encoding: 'utf8' }).split('\n');
	const help = say('--help');
	assert.equal(help.pop(), '');
	assert.ok(help.length <= 23, `${help.length} lines, and the prompt`);
	assert.deepEqual(help.filter((line) => line.length > 79), []);
	const [version, ...libraries] = say('--version');
	assert.match(version, /^culvert \d+\.\d+\.\d+$/);
	assert.equal(libraries.pop(), '');
	for (const line of libraries)
		assert.match(line, /^\S+ \d+\.\d+\.\d+( \(built with \d+\.\d+\.\d+\))?$/);
	assert.deepEqual(libraries.map((line) => line.split(' ')[0]),
		['libmicrohttpd', 'libwebsockets', 'expat', 'yajl', 'mbedTLS', 'libuv', 'c-ares', 'libidn2']);
});
