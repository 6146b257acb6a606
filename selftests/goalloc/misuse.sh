#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Misuse: each kind is reported with a full line, once a call site, and refused

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_misuse_test
load goalloc || skip_all "goalloc does not load"

check "nothing is reported of good users" [ "$(lines 'goalloc: misuse:')" = 0 ]
check "every misuse is refused" load goalloc_misuse_test
for kind in 'double free of' 'free of an interior pointer' 'free of a foreign pointer' \
	'free of a pointer into free memory,' 'two frees at once of' 'size asked of no object,'; do
	check "reported: $kind" logged "goalloc: misuse: $kind [0-9a-f(]"
done
# What, which object, which class, by whom
check "a line says which object" \
	logged 'misuse: double free of .*: byte 0 of object [0-9]+ of [0-9]+ in a span of size class [0-9]+, free in '
check "a line says by whom" logged 'by refuse\+0x[0-9a-f]+/0x[0-9a-f]+ \[goalloc_misuse_test\], [^ ]+\[[0-9]+\] on cpu [0-9]+; refused$'
check "a line knows foreign memory" logged "not goalloc's memory"
check "a call site is reported once" [ "$(lines 'misuse: double free of .* by refuse\+')" = 1 ]
check "and counted each time" [ "$(figure events misuse)" -gt 400 ]
check "too large an object is warned of once" [ "$(lines 'bytes is more than an object can have')" = 1 ]
check "the heap is consistent" consistent
check "nothing stays in use" [ "$(figure objects 'in use')" = 0 ]
check "the test unloads" unload goalloc_misuse_test
check "unloads" unload goalloc
end
