# Flows are jobs on a board in Redis and can be taken over by another controller; what they have
# done so far is kept in a database of its own.
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
    jobboard: &jobboard
      engine: redis
      host: 127.0.0.1
      port: 6379
      password: change-me-jobboard
      namespace: octavia_jobs
      expiration: 60
      # An option of [task_flow]: what flows have done is kept after their end.
      jobboard_save_logbook: true
      persistence:
        host: 127.0.0.1
        name: octavia_persistence
        user: octavia_jobs
        password: change-me-persistence
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
    jobboard: *jobboard
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
    health_manager:
      bind_ip: 127.0.0.1
      heartbeat_key: change-me-heartbeat-key
