'use strict';
/*
 * chat.js: the chat page of contrib/chat, with Converse.js, as culvert serves
 * it, and the people who use it.  Needs `npm ci` in contrib/chat.
 *
 *	const stage = suite({ users: [...], rooms: true, config: { pages: pages(['romeo', 'juliet'], 'verona') } });
 *	const romeo = await Person.enter(browser, stage.gateway, 'romeo', 'bosh');
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');

const { DOMAIN, ROOMS, passwordOf } = require('./prosody');
const { temporaryDirectory } = require('./program');

const TOP = path.join(__dirname, '..', '..', '..');
const CHAT = path.join(TOP, 'contrib', 'chat');
const CONVERSE = path.join(CHAT, 'node_modules', 'converse.js', 'dist');

/* A directory for culvert's "pages": the landing page, and chat/ with these accounts and this room. */
function pages(users, room) {
	if (!fs.existsSync(CONVERSE))
		throw new Error(`Converse.js is missing: run npm ci --ignore-scripts in ${CHAT}`);
	const directory = path.join(temporaryDirectory('pages'), 'chat');
	fs.cpSync(path.join(TOP, 'www'), path.dirname(directory), { recursive: true });
	fs.mkdirSync(directory);
	for (const file of ['index.html', 'chat.css', 'chat.js'])
		fs.copyFileSync(path.join(CHAT, file), path.join(directory, file));
	fs.cpSync(CONVERSE, path.join(directory, 'converse'), { recursive: true, filter: (file) => !file.endsWith('.map') });
	fs.writeFileSync(path.join(directory, 'demo.json'), JSON.stringify({
		domain: DOMAIN,
		accounts: users.map((name) => ({ name, jid: `${name}@${DOMAIN}`, password: passwordOf(name) })),
		room: `${room}@${ROOMS}`,
	}));
	return path.dirname(directory);
}

/* What a BOSH body says of itself. */
const bodyOf = (text) => ({
	sid: /\bsid=['"]([^'"]*)/.exec(text)?.[1],
	rid: Number(/\brid=['"](\d+)/.exec(text)?.[1]),
	text,
});

class Person {
	/* Logs in and waits for the room. */
	static async enter(browser, gateway, name, transport, options) {
		const person = new Person();
		person.name = name;
		person.jid = `${name}@${DOMAIN}`;
		person.page = await browser.page(options);
		person.bodies = [];
		person.sockets = [];
		person.outside = [];
		const origin = new URL('/', gateway.boshUrl).href;
		person.page.on('request', (request) => {
			if (request.url().startsWith(gateway.boshUrl))
				person.bodies.push(bodyOf(request.postData() || ''));
			else if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url()))
				person.outside.push(request.url());
		});
		person.page.on('websocket', (socket) => person.sockets.push(socket.url()));
		await person.page.goto(`${origin}chat/?as=${name}&transport=${transport}`);
		await person.connected(transport);
		/* Who is not there yet does not hear what is said. */
		await person.page.locator('.chat-textarea:visible').waitFor();
		return person;
	}

	/* The bar says so. */
	async connected(transport) {
		const words = { bosh: 'BOSH', websocket: 'WebSocket' };
		await this.page.locator('#state[data-kind=good]').filter({ hasText: `${this.jid} by ${words[transport]}` }).waitFor();
	}

	/* Goes to the chat with a contact, or to a room. */
	async turnTo(jid) {
		await this.page.locator(`a.open-chat[data-jid="${jid}"], a.open-room[data-room-jid="${jid}"]`).first().click();
		await this.page.locator('.chat-textarea:visible').waitFor();
	}

	/*
	 * In the chat that is open, until it shows there.  While Converse.js is still putting a chat together, it may throw
	 * away what was typed: then it is typed again.
	 */
	async say(text) {
		const area = this.page.locator('.chat-textarea:visible');
		const shown = this.page.locator('.chat-msg:visible .chat-msg__text').filter({ hasText: text });
		for (let tries = 0; ; tries++) {
			await area.fill(text);
			await area.press('Enter');
			try {
				return await shown.first().waitFor({ timeout: 5000 });
			} catch (error) {
				if (tries === 5)
					throw error;
			}
		}
	}

	/* Until the open chat shows this text as a message of from, exactly once. */
	async sees(from, text) {
		const messages = this.page.locator(`.chat-msg[data-from^="${from}"]:visible .chat-msg__text`);
		const shown = messages.filter({ hasText: text });
		await shown.waitFor();
		assert.equal(await shown.textContent(), text);
	}
}

module.exports = { Person, pages };
