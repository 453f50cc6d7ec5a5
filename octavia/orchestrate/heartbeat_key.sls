# The rotation of the heartbeat key, for salt-run state.orchestrate on the master. Put the new key
# into the pillar first; run it again after an interruption. With test=True it tells the stage that
# is due. octavia:orchestrate in the pillar of the run: teller (a controller with the cloud of
# octavia:pki:cloud_name), and controllers (a compound target).
{%- set given = (pillar.get('octavia') or {}).get('orchestrate') or {} %}
{%- set controllers = given.get('controllers', 'I@octavia:manager:enabled:true') %}
{%- if not given.get('teller') %}
{{- raise('octavia:orchestrate:teller is missing: name the controller that shall tell the amphorae, '
          ~ 'for example by pillar={octavia: {orchestrate: {teller: ctl01.example.org} } }') }}
{%- endif %}
{%- set stages = {
      'stopped': controllers, 'written': controllers, 'told': given.teller, 'started': controllers} %}
{%- for stage, target in stages.items() %}

octavia_heartbeat_key_{{ stage }}:
  salt.state:
    - tgt: {{ target | json }}
    - tgt_type: compound
    - sls: octavia.rotate.heartbeat_key.{{ stage }}
{%- if not loop.first %}
    - require:
      - salt: octavia_heartbeat_key_{{ loop.previtem[0] }}
{%- endif %}
{%- endfor %}
