/*
 * chat.js: Converse.js on a page of its own, through the culvert that serves
 * the page.
 *
 *	?transport=websocket | bosh	how to connect
 *	?as=NAME			which account of demo.json logs in; "other": Converse asks for one
 *
 * demo.json says what there is:
 *
 *	domain		where accounts are when people write only a name
 *	accounts	[{ name, jid, password }] that anybody may use; may be empty
 *	room		a room to join, or null
 *	bosh, websocket	the paths, where they are not the usual ones
 *
 * Everything Converse keeps, it keeps in the session storage, which every tab
 * has for itself: two people can chat from two tabs of one browser, and a
 * closed tab leaves nothing behind.
 */

const TRANSPORTS = { websocket: 'WebSocket', bosh: 'BOSH' };

const byId = (id) => document.getElementById(id);

const query = new URLSearchParams(location.search);
const transport = query.get('transport') in TRANSPORTS ? query.get('transport') : 'websocket';
const who = query.get('as');

/* The address of this page with other answers. */
function address(changes) {
	const changed = new URLSearchParams({ ...(who && { as: who }), transport, ...changes });
	return `?${changed}`;
}

function say(text, kind = '') {
	const state = byId('state');
	state.textContent = text;
	state.dataset.kind = kind;
}

/* The same path of this host, for a web page (http:) or a WebSocket (ws:). */
function endpoint(path, scheme) {
	const url = new URL(path, location.href);
	url.protocol = url.protocol === 'https:' ? `${scheme}s:` : `${scheme}:`;
	return url.href;
}

async function description() {
	const nothing = { domain: location.hostname, accounts: [], room: null };
	try {
		const reply = await fetch('demo.json', { cache: 'no-store' });
		return reply.ok ? { ...nothing, ...await reply.json() } : nothing;
	} catch {
		return nothing;
	}
}

/* Before anybody has logged in: the accounts to choose from. */
function start(demo) {
	byId('start').hidden = false;
	byId('hint').textContent = 'Open this page in two tabs or on two browsers, and be somebody else in each.';
	byId('other').href = address({ as: 'other' });
	byId('room').textContent = demo.room ? `Everybody also meets in the room ${demo.room}.` : '';
	for (const { name, jid } of demo.accounts) {
		const link = document.createElement('a');
		link.href = address({ as: name });
		link.dataset.account = name;
		const [title, detail] = [document.createElement('strong'), document.createElement('span')];
		title.textContent = name;
		detail.textContent = jid;
		link.append(title, detail);
		const item = document.createElement('li');
		item.append(link);
		byId('accounts').append(item);
	}
	say('');
}

/* Below its login form Converse thanks its sponsors with pictures from elsewhere; here it is named without. */
class Credit extends HTMLElement {
	connectedCallback() {
		this.textContent = 'Converse.js, an open source XMPP client (MPL 2.0)';
	}
}

/* Why a connection came to nothing; status and message are those of Converse, which has sentences for most reasons. */
function reasonOf(status, message) {
	if (status === converse.env.Strophe.Status.AUTHFAIL)
		return 'The server knows no such account, or the password is another one.';
	return message?.includes(' ') ? message : `There is no connection${message ? ` (${message})` : ''}: does culvert still run?`;
}

/* Converse gives up and leaves its place empty, so this page says why, and where to begin again. */
function end(why, next) {
	byId('chat').hidden = true;
	byId('why').textContent = why;
	byId('again').href = next;
	byId('end').hidden = false;
	byId('again').focus();
}

/* Says in the bar what becomes of the connection; its API is Converse's. */
function watch() {
	let isLeaving = false;
	let isLogout = false;
	let last = {};
	converse.plugins.add('culvert-state', {
		initialize() {
			const { _converse } = this;
			const { api } = _converse;
			const up = () => {
				last = {};
				say(`${_converse.session.get('bare_jid')} by ${TRANSPORTS[transport]}`, 'good');
			};
			const { AUTHFAIL, CONNFAIL } = converse.env.Strophe.Status;
			api.listen.on('connected', up);
			api.listen.on('reconnected', up);
			api.listen.on('connfeedback', (feedback) => {
				const { connection_status: status, message } = feedback.attributes;
				if ([AUTHFAIL, CONNFAIL].includes(status))
					last = { status, message };
			});
			api.listen.on('beforeLogout', () => { isLogout = true; });
			api.listen.on('disconnected', () => {
				if (isLeaving)
					return;
				say('Not connected', 'bad');
				if (isLogout)
					end('You have logged out.', `?${new URLSearchParams({ transport })}`);
				else
					end(reasonOf(last.status, last.message), address({}));
			});
			api.listen.on('will-reconnect', () => say('Connecting again\u2026', 'busy'));
			byId('transports').addEventListener('change', async (event) => {
				const next = event.target.value;
				isLeaving = true;
				say(`Going over to ${TRANSPORTS[next]}\u2026`, 'busy');
				if (api.connection.connected())
					await api.user.logout();
				location.search = address({ transport: next });
			});
		},
	});
}

async function chat(demo) {
	byId('chat').hidden = false;
	byId('chat').append(document.createElement('converse-root'));
	const account = demo.accounts.find(({ name }) => name === who);
	say(account ? 'Connecting\u2026' : '', 'busy');
	await import('./converse/converse.min.js');
	customElements.define('converse-footer', Credit);
	watch();
	await converse.initialize({
		...(transport === 'bosh'
			? { bosh_service_url: endpoint(demo.bosh || '/http-bind', 'http') }
			: { websocket_url: endpoint(demo.websocket || '/xmpp-websocket', 'ws') }),
		...(account && { jid: account.jid, password: account.password, auto_login: true }),
		...(demo.room && { auto_join_rooms: [{ jid: demo.room, nick: account?.name }] }),
		default_domain: demo.domain,
		discover_connection_methods: false,
		keepalive: true,
		auto_reconnect: true,
		persistent_store: 'sessionStorage',
		allow_user_trust_override: false,

		view_mode: 'fullscreen',
		auto_insert: false,
		assets_path: new URL('converse', location.href).href,
		show_background: false,
		show_self_in_roster: false,
		play_sounds: false,
		show_desktop_notifications: false,

		// Whatever would look elsewhere is off.
		allow_registration: false,
		autocomplete_providers_url: '',
		whitelisted_plugins: ['culvert-state'],
		blacklisted_plugins: ['converse-omemo', 'converse-omemo-views', 'converse-register'],
		fetch_url_headers: false,
		muc_search_service: '',
		render_media: false,
		visible_toolbar_buttons: { call: false, emoji: true, location: false, spoiler: false },
	});
}

const demo = await description();
for (const input of byId('transports').elements) {
	if (input.type === 'radio')
		input.checked = input.value === transport;
}
if (who) {
	await chat(demo);
} else if (demo.accounts.length > 0) {
	byId('transports').addEventListener('change', (event) => location.replace(address({ transport: event.target.value })));
	start(demo);
} else {
	location.replace(address({ as: 'other' }));
}
