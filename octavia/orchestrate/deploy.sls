# The first deployment on all nodes, for salt-run state.orchestrate on the master: the API whose node
# makes the schema, the other APIs, the controllers, the clients. It stops at the first failure.
# octavia:orchestrate in the pillar of the run: apis, managers, clients, each a compound target; one
# that is empty is left out. Where several nodes would make the schema, nothing is done.
{%- set given = (pillar.get('octavia') or {}).get('orchestrate') or {} %}
{%- set apis = given.get('apis', 'I@octavia:api:enabled:true') %}
{%- set managers = given.get('managers', 'I@octavia:manager:enabled:true') %}
{%- set clients = given.get('clients', '') %}
{%- set steps = [] %}
{%- if apis %}
{%- set primary = '( ' ~ apis ~ ' ) and not I@octavia:api:role:secondary' %}
{%- set primaries = salt['saltutil.cmd'](primary, 'test.ping', tgt_type='compound') | sort %}
{%- if primaries | length > 1 %}
{{- raise('Several nodes would make the schema of the database: ' ~ primaries | join(', ')
          ~ '. Set octavia:api:role to secondary on all of them but one. Nothing was done.') }}
{%- endif %}
{%- do steps.append(('primary', 'octavia.api', primary)) %}
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
