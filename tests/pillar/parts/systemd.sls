# Limits and patience of the services.
# since: ocata
octavia:
  services:
    octavia-worker:
      LimitNOFILE: 65536
      TimeoutStopSec: 3600
      CPUQuota: 200%
    octavia-health-manager:
      Nice: -5
    octavia-api:
      MemoryMax: 4G
  manager:
    DEFAULT:
      executor_thread_pool_size: 64
