'use strict';
/*
 * browser.js: Debian's Chromium without a window, driven by playwright-core.
 * It is a part like the others (stop(), tail()), with a profile of its own
 * below a temporary directory, and it ends when the test does.
 *
 *	const browser = stage.add(await Browser.start());
 *	const page = await browser.page({ dark: true, width: 400 });
 *	await page.goto(url);
 *	await browser.shot(page, 'landing-dark');
 *
 * Each page() is a person of its own: nothing is shared with other pages, no
 * cookies, no storage.  What a page writes on its console, and errors nobody
 * caught, are in page.said and in tail().
 *
 * With E2E_SHOTS=DIRECTORY shot() leaves pictures there, otherwise it does
 * nothing.
 */

const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');

const { Program, removeDirectory, temporaryDirectory } = require('./program');
const { within } = require('./wait');

const BINARY = process.env.CHROMIUM || 'chromium';
const SHOTS = process.env.E2E_SHOTS;

const ARGUMENTS = [
	'--headless',
	'--no-sandbox', // which root cannot have
	'--disable-gpu',
	'--hide-scrollbars',
	'--disable-dev-shm-usage',
	'--no-first-run',
	'--no-default-browser-check',
	'--no-proxy-server',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-default-apps',
	'--disable-domain-reliability',
	'--disable-extensions',
	'--disable-sync',
	'--metrics-recording-only',
	'--password-store=basic',
	'--remote-debugging-port=0',
];

class Browser {
	/* args: further arguments of Chromium. */
	static async start({ args = [] } = {}) {
		const browser = new Browser();
		const directory = browser.directory = temporaryDirectory('browser');
		browser.pages = [];
		browser.program = new Program('chromium', BINARY, [...ARGUMENTS, `--user-data-dir=${directory}/profile`, ...args,
			'about:blank'], { env: { ...process.env, HOME: directory, TMPDIR: directory, XDG_CONFIG_HOME: directory, XDG_CACHE_HOME: directory } });
		try {
			const [, url] = await browser.program.line(/^DevTools listening on (ws:\S+)/, { ms: 60000 });
			browser.cdp = await within(chromium.connectOverCDP(url), 'a connection to Chromium', 60000);
		} catch (error) {
			await browser.stop();
			throw new Error(`${error.message}\n${browser.tail()}`, { cause: error });
		}
		return browser;
	}

	/* A page of a new person; options: width, height, dark, still (reduced motion), and whatever newContext() of playwright takes. */
	async page({ width = 1000, height = 800, dark = false, still = false, ...more } = {}) {
		const context = await this.cdp.newContext({
			viewport: { width, height },
			colorScheme: dark ? 'dark' : 'light',
			reducedMotion: still ? 'reduce' : 'no-preference',
			locale: 'en-GB',
			...more,
		});
		const page = await context.newPage();
		page.setDefaultTimeout(60000); // only what fails takes so long
		page.said = [];
		page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
		page.on('pageerror', (error) => page.said.push(`uncaught: ${error.message}`));
		this.pages.push(page);
		return page;
	}

	/* A picture of the whole page, however long. */
	async shot(page, name) {
		if (!SHOTS)
			return;
		fs.mkdirSync(SHOTS, { recursive: true });
		await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
	}

	/* The page goes, and its person. */
	async close(page) {
		this.pages = this.pages.filter((other) => other !== page);
		await page.context().close();
	}

	async stop() {
		if (this.cdp)
			await within(this.cdp.close(), 'the connection to Chromium to close').catch(() => {});
		await this.program.stop('SIGTERM', 10000);
		removeDirectory(this.directory);
	}

	/* It complains at length that there is no desktop. */
	tail(n = 10) {
		this.program.lines = this.program.lines.filter((line) => !/dbus/.test(line));
		return [this.program.tail(n), ...this.pages.map((page) =>
			[`--- page ${page.url()}`, ...page.said.slice(-n)].join('\n'))].join('\n');
	}
}

module.exports = { Browser };
