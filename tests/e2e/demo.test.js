'use strict';
/*
 * demo.test.js: contrib/demo as people start it: what it shows, how it ends,
 * and that nothing is left of it.  It builds its own culvert.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const nodeTest = require('node:test');

const { DIRECT, explain, suite } = require('./lib/stage');
const { Program, removeDirectory, temporaryDirectory } = require('./lib/program');
const { DOMAIN, passwordOf } = require('./lib/prosody');
const { User } = require('./lib/user');
const { poll } = require('./lib/wait');

const DEMO = path.join(__dirname, '..', '..', 'contrib', 'demo');
const READY_MS = 240000;

const stage = suite({ users: ['alice'] });

/* All processes that run here, as { pid: what it was started with }; the environment tells whose they are. */
function processesOf(directory) {
	const found = {};
	for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
		try {
			const said = ['cmdline', 'environ'].map((file) => fs.readFileSync(`/proc/${pid}/${file}`, 'latin1'));
			if (said.some((text) => text.includes(directory)))
				found[pid] = said[0].replaceAll('\0', ' ');
		} catch { /* it has ended, or is somebody else's */ }
	}
	return found;
}

/* What is started at boot, and what an installation may start. */
const services = () => ['/etc/rc2.d', '/etc/rc3.d', '/etc/rc5.d', '/etc/systemd/system/multi-user.target.wants', '/usr/sbin/policy-rc.d']
	.filter((name) => fs.existsSync(name))
	.map((name) => `${name}: ${fs.statSync(name).isDirectory() ? fs.readdirSync(name) : fs.readFileSync(name)}`);

class Demo extends Program {
	/* tools: { name: shell script } that are found before the system's. */
	static start(args, { tools = {} } = {}) {
		const directory = temporaryDirectory('demo');
		const bin = temporaryDirectory('bin');
		for (const [name, script] of Object.entries(tools))
			fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
		const before = services();
		const env = { ...process.env, TMPDIR: directory, PATH: `${bin}:${process.env.PATH}` };
		const demo = new Demo('demo', DEMO, args, { env });
		return Object.assign(demo, { directory, bin, before });
	}

	/* The address it prints. */
	async address() {
		const [, url] = await this.line(/^Chat at (http:\S+)$/, { ms: READY_MS });
		await this.line(/^Ctrl-C ends it/);
		return url;
	}

	/* It ends with this status, and there is nothing left. */
	async leavesNothing(signal, status) {
		if (signal)
			this.kill(signal);
		const { code } = await this.ended;
		assert.equal(code, status);
		assert.deepEqual(fs.readdirSync(this.directory), [], 'files are left');
		await poll(() => Object.keys(processesOf(this.directory)).length === 0, 'its processes to end', 3000)
			.catch((error) => assert.deepEqual(processesOf(this.directory), {}, error.message));
		assert.deepEqual(services(), this.before);
	}

	async stop() {
		if (!this.status)
			await super.stop('SIGTERM', 20000);
		for (const directory of [this.directory, this.bin])
			removeDirectory(directory);
	}
}

/* A test with a demo of its own. */
function demo(name, args, options, play) {
	nodeTest.test(name, { skip: DIRECT && 'only culvert does this' }, async () => {
		const program = Demo.start(typeof args === 'function' ? args() : args, options);
		try {
			await play(program);
		} catch (error) {
			throw explain(error, program);
		} finally {
			await program.stop();
		}
	});
}

async function get(url) {
	const reply = await fetch(url);
	return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() };
}

async function login(url, jid, password) {
	const user = new User(`${url.replace(/^http/, 'ws').replace(/\/chat\/$/, '')}/xmpp-websocket`, jid, password);
	await user.login();
	assert.ok(user.jid.startsWith(`${jid}/`));
	await user.logout();
}

demo('pages, two accounts, a room; ends with Ctrl-C and leaves nothing', ['--port', '0'], {}, async (program) => {
	const url = await program.address();
	const page = await get(url);
	assert.match(page.text, /<title>Chat through culvert<\/title>/);
	for (const file of ['chat.js', 'chat.css', 'converse/converse.min.js', 'converse/converse.min.css', 'converse/emoji.json'])
		assert.equal((await get(url + file)).status, 200, file);
	assert.match((await get(new URL('/', url))).text, /<title>[^<]*culvert/);
	assert.deepEqual(JSON.parse((await get(new URL('/site.json', url))).text), { domain: 'demo.test', chat: 'chat/' });

	const { accounts, room } = JSON.parse((await get(`${url}demo.json`)).text);
	assert.deepEqual(accounts.map(({ jid }) => jid), ['romeo@demo.test', 'juliet@demo.test']);
	assert.ok(program.lines.some((line) => line.includes(room)));
	for (const { jid, password } of accounts) {
		assert.ok(program.lines.some((line) => line.includes(jid) && line.includes(password)), 'the account is not shown');
		await login(url, jid, password);
	}
	await program.leavesNothing('SIGINT', 0);
	assert.match(program.lines.at(-1), /its processes and files are gone/);
});

demo('in front of a server that exists; a second time, and until the terminal is closed',
	() => ['--port=0', `--server=${DOMAIN}=xmpp://127.0.0.1:${stage.prosody.port}`], {}, async (program) => {
		const url = await program.address();
		assert.deepEqual(JSON.parse((await get(`${url}demo.json`)).text), { domain: DOMAIN, accounts: [], room: null });
		await login(url, `alice@${DOMAIN}`, passwordOf('alice'));
		await program.leavesNothing('SIGHUP', 0);
	});

demo('broken off in the middle of a step', ['--port', '0'], { tools: { npm: 'echo begun >&2\nsleep 60\nexit 1' } }, async (program) => {
	await program.line(/fetching Converse/);
	await poll(() => Object.values(processesOf(program.directory)).some((words) => words.startsWith('sleep 60')), 'npm to be under way');
	await program.leavesNothing('SIGTERM', 143);
});

/* npm and make leave what the demo goes on with; culvert is one that reaches no server. */
const NO_SERVER = {
	npm: 'mkdir -p node_modules/converse.js/dist',
	make: `case " $* " in *" -C src "*) ;; *) exec /usr/bin/make "$@";; esac
printf '#!/bin/sh\\necho "$@" >&2\\ncase " $* " in *" --connect "*) exit 1;; esac\\nexec sleep 60\\n' >src/culvert
chmod +x src/culvert`,
};

demo('a server that cannot be reached', ['--port=0', '--server=example.test=xmpp://127.0.0.1:1'], { tools: NO_SERVER }, async (program) => {
	await program.leavesNothing(null, 1);
	const said = program.lines.join('\n');
	assert.match(said, /check failed \(status 1\)/);
	assert.match(said, /check --connect -c \S+culvert\.json/);
});

demo('a step that fails', ['--port', '0'], { tools: { npm: 'echo the registry is far away >&2\nexit 7' } }, async (program) => {
	await program.leavesNothing(null, 1);
	const said = program.lines.join('\n');
	assert.match(said, /npm failed \(status 7\)/);
	assert.match(said, /the registry is far away/);
});

nodeTest.test('a port that is taken: by whom, and which one is free', async (t) => {
	const server = net.createServer().listen(0, '127.0.0.1');
	t.after(() => server.close());
	await new Promise((resolve) => server.once('listening', resolve));
	const { port } = server.address();
	const program = Demo.start(['--port', String(port)]);
	await program.leavesNothing(null, 1);
	assert.match(program.lines.join('\n'),
		new RegExp(`port ${port} is taken by \\S+ \\(process ${process.pid}\\).*contrib/demo --port \\d+`));
	await program.stop();
});

nodeTest.test('what it does not understand', async () => {
	for (const [args, expected] of [
		[['--prot', '1'], /--prot: no such option/],
		[['--port'], /--port wants a value/],
		[['--port', '65536'], /--port 65536: not a number/],
		[['--port', '080'], /--port 080: not a number/],
		[['--port='], /--port wants a value/],
		[['--server='], /--server wants a value/],
		[['--server', 'a"b'], /not a domain/],
		[['--server=example.test=localhost'], /comes xmpp:/],
	]) {
		const program = Demo.start(args);
		await program.leavesNothing(null, 1);
		assert.match(program.lines.join('\n'), expected);
		await program.stop();
	}
});
