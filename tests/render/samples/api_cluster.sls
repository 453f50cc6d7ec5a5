# The API against a cluster of brokers, as models of 2018 have it: the single host stays beside the
# members, which share port and account.
octavia:
  api:
    enabled: true
    version: ocata
    bind: {address: 127.0.0.1, port: 9876}
    message_queue:
      engine: rabbitmq
      members:
        - host: 127.0.0.1
        - host: 127.0.1.1
        - host: 127.0.2.1
      host: 127.0.0.1
      port: 5672
      virtual_host: '/openstack'
      user: openstack
      password: password
    database:
      {engine: mysql, host: 127.0.0.1, port: 3306, name: octavia, user: octavia, password: password}
    identity:
      engine: keystone
      host: 127.0.0.1
      port: 35357
      region: RegionOne
      tenant: service
      user: octavia
      password: password
