{#- Keep the visitors of whom something changed since a watermark. -#}
{% macro keep_changed_visitors(mark) -%}
    {%- set query -%}
        select distinct
            site_id,
            visitor_id
        from ({{ changed_events(mark) }}) as changed_events
        where not is_bot
    {%- endset -%}
    {%- do keep('changed_visitors', mark, query) -%}
{%- endmacro %}

{#- Hook: delete the visitors that will be written again. -#}
{% macro delete_changed_visitors() %}
    {{- delete_kept('changed_visitors', ['site_id', 'visitor_id']) -}}
{% endmacro %}
