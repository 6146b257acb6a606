#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh - build the modules for one kernel, outside of the source tree
#
# usage: build.sh KERNEL [gcc|clang] [make argument...]
#
# KERNEL is a name that kernel.sh knows. The sources are copied to
# build/KERNEL-COMPILER and built there, so that builds for several kernels
# neither meet nor dirty the tree; what has not changed is not built again.
# GOALLOC_BUILD replaces build, GOALLOC_MAKE is one more argument for make. The
# directory is printed on stdout, everything else on stderr.
# Example: build.sh 6.12 clang C=2

set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tree=$(dirname "$tools")

die() {
	echo "build.sh: $*" >&2
	exit 1
}

case ${1-} in
'' | -*)
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
kernel=$1
shift
compiler=gcc
case ${1-} in
gcc | clang)
	compiler=$1
	shift
	;;
esac

# Kernel make takes no path with a blank or a colon
case $tree in
*[[:space:]:]*) die "the kernel's make cannot build in '$tree': move the tree to a path without blanks and colons" ;;
esac

kdir=$("$tools/kernel.sh" kdir "$kernel")
where=$kernel
[ "$where" = "${where//\//}" ] || where=$("$tools/kernel.sh" version "$kernel")
dir=${GOALLOC_BUILD:-$tree/build}/$where-$compiler

case $compiler in
gcc)
	# The compiler that built the kernel, if it has a name of its own
	cc=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$kdir/.config")
	command -v "$cc" >/dev/null || cc=gcc
	flags=(CC="$cc")
	;;
clang) flags=(LLVM=1) ;;
esac
case $compiler in
gcc) command -v "$cc" >/dev/null ;;
clang) command -v clang >/dev/null && command -v ld.lld >/dev/null ;;
esac || die "there is no $compiler: run tools/deps.sh build"

mkdir -p "$dir" || die "cannot create $dir"
# Beside it, so that who removes the directory does not remove the lock
exec 9>"$dir.lock"
flock 9

copy_sources() {
	local new=$dir/.sources.new old=$dir/.sources file

	"$tools/list-sources.sh" >"$new"
	if [ -e "$old" ]; then
		LC_ALL=C comm -23 "$old" "$new" | while IFS= read -r file; do
			rm -f "${dir:?}/$file"
		done
	fi
	# Newer ones only, and with the time of the copy: what is saved while make runs is newer still
	(cd "$tree" && tr '\n' '\0' <"$new" | xargs -0r cp -u --parents -t "$dir") ||
		die "cannot copy the sources to $dir: is the disk full?"
	mv "$new" "$old"
}

copy_sources

# W=1 always: a change of the flags would build everything anew
make -C "$kdir" M="$dir" "${flags[@]}" GOALLOC_TESTS=1 W=1 -j"$(nproc)" ${GOALLOC_MAKE:+"$GOALLOC_MAKE"} "$@" modules >&2 9>&- ||
	die "the build for $kernel with $compiler failed"
echo "$dir"
