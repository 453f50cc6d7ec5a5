# An API with all that belongs to one: TLS, policies, health check, audit, CORS, quotas, and logs in
# JSON that are kept for a week.
{%- set version = {'12': 'zed', '13': '2025.1'}.get(grains.get('osmajorrelease') | string, '2026.2') %}
octavia:
  pki:
    generate: true
    ca_node: '{{ grains.id }}'
  api:
    enabled: true
    version: '{{ version }}'
    role: primary
    bind:
      address: 127.0.0.1
      port: 9876
      processes: 2
      threads: 8
      # Debian's packages run the API in uWSGI, others need Apache for TLS.
      server: {{ 'packaged' if grains['os'] == 'Debian' else 'apache' }}
      cert_file: /etc/octavia/ssl/api/cert.pem
      key_file: /etc/octavia/ssl/api/key.pem
    database: &database
      engine: mysql
      host: 127.0.0.1
      name: octavia
      user: octavia
      password: change-me-database
    identity: &identity
      engine: keystone
      region: RegionOne
      host: 127.0.0.1
      port: 5000
      user: octavia
      password: change-me-identity
      tenant: service
    message_queue: &message_queue
      engine: rabbitmq
      host: 127.0.0.1
      user: octavia
      password: change-me-message-queue
      virtual_host: /octavia
    cache: &cache
      members:
        - host: 127.0.0.1
    policy:
      # Users need a load-balancer_* role, which newer releases do not ask for by themselves.
      set: advanced_rbac
      rules:
        os_load-balancer_api:flavor:get_all: '!'
      enforce_new_defaults: true
    healthcheck:
      enabled: true
      backends: [octavia_db_check, disable_by_file]
      disable_by_file_path: /var/lib/octavia/out-of-service
      detailed: false
    audit:
      enabled: true
    audit_middleware_notifications:
      driver: log
    cors:
      allowed_origin: [https://dashboard.example.org]
      allow_credentials: true
    oslo_middleware:
      enable_proxy_headers_parsing: true
    quotas:
      default_load_balancer_quota: 10
      default_listener_quota: 50
    api_settings:
      healthcheck_refresh_interval: 1
      allow_ping_health_monitors: false
      allow_tls_terminated_listeners: false
      minimum_tls_version: TLSv1.2
      tls_cipher_prohibit_list: RC4-SHA:DES-CBC3-SHA
    logging: &logging
      json: true
      levels:
        octavia: INFO
        stevedore: ERROR
      rotate:
        every: daily
        keep: 7
        size: 100M
    controller_worker: &drivers
      amphora_driver: amphora_noop_driver
      compute_driver: compute_noop_driver
      network_driver: network_noop_driver
      image_driver: image_noop_driver
      volume_driver: volume_noop_driver

  manager:
    enabled: true
    version: '{{ version }}'
    database: *database
    identity: *identity
    message_queue: *message_queue
    cache: *cache
    logging: *logging
    certificates:
      ca_certificate: /etc/octavia/certs/server_ca.pem
      ca_private_key: /etc/octavia/certs/private/server_ca.key
      ca_private_key_passphrase: change-me-ca-passphrase
      server_certs_key_passphrase: change-me-32-url-safe-characters
    controller_worker:
      <<: *drivers
      loadbalancer_topology: SINGLE
    haproxy_amphora:
      client_cert: /etc/octavia/certs/client.pem
      client_cert_key: /etc/octavia/certs/private/client.key
      client_cert_all: /etc/octavia/certs/client_all.pem
      server_ca: /etc/octavia/certs/server_ca.pem
    amphora_agent:
      # Where amphorae send their logs to.
      admin_log_targets: ['127.0.0.1:10514']
      tenant_log_targets: ['127.0.0.1:20514']
      disable_local_log_storage: true
    health_manager:
      bind_ip: 127.0.0.1
      heartbeat_key: change-me-heartbeat-key

  services:
    octavia-worker:
      LimitNOFILE: 65536
    octavia-api:
      MemoryMax: 2G
