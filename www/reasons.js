/*
 * reasons.js: what went wrong, in the words of somebody who runs a server.
 *
 * Each function returns { what, cures }: a sentence that says what was seen,
 * and sentences that say what to do about it, the likeliest first.  `This` is
 * shown as code.
 */

import { isInward, isMixed, isNumeric, isSameOrigin, originOf } from './reach.js';

const TRANSPORT = {
	bosh: { key: 'bosh', path: '/http-bind' },
	websocket: { key: 'websocket', path: '/xmpp-websocket' },
};

const seconds = (ms) => `${(ms / 1000).toFixed(1)}\u00a0s`;

/* The beginning of a text, on one line. */
const quote = (text) => {
	const line = text.replace(/\s+/g, ' ').trim();
	return line.length > 120 ? `${line.slice(0, 120)}…` : line;
};

const status = ({ status: code, statusText, server }) =>
	`${code}${statusText ? ` ${statusText}` : ''}${server ? ` (Server: ${server})` : ''}`;

/* culvert's own word for a path that it does not know. */
const isCulverts404 = (answer) => /^text\/plain/.test(answer.type) && answer.text.trim() === 'There is nothing here.';

/* culvert's own words when it has no room, which a proxy in front passes on. */
const isCulverts503 = (answer) => answer.status === 503 && /^(Too many connections are open|culvert is )/.test(answer.text);

const passOn = (transport) => {
	const { path } = TRANSPORT[transport];
	const upgrade = transport === 'websocket'
		? 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; ' : '';
	return `location = ${path} { proxy_pass http://127.0.0.1:5280; ${upgrade}}`;
};

/* ---- requests that came to nothing ---- */

export function unreached(url) {
	const { host, protocol } = new URL(url);
	const isSecure = /^(https|wss):$/.test(protocol);
	const cures = [];
	if (isMixed(url))
		return mixed(url);
	if (!navigator.onLine)
		cures.push('This computer says it has no network at all.');
	if (isSecure && !isSameOrigin(url))
		cures.push(`The certificate may not be valid for ${host}. Open \`${url.replace(/^ws/, 'http')}\` in a new tab: there the browser says what is wrong with it.`);
	if (isSameOrigin(url))
		cures.push(`This page came from ${host} itself, so culvert, or the proxy in front of it, has stopped since then. Does it run? Look at the end of its log.`);
	else
		cures.push(`Does a server listen there? culvert’s log says \`listening\` with address and port when it starts; one that listens on \`127.0.0.1\` can be reached from its own machine only. A firewall on the way may refuse the port.`);
	if (!isSameOrigin(url) && !isNumeric(url))
		cures.push(`The name \`${host}\` may be misspelled, or missing in the DNS.`);
	if (isInward(url))
		cures.push('The address is in a private network and this page is not: browsers ask for permission first, or refuse.');
	cures.push('An extension of the browser (an ad blocker, say) can block requests, too: try a private window.');
	return { what: isSecure ? `No answer from ${originOf(url)}, or none that the browser trusts.` : `Nothing answers at ${originOf(url)}.`, cures };
}

export function mixed(url) {
	const secure = url.replace(/^http:/, 'https:').replace(/^ws:/, 'wss:');
	return {
		what: `The browser refuses \`${url}\`, because this page came by https: a secure page may not use an insecure address (mixed content).`,
		cures: [
			`Use the secure address, \`${secure}\`. The server there needs TLS with a certificate that browsers accept.`,
			'When a proxy serves this page by https, let the same proxy pass the paths of BOSH and WebSocket to culvert: then page and addresses share one host and one certificate.',
		],
	};
}

export function late(url, ms) {
	return {
		what: `No answer from ${originOf(url)} within ${seconds(ms)}.`,
		cures: [
			`Perhaps a firewall drops the packets. Try from the machine itself: \`curl -i ${url.replace(/^ws/, 'http')}\``,
			'Perhaps a proxy is waiting for culvert, and culvert does not run.',
		],
	};
}

export function blocked(url) {
	return {
		what: `A server answers at ${originOf(url)}, but does not allow pages of ${location.origin} to read the answer (CORS).`,
		cures: [
			`Is it culvert? Its configuration lists the sites whose pages may connect. Add this one: \`"origins": ["${location.origin}"]\`, and reload (SIGHUP).`,
			'Is the path right? Another server may answer there, with an error page for example. Open the address in a new tab to see who answers.',
			'If a proxy adds `Access-Control-Allow-Origin`, the answer has it twice, and browsers refuse it. Let only culvert add it.',
		],
	};
}

/* Plain requests are answered, this one was not, or not so that the page may read it. */
export function broken(url) {
	const cures = ['Look at the last lines in the log of the proxy. If it cannot reach culvert, or if there is a limit in the way, it says so there.'];
	if (!isSameOrigin(url))
		cures.push('It may be an error page of the proxy (502, 504): pages of another site are not allowed to read it.');
	cures.push('A web application firewall may refuse XML in a POST.');
	return { what: `${originOf(url)} answers plain requests, but its answer to this one did not arrive.`, cures };
}

export function preflight(url) {
	return {
		what: `${originOf(url)} answers, but not the OPTIONS request that browsers send before a POST with XML (the preflight).`,
		cures: [
			'Let the proxy pass OPTIONS requests on to culvert, which answers them, instead of refusing them or answering itself.',
			'HTTP authentication in front of culvert cannot work: a preflight never has a password.',
		],
	};
}

export function redirected(url) {
	return {
		what: `\`${url}\` sends clients to another address (a redirect). Most clients do not follow it.`,
		cures: [
			'Give clients the address it leads to: open it in a new tab and look at the address bar. Often that is https instead of http, or a slash at the end.',
			'Or let the server answer here, without the redirect.',
		],
	};
}

/* ---- answers that are none of an endpoint ---- */

/* answer: of reach.js, any kind; what it means when the endpoint should have answered. */
export function badAnswer(transport, url, answer) {
	switch (answer.kind) {
	case 'unreached':
		return unreached(url);
	case 'blocked':
		return blocked(url);
	case 'broken':
		return broken(url);
	case 'late':
		return late(url, answer.ms);
	case 'redirect':
		return redirected(url);
	default:
		return badStatus(transport, url, answer);
	}
}

function badStatus(transport, url, answer) {
	const { key, path } = TRANSPORT[transport];
	const { pathname } = new URL(url);
	const asked = `The answer at \`${pathname}\` is ${status(answer)}.`;
	switch (answer.status) {
	case 404:
	case 410:
		return isCulverts404(answer) ? {
			what: `culvert answers, but \`${pathname}\` is not one of its paths (404).`,
			cures: [
				`Compare it with \`"paths": {"${key}": …}\` in culvert.json; unless written there, it is \`${path}\`.`,
				'Perhaps a proxy changes the path. In nginx, a `proxy_pass` with anything after the port does that.',
			],
		} : {
			what: `${asked} A web server is there, but not culvert.`,
			cures: [
				`Is the path right? culvert’s is \`${path}\` unless \`"paths"\` in culvert.json says otherwise.`,
				`Let that server pass the path to culvert. nginx: \`${passOn(transport)}\``,
			],
		};
	case 401:
	case 407:
		return { what: `${asked} It wants a password.`, cures: ['Switch HTTP authentication off for this path. XMPP clients log in to the XMPP server instead.'] };
	case 403:
		return isOriginRefused(answer) ? originRefused() : {
			what: `${asked} Something in front of culvert forbids it: ${quote(answer.text) || 'no reason given'}`,
			cures: ['Look for rules about this path in the proxy or in a web application firewall.'],
		};
	case 429:
		return { what: `${asked} Too many requests from here.`, cures: ['Wait a while, or raise the limit of the proxy.'] };
	case 502:
	case 503:
		return isCulverts503(answer) ? {
			what: `culvert itself refuses the request for now (503): ${quote(answer.text)}`,
			cures: [
				'Try again in a minute.',
				'If it stays so: how much culvert allows itself is in its log, in the lines `connections of clients` and `memory for peers` at start. ' +
					'More open files (`LimitNOFILE=` of a systemd service) allow more connections.',
			],
		} : {
			what: `${asked} The proxy in front cannot reach culvert.`,
			cures: [
				'Does culvert run? Look at the end of its log.',
				'Does the proxy use the address and port that culvert’s log names after `listening`? `localhost` may mean `::1` to the proxy while culvert listens on `127.0.0.1`.',
				'On systems with SELinux a web server may not connect to other ports until told: `setsebool -P httpd_can_network_connect 1`',
			],
		};
	case 504:
	case 524:
		return {
			what: `${asked} The proxy in front waited too long for culvert.`,
			cures: ['Can the proxy reach culvert at all, or does a firewall drop its packets?', 'Does culvert’s XMPP server answer? culvert’s log says `upstream not reached` when it does not.'],
		};
	default:
		return {
			what: `${asked} ${transport === 'bosh' ? 'A BOSH' : 'A WebSocket'} endpoint would answer otherwise: ${quote(answer.text) || 'no text'}`,
			cures: [
				`Perhaps another server answers at this path. culvert’s is \`${path}\` unless \`"paths"\` in culvert.json says otherwise.`,
				`Let that server pass the path to culvert. nginx: \`${passOn(transport)}\``,
			],
		};
	}
}

export const isOriginRefused = (answer) => answer.status === 403 && /Origin is not allowed/.test(answer.text);

/* The answer could be read, so page and address belong together, only culvert does not know it. */
export function originRefused() {
	return {
		what: `culvert refuses pages of ${location.origin} (403: this Origin is not allowed).`,
		cures: [
			`Add it to culvert’s configuration: \`"origins": ["${location.origin}"]\`, then reload (SIGHUP).`,
			'A page of the same host needs no entry, if the proxy passes the host name on (nginx: `proxy_set_header Host $http_host;`) and culvert knows the name' +
				`${location.protocol === 'https:' ? `: \`"public_url": "${location.origin}"\`` : ' from `"public_url"` or `"domains"`'}.`,
			'culvert’s log says which Origin and Host it saw, in a line with `status=403`.',
		],
	};
}

/* ---- the stream ---- */

const atServer = (domain) => [
	`Does the XMPP server of ${domain} run, and does culvert’s machine reach it? Its address is \`"connect"\` of this domain in culvert.json.`,
	'culvert’s log gives the reason in the line `upstream not reached` or `upstream lost`: refused, no route, or a certificate that is not valid for the domain.',
	'To a server on another machine culvert requires TLS, unless `"tls"` of the domain says otherwise.',
];

/* condition: of a BOSH <body type='terminate'/> or of a stream error; domain: that was asked for. */
export function ended(condition, { domain, text = '', isFirst = true } = {}) {
	const said = text ? ` (“${quote(text)}”)` : '';
	switch (condition) {
	case 'host-unknown':
	case 'host-gone': {
		const parent = domain.split('.').slice(1).join('.');
		const cures = [`Type the part of an account’s address after the @.${parent.includes('.') ? ` Perhaps \`${parent}\`?` : ''}`,
			`Is the domain in culvert’s configuration, with the same spelling? \`"domains": {"${domain}": {…}}\``,
			'If it is there, the XMPP server itself may not know the domain: look for a virtual host of that name in its configuration.'];
		return { what: `The domain ${domain} is not served here (${condition}).`, cures };
	}
	case 'improper-addressing':
		return { what: `No domain was understood in “${domain}” (improper-addressing).`, cures: ['Type the part of an account’s address after the @.'] };
	case 'remote-connection-failed':
		return { what: `culvert works, but cannot reach the XMPP server of ${domain} (remote-connection-failed).`, cures: atServer(domain) };
	case 'system-shutdown':
		return { what: 'culvert or the XMPP server is shutting down (system-shutdown).', cures: ['Try again once it is up.'] };
	case 'item-not-found':
		return {
			what: `The server that answered does not know this session (item-not-found)${said}.`,
			cures: isFirst ? ['Is this really culvert? Another BOSH server may expect another first request.'] : [
				'With a load balancer in front of several culverts, all requests of a session must reach the same one: let it choose by client address or by a cookie.',
				'Was culvert restarted just now? Its BOSH sessions end with it.'],
		};
	case 'policy-violation':
		return {
			what: `culvert ${isFirst ? 'does not begin a session now' : 'ended the session'} because of a limit (policy-violation)${said}.`,
			cures: [
				'culvert’s log says which limit, in a line `limit reached` or `session closed`.',
				'Behind a proxy: does that line name the client’s own address, or that of the proxy, which then counts for all clients?',
			],
		};
	case null:
	case undefined:
		return { what: `The session was ended without a reason${said}.`, cures: ['Look into the logs of culvert and of the XMPP server: culvert’s line `session closed` has a reason.'] };
	default:
		return { what: `The session ended with ${condition}${said}.`, cures: ['Look into the logs of culvert and of the XMPP server: culvert’s line `session closed` has a reason.'] };
	}
}

export function noFeatures(domain) {
	return {
		what: `The stream is open, but the XMPP server of ${domain} does not say what it offers.`,
		cures: ['Is that really the port for clients (5222), and not the one for other servers (5269)?', ...atServer(domain).slice(1)],
	};
}

export function noMechanisms(domain) {
	return {
		what: `The XMPP server of ${domain} offers no way to log in (no SASL mechanism).`,
		cures: [
			'Many servers offer none before TLS: let culvert use it, `"tls": "optional"` or `"required"` for this domain, or allow logins without TLS from culvert’s machine only.',
			'Is authentication switched on for this domain in the server?',
		],
	};
}

/* ---- connections that do not last ---- */

export function pollCut(ms, asked, answer) {
	const isSeen = answer.kind === 'answer';
	const how = isSeen ? `with ${status(answer)}`
		: `by closing the connection${answer.kind === 'blocked' ? ' or with an error page' : ''} (after half of that, if the browser tried twice)`;
	const least = isSeen ? ms : ms / 2;
	const cures = [
		'The proxy must wait longer than culvert, which waits for 50 s unless `"bosh": {"wait": …}` says otherwise. nginx: `proxy_read_timeout 90s;`, HAProxy: `timeout server 90s`, Apache: `ProxyTimeout 90`',
	];
	if (least >= 3000)
		cures.push(`Or let culvert answer before the proxy cuts: \`"bosh": {"wait": ${Math.floor(least / 1250)}}\``);
	cures.push('If there is no proxy of yours, one of the network you are in does it: compare with another network.');
	return { what: `The connection was cut after ${seconds(ms)} of silence, ${how}. It should have lasted ${asked}\u00a0s.`, cures };
}

export function pollEarly(ms, asked) {
	return {
		what: `An empty answer came after ${seconds(ms)} instead of ${asked} s. BOSH works, but with more requests than necessary.`,
		cures: ['Does the server hold requests? In culvert that is `"bosh": {"wait": …, "hold": …}`.'],
	};
}

export function socketCut(ms, asked, { code, reason }) {
	const cures = [
		'The proxy must wait longer than culvert’s time between pings, which is 25 s unless `"websocket": {"ping": …}` says otherwise. nginx: `proxy_read_timeout 90s;`, HAProxy: `timeout tunnel 90s`, Apache: `ProxyTimeout 90`',
	];
	if (ms >= 3000)
		cures.push(`Or let culvert ping more often: \`"websocket": {"ping": ${Math.floor(ms / 2000)}}\``);
	cures.push('If there is no proxy of yours, one of the network you are in does it: compare with another network.');
	return code === 1006
		? { what: `The connection was cut after ${seconds(ms)} of silence, without a closing frame. It should have lasted ${asked}\u00a0s.`, cures }
		: { what: `The server closed the connection after ${seconds(ms)} (code ${code}${reason ? `, “${quote(reason)}”` : ''}).`, cures: ['culvert’s log has the reason in its line `session closed`.'] };
}

export function socketLost({ code, reason }) {
	return {
		what: code === 1006 ? 'The connection was cut without a closing frame.'
			: `The server closed the connection (code ${code}${reason ? `, “${quote(reason)}”` : ''}) without a word of XMPP.`,
		cures: ['Something between passes the upgrade, but not the messages after it: a proxy, or a firewall that inspects traffic.', 'culvert’s log has the reason in its line `session closed`.'],
	};
}

/* ---- the upgrade to WebSocket ---- */

/* Plain requests reach the endpoint, upgrades do not. */
export function upgradeLost() {
	const cures = [
		'nginx drops it unless told: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`',
		'Apache needs mod_proxy_wstunnel and `ProxyPass /xmpp-websocket ws://127.0.0.1:5280/xmpp-websocket`. HAProxy and Caddy need nothing.',
		'Some proxies and content delivery networks have a switch for WebSocket. The `Sec-WebSocket-Protocol` header must get through, too.',
	];
	cures.push('If there is no proxy, or it passes them on, culvert has refused: its log says why, in a line `upgrade refused`, `request refused` or `limit reached`.');
	return { what: 'The WebSocket endpoint answers plain requests, but not the upgrade to a WebSocket. Mostly that is a proxy in front that drops the Upgrade header.', cures };
}

export function noSubprotocol() {
	return {
		what: 'A WebSocket server is there, but it does not accept the subprotocol xmpp (RFC 7395).',
		cures: [
			'Another WebSocket service may live at this path: compare it with `"paths": {"websocket": …}` in culvert.json.',
			'Or a proxy drops the header `Sec-WebSocket-Protocol`.',
		],
	};
}

export function upgradeRefused(answer) {
	return {
		what: `The endpoint is there, but refuses the upgrade; a plain request gets ${status(answer)}: ${quote(answer.text) || 'no text'}`,
		cures: [
			'Perhaps a proxy drops the headers of the upgrade. nginx: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`',
			`The origin ${location.origin} may not be allowed; the server’s log says.`,
		],
	};
}

export function noClosing() {
	return {
		what: 'The stream was closed, but the closing handshake of the WebSocket did not arrive.',
		cures: ['Messages arrived, so clients will work. Perhaps a proxy closes the connection before it has passed on the last frames.'],
	};
}
