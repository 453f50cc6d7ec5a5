# Targets for people; what they do is in tests/run.py and tests/converge.
PYTHON ?= /usr/bin/python3
export SUITE RELEASE SALT TARGET
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help converge test matrix lint unit render api benchmark clean-nodes

help:
	@echo "make converge [SUITE=aio] [RELEASE=zed] [SALT=3008] [TARGET=host]  Octavia on a real node"
	@echo "make test                 what CI runs"
	@echo "make matrix SHARD=n/m     everything else"
	@echo "make lint | unit | render | api | benchmark"
	@echo "make clean-nodes          remove every node"

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
