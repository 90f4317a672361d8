{#- Keep the days of each site on which rows are; tell the first as a literal. -#}
{% macro keep_days(mark, relation, time='event_at', where='true') -%}
    {%- set query -%}
        select distinct
            site_id,
            cast({{ time }} as date) as date_day
        from ({{ relation }}) as changed
        where {{ where }}
    {%- endset -%}
    {%- set days = keep('changed_days', mark, query) -%}
    {%- if mark is none -%}{{- return(none) -}}{%- endif -%}
    {%- set found = run_query('select min(date_day) from ' ~ days).rows[0][0] -%}
    {{- return((found or '9999-12-31') ~ ' 00:00:00') -}}
{%- endmacro %}

{#- Keep the days on which something changed since a watermark; tell the first. -#}
{% macro keep_changed_days(mark) -%}
    {{- return(keep_days(mark, changed_events(mark))) -}}
{%- endmacro %}

{#- The rows of a relation on the kept days; all where no first day is given. -#}
{% macro rows_of_kept_days(relation, time, first_day) -%}
    select
        *,
        cast({{ time }} as date) as date_day
    from {{ relation }}
    {%- if first_day is not none %}
    where
        {{ time }} >= timestamp '{{ first_day }}'
        and (site_id, cast({{ time }} as date)) in (
            select
                site_id,
                date_day
            from {{ kept('changed_days') }}
        )
    {%- endif %}
{%- endmacro %}

{#- Hook: delete the days that will be written again; some may have no row then. -#}
{% macro delete_changed_days() %}
    {{- delete_kept('changed_days', ['site_id', 'date_day']) -}}
{% endmacro %}
