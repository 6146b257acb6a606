#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debug-kernel.sh - build, or find in the cache, a kernel with debugging tools
#
# usage: debug-kernel.sh A|B|C [image|kdir|tree]
#
#   A   KASAN, lockdep, kmemleak, page poisoning, fault injection
#   B   KCSAN, strict
#   C   UBSAN, DEBUG_VM, DEBUG_VIRTUAL, page owner, hardened usercopy, gcov
#
# Prints the path of the bzImage (image, the default), of the directory to build
# modules against (kdir), or of the kernel's unpacked source (tree). vm.sh
# --kernel and build.sh take the bzImage's path:
#
#	k=$(tools/debug-kernel.sh A)
#	dir=$(tools/build.sh "$k")
#	tools/vm.sh --kernel "$k" --module "$dir/goalloc.ko" --run '...'
#
# The source is Debian's package linux-source-6.12, installed or fetched into
# the cache; it is unpacked once. The configuration is tinyconfig with
# tools/kernels/common.config and one of [ABC].config on top. A kernel is built
# again only if Debian's source, the configuration or the compiler has changed;
# it takes 5 minutes and 1 GB.
#
# It fails if an option that a fragment asks for, or asks to be off, did not
# make it into the final .config.

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/goalloc/debug
series=6.12
tarball=/usr/src/linux-source-$series.tar.xz
need_mb=4000

die() {
	echo "debug-kernel.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

case ${1-} in
-h | --help) usage 0 ;;
A | B | C) letter=$1 ;;
tree) letter='' ;;
*) usage 2 >&2 ;;
esac
what=${2:-image}
[ "$letter" ] || what=tree
case $what in
image | kdir | tree) ;;
*) usage 2 >&2 ;;
esac

for tool in make gcc flex bison bc xz perl; do
	command -v $tool >/dev/null || die "$tool is missing: run tools/deps.sh build debug"
done

mkdir -p "$cache" 2>/dev/null || die "cannot create $cache: set XDG_CACHE_HOME to a directory that can be written"

need_space() {
	local free

	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$need_mb" ] ||
		die "$cache has $free MB free and needs $need_mb MB: make room, or set XDG_CACHE_HOME to another disk"
}

fetch_tarball() {
	local pkg=linux-source-$series dir=$cache/deb

	tarball=$dir/usr/src/$pkg.tar.xz
	exec 8>"$cache/deb.lock"
	flock 8
	if [ ! -r "$tarball" ]; then
		need_space
		echo "debug-kernel.sh: fetching $pkg" >&2
		rm -rf "$dir.part"
		mkdir "$dir.part"
		(cd "$dir.part" && apt-get -q=2 -o APT::Sandbox::User=root download "$pkg") >&2 ||
			die "cannot download $pkg: check the network, then run 'apt-get update'"
		dpkg-deb -x "$dir.part"/*.deb "$dir.part" || die "cannot unpack $pkg: is the disk full?"
		rm -f "$dir.part"/*.deb
		rm -rf "$dir"
		mv "$dir.part" "$dir"
	fi
	exec 8>&-
}

[ -r "$tarball" ] || fetch_tarball

# The tarball's name has no version: its size and date tell an update
source_id=$(stat -Lc '%s-%Y' "$tarball")
source=$cache/linux-source-$series-$source_id

unpack_source() {
	exec 8>"$cache/source.lock"
	flock 8
	if [ ! -e "$source/.complete" ]; then
		need_space
		echo "debug-kernel.sh: unpacking $tarball" >&2
		rm -rf "$source.part"
		mkdir "$source.part"
		tar -C "$source.part" --strip-components=1 -xf "$tarball" ||
			die "cannot unpack $tarball: is the disk full?"
		touch "$source.part/.complete"
		mv "$source.part" "$source"
	fi
	exec 8>&-
}

# The asked-for lines of the fragments, without comments that are not options
wanted() {
	sed -n -e '/^CONFIG_/p' -e '/^# CONFIG_.* is not set$/p' "$@"
}

# apply CONFIG FRAGMENT...: their lines take the place of CONFIG's
apply() {
	local config=$1
	shift

	wanted "$@" | sed -E 's/^(# )?(CONFIG_[A-Za-z0-9_]+).*/\2/' >"$config.names"
	grep -vE "^(# )?CONFIG_" "$config" >"$config.new" || true
	grep -E "^(# )?CONFIG_" "$config" |
		awk 'NR == FNR { ours[$1] = 1; next }
		     { name = $1 == "#" ? $2 : $1; sub(/=.*/, "", name) }
		     !(name in ours)' "$config.names" - >>"$config.new"
	wanted "$@" >>"$config.new"
	mv "$config.new" "$config"
	rm "$config.names"
}

# check_config CONFIG FRAGMENT...: an option that depends on one that is off
# vanishes without a word
check_config() {
	local config=$1 missing=0 line name
	shift

	while read -r line; do
		case $line in
		'# '*)
			name=${line#\# }
			name=${name%% *}
			! grep -q "^$name=" "$config" && continue
			;;
		*)
			name=${line%%=*}
			grep -qxF "$line" "$config" && continue
			;;
		esac
		echo "debug-kernel.sh: asked for '$line', got '$(grep -E "^(# )?${name}[ =]" "$config" || echo nothing)'" >&2
		missing=1
	done < <(wanted "$@")
	[ $missing = 0 ]
}

kernel_make() {
	nice make -s -C "$source" O="$dir.part" ARCH=x86_64 KBUILD_BUILD_USER=goalloc \
		KBUILD_BUILD_HOST=goalloc KBUILD_BUILD_TIMESTAMP='@0' LOCALVERSION= "$@" >&2
}

build() {
	need_space
	echo "debug-kernel.sh: building kernel $letter, once: some 5 minutes on 2 CPUs" >&2
	rm -rf "$dir.part"
	mkdir "$dir.part"
	kernel_make tinyconfig
	apply "$dir.part/.config" "${fragments[@]}"
	kernel_make olddefconfig
	check_config "$dir.part/.config" "${fragments[@]}" ||
		die "the configuration of kernel $letter does not hold what was asked for"
	kernel_make -j"$(nproc)" bzImage modules ||
		die "kernel $letter could not be built"
	# Modules need the symbols' list, not the kernel's objects
	[ -s "$dir.part/Module.symvers" ] || die "kernel $letter has no Module.symvers"
	kernel_make modules_prepare
	touch "$dir.part/.complete"
	rm -rf "$dir"
	mv "$dir.part" "$dir"
	# The build tree names itself in its Makefile
	sed -i "s|$dir\.part|$dir|g" "$dir/Makefile"
}

if [ "$what" = tree ]; then
	unpack_source
	echo "$source"
	exit
fi

fragments=("$tools/kernels/common.config" "$tools/kernels/$letter.config")
hash=$( (
	echo "$source_id"
	wanted "${fragments[@]}"
	gcc --version | head -n 1
) | sha256sum | cut -c 1-12)
dir=$cache/$letter-$series-$hash

exec 9>"$dir.lock"
flock 9
if [ ! -e "$dir/.complete" ]; then
	unpack_source
	build
fi
exec 9>&-

case $what in
image) echo "$dir/arch/x86/boot/bzImage" ;;
kdir) echo "$dir" ;;
esac
