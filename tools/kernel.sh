#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh - find, and if need be fetch, the files of a kernel to test on
#
#   kernel.sh version NAME    the release, as "uname -r" prints it
#   kernel.sh image NAME      the bzImage
#   kernel.sh modules NAME    the root of lib/modules/<release>, for modprobe -d
#   kernel.sh kdir NAME       the directory to build modules against
#   kernel.sh scripts SERIES  scripts/ of the source: checkpatch.pl and the like
#   kernel.sh list            the kernels in the cache
#
# NAME is a Debian series (6.1, 6.12, 6.12-rt, 6.12-cloud), an exact Debian
# release (6.12.117+deb12-amd64), a debug kernel (A, B, C: debug-kernel.sh) or
# the path of a bzImage; the kdir of a bzImage is the build tree that it lies in.
#
# Debian's packages are unpacked into the cache and never installed: image and
# headers are then of one version, and the running system is left alone.

set -euo pipefail

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/goalloc/kernels
# What the unpacked packages of one kernel take, with some room
need_mb=1200
mkdir -p "$cache" 2>/dev/null || {
	echo "kernel.sh: cannot create $cache: set XDG_CACHE_HOME to a directory that can be written" >&2
	exit 1
}

die() {
	echo "kernel.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

# apt-get drops to a user of its own, who may not write into the cache
apt() {
	apt-get -q=2 -o APT::Sandbox::User=root "$@"
}

apt_update() {
	[ "$(id -u)" = 0 ] ||
		die "apt knows no package $1: run 'apt-get update' as root"
	apt update >&2 || die "'apt-get update' failed: check the network and apt's sources"
}

# The newest version that apt offers, or of the release installed last
candidate() {
	apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Version: //p'
}

depends() {
	apt-cache show "$1" 2>/dev/null | sed -n 's/^Depends: //p' | head -n 1 |
		sed 's/[,|] */\n/g' | sed 's/ .*//'
}

# 6.12-rt -> linux-image-6.12-rt-amd64; Debian 12's own series has no number
meta_package() {
	local series=${1%%-*} flavour=

	[ "$series" = "$1" ] || flavour=-${1#*-}
	if [ "$series" = 6.1 ]; then
		echo "linux-image$flavour-amd64"
	else
		echo "linux-image-$series$flavour-amd64"
	fi
}

series_release() {
	local meta rel

	meta=$(meta_package "$1")
	rel=$(depends "$meta" | sed -n 's/^linux-image-//p')
	# A newer Debian has another kernel under the same name
	case $rel in
	"${1%%-*}".*) echo "$rel" ;;
	esac
}

# The newest one in the cache, for machines that have no network
cached_release() {
	local flavour=

	[ "${1%%-*}" = "$1" ] || flavour=-${1#*-}
	find "$cache" -mindepth 1 -maxdepth 1 -name "${1%%-*}.*$flavour-amd64_*" -printf '%f\n' 2>/dev/null |
		sed 's/_.*//' |
		if [ "$flavour" ]; then cat; else grep -Ev -- '-(rt|cloud)-amd64$' || true; fi |
		sort -V | tail -n 1
}

release_of_name() {
	local rel

	case $1 in
	[0-9]*-amd64)
		echo "$1"
		return
		;;
	[0-9]*.[0-9]*) ;;
	*) die "'$1' is neither a kernel series such as 6.12, nor a release, nor a bzImage" ;;
	esac
	rel=$(series_release "$1")
	[ "$rel" ] || rel=$(cached_release "$1")
	if [ -z "$rel" ]; then
		apt_update "$(meta_package "$1")"
		rel=$(series_release "$1")
	fi
	[ "$rel" ] || die "apt has no package $(meta_package "$1"): it needs Debian 12 with its security updates"
	echo "$rel"
}

# The release's directory in the cache; the package version tells rebuilds of
# one release apart.
release_dir() {
	local version dir

	version=$(candidate "linux-image-$1")
	if [ -z "$version" ]; then
		dir=$(find "$cache" -mindepth 1 -maxdepth 1 -name "$1_*" 2>/dev/null | sort -V | tail -n 1)
		if [ "$dir" ]; then
			echo "$dir"
			return
		fi
		apt_update "linux-image-$1"
		version=$(candidate "linux-image-$1")
		[ "$version" ] || die "apt has no package linux-image-$1"
	fi
	echo "$cache/$1_$version"
}

# unpack DIR PACKAGE=VERSION...: the packages' files, all or nothing
unpack() {
	local dir=$1 free
	shift

	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$need_mb" ] ||
		die "$cache has $free MB free and needs $need_mb MB: make room, or set XDG_CACHE_HOME to another disk"
	rm -rf "$dir.part"
	mkdir -p "$dir.part/deb"
	echo "kernel.sh: fetching $*" >&2
	(
		cd "$dir.part/deb"
		# Lists older than the archive name files that it no longer has
		apt download "$@" >apt.log 2>&1 || {
			[ "$(id -u)" != 0 ] || apt update >>apt.log 2>&1 || true
			apt download "$@" >>apt.log 2>&1
		} || {
			tail -n 5 apt.log >&2
			exit 1
		}
	) || die "cannot download $*: check the network, then run 'apt-get update'"
	for deb in "$dir.part"/deb/*.deb; do
		dpkg-deb -x "$deb" "$dir.part" || die "cannot unpack $deb: is the disk full?"
	done
	rm -rf "$dir.part/deb" "$dir.part/usr/share"
}

# lock DIR: two callers may want the same kernel at once
lock() {
	exec 9>"$1.lock"
	flock 9
}

fetch_image() {
	local rel=$1 dir=$2

	lock "$dir"
	if [ ! -e "$dir/image/.complete" ]; then
		command -v depmod >/dev/null || die "depmod is missing: install the package kmod"
		mkdir -p "$dir"
		unpack "$dir/image" "linux-image-$rel=${dir##*_}"
		depmod -b "$dir/image.part" "$rel"
		touch "$dir/image.part/.complete"
		rm -rf "$dir/image"
		mv "$dir/image.part" "$dir/image"
	fi
	exec 9>&-
}

fetch_headers() {
	local rel=$1 dir=$2 version=${2##*_} pkgs dep

	lock "$dir"
	if [ ! -e "$dir/headers/.complete" ]; then
		mkdir -p "$dir"
		pkgs=("linux-headers-$rel=$version")
		for dep in $(depends "linux-headers-$rel=$version"); do
			case $dep in
			linux-headers-*-common* | linux-kbuild-*) pkgs+=("$dep=$version") ;;
			esac
		done
		[ ${#pkgs[@]} -eq 3 ] || die "apt has no headers of version $version for $rel"
		unpack "$dir/headers" "${pkgs[@]}"
		# The one absolute path in them
		sed -i "s|^include /usr/src/|include $dir/headers/usr/src/|" \
			"$dir/headers.part/usr/src/linux-headers-$rel/Makefile"
		touch "$dir/headers.part/.complete"
		rm -rf "$dir/headers"
		mv "$dir/headers.part" "$dir/headers"
	fi
	exec 9>&-
}

# fetch_scripts SERIES: the headers have the few scripts only that a build needs
fetch_scripts() {
	local pkg=linux-source-${1%%-*} version dir

	version=$(candidate "$pkg")
	if [ -z "$version" ]; then
		apt_update "$pkg"
		version=$(candidate "$pkg")
		[ "$version" ] || die "apt has no package $pkg"
	fi
	dir=$cache/${pkg}_$version
	lock "$dir"
	if [ ! -e "$dir/.complete" ]; then
		rm -rf "$dir"
		unpack "$dir" "$pkg=$version"
		tar -C "$dir.part" -xJf "$dir.part/usr/src/$pkg.tar.xz" "$pkg/scripts" ||
			die "cannot unpack $pkg: is the disk full?"
		rm -rf "$dir.part/usr"
		touch "$dir.part/.complete"
		mv "$dir.part" "$dir"
	fi
	exec 9>&-
	echo "$dir/$pkg/scripts"
}

# The x86 boot protocol keeps the offset of the version string at 0x20e
bzimage_version() {
	local off

	[ "$(dd if="$1" bs=1 skip=514 count=4 2>/dev/null)" = HdrS ] || die "$1 is not a bzImage"
	off=$(od -An -tu2 -j $((0x20e)) -N2 "$1")
	dd if="$1" bs=1 skip=$((off + 0x200)) count=200 2>/dev/null | tr '\0' '\n' | head -n 1 | cut -d ' ' -f 1
}

bzimage_tree() {
	local tree

	tree=$(cd "$(dirname "$1")/../../.." 2>/dev/null && pwd)
	[ -e "$tree/.config" ] || die "$1 does not lie in a kernel's build tree"
	echo "$tree"
}

case ${1-} in
-h | --help) usage 0 ;;
list)
	find "$cache" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | sort -V
	exit
	;;
version | image | modules | kdir | scripts) ;;
*) usage 2 >&2 ;;
esac
[ $# -eq 2 ] || usage 2 >&2

verb=$1
name=$2

case $name in
A | B | C) name=$("$(dirname "$0")/debug-kernel.sh" "$name") || exit 1 ;;
esac

case $name in
*/*)
	[ -r "$name" ] || die "cannot read $name"
	name=$(realpath "$name")
	case $verb in
	version) bzimage_version "$name" ;;
	image) echo "$name" ;;
	# What "make modules_install INSTALL_MOD_PATH=" was told, if anything
	modules) echo "$(bzimage_tree "$name")/root" ;;
	kdir) bzimage_tree "$name" ;;
	esac
	exit
	;;
esac

if [ "$verb" = scripts ]; then
	fetch_scripts "$name"
	exit
fi
rel=$(release_of_name "$name")
if [ "$verb" = version ]; then
	echo "$rel"
	exit
fi
dir=$(release_dir "$rel")
case $verb in
image | modules) fetch_image "$rel" "$dir" ;;
kdir) fetch_headers "$rel" "$dir" ;;
esac
case $verb in
image) echo "$dir/image/boot/vmlinuz-$rel" ;;
modules) echo "$dir/image" ;;
kdir) echo "$dir/headers/usr/src/linux-headers-$rel" ;;
esac
