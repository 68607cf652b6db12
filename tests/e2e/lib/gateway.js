'use strict';
/*
 * gateway.js: what clients connect to: culvert, the program that $CULVERT
 * names, or with E2E_DIRECT=1 Prosody's own BOSH and WebSocket.  Both have
 * port, boshPath, websocketPath, stop() and tail(), so that most tests cannot
 * tell which one it is; what only culvert does is in `culvert` tests.
 */

const fs = require('node:fs');
const path = require('node:path');

const { request } = require('./http');
const { Program, removeDirectory, temporaryDirectory } = require('./program');
const { pause, poll } = require('./wait');

const DIRECT = process.env.E2E_DIRECT === '1';
const BINARY = process.env.CULVERT && path.resolve(process.env.CULVERT);

if (!DIRECT && !BINARY)
	throw new Error('set CULVERT to the program to test, or E2E_DIRECT=1 to try the tests on Prosody alone');

class Gateway {
	boshPath = '/http-bind';
	websocketPath = '/xmpp-websocket';

	/* Options of node:tls when this.port is one of https; see secured(). */
	tls;

	get boshUrl() {
		return `${this.tls ? 'https' : 'http'}://127.0.0.1:${this.port}${this.boshPath}`;
	}

	/*
	 * An upper bound of so many ms, for a machine that has nothing else to do; on another it is longer, by as much as some
	 * round trips take now.
	 */
	async bound(ms) {
		let slowest = 0;
		for (let i = 0; i < 10; i++) {
			const from = Date.now();
			await request(this.port, 'GET', this.boshPath, { tls: this.tls });
			slowest = Math.max(slowest, Date.now() - from);
		}
		return ms + 100 * slowest;
	}

	get websocketUrl() {
		return `${this.tls ? 'wss' : 'ws'}://127.0.0.1:${this.port}${this.websocketPath}`;
	}
}

/* Prosody's web port, or a wire that leads there. */
class Direct extends Gateway {
	constructor(port) {
		super();
		this.port = port;
	}

	async stop() {}

	tail() {
		return '--- no gateway: E2E_DIRECT=1';
	}
}

/*
 * culvert's processes: signals go to the keeper, as an administrator sends them; what a test wants to know of a process, or
 * to stop it for a while, is about the one that serves.
 */
class Daemon extends Program {
	/* Did one that served end by itself?  Another has taken its place. */
	get hasFailed() {
		return this.lines.some((line) => /\bserving process ended\b/.test(line));
	}

	/* Of the process that serves; of the keeper, when there is none. */
	get pid() {
		const { pid } = this.child;
		try {
			return Number.parseInt(fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'), 10) || pid;
		} catch {
			return pid;
		}
	}

	kill(signal) {
		if (!this.status && ['SIGSTOP', 'SIGCONT'].includes(signal))
			process.kill(this.pid, signal);
		else
			super.kill(signal);
	}
}

class Culvert extends Gateway {
	/* upstreams: { domain: port }; extra: further keys of the configuration file. */
	static async start(upstreams, extra = {}) {
		const directory = temporaryDirectory('culvert');
		const file = path.join(directory, 'culvert.json');
		const domains = {};
		for (const [domain, port] of Object.entries(upstreams))
			domains[domain] = { connect: [`xmpp://127.0.0.1:${port}`] };
		fs.writeFileSync(file, JSON.stringify({
			listen: [{ address: '127.0.0.1', port: 0 }],
			workers: 2,
			drain: 0,
			domains,
			log: { level: process.env.E2E_DEBUG ? 'debug' : 'info' },
			...extra,
		}, null, '\t'));
		const culvert = await Culvert.run(['-c', file]);
		Object.assign(culvert, { directory, file });
		return culvert;
	}

	/* Changes the configuration file, by change(configuration) or to a text, and has it read again; the log's word on it. */
	async reload(change) {
		let text = change;
		if (typeof change === 'function') {
			const configuration = JSON.parse(fs.readFileSync(this.file, 'utf8'));
			change(configuration);
			text = JSON.stringify(configuration, null, '\t');
		}
		fs.writeFileSync(this.file, text);
		const { mark } = this.program;
		this.program.kill('SIGHUP');
		const [line] = await this.program.line(/\bconfiguration (reloaded|wrong)\b.*/, { mark });
		return line;
	}

	/*
	 * With arguments of the test's own; they must lead to one listener on a port of the kernel's choice.  Tests, and the
	 * sanitizers, look into the process, which not everybody may otherwise.  nofile: how many descriptors it may have.
	 */
	static async run(args, nofile) {
		const culvert = new Culvert();
		const limited = nofile ? ['prlimit', `--nofile=${nofile}:${nofile}`] : [];
		const [command, ...rest] = [...limited, BINARY, ...args, '--core-dumps'];
		culvert.program = new Daemon('culvert', command, rest);
		const listening = await culvert.program.line(/\blistening\b.*\bport=(\d+)/);
		culvert.port = Number(listening[1]);
		await culvert.program.line(/\bculvert ready\b/);
		return culvert;
	}

	/* The same daemon by another listener's port, with TLS; tls: options of node:tls. */
	secured(port, tls) {
		return Object.assign(Object.create(this), { port, tls });
	}

	/* The port of the listener at this place of the configuration. */
	listenerPort(i) {
		const lines = this.program.lines.filter((line) => /\blistening\b/.test(line));
		return Number(/\bport=(\d+)/.exec(lines[i])[1]);
	}

	/* The counters the daemon logs on request, as an object of numbers. */
	async counters() {
		const mark = this.program.mark;
		this.program.kill('SIGUSR1');
		const [line] = await this.program.line(/\bcounters\b.*/, { mark });
		return Object.fromEntries([...line.matchAll(/(\w+)=(\d+)/g)].map(([, name, n]) => [name, Number(n)]));
	}

	/* What play() does, and ms more, passes while the daemon is stopped. */
	async stalled(play, ms = 0) {
		const { program } = this;
		program.kill('SIGSTOP');
		try {
			await poll(() => program.isStopped(), 'culvert to be stopped');
			await play();
			await pause(ms);
		} finally {
			program.kill('SIGCONT');
		}
	}

	/* Ends the daemon as an administrator would; returns { code, signal }. */
	terminate(ms) {
		return this.program.stop('SIGTERM', ms);
	}

	/* A daemon that a test did not end itself has to end well all the same: a sanitizer's findings show here. */
	async stop() {
		const { status } = this.program;
		const { code, signal } = status || await this.terminate();
		if (this.directory)
			removeDirectory(this.directory);
		if (code !== 0 || this.program.hasFailed)
			throw new Error(`culvert ended with ${code === null ? signal : `status ${code}`}\n${this.tail()}`);
	}

	tail(n) {
		return this.program.tail(n);
	}
}

module.exports = { BINARY, Culvert, DIRECT, Daemon, Direct };
