# The API in Apache, behind its own certificate.
# since: pike
# systems: ubuntu2404 redhat9
octavia:
  api:
    bind:
      address: 10.0.0.1
      port: 9876
      server: apache
      processes: 4
      threads: 4
      cert_file: /etc/octavia/ssl/api/cert.pem
      key_file: /etc/octavia/ssl/api/key.pem
