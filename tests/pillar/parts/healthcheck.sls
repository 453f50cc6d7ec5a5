# The health check for the load balancer in front of the API.
# since: ussuri
octavia:
  api:
    healthcheck:
      enabled: true
      backends: [octavia_db_check, disable_by_file]
      disable_by_file_path: /var/lib/octavia/out-of-service
      detailed: false
