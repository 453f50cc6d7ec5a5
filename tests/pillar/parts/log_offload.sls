# Amphorae send their logs away and keep none.
# since: train
octavia:
  manager:
    amphora_agent:
      admin_log_targets: ['10.0.0.6:10514', '10.0.0.7:10514']
      tenant_log_targets: ['10.0.0.6:20514']
      administrative_log_facility: 1
      user_log_facility: 0
      forward_all_logs: false
      disable_local_log_storage: true
      log_protocol: TCP
      log_retry_count: 5
      log_retry_interval: 2
      log_queue_size: 10000
    haproxy_amphora:
      connection_logging: true
