# Keystone's own roles, with administrators by the scope of their tokens.
# since: wallaby
octavia:
  api:
    policy:
      set: keystone_default_roles_scoped
      rules:
        os_load-balancer_api:loadbalancer:put_failover: role:member and project_id:%(project_id)s
