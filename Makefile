# etcd-usher. `make` lists the targets. Quiet unless V=1; your CFLAGS, CPPFLAGS and LDFLAGS come last. Objects go under build/FLAVOUR/.
.DEFAULT_GOAL := help
FLAVOUR ?= release
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
BUILD := build/$(FLAVOUR)
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-4s %s\n' $(1) $(2))
# Go is needed for etcd 3.5 to 3.7 alone; a Go from its own archive is often not on the PATH.
export PATH := $(PATH):/usr/local/go/bin
export FLAVOUR PYTHON
MAKEFLAGS += --no-print-directory

# --- flags ---------------------------------------------------------------------------------------------------------------------------
# supported FLAG...: those that this compiler takes (gcc 12 knows no -fstrict-flex-arrays, clang 14 no -ftrivial-auto-var-init=zero).
supported = $(foreach flag,$(1),$(shell $(CC) -Werror $(flag) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(flag)))

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wswitch-enum -Wvla -Wundef \
	-Wimplicit-fallthrough -Werror=format-security -Werror=implicit-function-declaration -Werror=incompatible-pointer-types -Werror=int-conversion
# The OpenSSF compiler guide. -z now costs nothing that can be measured here: nearly all relocations are those of the 33 shared libraries,
# which Debian links with -z now themselves (4.5 ms to load them either way). -z nodlopen is left out: ld marks shared objects alone.
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow \
	-fno-strict-aliasing -fPIE \
	$(call supported,-fstack-clash-protection -fcf-protection=full -mbranch-protection=standard -ftrivial-auto-var-init=zero -fstrict-flex-arrays=3)
LINK_HARDENING := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -Wl,--no-copy-dt-needed-entries
OPTIMIZE := -O2

# The sanitizers bring their own checks of memory; fortify would hide some of what they see.
ifeq ($(FLAVOUR),debug)
OPTIMIZE := -Og
else ifeq ($(FLAVOUR),asan)
HARDENING := -fPIE
FLAVOUR_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifeq ($(FLAVOUR),ubsan)
HARDENING := -fPIE
FLAVOUR_FLAGS := -fsanitize=undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(FLAVOUR),tsan)
HARDENING := -fPIE
FLAVOUR_FLAGS := -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(FLAVOUR),coverage)
HARDENING := -fPIE
OPTIMIZE := -O0
FLAVOUR_FLAGS := --coverage
endif

PACKAGES := libcurl jansson libmicrohttpd libssl libcrypto
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PACKAGE_LIBS := $(or $(shell pkg-config --libs $(PACKAGES) 2>/dev/null),-lcurl -ljansson -lmicrohttpd -lssl -lcrypto)

ALL_CPPFLAGS := -D_GNU_SOURCE -Iinclude $(PACKAGE_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS := -std=c17 $(OPTIMIZE) -g $(WARNINGS) $(if $(filter 1,$(WERROR)),-Werror) $(HARDENING) $(FLAVOUR_FLAGS) $(CFLAGS)
ALL_LDFLAGS := $(LINK_HARDENING) $(FLAVOUR_FLAGS) $(LDFLAGS)
LIBRARIES := $(PACKAGE_LIBS) -lresolv -lpthread
# Tests find what they need wherever they are started from; helpers shared by a folder's tests lie beside them.
TEST_FLAGS := -DUSHER_WIRE_DIR=\"$(CURDIR)/tests/wire\" -DUSHER_TESTS_DIR=\"$(CURDIR)/tests\"

# --- what is built -------------------------------------------------------------------------------------------------------------------
ROOMS := core host http etcd kube member serve world command
SOURCES := $(foreach room,$(ROOMS),$(sort $(wildcard agent/$(room)/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libusher.a
PROGRAMS := $(BUILD)/etcd-usher $(BUILD)/etcd-usher-exec

UNIT_SOURCES := $(sort $(wildcard tests/unit/*.c))
WIRE_SOURCES := $(sort $(wildcard tests/wire/*.c))
MODEL_SOURCES := $(sort $(wildcard tests/model/*.c))
SIM_SOURCES := $(sort $(wildcard tests/sim/*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/*.c))
objects_of = $(patsubst %.c,$(BUILD)/%.o,$(1))
programs_of = $(patsubst tests/$(1)/%.c,$(BUILD)/$(1)/%,$(filter tests/$(1)/test_%.c,$(2)))
helpers_of = $(call objects_of,$(filter-out tests/$(1)/test_%.c,$(2)))
UNIT_TESTS := $(call programs_of,unit,$(UNIT_SOURCES))
WIRE_TESTS := $(call programs_of,wire,$(WIRE_SOURCES))
TEST_OBJECTS := $(call objects_of,$(UNIT_SOURCES) $(WIRE_SOURCES) $(MODEL_SOURCES) $(SIM_SOURCES) $(FUZZ_SOURCES))

.PHONY: help all install deps tools image demo test check lint format unit model mutants mutants-sample sim wire fuzz fuzz-run launcher-test cluster cluster-full fault \
	lab-tools test-kube test-kube-all test-charts asan ubsan tsan valgrind arm64 coverage bench clean test-programs unit-programs c-tests print-flags \
	print-test-flags print-test-programs FORCE
.DELETE_ON_ERROR:
.SECONDARY:

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'
	@echo '  V=1 shows the commands; FLAVOUR=debug|asan|ubsan|tsan|coverage; WERROR=1; CC=clang-19'

all: $(PROGRAMS) ## build both programs into build/release
	@:

# remember TEXT: writes the target only when TEXT changed, so that other flags make other objects, and a removed source leaves the archive.
remember = @mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' > $@
$(BUILD)/flags: FORCE
	$(call remember,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) | $(ALL_LDFLAGS) | $(LAUNCHER_CC) $(LAUNCHER_CFLAGS))
$(BUILD)/objects: FORCE
	$(call remember,$(OBJECTS))

$(BUILD)/agent/%.o: agent/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/tests/%.o: tests/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) -I$(<D) $(ALL_CFLAGS) $(TEST_FLAGS) -MMD -MP -c $< -o $@

$(LIBRARY): $(OBJECTS) $(BUILD)/objects
	$(Q)rm -f $@ && ar rcs $@ $(OBJECTS)

$(BUILD)/etcd-usher: $(BUILD)/agent/main.o $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) $(LIBRARIES) -o $@

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(call helpers_of,unit,$(UNIT_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) -lcmocka $(LIBRARIES) -o $@

$(BUILD)/wire/%: $(BUILD)/tests/wire/%.o $(call helpers_of,wire,$(WIRE_SOURCES)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) -lcmocka $(LIBRARIES) -o $@

$(BUILD)/model: $(call objects_of,$(MODEL_SOURCES)) $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) $(LIBRARIES) -o $@

$(BUILD)/fuzz: $(call objects_of,$(FUZZ_SOURCES)) $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) $(LIBRARIES) -o $@

$(BUILD)/sim: $(call objects_of,$(SIM_SOURCES)) $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) $(LIBRARIES) -o $@

# The launcher runs in images that hold nothing: static, libc alone, small. musl where it is installed, else glibc.
LAUNCHER_SOURCES := $(sort $(wildcard agent/launcher/*.c))
LAUNCHER_CC ?= $(if $(filter release debug,$(FLAVOUR)),$(or $(shell command -v musl-gcc),$(CC)),$(CC))
LAUNCHER_CFLAGS := -std=c17 -Os -D_GNU_SOURCE -Iinclude $(WARNINGS) $(if $(filter 1,$(WERROR)),-Werror) \
	-fstack-protector-strong -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections
LAUNCHER_LDFLAGS := -static -s -Wl,--gc-sections,--build-id=none -Wl,-z,relro,-z,now,-z,noexecstack
$(BUILD)/etcd-usher-exec: $(LAUNCHER_SOURCES) $(wildcard agent/launcher/*.h) include/usher/serve/control_protocol.h $(BUILD)/flags
	$(call say,LD,'$@ (static)')
	$(Q)$(LAUNCHER_CC) $(LAUNCHER_CFLAGS) $(LAUNCHER_SOURCES) $(LAUNCHER_LDFLAGS) -o $@

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(BUILD)/etcd-usher $(DESTDIR)$(PREFIX)/bin/etcd-usher
	install -D -m 0755 $(BUILD)/etcd-usher-exec $(DESTDIR)$(PREFIX)/bin/etcd-usher-exec

# --- what they stand on --------------------------------------------------------------------------------------------------------------
deps: ## install, by name, the Debian packages that building and testing need
	@tests/tools/deps build demo test lint

tools: ## build etcd 3.5, 3.6 and 3.7 from their Go modules, once (cached)
	@for version in 3.5 3.6 3.7; do tests/tools/build-etcd $$version || exit 1; done

lab-tools: ## build Kubernetes from its Go modules for test-kube, once (cached; minutes)
	@tests/tools/build-lab

image: ## the container image, from the Dockerfile; prints its size (needs a container engine)
	@tests/tools/deps image
	@tests/tools/image

# --- tests ---------------------------------------------------------------------------------------------------------------------------
demo: ## the main job, end to end, on real etcd (two minutes)
	@tests/tools/deps build demo
	@$(MAKE) all
	@$(PYTHON) tests/demo/demo.py $(BUILD)

test: ## every family that fits in minutes
	@tests/tools/deps build demo test
	@tests/run test

check: ## everything: sanitizers, valgrind, all planted bugs, the whole cluster matrix, faults, lint
	@tests/tools/deps build demo test lint
	@tests/run check

test-programs: $(UNIT_TESTS) $(WIRE_TESTS) $(if $(MODEL_SOURCES),$(BUILD)/model) $(if $(SIM_SOURCES),$(BUILD)/sim)
	@:

unit-programs: $(UNIT_TESTS)
	@:

unit: $(UNIT_TESTS) ## unit tests
	@tests/run-cmocka unit $^

wire: $(WIRE_TESTS) ## replies recorded from real etcd, and hostile ones
	@tests/run-cmocka wire $^

c-tests: $(UNIT_TESTS) $(WIRE_TESTS)
	@tests/run-cmocka $(FLAVOUR) $^

model: $(BUILD)/model ## every small cluster through the decisions
	@$(BUILD)/model

sim: $(BUILD)/sim ## many ushers, one simulated cluster, virtual time; SIM="FIRST COUNT" runs other seeds
	@$(BUILD)/sim $(or $(SIM),1 150)

mutants: ## all planted bugs: do the fast tests catch them?
	@tests/mutants/run all

mutants-sample: ## a few of them
	@tests/mutants/run sample

fuzz: ## each parser with recorded and mutated bytes, under the sanitizers; FUZZ=N mutations a file, FUZZ_SEED=N other ones
	@$(MAKE) FLAVOUR=asan fuzz-run

fuzz-run: $(BUILD)/fuzz
	@$(BUILD)/fuzz $(FUZZ)

launcher-test: all ## the launcher's own tests
	@$(PYTEST) tests/launcher

cluster: all ## a sample of the scenarios on real etcd processes
	@tests/cluster/run sample

cluster-full: all ## all scenarios, all versions of etcd
	@tests/cluster/run full

fault: all ## kill -9 at each system call, lost disks, cut networks
	@$(PYTEST) tests/fault

test-kube: all ## on real Kubernetes: a sample of the scenarios on real pods (ten minutes)
	@tests/tools/deps build test kube
	@tests/tools/build-lab >/dev/null
	@USHER_IMAGE=$$(tests/kube/image) && export USHER_IMAGE && tests/run-pytest -m 'not slow' tests/kube

test-kube-all: all ## on real Kubernetes: every scenario, three files at a time (over half an hour)
	@tests/tools/deps build test kube
	@tests/tools/build-lab >/dev/null
	@USHER_IMAGE=$$(tests/kube/image) && export USHER_IMAGE && tests/run-pytest -n 3 --dist loadfile --durations=20 tests/kube

test-charts: all ## charts and manifests: what they render and refuse, run as processes, asked of a real API server
	@tests/tools/deps build demo charts
	@tests/tools/build-helm >/dev/null
	@tests/run-pytest tests/charts

bench: ## speed and memory against what one would use instead
	@tests/tools/deps build demo test bench
	@$(MAKE) all
	@$(PYTHON) tests/bench/run.py $(BENCH)

lint: ## compilers with -Werror, analyzers, purity of core, floors, hardening, spelling
	@tests/tools/deps build test lint
	-@$(MAKE) -j2 all
	@tests/lint/run

asan: ## unit and wire tests under the address and undefined-behaviour sanitizers
	@$(MAKE) FLAVOUR=asan c-tests

ubsan: ## unit and wire tests under the undefined-behaviour sanitizer alone
	@$(MAKE) FLAVOUR=ubsan c-tests

tsan: ## unit tests under the thread sanitizer
	@$(MAKE) FLAVOUR=tsan unit

valgrind: $(UNIT_TESTS) ## unit tests under valgrind
	@UNDER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite' tests/run-cmocka valgrind $^

arm64: ## both programs and the fast tests compiled for arm64 here, and run under qemu
	@tests/tools/deps build arm64
	@tests/run-arm64

coverage: ## lines reached by the unit and wire tests
	@rm -rf build/coverage
	@$(MAKE) FLAVOUR=coverage c-tests
	@tests/tools/coverage build/coverage

format: ## clang-format on all C files
	@find agent include tests -name '*.[ch]' -exec clang-format-14 -i {} +

print-flags:
	@printf '%s\n' '$(subst ','\'',$(ALL_CPPFLAGS) $(ALL_CFLAGS))'

print-test-flags:
	@printf '%s\n' $(TEST_FLAGS)

print-test-programs:
	@printf '%s\n' $(UNIT_TESTS) $(WIRE_TESTS)

clean: ## remove build/
	rm -rf build

-include $(OBJECTS:.o=.d) $(BUILD)/agent/main.d $(TEST_OBJECTS:.o=.d)
