'use strict';
/*
 * xml.js: reading XML strictly.  Whatever a gateway sends has to stand alone,
 * so a text that needs a namespace declared elsewhere does not pass here.
 */

const { DOMParser } = require('@xmldom/xmldom');

const NS = {
	body: 'http://jabber.org/protocol/httpbind',
	xbosh: 'urn:xmpp:xbosh',
	framing: 'urn:ietf:params:xml:ns:xmpp-framing',
	stream: 'http://etherx.jabber.org/streams',
	errors: 'urn:ietf:params:xml:ns:xmpp-streams',
	client: 'jabber:client',
	sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
	sasl2: 'urn:xmpp:sasl:2',
	bind2: 'urn:xmpp:bind:0',
	fast: 'urn:xmpp:fast:0',
	sm: 'urn:xmpp:sm:3',
	tls: 'urn:ietf:params:xml:ns:xmpp-tls',
	bind: 'urn:ietf:params:xml:ns:xmpp-bind',
	muc: 'http://jabber.org/protocol/muc',
	roster: 'jabber:iq:roster',
};

function fail(level, message) {
	throw new Error(`${level}: ${message}`);
}

/* The root element of a document. */
function parse(text) {
	let root;
	try {
		root = new DOMParser({ onError: fail }).parseFromString(text, 'text/xml').documentElement;
	} catch (error) {
		throw new Error(`not XML (${error.message}): ${text.slice(0, 500)}`);
	}
	walk(root, (element) => {
		if (element.nodeName.includes(':') && !element.namespaceURI)
			throw new Error(`<${element.nodeName}/> has a prefix that is not declared: ${text.slice(0, 500)}`);
	});
	return root;
}

function walk(element, visit) {
	visit(element);
	children(element).forEach((child) => walk(child, visit));
}

const children = (element) => Array.from(element.childNodes).filter((node) => node.nodeType === 1);

/* The first element of this name and namespace, or null. */
const find = (element, name, ns) => element.getElementsByTagNameNS(ns, name)[0] || null;

const is = (element, name, ns) => element.localName === name && element.namespaceURI === ns;

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
	.replace(/'/g, '&apos;').replace(/"/g, '&quot;');

/* The defined condition inside a <stream:error/>. */
const streamError = (element) => {
	const condition = children(element).find((child) => child.namespaceURI === NS.errors && child.localName !== 'text');
	return condition ? condition.localName : null;
};

module.exports = { NS, children, escape, find, is, parse, streamError };
