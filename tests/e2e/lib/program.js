'use strict';
/*
 * program.js: a program that a test starts.  Keeps the end of what it prints,
 * lets a test wait for a line, and sees to it that the program does not
 * outlive the test, however that ends.
 */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const { poll, within } = require('./wait');

const KEPT_LINES = 5000;
const SETPRIV = '/usr/bin/setpriv';

const running = new Set();
const directories = new Set();

/* A file of tests whose programs still run would never end. */
function endAll() {
	for (const program of running)
		program.child.kill('SIGKILL');
}

function clean() {
	endAll();
	for (const directory of directories)
		fs.rmSync(directory, { recursive: true, force: true });
}

process.on('exit', clean);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.once(signal, () => process.exit(1));

/* A private directory that goes when the test process ends. */
function temporaryDirectory(name) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), `culvert-e2e-${name}-`));
	directories.add(directory);
	return directory;
}

function removeDirectory(directory) {
	fs.rmSync(directory, { recursive: true, force: true });
	directories.delete(directory);
}

/* A port of the loopback address that nobody has at this moment. */
function freePort() {
	return new Promise((resolve, reject) => {
		const server = net.createServer();
		server.once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

function canConnect(port) {
	return new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1');
		socket.once('connect', () => { socket.destroy(); resolve(true); });
		socket.once('error', () => resolve(false));
	});
}

class Program {
	/* ended becomes { code, signal } once the program has; the kernel ends it if this process dies without a word. */
	constructor(name, command, args, options = {}) {
		this.name = name;
		this.lines = [];
		this.dropped = 0;
		this.watchers = new Set();
		if (fs.existsSync(SETPRIV))
			[command, args] = [SETPRIV, ['--pdeathsig', 'KILL', '--', command, ...args]];
		this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
		running.add(this);
		this.ended = new Promise((resolve) => {
			this.child.once('error', (error) => this.#finish({ code: null, signal: String(error) }, resolve));
			this.child.once('close', (code, signal) => this.#finish({ code, signal }, resolve));
		});
		for (const stream of [this.child.stdout, this.child.stderr])
			this.#read(stream);
	}

	get pid() {
		return this.child.pid;
	}

	#read(stream) {
		let rest = '';
		stream.setEncoding('utf8');
		stream.on('data', (text) => {
			const lines = (rest + text).split('\n');
			rest = lines.pop();
			lines.forEach((line) => this.#line(line));
		});
		stream.on('end', () => { if (rest) this.#line(rest); });
	}

	#line(line) {
		this.lines.push(line);
		if (this.lines.length > KEPT_LINES) {
			this.lines.shift();
			this.dropped++;
		}
		for (const watcher of this.watchers)
			watcher.line(line);
	}

	#finish(status, resolve) {
		running.delete(this);
		this.status = status;
		for (const watcher of this.watchers)
			watcher.end(status);
		resolve(status);
	}

	/* Where the log is now, for line(): what is printed from here on. */
	get mark() {
		return this.dropped + this.lines.length;
	}

	/* The first line from mark on that matches, as the result of the match. */
	line(pattern, { mark = 0, ms } = {}) {
		for (const line of this.lines.slice(Math.max(0, mark - this.dropped))) {
			const found = pattern.exec(line);
			if (found)
				return Promise.resolve(found);
		}
		if (this.status)
			return Promise.reject(new Error(`${this.name} ended without saying ${pattern}`));
		const watcher = {};
		const seen = new Promise((resolve, reject) => {
			watcher.line = (line) => {
				const found = pattern.exec(line);
				if (found)
					resolve(found);
			};
			watcher.end = (status) =>
				reject(new Error(`${this.name} ended (${JSON.stringify(status)}) without saying ${pattern}`));
		});
		this.watchers.add(watcher);
		return within(seen, `${this.name} to say ${pattern}`, ms).finally(() => this.watchers.delete(watcher));
	}

	/* Waits until a port of this program accepts connections. */
	async listening(port, ms) {
		await poll(async () => {
			if (this.status)
				throw new Error(`${this.name} ended before it listened: ${JSON.stringify(this.status)}`);
			return canConnect(port);
		}, `${this.name} to listen`, ms);
	}

	/* By a signal, with all its threads. */
	isStopped() {
		return fs.readdirSync(`/proc/${this.pid}/task`)
			.every((id) => /\) [tT] /.test(fs.readFileSync(`/proc/${this.pid}/task/${id}/stat`, 'latin1')));
	}

	kill(signal) {
		if (!this.status)
			this.child.kill(signal);
	}

	/* Ends the program and returns { code, signal }; one that does not go within ms is an error and goes nevertheless. */
	async stop(signal = 'SIGTERM', ms = 20000) {
		this.kill(signal);
		try {
			return await within(this.ended, `${this.name} to end after ${signal}`, ms);
		} catch (error) {
			this.kill('SIGKILL');
			await this.ended;
			throw error;
		}
	}

	tail(n = 40) {
		const status = this.status ? `, ended: ${JSON.stringify(this.status)}` : '';
		return [`--- ${this.name} (pid ${this.pid}${status})`, ...this.lines.slice(-n)].join('\n');
	}
}

module.exports = { Program, endAll, freePort, removeDirectory, temporaryDirectory };
