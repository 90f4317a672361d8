{#- The visitors of whom something changed since a watermark. -#}
{% macro changed_visitors(mark) -%}
    select distinct
        site_id,
        visitor_id
    from ({{ changed_events(mark) }}) as changed_events
    where not is_bot
{%- endmacro %}

{#- Hook: delete the visitors that will be written again. -#}
{% macro delete_changed_visitors() %}
    {%- set mark = watermark() -%}
    {%- if mark is not none -%}
        delete from {{ this }}
        where exists (
            select 1
            from ({{ changed_visitors(mark) }}) as visitors
            where
                visitors.site_id = {{ this.name }}.site_id
                and visitors.visitor_id = {{ this.name }}.visitor_id
        )
    {%- endif -%}
{% endmacro %}
