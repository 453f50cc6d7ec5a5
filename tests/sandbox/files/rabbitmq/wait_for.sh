#!/bin/bash
# Usage: wait_for.sh HOST PORT. Waits until something listens there, for five minutes at most.
end=$((SECONDS + 300))
until (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; do
    if ((SECONDS > end)); then
        echo "sandbox:rabbitmq:nodes: nothing listens at $1 port $2; start the first node" >&2
        exit 1
    fi
    sleep 0.5
done
