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

/* In the bar; by: how we are connected, which a narrow bar leaves out, for its switch shows it. */
function say(text, kind = '', by = '') {
	const state = byId('state');
	state.textContent = text;
	if (by) {
		const more = document.createElement('span');
		more.className = 'by';
		more.textContent = ` by ${by}`;
		state.append(more);
	}
	state.dataset.kind = kind;
}

/* A strip below the bar, as long as there is something to say. */
function notice(text) {
	byId('notice').textContent = text;
	byId('notice').hidden = !text;
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
	byId('other').href = address({ as: 'other' });
	byId('room').textContent = demo.room ? `Both of you are in the room ${demo.room}, too.` : '';
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

/* Below its login form Converse thanks its sponsors, with pictures from other sites; here it is only named. */
class Credit extends HTMLElement {
	connectedCallback() {
		this.textContent = 'Converse.js, an open source XMPP client (MPL 2.0)';
	}
}

/*
 * Why there is no connection.  status is that of Strophe, condition what culvert or the server gave as the reason;
 * neither says whose fault the address is, so a wrong server is not called a wrong address.
 */
function reasonOf({ status, condition }, domain) {
	const { Status, ErrorCondition } = converse.env.Strophe;
	if (status === Status.AUTHFAIL)
		return `The server of ${domain} does not know this account, or the password is wrong.`;
	switch (condition) {
	case 'host-unknown':
		return `This culvert does not serve the domain ${domain}, or its server does not. The domain is the part of an address after the @.`;
	case 'remote-connection-failed':
		return `culvert cannot reach the XMPP server of ${domain}. The log of culvert says why.`;
	case 'system-shutdown':
		return 'culvert, or the XMPP server, is shutting down.';
	case 'policy-violation':
		return 'The session broke a limit of culvert or of the XMPP server. Their logs say which.';
	case ErrorCondition.NO_AUTH_MECH:
		return `The server of ${domain} offers no way to log in that this page knows.`;
	default:
		return /^[a-z-]+$/.test(condition || '') ? `The reason given is ${condition}.`
			: `culvert does not answer at ${location.host}. Does it run?`;
	}
}

/* Nothing goes on by itself: what has happened, why, and where to begin again. */
function end(what, why, again, next) {
	notice('');
	byId('chat').hidden = true;
	byId('what').textContent = what;
	byId('why').textContent = why;
	byId('again').textContent = again;
	byId('again').href = next;
	byId('end').hidden = false;
	byId('again').focus();
}

/* Everybody has one name and one colour, whether contact, in the room, or oneself. */
function showAlike({ Profile, RosterContact, MUCOccupant, ChatBox, Message, MUCMessage }, accounts) {
	const known = new Map(accounts.map(({ jid, name }) => [jid, name]));
	for (const { prototype } of [Profile, RosterContact]) {
		const { getDisplayName } = prototype;
		prototype.getDisplayName = function (options) { return known.get(this.get('jid')) || getDisplayName.call(this, options); };
	}
	const nameOf = (model) => model.get('nick') || (model.get('jid') || model.get('from') || '').split('@')[0];
	for (const { prototype } of [Profile, RosterContact, MUCOccupant, ChatBox, Message, MUCMessage])
		prototype.getIdentifier = function () { return nameOf(this); };
}

/*
 * Says what becomes of the connection; the API is that of Converse.  It gives
 * up in some cases, and takes the conversation away; here it stays, and
 * Converse goes on trying, once there has been a connection.
 */
function watch({ accounts }) {
	let hasBeen = false; // connected
	let isLeaving = false;
	let isLogout = false;
	let last = {};
	converse.plugins.add('culvert-state', {
		initialize() {
			const { _converse } = this;
			const { api } = _converse;
			const { AUTHFAIL, CONNFAIL } = converse.env.Strophe.Status;
			const isFinal = () => !hasBeen || isLeaving || isLogout || last.status === AUTHFAIL;
			let domain = '';
			showAlike(_converse.exports, accounts);

			api.listen.on('connectionInitialized', () => {
				const connection = api.connection.get();
				const { onConnectStatusChanged, finishDisconnection } = connection;
				connection.onConnectStatusChanged = (status, condition) => {
					domain = converse.env.Strophe.getDomainFromJid(connection.jid) || domain;
					if ([AUTHFAIL, CONNFAIL].includes(status))
						last = { status, condition };
					if (hasBeen && status === CONNFAIL)
						lost();
					return onConnectStatusChanged.call(connection, status, condition);
				};
				connection.finishDisconnection = () => isFinal() ? finishDisconnection.call(connection) : api.connection.reconnect();
			});

			const up = () => {
				hasBeen = true;
				last = {};
				notice('');
				byId('chat').classList.remove('is-offline');
				say(_converse.session.get('bare_jid'), 'good', TRANSPORTS[transport]);
			};
			const lost = () => {
				if (isFinal())
					return;
				byId('chat').classList.add('is-offline');
				say('Not connected', 'busy');
				notice(`The connection is lost. ${reasonOf(last, domain)} This page tries again every few seconds; you can send again when it is back.`);
			};
			/* Converse is about to show rooms as left, and hides what was said in them; they are entered anew later. */
			api.listen.on('beforeTearDown', () => {
				if (isFinal())
					return;
				const { ENTERED } = converse.ROOMSTATUS;
				for (const { session } of _converse.state.chatboxes.filter((box) => box.get('type') === 'chatroom')) {
					if (session.previous('connection_status') === ENTERED)
						session.set({ connection_status: ENTERED }, { silent: true });
				}
			});
			api.listen.on('connected', up);
			api.listen.on('reconnected', up);
			api.listen.on('will-reconnect', lost);
			api.listen.on('beforeLogout', () => { isLogout = true; });
			api.listen.on('disconnected', () => {
				if (isLeaving)
					return;
				say('Not connected', 'bad');
				if (isLogout)
					end('You have logged out.', '', 'Log in again', `?${new URLSearchParams({ transport })}`);
				else
					end(last.status === AUTHFAIL ? 'The login failed' : 'Not connected', reasonOf(last, domain), 'Try again', address({}));
			});
			/* Nothing is sent without a connection: what somebody writes stays where it is. */
			for (const type of ['keydown', 'submit', 'click'])
				byId('chat').addEventListener(type, (event) => {
					const isSending = type === 'keydown' ? event.key === 'Enter' && event.target.matches('textarea')
						: event.target.closest('.chat-message-form');
					if (isSending && byId('chat').classList.contains('is-offline')) {
						event.preventDefault();
						event.stopPropagation();
					}
				}, true);
			byId('transports').addEventListener('change', async (event) => {
				const next = event.target.value;
				isLeaving = true;
				notice('');
				say(`Changing to ${TRANSPORTS[next]}\u2026`, 'busy');
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
	try {
		await import('./converse/converse.min.js');
	} catch {
		say('Not connected', 'bad');
		end('The chat client is missing', 'culvert has no converse/converse.min.js beside this page, or it did not arrive. contrib/chat/README says how to get it.',
			'Try again', address({}));
		return;
	}
	customElements.define('converse-footer', Credit);
	watch(demo);
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
		roster_groups: false,
		play_sounds: false,
		show_desktop_notifications: false,

		// Nothing that would contact other sites.
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
if (!isSecureContext) {
	end('This page needs https', 'It came by http, and then browsers have no cryptography for the login. Open it by https, through a web server in ' +
		'front of culvert. On culvert\u2019s own machine http://localhost and http://127.0.0.1 work, too.', 'Try again', address({}));
} else if (who) {
	await chat(demo);
} else if (demo.accounts.length > 0) {
	byId('transports').addEventListener('change', (event) => location.replace(address({ transport: event.target.value })));
	start(demo);
} else {
	location.replace(address({ as: 'other' }));
}
