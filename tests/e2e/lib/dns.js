'use strict';
/*
 * dns.js: a name server of the test's own, dnsmasq, which knows only what the
 * test tells it, all of it below "test":
 *
 *	Dns.start({
 *		srv: [['_xmpp-client._tcp.one.test', 'a.test', 5222, priority, weight], ['_xmpps-client._tcp.one.test']],
 *		hosts: { 'a.test': ['127.0.0.1', '::1'] },	a service without a target is "."
 *		aliases: { 'b.test': 'a.test' },		CNAME
 *		forward: { 'slow.test': port },			who answers for these names, over UDP
 *	})
 */

const os = require('node:os');

const { Program, freePort } = require('./program');

const DNSMASQ = '/usr/sbin/dnsmasq';

class Dns {
	static async start({ srv = [], hosts = {}, aliases = {}, forward = {}, port } = {}) {
		const dns = new Dns();
		dns.port = port || await freePort();
		dns.program = new Program('dnsmasq', DNSMASQ, [
			'--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', `--user=${os.userInfo().username}`,
			'--pid-file', '--listen-address=127.0.0.1', '--bind-interfaces', `--port=${dns.port}`, '--local=/test/', '--local-ttl=60',
			'--log-queries', '--log-facility=-',
			...srv.map((record) => `--srv-host=${record.join(',')}`),
			...Object.entries(hosts).map(([name, addresses]) => `--host-record=${name},${addresses.join(',')}`),
			...Object.entries(aliases).map(([name, target]) => `--cname=${name},${target}`),
			...Object.entries(forward).map(([name, to]) => `--server=/${name}/127.0.0.1#${to}`),
		]);
		await dns.program.listening(dns.port);
		return dns;
	}

	/* As "resolver" of culvert's configuration names it. */
	get address() {
		return `127.0.0.1:${this.port}`;
	}

	/* How often it was asked for records of this type and name. */
	asked(type, name) {
		return this.program.lines.filter((line) => line.includes(`query[${type}] ${name} from`)).length;
	}

	async stop() {
		await this.program.stop();
	}

	tail() {
		return this.program.tail();
	}
}

module.exports = { Dns };
