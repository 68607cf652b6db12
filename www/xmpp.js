/* xmpp.js: the few things of XMPP that both transports need: namespaces, reading XML, what <stream:features/> offers. */

export const NS = {
	body: 'http://jabber.org/protocol/httpbind',
	xbosh: 'urn:xmpp:xbosh',
	framing: 'urn:ietf:params:xml:ns:xmpp-framing',
	stream: 'http://etherx.jabber.org/streams',
	errors: 'urn:ietf:params:xml:ns:xmpp-streams',
	sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
	sasl2: 'urn:xmpp:sasl:2',
};

export const escape = (text) => text.replace(/[&<>'"]/g, (c) => `&#${c.charCodeAt(0)};`);

export const attributes = (attrs) => Object.entries(attrs).map(([name, value]) => ` ${name}='${escape(String(value))}'`).join('');

/* The root element of a document, or null when it is none. */
export function parse(text) {
	const { documentElement: root } = new DOMParser().parseFromString(text, 'text/xml');
	return !root || root.getElementsByTagName('parsererror').length > 0 || root.localName === 'parsererror' ? null : root;
}

export const is = (element, name, ns) => element.localName === name && element.namespaceURI === ns;

/* The names of the SASL mechanisms offered, by the old profile and by SASL2 (XEP-0388). */
export function mechanisms(features) {
	const named = [NS.sasl, NS.sasl2].flatMap((ns) => [...features.getElementsByTagNameNS(ns, 'mechanism')]);
	return [...new Set(named.map((element) => element.textContent.trim()))];
}

/* What was found of a server that answers. */
export const offers = (domain, names) => `The server of ${domain} answers. Login by ${names.join(', ')}.`;

/* What a <stream:error/> says, or null: { condition, text }. */
export function streamError(element) {
	if (!element || !is(element, 'error', NS.stream))
		return null;
	const parts = [...element.children].filter((child) => child.namespaceURI === NS.errors);
	return {
		condition: parts.find((part) => part.localName !== 'text')?.localName || 'undefined-condition',
		text: parts.find((part) => part.localName === 'text')?.textContent || '',
	};
}
