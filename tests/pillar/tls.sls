# All connections to database and brokers by TLS, with client certificates; quorum queues, a bus of
# its own for notifications, and a pool of connections to the database.
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
      x509:
        enabled: true
        ca_file: /etc/octavia/ssl/mysql/ca-cert.pem
        cert_file: /etc/octavia/ssl/mysql/client-cert.pem
        key_file: /etc/octavia/ssl/mysql/client-key.pem
      # Options of [database] stand here under their own names.
      max_pool_size: 5
      max_overflow: 20
      max_retries: -1
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
      # Without a port: 5671, since the connection is protected.
      x509:
        enabled: true
        ca_file: /etc/octavia/ssl/rabbitmq/ca-cert.pem
        cert_file: /etc/octavia/ssl/rabbitmq/client-cert.pem
        key_file: /etc/octavia/ssl/rabbitmq/client-key.pem
      rabbit_quorum_queue: true
    cache: &cache
      members:
        - host: 127.0.0.1
      security:
        strategy: ENCRYPT
        secret_key: change-me-memcache
    notification: &notification
      enabled: true
      topics: [notifications, audit]
      transport:
        host: 127.0.0.1
        user: notifications
        password: change-me-notifications
        virtual_host: /notifications
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
    notification: *notification
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
