{#- A part of an address by the expressions of RFC 3986; null where it is empty. -#}
{% macro url_part(column, part) -%}
    {%- set expressions = {
        'scheme': '^([^:/?#]+):',
        'host': '^[^:/?#]+://([^/?#:]*)',
        'path': '^[^:/?#]+://[^/?#]*([^?#]*)',
        'query': '^[^?#]*[?]([^#]*)',
        'fragment': '#(.*)$',
    } -%}
    nullif(regexp_extract({{ column }}, '{{ expressions[part] }}', 1), '')
{%- endmacro %}
