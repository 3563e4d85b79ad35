# SPDX-License-Identifier: GPL-2.0-or-later
#
# The front door. Userspace is built by Meson; this file only calls it. build/release holds
# what people run (its programs side by side in build/bin), build/test the same with ASan,
# UBSan and the tests. Each target installs the packages it needs first (scripts/install-deps).

MESON_RELEASE = build/release
MESON_TEST    = build/test
DESTDIR      ?=
PREFIX       ?= /usr/local

# Ninja does the work in parallel; here, packages must come before what needs them.
.NOTPARALLEL:

.PHONY: all demo check test soak bench lint format install clean
.PHONY: deps-build deps-test deps-lint deps-demo deps-bench

all: deps-build $(MESON_RELEASE)/build.ninja
	ninja -C $(MESON_RELEASE)
	@scripts/link-programs $(MESON_RELEASE) build/bin

deps-build:
	@scripts/install-deps build

deps-test deps-lint deps-demo deps-bench: deps-%:
	@scripts/install-deps build $*

$(MESON_RELEASE)/build.ninja:
	meson setup --buildtype=debugoptimized --prefix=$(PREFIX) -Dtests=false $(MESON_RELEASE)

$(MESON_TEST)/build.ninja:
	meson setup -Ddebug=true -Doptimization=1 -Db_sanitize=address,undefined \
		-Db_lundef=false -Dwerror=true $(MESON_TEST)

demo: deps-demo all
	scripts/demo

# Quick suites: unit, simulation with few seeds, the daemon on loopback. Under 2 minutes.
check: deps-test $(MESON_TEST)/build.ninja
	@scripts/run-tests $(MESON_TEST) --suite check

# Everything: longer simulations, a real dockerd on this host, real kernels in guests.
test: deps-test all $(MESON_TEST)/build.ninja
	@scripts/run-tests $(MESON_TEST)

# The simulation of the store, with seeds of its own, until stopped or for SOAK_SECONDS.
soak: deps-test $(MESON_TEST)/build.ninja
	ninja -C $(MESON_TEST) tests/sim/sim_fast
	$(MESON_TEST)/tests/sim/sim_fast soak

bench: deps-bench all
	tests/bench/run

lint: deps-lint $(MESON_TEST)/build.ninja
	@scripts/lint $(MESON_TEST)

format: deps-lint
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

install: all
	meson install -C $(MESON_RELEASE) --no-rebuild --destdir "$(DESTDIR)"

clean:
	rm -rf build
