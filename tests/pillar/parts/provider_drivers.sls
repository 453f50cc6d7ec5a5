# Providers that tenants may choose.
# since: rocky
octavia:
  api:
    api_settings:
      enabled_provider_drivers:
        amphora: The Octavia Amphora driver.
        f5: A driver of another vendor.
      default_provider_driver: amphora
    # What the added driver reads and Octavia does not know.
    config:
      f5:
        agent_host: 10.0.0.8
        timeout: 30
