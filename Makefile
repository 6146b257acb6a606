# SPDX-License-Identifier: GPL-2.0
#
# goalloc's commands. The kernel's make reads Kbuild, not this file.

KDIR ?= /lib/modules/$(shell uname -r)/build
# The kernel of "make vm", "make escape" and "make kselftest", as tools/kernel.sh names it
KERNEL ?= 6.12

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
kbuild := $(MAKE) -C $(KDIR) M=$(CURDIR)

.DEFAULT_GOAL := modules

help:
	@echo 'make            goalloc.ko for the running kernel, or for KDIR=<headers>'
	@echo 'make install    put it where modprobe finds it'
	@echo 'make dkms       the same by DKMS, which rebuilds it for new kernels'
	@echo 'make demo       boot a Debian kernel in QEMU, run a real trace through goalloc'
	@echo 'make check      all tests; SUITES="..." for some, tools/check.sh -l lists them'
	@echo 'make check-full the same at full length: hours'
	@echo 'make kunit      the KUnit suites, on User-mode Linux and in QEMU under KASAN'
	@echo 'make kselftest  the kselftests in QEMU; KERNEL=<name>'
	@echo 'make lint       checkers of sources and scripts'
	@echo 'make escape     which allocations of a module could be on the stack; M=<folder>,'
	@echo '                ESCAPE="--json --check --limit 512", ARGS="CONFIG_FOO=m", KERNEL=<name>'
	@echo 'make escape-real  the same for four modules of the kernel, and what it saves in one'
	@echo 'make bench      goalloc beside its peers'
	@echo 'make vm         a shell in QEMU with the module loaded; KERNEL=<name>'
	@echo 'make clean      remove what was built, logs too'

modules: $(KDIR)/Makefile
	+$(kbuild) modules

$(KDIR)/Makefile:
	@echo "goalloc: there are no kernel headers in $(KDIR): install linux-headers-$$(uname -r), or name them with KDIR=" >&2
	@false

install: modules
	+$(kbuild) modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $$(modinfo -F vermagic goalloc.ko | cut -d ' ' -f 1)

# DKMS copies all that it finds: it gets the sources only
dkms:
	@command -v dkms >/dev/null || { echo "goalloc: dkms is missing: install the package dkms" >&2; false; }
	rm -rf /usr/src/goalloc-$(VERSION)
	mkdir -p /usr/src/goalloc-$(VERSION)
	cp -r Kbuild Makefile dkms.conf COPYING *.c *.h include /usr/src/goalloc-$(VERSION)/
	dkms install --force goalloc/$(VERSION) $(if $(KVER),-k $(KVER))

demo:
	@tools/demo.sh

check:
	@tools/check.sh $(SUITES)

check-full:
	@GOALLOC_FULL=1 tools/check.sh $(SUITES)

kunit:
	@tools/deps.sh build vm debug
	@tools/kunit.sh uml A

kselftest:
	@tools/deps.sh build vm debug
	@tools/kselftest.sh $(KERNEL)

lint:
	@tools/check.sh lint scripts

# The kernel is the running one, or what KDIR= or KERNEL= name
given = $(filter command environment,$(firstword $(origin $(1))))
escape:
	@tools/deps.sh escape
	@tools/escape/escape.sh $(if $(call given,KERNEL),--kernel $(KERNEL),$(if $(call given,KDIR),--kdir $(KDIR))) \
		$(ESCAPE) "$(M)" $(ARGS)

escape-real:
	@tools/escape/real/table.sh
	@tools/escape/real/real.sh

bench:
	@tools/bench.sh

vm:
	@tools/deps.sh build vm
	@tools/vm.sh --kernel $(KERNEL) --shell --run 'insmod /modules/goalloc.ko' \
		--module "$$(tools/build.sh $(KERNEL))/goalloc.ko"

clean:
	rm -rf build
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '*.cmd' -o -name '.*.d' -o -name 'Module.symvers' -o -name 'modules.order' \) -type f -exec rm -f {} +

.PHONY: help modules install dkms demo check check-full kunit kselftest lint escape escape-real bench vm clean
