"""Octavia is upgraded on real nodes, from one Debian to the next, with load balancers on it."""
