{#- The days of each site on which something changed since a watermark. -#}
{% macro changed_days(mark) -%}
    select distinct
        site_id,
        cast(event_at as date) as date_day
    from ({{ changed_events(mark) }}) as changed_events
{%- endmacro %}

{#- The first of them, as a literal. -#}
{% macro first_changed_day(mark) -%}
    {%- set days = changed_days(mark) -%}
    {%- if mark is none -%}
        timestamp '0001-01-01 00:00:00'
    {%- else -%}
        {%- set found = run_query(
            'select min(date_day) from (' ~ days ~ ') as days'
        ).rows[0][0] -%}
        timestamp '{{ found or '9999-12-31' }} 00:00:00'
    {%- endif -%}
{%- endmacro %}
