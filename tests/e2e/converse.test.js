'use strict';
/*
 * converse.test.js: two people with Converse.js in two browsers, on the chat
 * page that contrib/demo shows, served by culvert itself.
 */

const assert = require('node:assert/strict');
const nodeTest = require('node:test');

const { DOMAIN, ROOMS, each, culvert, suite } = require('./lib/stage');
const { Culvert } = require('./lib/gateway');
const { freePort } = require('./lib/program');
const { Browser } = require('./lib/browser');
const { Person, pages } = require('./lib/chat');
const { Wire } = require('./lib/wire');

const ROOM = `verona@${ROOMS}`;
const PAGES = pages(['romeo', 'juliet'], 'verona');
const stage = suite({
	users: ['romeo', 'juliet'],
	rooms: true,
	config: { pages: PAGES },
	upstreams: async () => ({ 'down.test': await freePort() }),
});

const LONG = { ms: 180000 }; // only what hangs takes so long
const converse = (name, play) => culvert(name, LONG, play);

let browser;
nodeTest.before(async () => { browser = stage.add(await Browser.start()); });
nodeTest.afterEach(() => Promise.all(browser.pages.map((page) => browser.close(page))));

const enter = (name, transport, options) => Person.enter(browser, stage.gateway, name, transport, options);

/* Both in the room that is open, and then in private. */
async function talk(romeo, juliet) {
	await romeo.say('But soft, what <light> & "window"?');
	for (const person of [romeo, juliet])
		await person.sees(`${ROOM}/romeo`, 'But soft, what <light> & "window"?');
	await juliet.say('Ay me! \u{1F319}');
	for (const person of [juliet, romeo])
		await person.sees(`${ROOM}/juliet`, 'Ay me! \u{1F319}');

	await romeo.turnTo(juliet.jid);
	await romeo.say('By a name I know not how to tell thee who I am');
	await juliet.turnTo(romeo.jid);
	for (const person of [romeo, juliet])
		await person.sees(romeo.jid, 'By a name I know not how to tell thee who I am');
	await juliet.say('Art thou not Romeo?');
	for (const person of [juliet, romeo])
		await person.sees(juliet.jid, 'Art thou not Romeo?');
}

/* The page is well, and has everything from culvert. */
function sound(...people) {
	for (const { page, outside } of people) {
		assert.deepEqual(page.said.filter((line) => /^uncaught|Content Security Policy|Failed to load/.test(line)), []);
		assert.deepEqual(outside, []);
	}
}

each('two people chat in a room and in private', async (transport) => {
	const romeo = await enter('romeo', transport, { width: 1100, height: 640 });
	const juliet = await enter('juliet', transport, { width: 1100, height: 640, dark: true });
	await talk(romeo, juliet);
	for (const person of [romeo, juliet]) {
		assert.equal(person.sockets.length, transport === 'websocket' ? 1 : 0);
		assert.equal(person.bodies.length > 0, transport === 'bosh');
		await browser.shot(person.page, `converse-${transport}-private-${person.name}`);
		await person.turnTo(ROOM);
		await browser.shot(person.page, `converse-${transport}-room-${person.name}`);
	}
	sound(romeo, juliet);
}, converse);

converse('one by BOSH, the other by WebSocket', async () => {
	const [romeo, juliet] = [await enter('romeo', 'bosh'), await enter('juliet', 'websocket')];
	await talk(romeo, juliet);
	sound(romeo, juliet);
});

converse('bosh: a page that is loaded again goes on with its session', async () => {
	const [romeo, juliet] = [await enter('romeo', 'bosh'), await enter('juliet', 'websocket')];
	const before = romeo.bodies.splice(0);
	const { sid, rid } = before.at(-1);
	const [{ sessions_opened: sessions }, logins] = [await stage.gateway.counters(), (body) => body.text.includes('<auth')];
	assert.equal(before.filter(logins).length, 1);

	await romeo.page.reload();
	await romeo.connected('bosh');
	await romeo.turnTo(juliet.jid);
	await romeo.say('The orchard walls are high');
	await juliet.turnTo(romeo.jid);
	await juliet.sees(romeo.jid, 'The orchard walls are high');
	await juliet.say('If they do see thee');
	await romeo.sees(juliet.jid, 'If they do see thee');

	const after = romeo.bodies;
	assert.deepEqual([...new Set(after.map((body) => body.sid))], [sid], 'another session');
	assert.ok(after[0].rid > rid, 'the rids do not go on');
	assert.equal(after.filter(logins).length, 0, 'it logged in again');
	assert.equal((await stage.gateway.counters()).sessions_opened, sessions);
	sound(romeo, juliet);
});

converse('websocket: a page that is loaded again logs in again', async () => {
	const [romeo, juliet] = [await enter('romeo', 'websocket'), await enter('juliet', 'bosh')];
	await romeo.page.reload();
	await romeo.connected('websocket');
	assert.equal(romeo.sockets.length, 2);
	await talk(romeo, juliet);
	sound(romeo, juliet);
});

converse('the switch on the page changes the transport', async () => {
	const [romeo, juliet] = [await enter('romeo', 'websocket'), await enter('juliet', 'websocket')];
	await romeo.page.getByLabel('BOSH').check();
	await romeo.connected('bosh');
	assert.match(romeo.page.url(), /transport=bosh/);
	await talk(romeo, juliet);
	sound(romeo, juliet);
});

each('a connection that is lost: the conversation stays, the page says why, and goes on when culvert is back', async (transport) => {
	const start = (port) => Culvert.start({ [DOMAIN]: stage.prosody.port }, { pages: PAGES, listen: [{ address: '127.0.0.1', port }] });
	const first = stage.add(await start(0));
	const juliet = await enter('juliet', 'websocket');
	const romeo = await Person.enter(browser, first, 'romeo', transport, { width: 1100, height: 640 });
	await romeo.turnTo(juliet.jid);
	await romeo.say('Parting is such sweet sorrow');
	await first.terminate();

	const lost = romeo.page.locator('#notice:visible').filter({ hasText: 'The connection is lost.' });
	await lost.waitFor();
	await romeo.sees(romeo.jid, 'Parting is such sweet sorrow');
	await browser.shot(romeo.page, `converse-${transport}-lost`);
	assert.equal(await romeo.page.locator('#end').isVisible(), false);

	stage.add(await start(first.port));
	await romeo.connected(transport);
	await lost.waitFor({ state: 'hidden' });
	await romeo.say('Good night, good night');
	await juliet.turnTo(romeo.jid);
	await juliet.sees(romeo.jid, 'Good night, good night');
	await romeo.sees(romeo.jid, 'Parting is such sweet sorrow');
}, converse);

converse('the XMPP server is away for a while: the same', async () => {
	const wire = stage.add(await Wire.start(stage.prosody.port));
	const gateway = stage.add(await Culvert.start({ [DOMAIN]: wire.port }, { pages: PAGES }));
	const romeo = await Person.enter(browser, gateway, 'romeo', 'websocket');
	await romeo.say('Is it not well done?');
	await wire.stop();
	await romeo.page.locator('#notice:visible').filter({ hasText: `culvert cannot reach the XMPP server of ${DOMAIN}` }).waitFor();
	await romeo.sees(`${ROOM}/romeo`, 'Is it not well done?');
	stage.add(await Wire.start(stage.prosody.port, wire.port));
	await romeo.connected('websocket');
	await romeo.say('To comprehend the matter');
	await romeo.sees(`${ROOM}/romeo`, 'Is it not well done?');
});

converse('both people look alike, and nobody has letters beside the name', async () => {
	const [romeo, juliet] = [await enter('romeo', 'bosh'), await enter('juliet', 'websocket')];
	await talk(romeo, juliet);
	const look = (page) => page.locator('.chat-msg:visible').evaluateAll((all) => all.map((one) => [
		one.querySelector('.chat-msg__author').textContent.trim(),
		getComputedStyle(one.querySelector('.avatar-initials')).backgroundColor,
	].join(' ')));
	const inPrivate = new Set([...await look(romeo.page), ...await look(juliet.page)]);
	await Promise.all([romeo.turnTo(ROOM), juliet.turnTo(ROOM)]);
	const inRoom = new Set([...await look(romeo.page), ...await look(juliet.page)]);
	assert.deepEqual([...inPrivate].map((one) => one.split(' ')[0]).sort(), ['juliet', 'romeo']);
	assert.deepEqual([...inRoom].sort(), [...inPrivate].sort());
	assert.equal(await romeo.page.locator('.occupant-badges:visible').count(), 0);
});

converse('what keeps the chat from starting is said', async () => {
	const chat = `http://127.0.0.1:${stage.gateway.port}/chat/`;
	const scriptless = await browser.page({ javaScriptEnabled: false });
	await scriptless.goto(chat);
	await scriptless.locator('noscript p').waitFor();

	const plain = await browser.page();
	await plain.addInitScript(() => Object.defineProperty(window, 'isSecureContext', { value: false }));
	await plain.goto(`${chat}?as=romeo`);
	await plain.getByRole('heading', { name: 'This page needs https' }).waitFor();

	const partial = await browser.page();
	await partial.route('**/converse.min.js', (route) => route.abort());
	await partial.goto(`${chat}?as=romeo`);
	await partial.getByRole('heading', { name: 'The chat client is missing' }).waitFor();
});

each('a login that fails, and the end of a chat, are explained, with a way back', async (transport) => {
	const page = await browser.page({ width: 1100, height: 640 });
	const ended = (why) => page.locator('#end:visible').filter({ hasText: why }).waitFor();
	const again = () => page.locator('#again').click();
	await page.goto(`http://127.0.0.1:${stage.gateway.port}/chat/?as=other&transport=${transport}`);
	for (const [jid, why] of [
		[`romeo@${DOMAIN}`, 'does not know this account, or the password is wrong'],
		['romeo@elsewhere.test', 'does not serve the domain elsewhere.test'],
		['romeo@down.test', 'cannot reach the XMPP server of down.test'],
	]) {
		await page.locator('input[name=jid]').fill(jid);
		await page.locator('input[name=password]').fill('wrong');
		await page.locator('input[name=password]').press('Enter');
		await ended(why);
		await browser.shot(page, `converse-${transport}-failed`);
		await again();
	}
	await page.locator('input[name=jid]').waitFor();

	await page.goto(`http://127.0.0.1:${stage.gateway.port}/chat/?as=romeo&transport=${transport}`);
	await page.locator('#state[data-kind=good]').waitFor();
	await page.locator('.userinfo a').first().click();
	await page.getByRole('button', { name: 'Log out' }).click();
	await page.locator('converse-confirm-modal button[type=submit]').click();
	await ended('You have logged out');
	await again();
	await page.locator('a[data-account=juliet]').waitFor();
}, converse);
