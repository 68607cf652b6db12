'use strict';
/*
 * authority.js: an authority that signs certificates for servers of a test, by
 * openssl.  Files live in a temporary directory of its own.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { temporaryDirectory } = require('./program');

const KEYS = {
	rsa: ['-newkey', 'rsa:2048'],
	ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
};
const DAY_MS = 24 * 3600 * 1000;

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/* 20261231235959Z, so many days from now. */
const when = (days) => `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\..*/g, '')}Z`;

class Authority {
	constructor(name = 'A test authority', key = 'rsa') {
		this.directory = temporaryDirectory('authority');
		this.file = path.join(this.directory, 'authority.crt');
		this.key = path.join(this.directory, 'authority.key');
		this.config = path.join(this.directory, 'openssl.cnf');
		fs.writeFileSync(path.join(this.directory, 'index.txt'), '');
		fs.writeFileSync(this.config, `
[ca]
default_ca = authority
[authority]
database = ${this.directory}/index.txt
new_certs_dir = ${this.directory}
certificate = ${this.file}
private_key = ${this.key}
rand_serial = yes
unique_subject = no
default_md = sha256
copy_extensions = copy
policy = policy
[policy]
commonName = supplied
`);
		openssl('req', '-x509', ...KEYS[key], '-nodes', '-keyout', this.key, '-out', this.file, '-days', '2', '-subj', `/CN=${name}`);
	}

	/*
	 * A certificate for a host, valid from one day to another, counted from now.  names: its subjectAltName; extensions:
	 * more of them; file: another name for its files.  Returns paths: { certificate, key }.
	 */
	issue(host, { key = 'ec', from = -1, to = 1, names = `DNS:${host}`, extensions = [], file = host } = {}) {
		const base = path.join(this.directory, file);
		const files = { certificate: `${base}.crt`, key: `${base}.key` };
		openssl('req', '-new', ...KEYS[key], '-nodes', '-keyout', files.key, '-out', `${base}.csr`,
			'-subj', `/CN=${host}`, ...[`subjectAltName=${names}`, ...extensions].flatMap((one) => ['-addext', one]));
		openssl('ca', '-batch', '-notext', '-config', this.config, '-startdate', when(from), '-enddate', when(to),
			'-in', `${base}.csr`, '-out', files.certificate);
		return files;
	}

	/* A certificate that nobody but itself vouches for. */
	static selfSigned(host) {
		const base = path.join(temporaryDirectory('authority'), host);
		const files = { certificate: `${base}.crt`, key: `${base}.key` };
		openssl('req', '-x509', ...KEYS.ec, '-nodes', '-keyout', files.key, '-out', files.certificate, '-days', '2',
			'-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`);
		return files;
	}
}

module.exports = { Authority };
