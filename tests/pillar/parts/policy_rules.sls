# Rules of the pillar's own over what Octavia does by itself.
# since: pike
octavia:
  api:
    policy:
      rules:
        os_load-balancer_api:loadbalancer:post: rule:may_make_load_balancers
        may_make_load_balancers: role:network_operator and project_id:%(project_id)s
        os_load-balancer_api:quota:put: '!'
