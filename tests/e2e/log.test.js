'use strict';
/*
 * log.test.js: whatever standard error is, the daemon serves: a disk that is
 * full, a file that may not grow, a pipe that nobody reads, nothing at all.
 * What was lost is counted, and said when there is room again.
 */

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { BINARY, Daemon } = require('./lib/gateway');
const { request } = require('./lib/http');
const { freePort, temporaryDirectory } = require('./lib/program');
const { culvert } = require('./lib/stage');
const { pause, poll } = require('./lib/wait');

const directory = temporaryDirectory('log');
const LOST = /^\S+Z warning lines could not be written lines=(\d+) reason="(.*)"$/gm;

/* A daemon whose descriptors a shell has redirected: [program, port]. */
async function start(redirections, options = []) {
	const port = await freePort();
	const args = [...options, '--listen', `127.0.0.1:${port}`, '--domain', 'a.test=xmpp://127.0.0.1:1'];
	const program = new Daemon('culvert', 'sh', ['-c', `exec "$0" "$@" ${redirections}`, BINARY, ...args]);
	await program.listening(port);
	return [program, port];
}

const serves = async (port) => assert.equal((await request(port, 'GET', '/http-bind')).status, 200);

/* So many lines of some hundred bytes, if the log takes them. */
async function fill(program, lines) {
	for (let i = 0; i < lines; i++) {
		program.kill('SIGUSR1');
		await pause(5);
	}
}

async function ends(program) {
	assert.deepEqual(await program.stop('SIGTERM', 30000), { code: 0, signal: null });
}

culvert('a full disk', async () => {
	const [program, port] = await start('2>/dev/full');
	await fill(program, 5);
	await serves(port);
	await ends(program);
});

culvert('a file that may not grow any more: what was lost is said once it may, without another line', async () => {
	const file = path.join(directory, 'limited.log');
	const [program, port] = await start(`2>>${file}`);
	const read = () => fs.readFileSync(file, 'utf8');
	await poll(() => read().includes('culvert ready'), 'the log to begin');
	const limit = (size) => execFileSync('prlimit', ['--pid', String(program.pid), `--fsize=${size}:`]);
	const most = read().length + 700;
	limit(most);
	await fill(program, 50);
	await serves(port);
	assert.equal(read().length, most);
	limit('unlimited');
	await poll(() => [...read().matchAll(LOST)].length > 0, 'the loss to be said');
	const [[, lines, reason]] = [...read().matchAll(LOST)];
	assert.ok(Number(lines) > 10 && Number(lines) < 50, lines);
	assert.equal(reason, 'File too large');
	for (const line of read().trimEnd().split('\n'))
		assert.match(line, /^\d{4}-\d\d-\d\dT\S+Z (notice|warning|info) /); // each is whole, also the one that was cut
	await ends(program);
});

culvert('a pipe that nobody reads, and then nobody has', { ms: 60000 }, async () => {
	const fifo = path.join(directory, 'fifo');
	execFileSync('mkfifo', [fifo]);
	const fd = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
	const [program, port] = await start(`2>${fifo}`);
	await fill(program, 500); // more than a pipe takes, by far
	await serves(port);
	let text = '';
	const read = () => {
		const room = Buffer.alloc(65536);
		for (;;) {
			let n;
			try {
				n = fs.readSync(fd, room);
			} catch (error) {
				assert.equal(error.code, 'EAGAIN');
				return text;
			}
			text += room.toString('utf8', 0, n);
		}
	};
	await poll(() => [...read().matchAll(LOST)].length > 0, 'the loss to be said');
	const [[, , reason]] = [...text.matchAll(LOST)];
	assert.equal(reason, 'Resource temporarily unavailable');
	fs.closeSync(fd);
	await fill(program, 5);
	await serves(port);
	await ends(program);
});

culvert('the flag of a shared standard error stays as it was', async () => {
	const fifo = path.join(directory, 'shared');
	execFileSync('mkfifo', [fifo]);
	const fd = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
	const [program, port] = await start(`2>${fifo}`);
	await serves(port);
	const [, flags] = /^flags:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/${program.pid}/fdinfo/2`, 'utf8'));
	assert.equal(parseInt(flags, 8) & fs.constants.O_NONBLOCK, 0);
	await ends(program);
	fs.closeSync(fd);
});

/* The log, a pipe of the loop's or a socket would get the number that was free. */
culvert('standard descriptors that were closed', async () => {
	for (const redirections of ['0<&- 1>&- 2>&-', '2>&-', '0<&-', '1>&- 2>&-']) {
		const [program, port] = await start(redirections, ['--core-dumps']);
		for (const [, fd] of redirections.matchAll(/(\d)[<>]&-/g))
			assert.equal(fs.readlinkSync(`/proc/${program.pid}/fd/${fd}`), '/dev/null', redirections);
		await fill(program, 5);
		await serves(port);
		await ends(program);
	}
});
