/*
 * page.js: the landing page: which addresses there are, the form, and the
 * results of the two tests as they come in.
 *
 * Where an address comes from, the first that says something:
 *
 *	the page's own query or fragment	?bosh=/path&websocket=wss://host/path
 *	/.well-known/host-meta.json		XEP-0156
 *	culvert's defaults			/http-bind, /xmpp-websocket
 *
 * site.json may say more of this site: { "domain": "example.com", "chat": "chat/" }.
 */

import * as bosh from './bosh.js';
import { duration, runSteps } from './steps.js';
import * as websocket from './websocket.js';

const TRANSPORTS = {
	websocket: { name: 'WebSocket', path: '/xmpp-websocket', rel: 'urn:xmpp:alt-connections:websocket', schemes: ['ws:', 'wss:'], ...websocket },
	bosh: { name: 'BOSH', path: '/http-bind', rel: 'urn:xmpp:alt-connections:xbosh', schemes: ['http:', 'https:'], ...bosh },
};
const HOLD = 5;
const META_MS = 3000;
const WORDS = { run: 'running', pass: 'passed', note: 'passed, but', skip: 'not needed', fail: 'failed', left: 'not tried' };

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

function make(tag, attrs = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attrs))
		element.setAttribute(name, value);
	element.append(...children);
	return element;
}

/* A sentence of reasons.js: what stands between backticks is code. */
const prose = (text) => text.split('`').map((part, i) => i % 2 ? make('code', {}, part) : part);

/* ---- addresses ---- */

/* What somebody wrote as an address, as a URL of the transport's scheme; null when it cannot be one. */
function resolve(name, written) {
	const { schemes } = TRANSPORTS[name];
	try {
		const url = new URL(written.trim(), location.href);
		if (/^https?:$/.test(url.protocol) && name === 'websocket')
			url.protocol = url.protocol.replace('http', 'ws');
		url.hash = '';
		return schemes.includes(url.protocol) ? url.href : null;
	} catch {
		return null;
	}
}

const given = new URLSearchParams(location.search);
for (const [name, value] of new URLSearchParams(location.hash.slice(1)))
	given.set(name, value);

/* XEP-0156: { transport: url } of what this host says of itself; it need not say anything. */
async function hostMeta() {
	const found = {};
	try {
		const response = await fetch('/.well-known/host-meta.json', { credentials: 'omit', signal: AbortSignal.timeout(META_MS) });
		const { links } = response.ok ? await response.json() : { links: [] };
		for (const [name, { rel }] of Object.entries(TRANSPORTS)) {
			const link = links.find((one) => one.rel === rel);
			if (link && resolve(name, link.href))
				found[name] = link.href;
		}
	} catch {
		/* the defaults will do */
	}
	return found;
}

/* What this site says of itself in site.json: { domain, chat }, either of which may be missing. */
async function siteFile() {
	try {
		const response = await fetch('site.json', { credentials: 'omit', cache: 'no-cache', signal: AbortSignal.timeout(META_MS) });
		return response.ok ? await response.json() : {};
	} catch {
		return {};
	}
}

/* chat.example.com is likely to be there for example.com; an IP address or localhost says nothing. */
function guessDomain() {
	const { hostname } = location;
	if (/^[\d.]+$|^\[|^[^.]*$|\.localhost$/.test(hostname))
		return '';
	return hostname.replace(/^(www|chat|webchat|web|xmpp|jabber|im|bosh|ws|culvert)\.(?=.*\.)/, '');
}

const written = {};

function showAddresses() {
	for (const name of Object.keys(TRANSPORTS)) {
		const url = resolve(name, written[name]);
		$(`.addresses [data-transport=${name}] .url`).textContent = url || '(none)';
		for (const place of $$(`[data-url=${name}]`))
			place.textContent = url || '…';
	}
	const domain = $('#domain').value.trim();
	for (const place of $$('[data-domain]'))
		place.textContent = domain || 'example.com';
}

/* Without a secure context there is no clipboard, but the old way still works. */
async function copy(text, button) {
	const before = [...button.childNodes];
	let isDone = true;
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const field = make('textarea', { 'class': 'said' });
		field.value = text;
		document.body.append(field);
		field.focus({ preventScroll: true });
		field.select();
		isDone = document.execCommand('copy');
		field.remove();
		button.focus({ preventScroll: true });
	}
	button.textContent = isDone ? 'Copied' : 'Not allowed';
	$('#spoken').textContent = isDone ? 'Copied.' : 'The browser does not allow copying.';
	setTimeout(() => {
		button.replaceChildren(...before);
		$('#spoken').textContent = '';
	}, 1500);
}

/* ---- results ---- */

class Result {
	constructor(name) {
		this.transport = TRANSPORTS[name];
		this.panel = $(`.result[data-transport=${name}]`);
		this.list = $('ol', this.panel);
		this.prepare('');
	}

	/* The steps to come; url: null when the test is left out. */
	prepare(url) {
		this.results = [];
		this.panel.hidden = url === null;
		$('.target', this.panel).textContent = url || '';
		this.list.replaceChildren(...this.transport.steps.map(({ title, plan }) => this.#row({ state: 'plan' }, title, plan)));
		this.chip('', '');
	}

	chip(state, text) {
		const chip = $('.chip', this.panel);
		chip.dataset.state = state;
		chip.textContent = text;
	}

	#row({ state, ms, reason }, title, text) {
		const row = make('li', { 'data-state': state },
			make('span', { 'class': 'mark', 'aria-hidden': 'true' }),
			make('div', { 'class': 'title' }, title, make('span', { 'class': 'said' }, WORDS[state] ? `: ${WORDS[state]}` : '')),
			make('span', { 'class': 'time' }, ms === undefined || state === 'skip' ? '' : duration(ms)));
		if (reason) {
			row.append(make('div', { 'class': 'reason' },
				make('p', { 'class': 'what' }, ...prose(reason.what)),
				make('h4', {}, 'Likely causes, and what to do'),
				make('ul', {}, ...reason.cures.map((cure) => make('li', {}, ...prose(cure))))));
		} else if (text) {
			row.append(make('p', { 'class': 'found' }, text));
		}
		return row;
	}

	show(i, result) {
		const { title, plan } = this.transport.steps[i];
		this.results[i] = result;
		this.list.children[i].replaceWith(this.#row(result, title, result.found || plan));
	}

	async run(test) {
		const { steps, finish, name } = this.transport;
		this.chip('run', 'running');
		const { state, failed } = await runSteps(steps, test, (i, result) => this.show(i, result));
		finish(test);
		const [chip, verdict] = {
			pass: ['works', `${name} works.`],
			note: ['works, but', `${name} works, with a remark.`],
			fail: ['fails', `${name} fails at “${failed}”.`],
			left: ['stopped', `${name} was stopped.`],
		}[state];
		this.chip(state, chip);
		return { state, verdict, failed: state === 'fail' && failed };
	}

	/* As plain text. */
	report() {
		const lines = this.results.flatMap(({ state, ms, found, reason }, i) => [
			`  ${(WORDS[state] || '').padEnd(11)} ${this.transport.steps[i].title}${ms === undefined ? '' : `, ${duration(ms)}`}${found ? `: ${found}` : ''}`,
			...reason ? [`      ${reason.what}`, ...reason.cures.map((cure) => `      - ${cure}`)] : [],
		]);
		return [`${this.transport.name}  ${$('.target', this.panel).textContent}`, ...lines, ''].join('\n');
	}
}

/* ---- the form ---- */

const results = Object.fromEntries(Object.keys(TRANSPORTS).map((name) => [name, new Result(name)]));
let running = null;

const shown = () => Object.values(results).filter(({ panel }) => !panel.hidden);

/* What a test would be of, as long as there is none. */
function showTargets() {
	for (const [name, result] of Object.entries(results)) {
		const { value } = $(`#${name}`);
		result.prepare(value.trim() ? resolve(name, value) || '' : null);
	}
}

function complain(field, text) {
	$('#complaint').textContent = text;
	for (const input of $$('#form input'))
		input.removeAttribute('aria-invalid');
	if (field) {
		field.setAttribute('aria-invalid', 'true');
		$('#others').open ||= $('#others').contains(field);
		field.focus();
	}
}

/* What is to be tested, or null when the form does not say. */
function readForm() {
	const { domain, hold, websocket: ws, bosh: http } = $('#form').elements;
	const wanted = { domain: domain.value.trim().replace(/^.*@/, '').replace(/\/.*$/, ''), hold: Number(hold.value), urls: {} };
	if (!wanted.domain || /[\s<>"'&]/.test(wanted.domain))
		return complain(domain, 'Which domain? Type the part of an account’s address after the @, like example.com.');
	if (!hold.validity.valid)
		return complain(hold, 'Stay connected for how long? Type whole seconds from 1 to 300.');
	for (const [name, field] of Object.entries({ websocket: ws, bosh: http })) {
		wanted.urls[name] = field.value.trim() ? resolve(name, field.value) : null;
		if (field.value.trim() && !wanted.urls[name])
			return complain(field, `This is no address for ${TRANSPORTS[name].name}. It has to begin with ${TRANSPORTS[name].schemes.join('// or ')}//, or be a path like ${TRANSPORTS[name].path}.`);
	}
	if (!wanted.urls.websocket && !wanted.urls.bosh)
		return complain(ws, 'There is no address to test.');
	complain(null, '');
	return wanted;
}

/* So that a reload, or whoever gets the link, begins with the same. */
function remember({ domain, hold }) {
	const kept = new URLSearchParams(given);
	kept.set('domain', domain);
	if (hold !== HOLD || kept.has('hold'))
		kept.set('hold', hold);
	for (const [name, field] of Object.entries({ websocket: $('#websocket'), bosh: $('#bosh') })) {
		if (field.value.trim() !== written[name])
			kept.set(name, field.value.trim());
	}
	history.replaceState(null, '', `${location.pathname}#${kept.toString().replace(/%2F/g, '/').replace(/%3A/g, ':')}`);
}

async function run(wanted) {
	running = new AbortController();
	$('#run').textContent = 'Stop';
	$('.after').hidden = true;
	$('.results').hidden = false;
	remember(wanted);
	showAddresses();
	$('#verdict').textContent = `Testing ${wanted.domain}…`;
	$('#verdict').dataset.state = 'run';
	const ended = await Promise.all(Object.entries(results).map(([name, result]) => {
		const { urls, domain, hold } = wanted;
		result.prepare(urls[name]);
		return urls[name] ? result.run({ url: urls[name], urls, domain, hold, signal: running.signal }) : null;
	}));
	const done = ended.filter(Boolean);
	const [{ failed }] = done;
	$('#verdict').textContent = done.length > 1 && failed && done.every((one) => one.failed === failed) ? `Both fail at “${failed}”.`
		: done.map(({ verdict }) => verdict).join(' ');
	$('#verdict').dataset.state = ['left', 'fail', 'note', 'pass'].find((state) => done.some((one) => one.state === state));
	$('.after').hidden = false;
	$('#run').textContent = 'Test again';
	running = null;
}

function report() {
	const { domain, hold } = $('#form').elements;
	return [`culvert's test of ${domain.value.trim()}, staying connected for ${hold.value} s`, new Date().toISOString(), `page    ${location.href}`,
		`browser ${navigator.userAgent}`, '', ...shown().map((result) => result.report())].join('\n');
}

$('#form').addEventListener('submit', (event) => {
	event.preventDefault();
	if (running) {
		running.abort();
		return;
	}
	const wanted = readForm();
	if (wanted)
		run(wanted);
});
$('#domain').addEventListener('input', showAddresses);
for (const name of Object.keys(TRANSPORTS))
	$(`#${name}`).addEventListener('change', () => running || showTargets());
$('#report').addEventListener('click', () => copy(report(), $('#report')));
for (const button of $$('.copy')) {
	button.addEventListener('click', () => copy($('.url', button.parentElement).textContent, button));
	button.hidden = false;
}
addEventListener('pagehide', () => running?.abort());

const [meta, site] = await Promise.all([given.has('bosh') && given.has('websocket') ? {} : hostMeta(), siteFile()]);
for (const [name, { path }] of Object.entries(TRANSPORTS)) {
	written[name] = given.get(name) ?? meta[name] ?? path;
	$(`#${name}`).value = written[name];
}
$('#others').open = given.has('bosh') || given.has('websocket');
$('#domain').value = given.get('domain') ?? site.domain ?? guessDomain();
if (typeof site.chat === 'string') {
	$('#chat').href = new URL(site.chat, location.href).href;
	$('#chat').hidden = false;
}
$('#hold').value = Number(given.get('hold')) || HOLD;
showTargets();
$('#insecure').hidden = isSecureContext;
showAddresses();
$('#form').hidden = false;
document.documentElement.dataset.ready = '';
