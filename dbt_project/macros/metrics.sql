{#-
Metrics may be declared of a test whose units are known already: an import brings the
test after its events, or a definition changes. So the model of the units' figures
remembers which definitions it has read, and makes those of other tests anew.
-#}
{% macro metrics_read() %}{{- return('staging.metrics_read') -}}{% endmacro %}

{% macro create_metrics_read() %}
    {{- return(
        'create table if not exists ' ~ metrics_read()
        ~ ' (experiment_id ' ~ dbt.type_string() ~ ', metric_id '
        ~ dbt.type_string() ~ ', definition ' ~ dbt.type_string() ~ ')'
    ) -}}
{% endmacro %}

{#- All that the units' figures depend on, as one text. -#}
{% macro metric_definition() -%}
    {%- for column in [
        'is_plain', 'measure', 'measure_goal_type', 'per', 'per_goal_type',
        'delay_hours', 'window_hours', 'covariate_days',
    ] -%}
    coalesce(cast({{ column }} as {{ dbt.type_string() }}), '')
    {{- " || '|' || " if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- The tests whose metrics are others than those read. -#}
{% macro tests_with_other_metrics() -%}
    select distinct
        coalesce(metrics.experiment_id, known.experiment_id) as experiment_id
    from (
        select * from {{ ref('stg_metrics') }} as declared
        where not declared.is_plain
    ) as metrics
    full outer join {{ metrics_read() }} as known
        on
            metrics.experiment_id = known.experiment_id
            and metrics.metric_id = known.metric_id
            and metrics.definition = known.definition
    where metrics.experiment_id is null or known.experiment_id is null
{%- endmacro %}

{#- The exposures of changed units and of tests with other metrics. -#}
{% macro keep_changed_exposures(mark) %}
    {%- do keep(
        'changed_units',
        mark,
        'select distinct site_id, unit_id from ('
        ~ new_human_events(mark) ~ ') as new_events'
    ) -%}
    {%- do keep('changed_tests', mark, tests_with_other_metrics()) -%}
    {%- set columns = 'select site_id, experiment_id, unit_id from '
        ~ ref('fct_exposures') ~ ' where ' -%}
    {%- do keep(
        'changed_exposures',
        mark,
        columns ~ among_kept('changed_units', ['site_id', 'unit_id']) ~ ' union '
        ~ columns ~ among_kept('changed_tests', ['experiment_id'])
    ) -%}
{% endmacro %}

{#- Whether an exposure, or a unit, is among those kept; each is where all is new. -#}
{% macro is_changed_exposure(mark, prefix='') -%}
    {%- if mark is none -%}
    true
    {%- else -%}
    ({{ prefix }}site_id, {{ prefix }}experiment_id, {{ prefix }}unit_id) in (
        select site_id, experiment_id, unit_id from {{ kept('changed_exposures') }}
    )
    {%- endif -%}
{%- endmacro %}

{% macro is_changed_unit(mark) -%}
    {%- if mark is none -%}
    true
    {%- else -%}
    {{ among_kept('changed_exposures', ['site_id', 'unit_id']) }}
    {%- endif -%}
{%- endmacro %}

{#- A sum over units as the marts keep it; 0 where there is none. -#}
{% macro or_zero(sum) -%}
    cast(coalesce({{ sum }}, 0) as decimal(38, 0))
{%- endmacro %}

{#- After the units' figures: these definitions are the ones read. -#}
{% macro save_metrics_read() %}
    {{- return([
        'delete from ' ~ metrics_read(),
        '{{ insert_metrics_read() }}',
    ]) -}}
{% endmacro %}

{% macro insert_metrics_read() -%}
    insert into {{ metrics_read() }}
    select
        experiment_id,
        metric_id,
        definition
    from {{ ref('stg_metrics') }}
    where not is_plain
{%- endmacro %}

{#- Whether a metric adds up page views, for which all events have to be read. -#}
{% macro has_page_view_metrics() %}
    {%- if not execute or load_relation(ref('stg_metrics')) is none -%}
        {{- return(true) -}}
    {%- endif -%}
    {{- return(
        run_query(
            'select 1 from ' ~ ref('stg_metrics')
            ~ " where not is_plain and 'page_views' in (measure, per) limit 1"
        ).rows | length > 0
    ) -}}
{% endmacro %}

{#-
The sum of an outcome's amount where it is of a metric's measure (`measure`, `per`) and
happened within these seconds of the first exposure.
-#}
{% macro measured_sum(measure, from_seconds, until_seconds) -%}
    sum(
        case
            when
                outcomes.measure = metrics.{{ measure }}
                and (
                    metrics.{{ measure }}_goal_type is null
                    or outcomes.goal_type = metrics.{{ measure }}_goal_type
                )
                and outcomes.age_seconds >= {{ from_seconds }}
                and outcomes.age_seconds < {{ until_seconds }}
                then outcomes.amount
            else 0
        end
    )
{%- endmacro %}

{#-
Bins of a quantile's histogram: each 2% wider than the one below, so that a quantile
read from them is within 1% and two histograms add up (Masson et al. 2019, DDSketch).
-#}
{% macro log_bin(value) -%}
    cast(floor(ln({{ value }}) / ln(1.02)) as bigint)
{%- endmacro %}

{#- Seconds after a unit's first exposure until which a metric counts. -#}
{% macro counted_until() -%}
    (metrics.delay_hours + coalesce(metrics.window_hours, 1e9)) * 3600
{%- endmacro %}

{#- Whether the window of a unit is over, as far as the site was seen. -#}
{% macro is_mature(units) -%}
    (
        limits.mature_until_seconds is null
        or {{ epoch_seconds(units ~ '.first_exposed_at') }}
        <= limits.mature_until_seconds
    )
{%- endmacro %}
