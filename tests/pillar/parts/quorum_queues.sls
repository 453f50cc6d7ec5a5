# Queues that outlive the loss of a broker.
# since: 2024.1
octavia:
  api: &role
    message_queue:
      host: mq.example.org
      user: octavia
      password: secret
      rabbit_quorum_queue: true
      rabbit_transient_quorum_queue: true
      rabbit_quorum_delivery_limit: 10
      use_queue_manager: true
  manager: *role
