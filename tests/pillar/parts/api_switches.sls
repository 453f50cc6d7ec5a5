# What tenants may have of the API.
# since: yoga
octavia:
  api:
    api_settings:
      allow_tls_terminated_listeners: false
      allow_ping_health_monitors: false
      allow_prometheus_listeners: false
      allow_filtering: true
      pagination_max_limit: '1000'
      udp_connect_min_interval_health_monitor: 5
      minimum_tls_version: TLSv1.2
      default_listener_tls_versions: [TLSv1.2, TLSv1.3]
      default_pool_tls_versions: [TLSv1.2, TLSv1.3]
      default_listener_ciphers: TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES256-GCM-SHA384
      tls_cipher_prohibit_list: RC4-SHA:DES-CBC3-SHA
      default_listener_alpn_protocols: [h2, http/1.1]
    quotas:
      default_load_balancer_quota: 20
      default_listener_quota: 100
      default_l7policy_quota: 50
    cors:
      allowed_origin: [https://dashboard.example.org]
      allow_credentials: true
    oslo_middleware:
      enable_proxy_headers_parsing: true
      max_request_body_size: 200000
