# Flows as jobs in etcd.
# since: 2025.1
octavia:
  api: &role
    jobboard:
      engine: etcd
      host: etcd.example.org
      ssl:
        ca_file: /etc/ssl/certs/cloud.pem
      jobboard_etcd_timeout: 10
      persistence:
        host: db.example.org
        name: octavia_persistence
        user: octavia_jobs
        password: secret
  manager: *role
