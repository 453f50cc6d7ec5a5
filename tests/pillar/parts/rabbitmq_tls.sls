# A cluster of brokers behind TLS.
# since: ocata
octavia:
  api: &role
    message_queue:
      engine: rabbitmq
      members:
        - host: mq1.example.org
        - host: mq2.example.org
        - host: 2001:db8::3
          port: 5673
      user: octavia
      password: secret
      virtual_host: /octavia
      ssl:
        enabled: true
        cacert_file: /etc/ssl/certs/cloud.pem
      kombu_reconnect_delay: 2.0
  manager: *role
