# make run: a whole host in var/host1 with a running guest.  make test, make check: what CI does.
# The work is done by the modules of embedded/; HOST=host2 ... means another host of the same machine.

PYTHON = python3.11
HOST = host1
# HOSTS=3: host1 ... host3 instead of one.
HOSTS =
WHICH = $(if $(HOSTS),--hosts $(HOSTS),--host $(HOST))
VENV = .venv/bin/python
# An environment variable called PYTHONPATH or so must not change what runs.
unexport PYTHONPATH PYTHONHOME

.PHONY: run stop status clean test check bench docs prepare help install uninstall lab lab-down lab-status test-xen

help:
	@echo "make run | stop | status | clean   the embedded host (HOST=$(HOST), or HOSTS=3 for several)"
	@echo "make test | check | bench          tests; ruff and mypy; benchmarks"
	@echo "make install | uninstall           the toolstack on this machine, a Debian 12 under Xen (docs/installing.md)"
	@echo "make lab | lab-status | lab-down   real Xen hosts in software emulation (HOSTS=2: a pair)"
	@echo "make test-xen                      all tests on real Xen"
	@echo "make docs                          docs/api-coverage.md, xe/xe.1, and the API's reference in var/docs/api"

prepare:
	@$(PYTHON) -m embedded.prepare

run: prepare
	@$(VENV) -m embedded start $(WHICH)

stop:
	@if [ -x $(VENV) ]; then $(VENV) -m embedded stop $(WHICH); else echo "nothing was started here"; fi

status:
	@if [ -x $(VENV) ]; then $(VENV) -m embedded status $(WHICH) || [ $$? -eq 3 ]; else echo "nothing was started here"; fi

clean:
	@if [ -x $(VENV) ]; then $(VENV) -m embedded clean $(WHICH); else echo "nothing was started here"; fi

test: prepare
	@$(VENV) -m pytest $(TESTS)

check: prepare
	@$(VENV) -m ruff check .
	@$(VENV) -m mypy .

bench: prepare
	@$(VENV) -m tests.bench $(PIECES)

docs: prepare
	@$(VENV) -m xapi.coverage docs/api-coverage.md --reference var/docs/api
	@$(VENV) -m xapi.cli.manual xe/xe.1

# MANAGEMENT=eth0 NETWORK=bridge|openvswitch STORAGE=/folder: see docs/installing.md. Debian's own Python, nothing else.
install:
	@/usr/bin/python3 -B -m installer install $(if $(MANAGEMENT),--management $(MANAGEMENT)) $(if $(NETWORK),--network $(NETWORK)) $(if $(STORAGE),--storage $(STORAGE))

uninstall:
	@/usr/bin/python3 -B -m installer uninstall $(if $(PURGE),--purge)

lab: prepare
	@$(VENV) -m tests.lab up --hosts $(or $(HOSTS),1)

lab-status lab-down: prepare
	@$(VENV) -m tests.lab $(@:lab-%=%)

test-xen: prepare
	@XEN_TESTS=$(or $(XEN_TESTS),all) $(VENV) -m pytest $(or $(TESTS),tests/xen)
