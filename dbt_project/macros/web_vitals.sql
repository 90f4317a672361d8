{#- The web vitals, each the name of a field of an event's metadata. -#}
{% macro web_vital_names() %}
    {{- return(['lcp', 'cls', 'inp', 'fid', 'fcp', 'ttfb']) -}}
{% endmacro %}

{#- The same as rows. -#}
{% macro web_vital_metrics() -%}
    {%- for name in web_vital_names() -%}
    {{ 'union all ' if not loop.first }}select '{{ name }}' as metric
    {% endfor -%}
{%- endmacro %}

{#- The value that an event's metadata has for a metric; null where it has none. -#}
{% macro web_vital_value(metadata, metric) -%}
    case
        {%- for name in web_vital_names() %}
        when {{ metric }} = '{{ name }}'
            then {{ dbt.safe_cast(json_text(metadata, name), 'double') }}
        {%- endfor %}
    end
{%- endmacro %}

{#-
Where each metric stops being good and begins to be poor (web.dev): milliseconds,
for `cls` a score. A value on the border is on the worse side, as in CrUX.
-#}
{% macro web_vital_rating(metric, value) %}
    case
        {%- for name, good, poor in [
            ('lcp', 2500, 4000),
            ('cls', 0.1, 0.25),
            ('inp', 200, 500),
            ('fid', 100, 300),
            ('fcp', 1800, 3000),
            ('ttfb', 800, 1800),
        ] %}
        when {{ metric }} = '{{ name }}' and {{ value }} < {{ good }} then 'good'
        when {{ metric }} = '{{ name }}' and {{ value }} < {{ poor }}
            then 'needs improvement'
        {%- endfor %}
        else 'poor'
    end
{%- endmacro %}

{#- The ways in which measurements are grouped, by what is kept apart. -#}
{% macro web_vital_groupings() -%}
    {%- for name, kept in [
        ('overall', []),
        ('by_device', ['device']),
        ('by_country', ['country']),
        ('by_country_and_device', ['country', 'device']),
        ('by_url_and_device', ['url', 'device']),
        ('by_day', ['day']),
        ('by_day_and_device', ['day', 'device']),
    ] -%}
    {{ 'union all ' if not loop.first -}}
    select
        '{{ name }}' as measurement_type
        {%- for column in ['day', 'url', 'device', 'country'] -%}
        , {{ column in kept }} as keeps_{{ column }}
        {%- endfor %}
    {% endfor -%}
{%- endmacro %}

{#- The 75th percentile, interpolated between neighbours. -#}
{% macro percentile_75(column) %}
    {{- adapter.dispatch('percentile_75')(column) -}}
{% endmacro %}
{% macro duckdb__percentile_75(column) -%}
    quantile_cont({{ column }}, 0.75)
{%- endmacro %}
{% macro spark__percentile_75(column) -%}
    percentile({{ column }}, 0.75)
{%- endmacro %}
