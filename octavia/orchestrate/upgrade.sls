# The upgrade of all controllers, for salt-run state.orchestrate on the master; with test=True it
# only foretells. It stops at the first failure and tells how every node stands; run it again to go
# on. octavia:orchestrate in the pillar of the run:
#   controllers  minion ids, or for a cold upgrade also a compound target
#   mode         cold (default): all of them together. rolling: one after the other, where no
#                migration lies on the way
#   batch        how many at the same time in a rolling upgrade, 1 by default
{%- set given = (pillar.get('octavia') or {}).get('orchestrate') or {} %}
{%- set controllers = given.get('controllers') or 'I@octavia:api:enabled:true or I@octavia:manager:enabled:true' %}
{%- set mode = given.get('mode', 'cold') %}
{%- set batch = given.get('batch', 1) %}
{%- if mode not in ('cold', 'rolling') %}
{{- raise('octavia:orchestrate:mode = ' ~ mode ~ ': write cold or rolling') }}
{%- endif %}
{%- if mode == 'rolling' and controllers is string %}
{{- raise('octavia:orchestrate:controllers must be a list of minion ids for a rolling upgrade: it is '
          ~ 'the order in which they come, for example [ctl01, ctl02, ctl03]') }}
{%- endif %}
{%- if batch is not integer or batch < 1 %}
{{- raise('octavia:orchestrate:batch = ' ~ batch ~ ': write a whole number from 1 on') }}
{%- endif %}
{%- set everywhere = controllers if controllers is string else 'L@' ~ controllers | join(',') %}
{%- set apis = '( ' ~ everywhere ~ ' ) and I@octavia:api:enabled:true' %}

{#- Each step by name: SLS, target, and whether its nodes come one by one. #}
{%- if mode == 'cold' %}
{%- set steps = [
      ('pre', 'octavia.upgrade.pre', everywhere, false),
      ('drained', 'octavia.upgrade.upgrade.pre', everywhere, false),
      ('apis_stopped', 'octavia.upgrade.service_stopped', apis, false),
      ('stopped', 'octavia.upgrade.service_stopped', everywhere, false),
      ('packages', 'octavia.upgrade.pkg_latest', everywhere, false),
      ('configuration', 'octavia.upgrade.render_config', everywhere, false),
      ('schema', 'octavia.upgrade.offline_sync', everywhere, true),
      ('running', 'octavia.upgrade.service_running', everywhere, false),
      ('back', 'octavia.upgrade.upgrade.post', everywhere, false),
      ('verify', 'octavia.upgrade.verify', everywhere, true)] %}
{%- else %}
{%- set steps = [('pre', 'octavia.upgrade.pre', everywhere, false)] %}
{%- for group in controllers | batch(batch) %}
{%- set these = 'L@' ~ group | join(',') %}
{%- do steps.append(('upgrade_' ~ group | join('_'), 'octavia.upgrade.upgrade', these, false)) %}
{%- do steps.append(('verify_' ~ group | join('_'), 'octavia.upgrade.verify', these, false)) %}
{%- endfor %}
{%- endif %}
{%- for name, sls, target, single in steps %}

octavia_upgrade_{{ name }}:
  salt.state:
    - tgt: {{ target | json }}
    - tgt_type: compound
    - sls: {{ sls }}
    - pillar: {octavia: {upgrade: {mode: {{ mode }}}}}
{%- if single %}
    - batch: 1
{%- endif %}
{%- if not loop.first %}
    - require:
      - salt: octavia_upgrade_{{ loop.previtem[0] }}
{%- endif %}
{%- endfor %}

octavia_upgrade_how_the_nodes_stand:
  salt.function:
    - name: octavia_control.node
    - tgt: {{ everywhere | json }}
    - tgt_type: compound
    - onfail_any:
{%- for name, sls, target, single in steps %}
      - salt: octavia_upgrade_{{ name }}
{%- endfor %}
