# etcd-usher. `make help` lists the targets. Quiet unless V=1; your CFLAGS and LDFLAGS come last.
FLAVOUR ?= release
CC ?= gcc
BUILD := build/$(FLAVOUR)
PREFIX ?= /usr/local
PYTHON ?= /usr/bin/python3
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wswitch-enum -Wvla -Wundef \
	-Wimplicit-fallthrough -Werror=format-security -Werror=implicit-function-declaration
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -ftrivial-auto-var-init=zero -fPIE
LINK_HARDENING := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
ifeq ($(FLAVOUR),asan)
HARDENING := -fPIE
FLAVOUR_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifeq ($(FLAVOUR),tsan)
HARDENING := -fPIE
FLAVOUR_FLAGS := -fsanitize=thread
else ifeq ($(FLAVOUR),coverage)
HARDENING := -fPIE -O0
FLAVOUR_FLAGS := --coverage
endif
WERROR := $(if $(filter 1,$(WERROR)),-Werror)
ALL_CFLAGS := -std=c17 -O2 -g -D_GNU_SOURCE -Iinclude $(WARNINGS) $(WERROR) $(HARDENING) $(FLAVOUR_FLAGS) $(CFLAGS)
ALL_LDFLAGS := $(LINK_HARDENING) $(FLAVOUR_FLAGS) $(LDFLAGS)
LIBRARIES := -lcurl -ljansson -lmicrohttpd -lssl -lcrypto -lpthread

FLOORS := core host http etcd kube member serve world command
SOURCES := $(foreach floor,$(FLOORS),$(sort $(wildcard agent/$(floor)/*.c)))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libusher.a
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/test_*.c)))

.PHONY: all help unit-programs install deps demo test check lint format unit model launcher-test cluster cluster-full asan ubsan tsan valgrind coverage \
	bench tools clean
.DELETE_ON_ERROR:

all: $(BUILD)/etcd-usher $(BUILD)/etcd-usher-exec ## build both programs

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | column -t -s'|'

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC  $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(LIBRARY): $(OBJECTS)
	$(Q)rm -f $@ && ar rcs $@ $(OBJECTS)

$(BUILD)/etcd-usher: $(BUILD)/agent/main.o $(LIBRARY)
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(ALL_CFLAGS) $^ $(ALL_LDFLAGS) $(LIBRARIES) -o $@

# The launcher runs in images that hold nothing: static, libc alone, small. musl where it is installed, else glibc.
LAUNCHER_SOURCES := $(sort $(wildcard agent/launcher/*.c))
LAUNCHER_CC ?= $(or $(shell command -v musl-gcc),$(CC))
LAUNCHER_CFLAGS := -std=c17 -Os -D_GNU_SOURCE -Iinclude $(filter-out -Wpedantic,$(WARNINGS)) $(WERROR) -fstack-protector-strong -ffunction-sections \
	-fdata-sections -fno-strict-aliasing -fno-asynchronous-unwind-tables
$(BUILD)/etcd-usher-exec: $(LAUNCHER_SOURCES) $(wildcard agent/launcher/*.h) $(wildcard include/usher/serve/control_protocol.h)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD  $@ (static)")
	$(Q)$(LAUNCHER_CC) $(LAUNCHER_CFLAGS) $(LAUNCHER_SOURCES) -static -s -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack -o $@

$(BUILD)/unit/%: tests/unit/%.c $(LIBRARY) $(wildcard tests/unit/*.h)
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD  $@")
	$(Q)$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -Itests/unit $< $(LIBRARY) $(ALL_LDFLAGS) -lcmocka $(LIBRARIES) -o $@

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 0755 $(BUILD)/etcd-usher $(DESTDIR)$(PREFIX)/bin/etcd-usher
	install -D -m 0755 $(BUILD)/etcd-usher-exec $(DESTDIR)$(PREFIX)/bin/etcd-usher-exec

deps: ## install what building and testing need (Debian packages by name)
	@tests/tools/deps

tools: deps ## build etcd 3.5 to 3.7 from their Go modules, once
	@for version in 3.5 3.6 3.7; do tests/tools/build-etcd $$version || exit 1; done

unit-programs: $(UNIT_TESTS)

unit: $(UNIT_TESTS) ## unit tests
	@tests/run-unit $(UNIT_TESTS)

test: deps ## everything that fits in minutes
	@tests/run-all

demo: deps ## the main job, end to end, on real etcd
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/demo/demo.py $(BUILD)

cluster: all ## scenarios on real etcd processes
	@$(PYTHON) -m pytest -q -x tests/cluster

launcher-test: all ## the launcher's own tests
	@$(PYTHON) -m pytest -q tests/launcher

lint: ## compilers with -Werror, purity of core, hardening, spelling of rules
	@tests/lint/run

asan: ## unit tests under address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory FLAVOUR=asan unit

valgrind: ## unit tests under valgrind
	@$(MAKE) --no-print-directory unit >/dev/null && for t in $(UNIT_TESTS); do valgrind -q --error-exitcode=9 --leak-check=full $$t >/dev/null || exit 1; done

check: test lint asan valgrind ## everything

clean: ## remove build/
	rm -rf build

-include $(OBJECTS:.o=.d)
