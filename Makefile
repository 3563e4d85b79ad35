# SPDX-License-Identifier: GPL-2.0-or-later
#
# The front door. Userspace is built by Meson, the kernel module by Kbuild; this file only
# calls them. build/release holds what people run, build/test the same with ASan and UBSan.

MESON_RELEASE = build/release
MESON_TEST    = build/test
DESTDIR      ?=
PREFIX       ?= /usr/local

.PHONY: all deps demo test check bench lint format kmod install clean

all: deps $(MESON_RELEASE)/build.ninja
	ninja -C $(MESON_RELEASE)
	@scripts/link-programs $(MESON_RELEASE) build/bin

deps:
	@scripts/install-deps build

$(MESON_RELEASE)/build.ninja:
	meson setup --buildtype=debugoptimized --prefix=$(PREFIX) $(MESON_RELEASE)

$(MESON_TEST)/build.ninja:
	meson setup -Ddebug=true -Doptimization=1 -Db_sanitize=address,undefined \
		-Db_lundef=false -Dwerror=true $(MESON_TEST)

demo: all
	@scripts/install-deps demo
	scripts/demo

# Quick suites: unit, simulation with few seeds, the daemon on loopback. Under 2 minutes.
check: deps $(MESON_TEST)/build.ninja
	@scripts/install-deps test
	scripts/run-tests $(MESON_TEST) --suite check

# Everything: longer simulations, a real dockerd on this host, real kernels in guests.
test: all $(MESON_TEST)/build.ninja
	@scripts/install-deps test
	scripts/run-tests $(MESON_TEST)

bench: all
	@scripts/install-deps bench
	tests/bench/run

lint: deps $(MESON_TEST)/build.ninja
	@scripts/install-deps lint
	scripts/lint $(MESON_TEST)

format:
	@scripts/install-deps lint
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

kmod:
	@scripts/install-deps kmod
	scripts/build-kmod build/kmod

install: all
	meson install -C $(MESON_RELEASE) --no-rebuild --destdir "$(DESTDIR)"

clean:
	rm -rf build
