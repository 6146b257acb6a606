#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A module that leaks: its objects stay, and unloading goalloc tells and takes them back

# shellcheck disable=SC1091,SC2086,SC2154 # lib.sh has the names
. ./lib.sh

begin goalloc_smoke

check "loads" load goalloc
check "1000 objects are lost" load goalloc_smoke only=none leak=1000
check "the module that lost them goes" unload goalloc_smoke
check "they are in use" [ "$(figure objects 'in use')" = 1000 ]
check "and stay so when memory is released" release
check "all of them" [ "$(figure objects 'in use')" = 1000 ]
check "consistent" consistent
check "unloads" unload goalloc
check "and says what was lost" logged 'goalloc: unloaded with 1000 objects in use, [0-9]+ bytes'
check "and in which class" logged 'goalloc:   1000 of size class 2[0-9][0-9]'
check "no memory is left behind" fails grep goalloc /proc/vmallocinfo
check "loads again" load goalloc
check "and knows nothing of them" [ "$(figure objects 'in use')" = 0 ]
check "unloads again" unload goalloc
check "without complaint" [ "$(lines 'goalloc: unloaded with')" = 1 ]
end
