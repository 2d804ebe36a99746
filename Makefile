# SPDX-License-Identifier: GPL-2.0
# A menu: one command for each thing to do. The work is in tools/, which also knows what is up to
# date, so nothing here is a file.

KERNEL ?= series
CONFIG ?= perf
TIME ?= 300
BOOTS ?= 5
MINUTES ?= 10
MESSAGES ?= 1000000
# An older name
POSTING ?= $(SERIES)
MAKEFLAGS += --no-print-directory
export BASE LINUX NIPA
# As it was typed: a dollar sign in it is the guest's.
override CMD := $(value CMD)
export CMD
override TRAILERS := $(value TRAILERS)
export TRAILERS

help: ## this list
	@sed -n 's/^##@ \(.*\)/\n\1/p; s/^\([a-z-]*\):.*## /  \1	/p' Makefile | expand -t 13

##@ Use (BASE=6.12, 6.1, 5.10: the patches for older kernels, with each command that makes sense)
run: setup tree ## build base and series, run the same tests on both, print the table: [CONFIG=]
	@$(if $(filter-out 7.3,$(BASE)),tools/setup qemu-system-x86)
	@tools/run.py "$(CONFIG)"

shell: kernel ## an interactive shell in a guest: [KERNEL=base|series|COMMIT] [CONFIG=]
	@tools/guest.py --shell "$(KERNEL)" "$(CONFIG)"

show: tree ## a posting as one diff: POSTING=TREE/POSTING; with FILE=path, that file after it
	@tools/show posting "$(POSTING)" $(if $(FILE),"$(FILE)")

deb: setup tree ## a package of KERNEL= for a machine with hardware: [HOST_CONFIG=/boot/config-...]
	@tools/deb "$(KERNEL)" $(if $(HOST_CONFIG),"$(HOST_CONFIG)")

##@ Edit
tree: setup ## build/linux: the base, then one commit per patch; keeps work that is not exported
	@tools/tree

kernel: setup tree ## build one: KERNEL=base|series|COMMIT CONFIG=perf|count|lockdep|kasan|kcsan
	@tools/setup $(if $(filter count kcsan,$(CONFIG)),qemu-system-x86)
	@tools/kernel "$(KERNEL)" "$(CONFIG)"

exec: kernel ## run CMD='...' as root in a guest: [TIME=seconds] [OUT=folder for its /tmp/out]
	@tools/guest.py --time "$(TIME)" $(if $(OUT),--out "$(OUT)") "$(KERNEL)" "$(CONFIG)" "$$CMD"

export: ## write patches/ and the pages that depend on them from build/linux
	@tools/export

range-diff: tree ## what changed in the patches since OLD=REV of this repository: [POSTING=]
	@tools/show range-diff "$(OLD)" $(if $(POSTING),"$(POSTING)")

##@ Verify
test: setup tree ## everything that CI runs; the last line counts
	@tools/setup check
	@tools/test.py

ksft: kernel ## selftests of netdevsim: [TEST='name name:case']; a report of the kernel fails
	@tools/ksft.py "$(KERNEL)" "$(CONFIG)" $(TEST)

check: setup tree ## the checks of netdev, per patch and posting: [POSTING=TREE/POSTING] [NIPA=path]
	@tools/setup check
	@tools/check $(if $(POSTING),"$(POSTING)")

drivers: setup tree ## compile every user of devlink in the kernel, before and after
	@tools/setup check
	@tools/drivers

models: CONFIG = lockdep
models: setup tree ## real drivers on models of their hardware, base and series: [DRIVER='name ...']
	@tools/kernel base "$(CONFIG)"
	@tools/kernel series "$(CONFIG)"
	@tools/models.py --config "$(CONFIG)" $(DRIVER)

model: setup ## the locking rules on a Promela model, with SPIN: [ROW='words']
	@tools/setup spin
	@tests/model/check_locks.py $(ROW)

mutants: setup tree ## remove locks and checks, one at a time: does a test fail? [NAME='name ...']
	@tools/kernel series perf
	@tools/mutants.py $(NAME)

fuzz: kernel ## malformed messages: [MESSAGES=1000000] [SEED=]
	@tools/long.py fuzz --messages "$(MESSAGES)" $(if $(SEED),--seed "$(SEED)") "$(KERNEL)" "$(CONFIG)"

faults: kernel ## each allocation fails once: CONFIG=lockdep
	@tools/long.py faults "$(KERNEL)" "$(CONFIG)"

torture: kernel ## random operations in parallel: MINUTES= [SEED=]
	@tools/long.py torture --minutes "$(MINUTES)" $(if $(SEED),--seed "$(SEED)") "$(KERNEL)" "$(CONFIG)"

soak: setup tree ## everything that is too long for `make test`, many hours: [STEP='words']
	@tools/setup check
	@tools/test.py soak $(if $(STEP),"$(STEP)")

##@ Measure (the results are in docs/results.md)
bench: setup tree ## latency, instructions and memory, base and series: [BOOTS=5] [PART=]; idle machine
	@tools/setup qemu-system-x86
	@tools/kernel base perf
	@tools/kernel series perf
	@$(if $(filter-out instructions,$(PART)),,tools/kernel base count && tools/kernel series count)
	@tools/bench.py --boots "$(BOOTS)" $(if $(PART),--part "$(PART)")

pictures: setup ## docs/latency.svg and docs/waits.svg, from docs/latency.json and docs/waits.csv
	@tools/setup python3-matplotlib
	@tools/picture.py

##@ Send
send: setup tree ## make the mails and try them: [POSTING=TREE/POSTING] [TRAILERS='Key: value; ...']
	@tools/setup check
	@tools/send $(if $(POSTING),"$(POSTING)")

##@ Machine
setup: ## install what building and booting need
	@tools/setup

clean: ## remove build/ (downloads and the compiler cache stay in ~/.cache)
	@git -C build/linux worktree prune 2>/dev/null; rm -rf build

.PHONY: help run shell show deb tree kernel exec export range-diff test ksft check drivers models \
	model mutants fuzz faults torture soak bench pictures send setup clean
