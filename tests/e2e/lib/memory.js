'use strict';
/*
 * memory.js: what another process has in its memory, if we may look.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');

const MOST = 2 ** 30;

/* Where in the memory of a process these bytes are, each as the bytes around it. */
function find(pid, text) {
	const wanted = Buffer.from(text);
	const fd = fs.openSync(`/proc/${pid}/mem`, 'r');
	const found = [];
	for (const line of fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
		const [, from, to, rights, name] = /^(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) || [];
		if (!rights || !rights.startsWith('rw') || /^\[v/.test(name))
			continue;
		const size = parseInt(to, 16) - parseInt(from, 16);
		if (size > MOST) // what a sanitizer has reserved for itself
			continue;
		const room = Buffer.alloc(size);
		fs.readSync(fd, room, 0, room.length, parseInt(from, 16));
		for (let at = -1; (at = room.indexOf(wanted, at + 1)) >= 0;)
			found.push(`${name || 'memory'}: ${JSON.stringify(room.toString('latin1', Math.max(0, at - 60), at + wanted.length + 40))}`);
	}
	fs.closeSync(fd);
	return found;
}

const canLook = (() => {
	try {
		const secret = crypto.randomBytes(20).toString('hex');
		return find(process.pid, secret).length > 0;
	} catch {
		return false;
	}
})();

module.exports = { canLook, find };
