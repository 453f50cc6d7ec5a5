# The first deployment on all nodes, for salt-run state.orchestrate on the master: the API whose node
# makes the schema, the other APIs, the controllers, the clients. It stops at the first failure.
# octavia:orchestrate in the pillar of the run: apis, managers, clients, each a compound target; one
# that is empty is left out.
{%- set given = (pillar.get('octavia') or {}).get('orchestrate') or {} %}
{%- set apis = given.get('apis', 'I@octavia:api:enabled:true') %}
{%- set managers = given.get('managers', 'I@octavia:manager:enabled:true') %}
{%- set clients = given.get('clients', '') %}
{%- set steps = [] %}
{%- if apis %}
{%- do steps.append(('primary', 'octavia.api', '( ' ~ apis ~ ' ) and not I@octavia:api:role:secondary')) %}
{%- do steps.append(('api', 'octavia.api', apis)) %}
{%- endif %}
{%- if managers %}
{%- do steps.append(('manager', 'octavia.manager', managers)) %}
{%- endif %}
{%- if clients %}
{%- do steps.append(('client', 'octavia.client', clients)) %}
{%- endif %}
{%- for name, sls, target in steps %}

octavia_deploy_{{ name }}:
  salt.state:
    - tgt: {{ target | json }}
    - tgt_type: compound
    - sls: {{ sls }}
{%- if not loop.first %}
    - require:
      - salt: octavia_deploy_{{ loop.previtem[0] }}
{%- endif %}
{%- endfor %}
