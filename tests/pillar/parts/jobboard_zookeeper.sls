# Flows as jobs in ZooKeeper.
# since: victoria
octavia:
  api: &role
    jobboard:
      engine: zookeeper
      members:
        - host: zk1.example.org
        - host: zk2.example.org
      x509:
        cert_file: /etc/octavia/ssl/zookeeper.pem
        key_file: /etc/octavia/ssl/zookeeper.key
      namespace: octavia
      persistence:
        host: db.example.org
        name: octavia_persistence
        user: octavia_jobs
        password: secret
  manager: *role
