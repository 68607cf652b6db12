# lib.sh: what contrib/check and contrib/demo share; to be sourced.
#
# It expects of who sources it:
#
#   $top     the checkout, or the unpacked release
#   $build   a directory of its own, with log/ in it
#   run SECONDS STEP COMMAND...   runs a step with a limit of time, what it prints goes to $build/log/STEP
#
# and that end_installation and stop_ticker are called before it ends, whatever happens.

policy=/usr/sbin/policy-rc.d
made_policy=no
is_installing=no
new_services=
root=
[ "$(id -u)" -eq 0 ] || root=sudo

# What culvert is built with; the tools are looked for by name, since they may come from anywhere.
libraries="libc6-dev libmicrohttpd-dev libwebsockets-dev libwebsockets-evlib-uv libyajl-dev libexpat1-dev libuv1-dev
	libc-ares-dev libidn2-dev libmbedtls-dev"
tools="gcc make autoconf automake pkg-config"

# start_ticker WORDS: says every 20 seconds that a step still runs, until stop_ticker.  A process of a session of its own,
# so that its sleep ends with it.
ticker=
start_ticker()
{
	# shellcheck disable=SC2016
	setsid setpriv --pdeathsig KILL -- sh -c '
		began=$(date +%s)
		while sleep 20; do
			echo "$1, $(($(date +%s) - began)) s"
		done' ticker "$1" 2>/dev/null &
	ticker=$!
}

stop_ticker()
{
	if [ -n "$ticker" ]; then
		kill -s TERM -- "$ticker" 2>/dev/null
		kill -s TERM -- "-$ticker" 2>/dev/null
		wait "$ticker" 2>/dev/null
	fi
	ticker=
}

# missing_libraries PACKAGE...: those that are not installed.
missing_libraries()
{
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

# missing_tools TOOL...: those that cannot be run.  Their packages have the same names.
missing_tools()
{
	for tool in "$@"; do
		command -v "$tool" >/dev/null || echo "$tool"
	done
	if [ -e "$top/.git" ] && ! command -v git >/dev/null; then
		echo git
	fi
}

# Node 18 is what Debian 12 has.
missing_node()
{
	major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
	[ "${major:-0}" -ge 18 ] || echo nodejs
	command -v npm >/dev/null || echo npm
}

# The port mappers of Erlang that run, by process.
port_mappers()
{
	grep -lx epmd /proc/[0-9]*/comm 2>/dev/null | tr -dc '0-9\n'
}

# By a script of its own, or for systemd only.
has_service()
{
	[ -e "/etc/init.d/$1" ] || [ -e "/lib/systemd/system/$1.service" ]
}

# begin_installation, end_installation: around what installs packages.  A server that comes with them may not start, now
# or at the next boot.  A policy that is there already is left alone, and so are servers that were there before.
# ejabberd's package starts Erlang's port mapper, epmd, on all addresses, whatever the policy says: it is ended.
begin_installation()
{
	is_installing=yes
	old_mappers=$(port_mappers)
	for service in prosody ejabberd jabberd2 jabberd jabberd-router jabberd-sm jabberd-c2s jabberd-s2s nginx haproxy \
		caddy; do
		has_service $service || new_services="$new_services $service"
	done
	if [ ! -e $policy ] && [ ! -L $policy ]; then
		made_policy=yes
		$root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
	fi
}

end_installation()
{
	for service in $new_services; do
		if has_service "$service"; then
			$root service "$service" stop
			$root update-rc.d "$service" disable
			$root env DPKG_MAINTSCRIPT_PACKAGE="$service" deb-systemd-helper disable "$service.service" # only for dpkg, it says
		fi
	done >/dev/null 2>&1
	new_services=
	if [ $is_installing = yes ]; then
		for process in $(port_mappers); do
			echo "$old_mappers" | grep -qx "$process" || $root kill "$process" 2>/dev/null
		done
		is_installing=no
	fi
	if [ $made_policy = yes ]; then
		$root rm -f $policy
		made_policy=no
	fi
}

install_packages()
{
	begin_installation && run 300 apt-update $root apt-get update &&
		run 1800 apt-install $root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends "$@"
	installed=$?
	end_installation
	return $installed
}

# copy_source DIRECTORY: what belongs to the project: what git has or would take; in an unpacked release, everything but
# what tests left.
copy_source()
{
	rm -rf "$1" && mkdir -p "$1" && cd "$top" || return
	if [ -e .git ]; then
		git -c safe.directory="$top" -c core.quotePath=off ls-files -co --exclude-standard |
			while IFS= read -r file; do
				if [ -f "$file" ]; then printf '%s\n' "$file"; fi
			done >"$build/files"
		tar -cf - -T "$build/files" | tar -xf - -C "$1"
	elif [ -e config.status ]; then
		echo "this tree is configured in place: run make distclean first"
		return 1
	else
		tar -cf - --exclude=./build-check --exclude=./build-san --exclude=node_modules . | tar -xf - -C "$1"
	fi || return
	cd "$1" && run 300 autoreconf autoreconf -fi
}
