{#- The days of each site on which something changed since a watermark. -#}
{% macro changed_days(mark) -%}
    select distinct
        site_id,
        cast(event_at as date) as date_day
    from ({{ changed_events(mark) }}) as changed_events
{%- endmacro %}

{#- The first of them, as a literal. -#}
{% macro first_changed_day(mark) -%}
    {{ first_day_of(changed_days(mark), mark) }}
{%- endmacro %}

{#- The days of each site on which new events of bots happened, and the first. -#}
{% macro new_bot_days(mark) -%}
    select distinct
        site_id,
        cast(event_at as date) as date_day
    from ({{ rows_since(ref('stg_events'), mark) }}) as new_events
    where is_bot
{%- endmacro %}

{% macro first_new_bot_day(mark) -%}
    {{ first_day_of(new_bot_days(mark), mark) }}
{%- endmacro %}

{#- Hook: delete the days that will be written again; some may have no row then. -#}
{% macro delete_changed_days() %}
    {%- set mark = watermark() -%}
    {%- if mark is not none -%}
        delete from {{ this }}
        where exists (
            select 1
            from ({{ changed_days(mark) }}) as changed_days
            where
                changed_days.site_id = {{ this.name }}.site_id
                and changed_days.date_day = {{ this.name }}.date_day
        )
    {%- endif -%}
{% endmacro %}

{#- The first of some days, as a literal that skips older rows. -#}
{% macro first_day_of(days, mark) -%}
    {%- if mark is none -%}
        timestamp '0001-01-01 00:00:00'
    {%- else -%}
        {%- set found = run_query(
            'select min(date_day) from (' ~ days ~ ') as days'
        ).rows[0][0] -%}
        timestamp '{{ found or '9999-12-31' }} 00:00:00'
    {%- endif -%}
{%- endmacro %}
