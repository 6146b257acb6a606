#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# escape.sh - which allocations of a kernel module could be on the stack
#
# usage: escape.sh [option...] FOLDER [VARIABLE=VALUE...]
#
# FOLDER is what "make M=" takes: it has a Kbuild file or a Makefile. It is
# copied and built as usual, with a GCC plugin that reports every call of
# kmalloc(), gomalloc() and their kin, a line each. VARIABLE=VALUE goes to make,
# and CONFIG_FOO=y or =m to the sources as well.
#
#   --limit BYTES   the largest object that is worth the stack (1024)
#   --json          for programs; the keys are in Documentation/escape.md
#   --check         status 1 if there is a call that could be on the stack
#   --unit          follow calls within one source file only. Else functions of
#                   the folder's other files are followed too, and the folder is
#                   compiled until nothing new is learned, at most four times
#   --trust NAME    the function NAME keeps none of its pointers (repeatable)
#   --kernel NAME   as for tools/kernel.sh; without it, the running kernel, or
#                   6.12 if that has no headers
#   --kdir DIR      build against the kernel's build folder DIR
#
# Status: 0 if the report was made, 1 with --check if it names a candidate, 2 if
# there is no report; then the last line on stderr says why and what to do.
# CC from the environment or the arguments is the compiler.

set -euo pipefail
# make's own variables, M= above all, would reach the kernel's make
unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL

here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$here/../.." && pwd)

die() {
	echo "escape.sh: $*" >&2
	exit 2
}

usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

limit=1024 kernel='' kdir=${KDIR:-} cc=${CC:-} rounds=4 folder=''
report_args=() trust=() make_args=() defines=()

while [ $# -gt 0 ]; do
	case $1 in
	--json | --check)
		report_args+=("$1")
		shift
		continue
		;;
	--unit)
		rounds=1
		shift
		continue
		;;
	-h | --help) usage 0 ;;
	CC=*)
		cc=${1#CC=}
		shift
		continue
		;;
	CONFIG_*=[ym])
		make_args+=("$1")
		defines+=("-D${1%=*}$([ "${1#*=}" = y ] || echo _MODULE)=1")
		shift
		continue
		;;
	[A-Za-z_]*=*)
		make_args+=("$1")
		shift
		continue
		;;
	-*) [ $# -ge 2 ] || usage 2 >&2 ;;
	*)
		[ -z "$folder" ] || usage 2 >&2
		folder=$1
		shift
		continue
		;;
	esac
	case $1 in
	--limit) limit=$2 ;;
	--kernel) kernel=$2 ;;
	--kdir) kdir=$2 ;;
	--trust) trust+=("-fplugin-arg-escape-trust=$2") ;;
	*) usage 2 >&2 ;;
	esac
	shift 2
done

[ "$folder" ] || die "of which module? give the folder with its Kbuild or Makefile: make escape M=FOLDER"
[[ $limit =~ ^[0-9]{1,9}$ ]] || die "--limit takes a number of bytes, not '$limit'"
[ -d "$folder" ] || die "there is no folder $folder: give the one that has the module's Kbuild or Makefile"
folder=$(cd "$folder" && pwd)
[ -e "$folder/Kbuild" ] || [ -e "$folder/Makefile" ] ||
	die "$folder has neither Kbuild nor Makefile: give the folder of a kernel module"

if [ "$kernel" ]; then
	kdir=$("$tree/tools/kernel.sh" kdir "$kernel") || exit 2
elif [ -z "$kdir" ]; then
	kdir=/lib/modules/$(uname -r)/build
	[ -e "$kdir/.config" ] || {
		echo "escape.sh: the running kernel has no headers here: Debian's 6.12 is taken" >&2
		kdir=$("$tree/tools/kernel.sh" kdir 6.12) || exit 2
	}
fi
[ -e "$kdir/.config" ] || die "$kdir is no kernel build folder: install the kernel's headers, or use --kernel 6.12"

# The kernel's own compiler, if it is the one that is supported
if [ -z "$cc" ]; then
	cc=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$kdir/.config")
	command -v "$cc" >/dev/null || cc=gcc-12
	"$cc" -dumpversion 2>/dev/null | grep -qE '^12(\.|$)' || cc=gcc-12
fi
command -v "${cc%% *}" >/dev/null || die "there is no compiler '$cc': as root, run 'apt-get install gcc-12'"
# shellcheck disable=SC2086 # CC may be "ccache gcc-12"
case $($cc -dM -E -x c /dev/null 2>/dev/null) in
*__clang__*) die "'$cc' is clang, and the plugin is for GCC 12: leave CC out, or set CC=gcc-12" ;;
*"__GNUC__ 12"*) ;;
*) die "'$cc' is not GCC 12, which the plugin is for: leave CC out, or set CC=gcc-12" ;;
esac
# shellcheck disable=SC2086
plugin_dir=$($cc -print-file-name=plugin)
[ -e "$plugin_dir/include/gcc-plugin.h" ] ||
	die "'$cc' has no plugin headers: as root, run 'apt-get install gcc-12-plugin-dev'"
cxx=${ESCAPE_CXX:-g++-12}
command -v "$cxx" >/dev/null || die "there is no compiler '$cxx' for the plugin: as root, run 'apt-get install g++-12'"

build=${GOALLOC_BUILD:-$tree/build}/escape
mkdir -p "$build" || die "cannot create $build: set GOALLOC_BUILD to a folder that can be written"
plugin=$build/escape.so
(
	flock 9
	for source in "$here/escape.cc" "$here/helpers.h"; do
		[ "$plugin" -nt "$source" ] || rm -f "$plugin"
	done
	[ -e "$plugin" ] ||
		"$cxx" -shared -fPIC -O1 -fno-rtti -Wall -isystem "$plugin_dir/include" \
			-o "$plugin" "$here/escape.cc" >&2
) 9>"$build/.lock" || die "the plugin does not build, its errors are above: install gcc-12-plugin-dev and g++-12 of one version"

work=$(mktemp -d "${TMPDIR:-/tmp}/goalloc-escape.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# What the sources include from "../" is found beside the copy, three levels up
copy=$work/c/b/a/$(basename "$folder" | tr -c 'A-Za-z0-9_.\n-' _)
mkdir -p "$copy"
up=$folder
for level in "$work/c/b/a" "$work/c/b" "$work/c"; do
	name=$(basename "$up")
	up=$(dirname "$up")
	[ "$up" != / ] || break
	find "$up" -mindepth 1 -maxdepth 1 ! -name "$name" -exec ln -s -t "$level" {} + 2>/dev/null || true
done
(cd "$folder" && tar -cf - --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.ko' \
	--exclude='*.su' --exclude='.*.cmd' --exclude='*.mod' .) | tar -xf - -C "$copy" ||
	die "cannot copy $folder to $work: is the disk full?"

# flags_of ROUND: the plugin's, its results go to a folder of their own
flags_of() {
	flags=("-fplugin=$plugin" "-fplugin-arg-escape-root=$copy"
		"-fplugin-arg-escape-out=$work/$1" ${trust[@]+"${trust[@]}"})
	[ ! -e "$work/known" ] || flags+=("-fplugin-arg-escape-known=$work/known")
	mkdir "$work/$1"
}

# The first round is the module's own build
compile() {
	local flags

	flags_of 1
	make -C "$kdir" "M=$copy" "CC=$cc" -j"$(nproc)" KBUILD_MODPOST_WARN=1 \
		"KCFLAGS=${KCFLAGS:-} -fstack-usage ${defines[*]-} ${flags[*]}" \
		${make_args[@]+"${make_args[@]}"} modules >"$work/log" 2>&1
}

# again ROUND: the commands that make left in its .cmd files, as far as the
# analysis
again() {
	local flags file

	flags_of "$1"
	find "$copy" -name '.*.o.cmd' | while read -r file; do
		sed -n '1s/^[^=]*:= *//p' "$file" | sed 's/ ; .*//' |
			grep -e '-fplugin=' | grep -E ' [^ ]+\.c *$' |
			sed -E "s| -fplugin[^ ]*||g; s| -c -o [^ ]*| ${flags[*]} -fplugin-arg-escape-only -S -o /dev/null|"
	done >"$work/commands"
	(cd "$kdir" && tr '\n' '\0' <"$work/commands" | xargs -0 -P "$(nproc)" -n 1 sh -c) >"$work/log" 2>&1
}

# Of two functions with one name, in two modules perhaps, nothing is known.
# "= NAME" is a definition, all other lines say what one does.
learn() {
	find "$1" -name '*.functions' -exec cat {} + | LC_ALL=C sort >"$work/all"
	awk 'NR == FNR { if ($1 == "=") n[$2]++; next } $1 == "=" || n[$1] < 2' "$work/all" "$work/all" | uniq
}

for ((round = 1; round <= rounds; round++)); do
	if [ $round -gt 1 ]; then
		again $round || {
			tail -n 5 "$work/log" >&2
			die "the files could not be analyzed again, the last messages are above: use --unit"
		}
	elif ! compile; then
		grep -E '(error|Error|\*\*\*)' "$work/log" | head -n 5 | sed "s|$copy/||g" >&2 ||
			tail -n 5 "$work/log" >&2
		die "$folder does not build, the first errors are above: make it build with 'make -C $kdir M=$folder' first"
	fi
	out=$work/$round
	learn "$out" >"$work/learned"
	if [ -e "$work/known" ] && cmp -s "$work/known" "$work/learned"; then
		break
	fi
	[ -s "$work/learned" ] || break
	mv "$work/learned" "$work/known"
done

ls "$out"/*.calls >/dev/null 2>&1 ||
	die "nothing was compiled in $folder: an option such as CONFIG_FOO=m after the folder may be missing"

frame=$(sed -n 's/^CONFIG_FRAME_WARN=//p' "$kdir/.config")
status=0
python3 "$here/report.py" ${report_args[@]+"${report_args[@]}"} --limit "$limit" \
	--frame "${frame:-0}" "$out" "$copy" || status=$?
[ $status -le 1 ] || die "the report could not be made, its message is above"
exit $status
