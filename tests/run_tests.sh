#!/bin/sh
# The entry that pipelines of the ecosystem call; `make` does the work.
exec make -C "$(dirname "$0")/.." "${1:-test}"
