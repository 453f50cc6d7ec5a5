# Targets for people; what those of the tests do is in tests/run.py and tests/converge.
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr
SHARE = $(DESTDIR)$(PREFIX)/share
ENV = $(SHARE)/salt-formulas/env
RECLASS = $(SHARE)/salt-formulas/reclass/service/octavia
DOC = $(SHARE)/doc/salt-formula-octavia
# Installs the files below the current folder into another one; bytecode is left where it is.
COPY = find . -type f -not -path '*/__pycache__/*' -exec install -D -m 644 '{}'
export SUITE RELEASE SALT TARGET
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install uninstall converge test matrix lint unit render api benchmark clean-nodes

help:
	@echo "make install | uninstall [DESTDIR=] [PREFIX=/usr]  the formula, for the file roots of Salt"
	@echo "make converge [SUITE=aio] [RELEASE=zed] [SALT=3008] [TARGET=host]  Octavia on a real node"
	@echo "make test                 what CI runs"
	@echo "make matrix SHARD=n/m     everything else"
	@echo "make lint | unit | render | api | benchmark"
	@echo "make clean-nodes          remove every node"

install:
	for part in octavia _modules _states _utils; do \
		(cd $$part && $(COPY) "$(ENV)/$$part/{}" \;) || exit 1; \
	done
	cd metadata/service && $(COPY) "$(RECLASS)/{}" \;
	cd docs && $(COPY) "$(DOC)/docs/{}" \;
	install -m 644 README.rst CHANGELOG.rst pillar.example "$(DOC)"

# The folders of the modules are shared with other formulas.
uninstall:
	rm -rf "$(ENV)/octavia" "$(RECLASS)" "$(DOC)"
	cd "$(ENV)" && rm -f $(wildcard _modules/*.py _states/*.py _utils/*.py)

converge:
	@$(PYTHON) -m tests.converge

test:
	@$(PYTHON) -m tests.run test

matrix:
	@$(PYTHON) -m tests.run matrix $(SHARD)

lint unit render api benchmark:
	@$(PYTHON) -m tests.run $@

clean-nodes:
	@$(PYTHON) -m tests.nodes clean
