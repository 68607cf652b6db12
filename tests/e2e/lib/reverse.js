'use strict';
/*
 * reverse.js: a reverse proxy in front of culvert, with the file that contrib/
 * proxy has for it; only ports, certificates and directories are the test's.
 * It stands in a stage where culvert stood: same paths, but https: and wss:.
 */

const fs = require('node:fs');
const path = require('node:path');

const { Authority } = require('./authority');
const { Program, freePort, removeDirectory, temporaryDirectory } = require('./program');

const RECIPES = path.join(__dirname, '../../../contrib/proxy');
const HOST = 'chat.example.com';
const PATH = `${process.env.PATH}:/usr/sbin`;
const APACHE_MODULES = '/usr/lib/apache2/modules';

/* How each is started: what surrounds its recipe, and the command. */
const KINDS = {
	nginx: {
		recipe: 'nginx.conf',
		surround: (recipe, { directory }) => `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr notice;
events { }
http {
	access_log off;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `	${name}_temp_path ${directory}/${name};\n`).join('')}
	include ${recipe};
}
`,
		command: (file, directory) => ['nginx', '-e', 'stderr', '-p', directory, '-c', file],
	},
	haproxy: {
		recipe: 'haproxy.cfg',
		surround: (recipe) => fs.readFileSync(recipe, 'utf8'),
		command: (file) => ['haproxy', '-db', '-f', file],
	},
	'haproxy-tcp': {
		recipe: 'haproxy-tcp.cfg',
		surround: (recipe) => fs.readFileSync(recipe, 'utf8'),
		command: (file) => ['haproxy', '-db', '-f', file],
	},
	caddy: {
		recipe: 'Caddyfile',
		surround: (recipe) => `
{
	admin off
	auto_https off
	default_sni ${HOST}
}
${fs.readFileSync(recipe, 'utf8')}
`,
		command: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
	},
	/* Around the recipe stands what Debian's mods-enabled/mpm_event.conf has. */
	apache: {
		recipe: 'apache.conf',
		surround: (recipe, { directory, port }) => `
ServerRoot ${directory}
ServerName ${HOST}
PidFile ${directory}/apache.pid
Mutex file:${directory} default
ErrorLog ${directory}/error.log
${process.getuid() === 0 ? 'User www-data\nGroup www-data' : ''}
${['mpm_event', 'authz_core', 'ssl', 'headers', 'proxy', 'proxy_http', 'proxy_wstunnel'].map((name) =>
		`LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so\n`).join('')}
StartServers 2
MinSpareThreads 25
MaxSpareThreads 75
ThreadLimit 64
ThreadsPerChild 25
MaxRequestWorkers 150
MaxConnectionsPerChild 0
Listen 127.0.0.1:${port} https
Include ${recipe}
`,
		command: (file) => ['apache2', '-DFOREGROUND', '-f', file],
	},
};

/* The recipe with other ports and files; none of its own may be left. */
function adapt(text, changes) {
	for (const [from, to] of changes)
		text = text.replaceAll(from, to);
	const line = text.split('\n').find((each) => /^[^#]*(\b5280\b|\b443\b|\/etc\/)/.test(each));
	if (line)
		throw new Error(`the recipe has a line that the test cannot use as it is: ${line}`);
	return text;
}

class ReverseProxy {
	boshPath = '/http-bind';
	websocketPath = '/xmpp-websocket';

	get boshUrl() {
		return `https://127.0.0.1:${this.port}${this.boshPath}`;
	}

	get websocketUrl() {
		return `wss://127.0.0.1:${this.port}${this.websocketPath}`;
	}

	/* A word for why the test of this kind cannot be, or false. */
	static isMissing(kind) {
		const [program] = KINDS[kind].command('', '');
		const isThere = PATH.split(':').some((directory) => fs.existsSync(path.join(directory, program)));
		return !isThere && `there is no ${program}`;
	}

	/* kind: one of the above; gateway: what it leads to; changes: of the recipe, as pairs of texts. */
	static async start(kind, gateway, changes = []) {
		const { recipe, surround, command } = KINDS[kind];
		const proxy = new ReverseProxy();
		const directory = proxy.directory = temporaryDirectory(kind);
		const { certificate, key } = Authority.selfSigned(HOST);
		const both = path.join(directory, 'both.pem');
		proxy.port = await freePort();
		fs.writeFileSync(both, fs.readFileSync(certificate) + fs.readFileSync(key));
		const adapted = path.join(directory, recipe);
		fs.writeFileSync(adapted, adapt(fs.readFileSync(path.join(RECIPES, recipe), 'utf8'), [
			...changes,
			['127.0.0.1:5280', `127.0.0.1:${gateway.port}`],
			[`${HOST} {`, `https://:${proxy.port} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`],
			['listen 443 ', `listen 127.0.0.1:${proxy.port} `],
			['bind :443 ', `bind 127.0.0.1:${proxy.port} `],
			['*:443', `127.0.0.1:${proxy.port}`],
			[`/etc/ssl/${HOST}.crt`, certificate],
			[`/etc/ssl/${HOST}.key`, key],
			[`/etc/haproxy/${HOST}.pem`, both],
		]));
		const file = path.join(directory, 'main.conf');
		fs.writeFileSync(file, surround(adapted, proxy));
		const [program, ...args] = command(file, directory);
		proxy.program = new Program(kind, program, args, {
			env: { ...process.env, PATH, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
		});
		try {
			await proxy.program.listening(proxy.port);
		} catch (error) {
			throw new Error(`${error.message}\n${proxy.tail()}`);
		}
		return proxy;
	}

	async stop() {
		await this.program.stop('SIGTERM');
		removeDirectory(this.directory);
	}

	tail(n = 40) {
		const log = path.join(this.directory, 'error.log');
		const lines = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trimEnd().split('\n') : [];
		return [this.program.tail(n), ...lines.slice(-n)].join('\n');
	}
}

module.exports = { ReverseProxy };
