{#- The heartbeat that a time falls into. -#}
{% macro heartbeat(column) -%}
    floor({{ epoch_seconds(column) }} / {{ var('heartbeat_seconds') }})
{%- endmacro %}

{#-
Seconds engaged with pages: each page's first heartbeat counts for the shortest
visit, each further one for a heartbeat.
-#}
{% macro engaged_seconds(heartbeats, pages) -%}
    {{ var('heartbeat_seconds') }} * ({{ heartbeats }} - {{ pages }})
    + {{ var('min_visit_seconds') }} * {{ pages }}
{%- endmacro %}

{#- A part of an address by RFC 3986's own expression; null where empty. -#}
{% macro url_part(column, part) -%}
    {%- set expressions = {
        'scheme': ['^([^:/?#]+):', 1],
        'host': ['^[^:/?#]+://([^/?#:]*)', 1],
        'path': ['^[^:/?#]+://[^/?#]*([^?#]*)', 1],
        'query': ['^[^?#]*[?]([^#]*)', 1],
        'fragment': ['#(.*)$', 1],
    } -%}
    nullif(
        regexp_extract(
            {{ column }}, '{{ expressions[part][0] }}', {{ expressions[part][1] }}
        ),
        ''
    )
{%- endmacro %}
