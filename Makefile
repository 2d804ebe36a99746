# One command for each thing to do; the work is in tools/.  `make help`.

KERNEL ?= series
CONFIG ?= perf
TIME ?= 300
BOOTS ?= 5
MINUTES ?= 10
MESSAGES ?= 1000000
MAKEFLAGS += --no-print-directory
export LINUX NIPA
# As it was typed: a dollar sign in it is the guest's.
override CMD := $(value CMD)
export CMD
override TRAILERS := $(value TRAILERS)
export TRAILERS

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | expand -t 10

run: setup tree ## build base and series, run the same workload in both, print the table
	@tools/kernel base perf
	@tools/kernel series perf
	@tools/run.py

test: setup tree ## everything that CI runs; the last line counts
	@tools/setup clang-19
	@tools/test.py

soak: setup tree ## what does not fit into `make test`, many hours: [STEP='words'], result in docs/soak.md
	@tools/setup clang-19
	@tools/test.py soak $(if $(STEP),"$(STEP)")

setup: ## install what is missing (Debian packages, newer devlink and sparse)
	@tools/setup

tree: setup ## build/linux: the base, then one commit per patch; keeps work not exported
	@tools/tree

export: ## write patches/ from build/linux
	@tools/export

kernel: setup tree ## build one: KERNEL=base|series|COMMIT CONFIG=perf|count|lockdep|kasan|kcsan
	@tools/kernel "$(KERNEL)" "$(CONFIG)"

exec: kernel ## run CMD='...' as root in a guest; TIME= seconds, OUT= folder for its /tmp/out
	@tools/guest.py --time "$(TIME)" $(if $(OUT),--out "$(OUT)") "$(KERNEL)" "$(CONFIG)" "$$CMD"

shell: kernel ## an interactive shell in a guest
	@tools/guest.py --shell "$(KERNEL)" "$(CONFIG)"

ksft: kernel ## selftests of netdevsim: [TEST=name ...], a table, any kernel report fails
	@tools/ksft.py "$(KERNEL)" "$(CONFIG)" $(TEST)

fuzz: kernel ## hostile messages to devlink, [MESSAGES=1000000] [SEED=]; result in docs/fuzz.md
	@tools/fuzz.py --messages "$(MESSAGES)" $(if $(SEED),--seed "$(SEED)") "$(KERNEL)" "$(CONFIG)"

faults: kernel ## each allocation fails once, CONFIG=lockdep; result in docs/faults.md
	@tools/faults.py "$(KERNEL)" "$(CONFIG)"

torture: kernel ## random operations at the same time, for MINUTES= [SEED=]; result in docs/torture.md
	@tools/torture.py --minutes "$(MINUTES)" $(if $(SEED),--seed "$(SEED)") "$(KERNEL)" "$(CONFIG)"

bench: setup tree ## what the kernel takes for it: base and series in turn, [BOOTS=5] [PART=]; an idle machine
	@tools/kernel base perf
	@tools/kernel series perf
	@$(if $(filter-out instructions,$(PART)),,tools/kernel base count && tools/kernel series count)
	@tools/bench.py --boots "$(BOOTS)" $(if $(PART),--part "$(PART)")

mutants: setup tree ## take locks out of the series, one at a time: which test sees it; docs/mutants.md
	@tools/kernel series perf
	@tools/mutants.py $(NAME)

model: setup ## check the locking rules on a model of devlink's locks, with SPIN; [ROW='words']
	@tools/setup spin
	@tests/model/check_locks.py $(ROW)

models: CONFIG = lockdep
models: setup tree ## real drivers on models of their hardware, base and series: [DRIVER='name ...'] [CONFIG=kasan]
	@tools/kernel base "$(CONFIG)"
	@tools/kernel series "$(CONFIG)"
	@tools/models.py --config "$(CONFIG)" $(DRIVER)

deb: setup tree ## a package of the kernel KERNEL= for a machine with hardware: [HOST_CONFIG=/boot/config-...]
	@tools/deb "$(KERNEL)" $(if $(HOST_CONFIG),"$(HOST_CONFIG)")

report: tree ## build/report.html: what the last runs found, on one page, and docs/latency.svg
	@tools/setup python3-matplotlib python3-markdown
	@tools/report.py

pictures: setup ## docs/latency.svg and docs/waits.svg, from docs/latency.json and docs/waits.csv
	@tools/setup python3-matplotlib
	@tools/picture.py

check: setup tree ## what netdev checks: builds, checkpatch, W=1, sparse, clang, ...: [SERIES=TREE/POSTING] [NIPA=path]
	@tools/setup clang-19
	@tools/check $(if $(SERIES),"$(SERIES)")

drivers: setup tree ## compile every user of devlink in the kernel, before and after
	@tools/drivers

send: setup tree ## make the mails, try them with --dry-run: [SERIES=TREE/POSTING] [TRAILERS='Key: value; ...']
	@tools/send $(if $(SERIES),"$(SERIES)")

clean: ## remove build/ (downloads and the compiler cache stay in ~/.cache)
	@git -C build/linux worktree prune 2>/dev/null; rm -rf build

.PHONY: help run test soak setup tree export kernel exec shell ksft fuzz faults torture bench mutants \
	model report pictures check drivers send clean
