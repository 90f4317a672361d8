{#-
The days of each site that new events can change: their own, and, since a session
is counted on the day it starts, those of the sessions that they change.
-#}
{% macro changed_days(mark) -%}
    {%- set since = changed_since(mark) -%}
    select distinct
        site_id,
        cast(event_at as date) as date_day
    {%- if mark is none %}
    from {{ ref('stg_events') }}
    {%- else %}
    from (
        {{ rows_since(ref('stg_events'), mark) }}
        union all
        select * from {{ ref('stg_events') }} as old_events
        where
            old_events.event_at >= timestamp '{{ since }}'
            and exists (
                select 1
                from ({{ changed_streams(mark) }}) as streams
                where
                    streams.site_id = old_events.site_id
                    and streams.stream_id = old_events.stream_id
            )
    ) as changed_events
    {%- endif %}
{%- endmacro %}

{#- The first of them, as a literal. -#}
{% macro first_changed_date(mark) -%}
    {%- if mark is none -%}
        timestamp '0001-01-01 00:00:00'
    {%- else -%}
        {%- set found = run_query(
            'select min(date_day) from (' ~ changed_days(mark) ~ ') as days'
        ).rows[0][0] -%}
        timestamp '{{ found or '9999-12-31' }} 00:00:00'
    {%- endif -%}
{%- endmacro %}
