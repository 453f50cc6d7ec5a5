# API and controllers against a cluster of three brokers, with passwords that need every kind of
# escaping, and the API on an IPv6 address.
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
      address: '::1'
      port: 9876
      processes: 2
      threads: 8
    database: &database
      engine: mysql
      host: 127.0.0.1
      port: 3306
      name: octavia
      user: octavia
      password: "change-me-database@:/%$#é'\""
    identity: &identity
      engine: keystone
      region: RegionOne
      host: 127.0.0.1
      port: 5000
      user: octavia
      password: "change-me-identity@:/%$#é'\""
      tenant: service
      endpoint_type: internal
    message_queue: &message_queue
      engine: rabbitmq
      user: octavia
      password: "change-me-message-queue@:%$#é'\""
      virtual_host: /octavia
      members:
        - host: broker1
        - host: broker2
          port: 5672
        - host: broker3
    cache: &cache
      members:
        - host: 127.0.0.1
    debug: false
    notification: true
    cors:
      allowed_origin: https://dashboard.example.org
    audit:
      enabled: true
    api_v1_enabled: false
    api_v2_enabled: true
    controller_worker: &drivers
      amphora_driver: amphora_noop_driver
      compute_driver: compute_noop_driver
      network_driver: network_noop_driver
      image_driver: image_noop_driver
      volume_driver: volume_noop_driver
  manager:
    enabled: true
    version: '{{ version }}'
    debug: false
    database: *database
    identity: *identity
    message_queue: *message_queue
    cache: *cache
    notification: true
    certificates:
      ca_certificate: /etc/octavia/certs/ca_01.pem
      ca_private_key: /etc/octavia/certs/private/cakey.pem
      ca_private_key_passphrase: "change-me-ca-passphrase@:/%$#"
      server_certs_key_passphrase: change-me-32-url-safe-characters
    controller_worker:
      <<: *drivers
      loadbalancer_topology: SINGLE
    haproxy_amphora:
      client_cert: /etc/octavia/certs/client.pem
      client_cert_key: /etc/octavia/certs/client.key
      client_cert_all: /etc/octavia/certs/client_all.pem
      server_ca: /etc/octavia/certs/ca_01.pem
    health_manager:
      bind_ip: '::1'
      heartbeat_key: change-me-heartbeat-key
    ssh:
      user: octavia
      group: octavia
      private_key: |
        -----BEGIN OPENSSH PRIVATE KEY-----
        change-me-ssh-private-key
        -----END OPENSSH PRIVATE KEY-----
