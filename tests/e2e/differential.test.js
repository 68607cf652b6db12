'use strict';
/*
 * differential.test.js: one client script, driven against Prosody's own BOSH
 * and WebSocket and against culvert in front of the same Prosody.
 *
 *	agree	both show a client the same, line by line
 *	words	the same but for words and closing codes (D1, D2)
 *	differ	they do not; doc/DIFFERENCES.md says why, under the same number
 */

const assert = require('node:assert/strict');

const { post } = require('./lib/bosh');
const { played, withoutWords } = require('./lib/differential');
const { Direct } = require('./lib/gateway');
const { request } = require('./lib/http');
const { GUESTS, culvert, suite } = require('./lib/stage');
const { pause } = require('./lib/wait');
const { NS } = require('./lib/xml');

const stage = suite({});

/* What the two show: [Prosody's, culvert's]. */
async function both(transport, script) {
	const direct = new Direct(stage.prosody.httpPort);
	return [await played(transport, direct, GUESTS, script), await played(transport, stage.gateway, GUESTS, script)];
}

const declare = (transport) => ({
	agree: (name, script) => culvert(`${transport}: agree: ${name}`, async () => {
		const [prosody, ours] = await both(transport, script);
		assert.ok(ours.length > 0);
		assert.deepEqual(ours, prosody);
	}),
	words: (name, script) => culvert(`${transport}: agree, but for words: ${name}`, async () => {
		const [prosody, ours] = await both(transport, script);
		assert.notDeepEqual(ours, prosody);
		assert.deepEqual(withoutWords(ours), withoutWords(prosody));
	}),
	differ: (name, script, expected) => culvert(`${transport}: differ: ${name}`, async () => {
		const [prosody, ours] = await both(transport, script);
		assert.deepEqual({ prosody: withoutWords(prosody), culvert: withoutWords(ours) }, expected);
	}),
});

const iq = (inner, id = 'q', to = GUESTS) => `<iq xmlns='jabber:client' type='get' id='${id}' to='${to}'>${inner}</iq>`;
const PING = "<ping xmlns='urn:xmpp:ping'/>";
const RICH = (to) => `<message xmlns='jabber:client' to='${to}' id='1'><body>&lt;&#x1F600;<![CDATA[<&]]>&amp;amp;</body>` +
	`<p:x xmlns:p='urn:p' p:a='b'><q xmlns=''/></p:x></message>`;

/* Scripts for both: in a session, say this and hear so much. */
const inSession = (text, n = 1) => async (p) => {
	await p.login();
	p.forget();
	p.say(typeof text === 'function' ? text(p.jid) : text);
	for (let i = 0; i < n; i++)
		await p.hear();
	await p.quiet();
};

for (const transport of ['websocket', 'bosh']) {
	const { agree } = declare(transport);
	agree('a login, from the first word to the address', (p) => p.login());
	agree('a login that fails, then one that does not', async (p) => {
		await p.greet();
		p.say(`<auth xmlns='${NS.sasl}' mechanism='NONE'/>`);
		await p.hear();
		p.say(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
		await p.hear();
	});
	agree('a stanza before the login', async (p) => {
		await p.greet();
		p.say(iq(PING));
		await p.hear();
	});
	agree('a question and its answer', inSession(iq(PING)));
	agree('a question that is not understood', inSession(iq("<x xmlns='urn:x'/>")));
	agree('a question to nobody', inSession(iq(PING, 'q', `nobody@${GUESTS}/x`)));
	agree('a message, with all that XML has', inSession(RICH));
	agree('a message in another language', inSession((jid) => RICH(jid).replace("id='1'", "xml:lang='de'")));
	agree('presence', inSession("<presence xmlns='jabber:client'><show>away</show></presence>"));
	agree('carbons', inSession("<iq xmlns='jabber:client' type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"));
}

const { agree, words, differ } = declare('websocket');
const OPEN = `<open xmlns='${NS.framing}' to='${GUESTS}' version='1.0'/>`;
const CLOSE = `<close xmlns='${NS.framing}'/>`;

/* As the first message, or in a session; then what comes until the WebSocket closes, or until it is quiet. */
const first = (text, isQuiet) => async (p) => {
	await p.connect();
	p.say(text);
	await (isQuiet ? p.quiet() : p.hearEnd());
};
const then = (text, isQuiet) => async (p) => {
	await p.login();
	p.forget();
	p.say(text);
	await (isQuiet ? p.quiet() : p.hearEnd());
};

const opened = (attributes) => async (p) => {
	await p.connect();
	await p.start(attributes);
};
agree('<open/> with a language', opened(" xml:lang='de'"));
agree('<open/> with an address', opened(` from='juliet@${GUESTS}'`));
agree('<open/> of version 2.0', first(OPEN.replace('1.0', '2.0'), true));
agree('many questions, answered in order', async (p) => {
	await p.login();
	p.forget();
	for (let i = 0; i < 10; i++)
		p.say(iq(i % 2 ? PING : "<x xmlns='urn:x'/>", `${i}`));
	for (let i = 0; i < 10; i++)
		await p.hear();
});
agree('stream management', async (p) => {
	await p.login();
	p.forget();
	p.say(`<enable xmlns='${NS.sm}'/>`);
	await p.hear();
	p.say(`<r xmlns='${NS.sm}'/>`);
	await p.hear();
	p.say(iq(PING));
	await p.hear();
	p.say(`<r xmlns='${NS.sm}'/>`);
	await p.quiet();
});
agree('<close/>', then(CLOSE));
agree('<close/> behind a question', async (p) => {
	await p.login();
	p.forget();
	p.say(iq(PING));
	p.say(CLOSE);
	await p.hearEnd();
});
agree('<close/> before the login', async (p) => {
	await p.greet();
	p.say(CLOSE);
	await p.hearEnd();
});
agree('an element the server does not know', then("<x xmlns='urn:x'/>"));

words('end tags that do not match', then("<message xmlns='jabber:client'></x>"));
words('a prefix without a declaration', then('<x:message/>'));
words('a request for TLS', then(`<starttls xmlns='${NS.tls}'/>`));
/* Large for a stanza, small enough for Prosody to read to its end: a socket closed with bytes unread may lose the answer. */
words('a message that is too large', then(`<message xmlns='jabber:client'><body>${'x'.repeat(300000)}</body></message>`));

const OURS = '<framing:open from= id=* version=1.0 xml:lang=en>';
const error = (condition) => [`<stream:error><errors:${condition}>`, '<framing:close>'];

differ('D3 a domain that is not served', first(OPEN.replace(GUESTS, 'elsewhere.test')), {
	prosody: ['<framing:open from=elsewhere.test id=* version=1.0 xml:lang=en>', ...error('host-unknown'), 'close'],
	culvert: [OURS, ...error('host-unknown'), 'close'],
});
differ('D4 no domain', first(OPEN.replace(`to='${GUESTS}'`, '')), {
	prosody: ['<framing:open id= version=1.0 xml:lang=en>', ...error('improper-addressing'), 'close'],
	culvert: [OURS, ...error('improper-addressing'), 'close'],
});
differ('D4 <open/> of another namespace', first(OPEN.replace(NS.framing, 'urn:x')), {
	prosody: ['<framing:open id= version=1.0 xml:lang=en>', ...error('invalid-namespace'), 'close'],
	culvert: [OURS, ...error('invalid-namespace'), 'close'],
});
differ('D5 no version', first(OPEN.replace(" version='1.0'", ''), true), {
	prosody: [`<framing:open from=${GUESTS} id=* version=1.0 xml:lang=en>`, '<stream:features><sasl:mechanisms><sasl:mechanism>ANONYMOUS', '...'],
	culvert: [`<framing:open from=${GUESTS} id=* xml:lang=en>`, ...error('unsupported-version'), '...'],
});
differ('D6 a stanza before <open/>', first("<presence xmlns='jabber:client'/>"), {
	prosody: ['<framing:open id= version=1.0 xml:lang=en>', ...error('invalid-namespace'), 'close'],
	culvert: [OURS, ...error('bad-format'), 'close'],
});
differ('D7 <close/> before <open/>', first(CLOSE), {
	prosody: ['<framing:open id= version=1.0 xml:lang=en>', ...error('not-well-formed'), 'close'],
	culvert: ['<framing:close>', 'close'],
});
differ('D8 a client of before RFC 7395', first(`<stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' to='${GUESTS}' version='1.0'>`, true), {
	prosody: [`<framing:open from=${GUESTS} id=* version=1.0 xml:lang=en>`, '<stream:features><sasl:mechanisms><sasl:mechanism>ANONYMOUS', '...'],
	culvert: [OURS, ...error('bad-format'), '...'],
});
differ('D9 half an element', then('<message', true), { prosody: ['...'], culvert: [...error('not-well-formed'), '...'] });
differ('D9 two elements', then(iq(PING, 'a') + iq(PING, 'b'), true), {
	prosody: ['a', 'b'].map((id) => `<client:iq from=${GUESTS} id=${id} to=JID type=result>`).concat('...'),
	culvert: [...error('not-well-formed'), '...'],
});
for (const [what, text] of [['nothing', ''], ['white space', ' ']])
	differ(`D10 a message of ${what}`, then(text, true), { prosody: ['...'], culvert: [...error('not-well-formed'), '...'] });
differ('D11 a message of text', then('text'), { prosody: ['close'], culvert: [...error('not-well-formed'), 'close'] });
for (const [what, text] of [
	['a comment', "<message xmlns='jabber:client'><!-- x --></message>"],
	['a processing instruction', "<message xmlns='jabber:client'><?x y?></message>"],
	['a DTD', "<!DOCTYPE m><message xmlns='jabber:client'/>"],
	['an entity', "<message xmlns='jabber:client'>&e;</message>"],
	['an XML declaration', `<?xml version='1.0'?>${iq(PING)}`],
]) {
	differ(`D12 ${what}`, then(text), {
		prosody: [...error('not-well-formed'), 'close'],
		culvert: [...error('restricted-xml'), 'close'],
	});
}
differ('D13 an XML declaration in front of <open/>', first(`<?xml version='1.0'?>${OPEN}`, true), {
	prosody: [`<framing:open from=${GUESTS} id=* version=1.0 xml:lang=en>`, '<stream:features><sasl:mechanisms><sasl:mechanism>ANONYMOUS', '...'],
	culvert: [OURS, ...error('restricted-xml'), '...'],
});
differ('D14 a stanza without a namespace', then(`<iq type='get' id='q' to='${GUESTS}'>${PING}</iq>`, true), {
	prosody: [...error('unsupported-stanza-type'), '...'],
	culvert: [`<client:iq from=${GUESTS} id=q to=JID type=result>`, '...'],
});
differ('D15 a binary message', then(Buffer.from(iq(PING)), true), { prosody: ['...'], culvert: [...error('bad-format'), '...'] });
differ('D16 a message in fragments', async (p) => {
	await p.login();
	p.forget();
	p.say(iq(PING).slice(0, 20), { fin: false });
	p.say(iq(PING).slice(20), { fin: true });
	await p.quiet();
}, { prosody: ['...'], culvert: [`<client:iq from=${GUESTS} id=q to=JID type=result>`, '...'] });
differ('D17 a second <open/>', then(OPEN, true), { prosody: ['...'], culvert: [...error('bad-format'), '...'] });
differ('D18 <close/> of another namespace', then("<close xmlns='jabber:client'/>"), {
	prosody: [...error('unsupported-stanza-type'), 'close'],
	culvert: [...error('invalid-namespace'), 'close'],
});
differ('D19 a restart for another domain', async (p) => {
	await p.greet();
	p.say(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
	await p.hear();
	p.forget();
	p.say(OPEN.replace(GUESTS, 'example.test'));
	await p.hearEnd();
}, {
	prosody: [`<framing:open from=${GUESTS} id=* version=1.0 xml:lang=en>`, ...error('not-authorized'), 'close'],
	culvert: [OURS, ...error('host-unknown'), 'close'],
});

const bosh = declare('bosh');
const creation = (attributes, inner = '') =>
	`<body xmlns='${NS.body}' rid='1' to='${GUESTS}' wait='1' hold='1' ver='1.6'${attributes}>${inner}</body>`;
const posts = (text) => async (p) => { await p.post(text); };
const attributesOf = (attributes) => async (p) => {
	const { body } = await p.create(attributes);
	p.note(Array.from(body.attributes).map(({ name }) => name).sort().join(' '));
};

bosh.agree('several stanzas in a body', inSession(iq(PING, 'a') + iq("<x xmlns='urn:x'/>", 'b'), 2));
for (const payload of ['', "<presence xmlns='jabber:client' type='unavailable'/>"]) {
	bosh.agree(`terminate${payload && ', with a stanza'}`, async (p) => {
		await p.login();
		p.forget();
		await p.ask(payload, { type: 'terminate' });
	});
}
bosh.agree('a session nobody knows', posts(creation(" sid='none'")));
bosh.agree('no rid', posts(creation('').replace("rid='1'", '')));
bosh.agree('no domain', posts(creation('').replace(`to='${GUESTS}'`, '')));
bosh.agree('no namespace', posts(creation('').replace(`xmlns='${NS.body}'`, '')));
bosh.agree('a DTD', posts(`<!DOCTYPE body>${creation('')}`));
for (const [what, far] of [['ahead', 50], ['behind', -60]]) {
	bosh.agree(`a rid far ${what}`, async (p) => {
		await p.login();
		p.forget();
		await p.ask('', { rid: p.client.rid + far });
	});
}
bosh.agree('rids in the wrong order', async (p) => {
	await p.login();
	p.forget();
	const { client } = p;
	const text = (rid, id) => `<body xmlns='${NS.body}' sid='${client.sid}' rid='${rid}'>${iq(PING, id)}</body>`;
	const rid = client.rid;
	client.rid += 2;
	client.post(rid + 1, text(rid + 1, 'second')).catch(() => {});
	await pause(50);
	client.post(rid, text(rid, 'first')).catch(() => {});
	await p.hear();
	await p.hear();
});
bosh.agree('a request that is repeated', async (p) => {
	await p.login();
	p.forget();
	await Promise.race([Promise.all(p.client.open), pause(100)]);
	const rid = p.client.rid++;
	const text = `<body xmlns='${NS.body}' sid='${p.client.sid}' rid='${rid}'>${iq(PING)}</body>`;
	const [one, two] = [await post(p.client.gateway, text), await post(p.client.gateway, text)];
	p.note(one.text === two.text && one.text.includes("id='q'") ? 'the same' : `not the same: ${one.text} ${two.text}`);
});
bosh.agree('an answer when the time is up', async (p) => {
	await p.create({ wait: 1 });
	await p.hear();
	await p.ask('');
});
bosh.agree('GET', async (p) => {
	const { gateway } = p.client;
	p.note(String((await request(gateway.port, 'GET', gateway.boshPath)).status));
});

bosh.differ('D20 what a session is told at its beginning', attributesOf({}), {
	prosody: ['200 body', 'authid from hold inactivity polling requests secure sid ver wait xmlns xmlns:stream xmlns:xmpp xmpp:version'],
	culvert: ['200 body', 'authid charsets from hold inactivity maxpause polling requests sid ver wait xmlns xmlns:stream xmlns:xmpp xmpp:restartlogic xmpp:version'],
});
bosh.differ('D21 a domain that is not served', posts(creation('').replace(GUESTS, 'elsewhere.test')), {
	prosody: ['200 body terminate improper-addressing'],
	culvert: ['200 body terminate host-unknown'],
});
for (const [what, text] of [['text', 'hello'], ['half a body', `<body xmlns='${NS.body}' rid='1'`], ['nothing', '']]) {
	bosh.differ(`D22 a request of ${what}`, posts(text), {
		prosody: ['200 body terminate item-not-found'],
		culvert: ['200 body terminate bad-request'],
	});
}
bosh.differ('D22 a comment', posts(creation('', '<!-- x -->')), {
	prosody: ['200 body terminate remote-stream-error'],
	culvert: ['200 body terminate bad-request'],
});
bosh.differ('D23 OPTIONS', async (p) => {
	const { gateway } = p.client;
	const { status } = await request(gateway.port, 'OPTIONS', gateway.boshPath,
		{ headers: { 'Origin': 'https://a.example', 'Access-Control-Request-Method': 'POST' } });
	p.note(String(status));
}, { prosody: ['200'], culvert: ['204'] });

/* What only a login's end allows. */
const restart = { 'xmpp:restart': 'true', 'xmlns:xmpp': NS.xbosh };
const authenticated = async (p) => {
	await p.greet();
	p.say(`<auth xmlns='${NS.sasl}' mechanism='ANONYMOUS'/>`);
	await p.hear();
	p.forget();
};
bosh.differ('D24 a restart before the login', async (p) => {
	await p.greet();
	p.forget();
	await p.ask('', restart);
	await p.quiet();
}, { prosody: ['200 body', '...'], culvert: ['200 body terminate bad-request', '...'] });
bosh.differ('D25 <stream:stream/> in the place of a restart', async (p) => {
	await authenticated(p);
	await p.ask(`<stream:stream xmlns:stream='${NS.stream}' xmlns='jabber:client' to='example.test' version='1.0'/>`);
	await p.quiet();
}, {
	prosody: ['200 body terminate remote-stream-error', '<stream:error><errors:unsupported-stanza-type>', '...'],
	culvert: ['200 body terminate bad-request', '...'],
});
