# The users' own sample of the api role.
{%- set version = {'12': 'zed', '13': '2025.1'}.get(grains.get('osmajorrelease') | string, '2026.2') %}
octavia:
  api:
    enabled: true
    version: '{{ version }}'
    bind:
      address: 127.0.0.1
      port: 9876
    database:
      engine: mysql
      host: 127.0.0.1
      port: 3306
      name: octavia
      user: octavia
      password: password
    identity:
      engine: keystone
      region: RegionOne
      host: 127.0.0.1
      port: 35357
      user: octavia
      password: password
      tenant: service
    message_queue:
      engine: rabbitmq
      host: 127.0.0.1
      port: 5672
      user: openstack
      password: password
      virtual_host: '/openstack'
