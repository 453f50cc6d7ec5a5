# How controllers make amphorae, watch them and clean up.
# since: zed
octavia:
  manager:
    controller_worker:
      workers: 4
      amp_active_retries: 30
      amp_active_wait_sec: 10
      amp_flavor_id: 967972bb-ab54-4679-9f53-bf81d5e28154
      amp_image_tag: amphora
      amp_boot_network_list: [00000000-0000-4000-8000-000000000002]
      amp_secgroup_list: [00000000-0000-4000-8000-000000000003]
      loadbalancer_topology: ACTIVE_STANDBY
      volume_driver: volume_cinder_driver
      amp_timezone: Europe/Prague
      statistics_drivers: [stats_db]
      event_notifications: true
    haproxy_amphora:
      connection_max_retries: 120
      build_rate_limit: 10
      timeout_client_data: 50000
      default_connection_limit: 50000
      failover_connection_max_retries: 2
    keepalived_vrrp:
      vrrp_advert_int: 1
      vrrp_garp_refresh_interval: 5
    health_manager:
      heartbeat_timeout: 60
      health_check_interval: 3
      failover_threads: 10
      failover_threshold: 20
      health_update_threads: 4
      stats_update_threads: 4
    house_keeping:
      cleanup_interval: 30
      amphora_expiry_age: 604800
      load_balancer_expiry_age: 604800
      cert_rotate_threads: 10
    nova:
      enable_anti_affinity: true
      anti_affinity_policy: soft-anti-affinity
      availability_zone: nova
    cinder:
      volume_size: 16
      volume_type: fast
    compute:
      max_retries: 15
    networking:
      max_retries: 15
      port_detach_timeout: 300
      valid_vip_networks: [00000000-0000-4000-8000-000000000004]
    task_flow:
      engine: parallel
      max_workers: 5
      disable_revert: false
  api:
    driver_agent:
      status_max_processes: 10
      stats_max_processes: 10
      get_max_processes: 10
      max_process_warning_percent: 0.75
