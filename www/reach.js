/*
 * reach.js: HTTP requests, and what came of them as a value:
 *
 *	{ kind: 'answer', status, statusText, text, type, server, ms }
 *	{ kind: 'redirect', ms }	the answer sends the client elsewhere
 *	{ kind: 'blocked', ms }		something answers, but this page may not read it
 *	{ kind: 'broken', ms }		the same of this page's own origin: the connection broke
 *	{ kind: 'unreached', ms }	nothing answers
 *	{ kind: 'late', ms }		no answer in time
 *
 * A browser tells a page next to nothing about a request that failed, so the
 * page asks once more without wanting to read the answer (mode no-cors): if
 * that works, the network and the certificate are well.
 */

const PROBE_MS = 8000;

/* Without a body it is a GET.  signal: of the test, ends it too. */
export async function ask(url, { body, headers, ms = 15000, signal } = {}) {
	const begin = performance.now();
	const result = await request(url, {
		method: body === undefined ? 'GET' : 'POST',
		body,
		headers,
		redirect: 'manual',
	}, ms, signal);
	result.ms = performance.now() - begin;
	if (result.kind === 'failed')
		result.kind = await isAnswering(url, signal) ? unread(url) : 'unreached';
	return result;
}

async function request(url, init, ms, signal) {
	const control = new AbortController();
	const stop = () => control.abort();
	const timer = setTimeout(stop, ms);
	signal?.addEventListener('abort', stop);
	try {
		const response = await fetch(url, { cache: 'no-store', credentials: 'omit', signal: control.signal, ...init });
		if (response.type === 'opaqueredirect')
			return { kind: 'redirect' };
		return {
			kind: 'answer',
			status: response.status,
			statusText: response.statusText,
			text: await response.text(),
			type: response.headers.get('content-type') || '',
			server: response.headers.get('server') || '',
		};
	} catch (error) {
		if (signal?.aborted)
			throw error;
		return { kind: control.signal.aborted ? 'late' : 'failed' };
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener('abort', stop);
	}
}

const unread = (url) => isSameOrigin(url) ? 'broken' : 'blocked';

const isAnswering = async (url, signal) =>
	(await request(url, { mode: 'no-cors' }, PROBE_MS, signal)).kind === 'answer';

/* The HTTP address of a WebSocket one. */
export const httpUrl = (url) => url.replace(/^ws/, 'http');

export const originOf = (url) => new URL(httpUrl(url)).origin;
export const isSameOrigin = (url) => originOf(url) === location.origin;

const isLoopback = (host) => /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);
const isPrivate = (host) => isLoopback(host) ||
	/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde]).*/.test(host) || /\.(local|internal|home\.arpa)$/.test(host);

/* Whether the host is written as an IP address. */
export const isNumeric = (url) => /^[\d.]+$|^\[/.test(new URL(url).hostname);

/* A page that came by https may not use http or ws, except to its own machine. */
export function isMixed(url) {
	const { protocol, hostname } = new URL(url);
	return location.protocol === 'https:' && /^(http|ws):$/.test(protocol) && !isLoopback(hostname);
}

/* Browsers ask, or refuse, when a page of the internet reaches into the local network. */
export const isInward = (url) => isPrivate(new URL(url).hostname) && !isPrivate(location.hostname);
