# One of the controllers whose Octavia is upgraded: API, controllers and client, with database,
# broker and Keystone on a node of their own. What differs between the controllers, and between one
# release and the next, is in bench.sls, which the tests write.
{%- import_json 'bench.sls' as given %}
{%- set bench = given['bench'] %}

octavia:
  api:
    enabled: true
    version: '{{ bench['version'] }}'
    role: {{ bench['role'] }}
    bind:
      address: {{ bench['address'] }}
      port: 9876
      processes: 2
      threads: 8
    database: &database
      engine: mysql
      host: {{ bench['cloud'] }}
      port: 3306
      name: octavia
      user: octavia
      password: change-me-database
    identity: &identity
      engine: keystone
      protocol: http
      host: {{ bench['cloud'] }}
      port: 5000
      region: RegionOne
      tenant: service
      user: octavia
      password: change-me-identity
      endpoint_type: internal
    message_queue: &message_queue
      engine: rabbitmq
      host: {{ bench['cloud'] }}
      port: 5672
      virtual_host: /octavia
      user: octavia
      password: change-me-message-queue
    cache: &cache
      members:
        - host: {{ bench['cloud'] }}
          port: 11211
    api_settings:
      enabled_provider_drivers:
        amphora: The Octavia Amphora driver.
        octavia: Deprecated alias of the Octavia Amphora driver.
      default_provider_driver: amphora
    controller_worker: &drivers
      amphora_driver: amphora_noop_driver
      compute_driver: compute_noop_driver
      network_driver: network_noop_driver
      image_driver: image_noop_driver
      volume_driver: volume_noop_driver

  manager:
    enabled: true
    version: '{{ bench['version'] }}'
    database: *database
    identity: *identity
    message_queue: *message_queue
    cache: *cache
    certificates:
      ca_certificate: /etc/octavia/certs/server_ca.pem
      ca_private_key: /etc/octavia/certs/private/server_ca.key
      ca_private_key_passphrase: change-me-ca-passphrase
      server_certs_key_passphrase: change-me-32-url-safe-characters
      cert_manager: barbican_cert_manager
    controller_worker:
      <<: *drivers
      amp_flavor_id: 00000000-0000-4000-8000-000000000001
      amp_image_tag: amphora
      amp_boot_network_list: [00000000-0000-4000-8000-000000000002]
      amp_secgroup_list: [00000000-0000-4000-8000-000000000003]
      amp_ssh_key_name: octavia_ssh_key
      loadbalancer_topology: SINGLE
      client_ca: /etc/octavia/certs/client_ca.pem
    haproxy_amphora:
      client_cert: /etc/octavia/certs/client.pem
      client_cert_key: /etc/octavia/certs/private/client.key
      client_cert_all: /etc/octavia/certs/client_all.pem
      server_ca: /etc/octavia/certs/server_ca.pem
    health_manager:
      bind_ip: {{ bench['address'] }}
      controller_ip_port_list:
{%- for address in bench['controllers'] %}
        - {{ address }}:5555
{%- endfor %}
      heartbeat_key: change-me-heartbeat-key

  client:
    enabled: true
    clouds:
      octavia:
        region_name: RegionOne
        auth:
          auth_url: http://{{ bench['cloud'] }}:5000/v3
          username: octavia
          password: change-me-identity
          project_name: service
          user_domain_name: Default
          project_domain_name: Default

  pki:
    require_strong_secrets: true
    generate: true
    ca_node: {{ bench['ca_node'] }}
