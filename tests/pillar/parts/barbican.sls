# Certificates of listeners are in Barbican.
# since: queens
octavia:
  manager:
    certificates:
      cert_manager: barbican_cert_manager
      barbican_auth: barbican_acl_auth
    barbican:
      number_of_retries: 30
      retry_delay: 2
    key_manager:
      backend: barbican
