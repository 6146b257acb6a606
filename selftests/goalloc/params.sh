#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Parameters: what is out of range is refused, with the range; what is taken works

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke

# refused NAME VALUE MIN MAX
refused() {
	fails load goalloc "$1=$2" && ! loaded goalloc &&
		logged "goalloc: $1=$2: a number from $3 to $4 is allowed"
}

# taken NAME VALUE
taken() {
	load goalloc "$1=$2" && [ "$(cat "$parameters/$1")" = "$2" ] &&
		load goalloc_smoke only=sizes,tiny,large,stats && consistent &&
		unload goalloc_smoke && unload goalloc
}

cannot_write() {
	! (echo 100 >"$parameters/$1") 2>/dev/null
}

for v in 0 1025 -1 4294967297 many 1k; do
	check "bin_kb=$v is refused" refused bin_kb "$v" 1 1024
done
for v in 63 4097 0 -64 x; do
	check "chunk_kb=$v is refused" refused chunk_kb "$v" 64 4096
done
for p in bin_kb=1 bin_kb=1024 chunk_kb=64 chunk_kb=4096 chunk_kb=0x100; do
	case $p in
	chunk_kb=0x100) check "$p is taken" load goalloc $p ;;
	*) check "$p is taken" taken "${p%=*}" "${p#*=}" ;;
	esac
done
check "0x100 is 256" [ "$(cat $parameters/chunk_kb)" = 256 ]
for p in bin_kb chunk_kb; do
	check "$p cannot be changed later" cannot_write $p
done
check "unloads" unload goalloc
end
