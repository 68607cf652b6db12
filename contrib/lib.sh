# lib.sh: what contrib/check and contrib/demo share; to be sourced.
#
# It expects of who sources it:
#
#   $top     the checkout, or the unpacked release
#   $build   a directory of its own, with log/ in it
#   run SECONDS STEP COMMAND...   runs a step with a limit of time, what it prints goes to $build/log/STEP
#
# and that end_installation is called before it ends, whatever happens.

policy=/usr/sbin/policy-rc.d
made_policy=no
new_services=
root=
[ "$(id -u)" -eq 0 ] || root=sudo

# What culvert is built with; the tools are looked for by name, since they may come from anywhere.
libraries="libc6-dev libmicrohttpd-dev libwebsockets-dev libwebsockets-evlib-uv libyajl-dev libexpat1-dev libuv1-dev
	libc-ares-dev libidn2-dev libmbedtls-dev"
tools="gcc make autoconf automake pkg-config"

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

# begin_installation, end_installation: around what installs packages.  A server that comes with them may not start, now
# or at the next boot.  A policy that is there already is left alone, and so are servers that were there before.
begin_installation()
{
	for service in prosody ejabberd nginx haproxy; do
		[ -e /etc/init.d/$service ] || new_services="$new_services $service"
	done
	if [ ! -e $policy ] && [ ! -L $policy ]; then
		made_policy=yes
		$root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
	fi
}

end_installation()
{
	for service in $new_services; do
		if [ -e /etc/init.d/$service ]; then
			$root service $service stop
			$root update-rc.d $service disable
		fi
	done >/dev/null 2>&1
	new_services=
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
