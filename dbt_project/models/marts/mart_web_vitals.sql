with

measurements as (

    select
        *,
        cast(measured_at as date) as date_day
    from {{ ref('fct_web_vitals') }}

),

newest as (

    select
        site_id,
        max(date_day) as date_day
    from measurements
    group by site_id

),

recent as (

    select measurements.*
    from measurements
    inner join newest
        on
            measurements.site_id = newest.site_id
            and measurements.date_day > {{ dbt.dateadd(
                'day', -var('web_vital_days'), 'newest.date_day'
            ) }}

),

grouped as (
    {% for name, kept in web_vital_groupings().items() %}
    select
        site_id,
        '{{ name }}' as measurement_type,
        {{ 'date_day' if 'date_day' in kept else 'cast(null as date) as date_day' }},
        {%- for column in ['page_url', 'device', 'country'] %}
        {{ column if column in kept else "'all' as " ~ column }},
        {%- endfor %}
        metric,
        count(*) as measurements,
        {{ percentile_75('value') }} as p75
    from recent
    group by {{ (['site_id', 'metric'] + kept) | join(', ') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (

    select
        site_id,
        {{ dbt.concat([
            'measurement_type', "'|'",
            "coalesce(cast(date_day as " ~ dbt.type_string() ~ "), 'all')", "'|'",
            'page_url', "'|'", 'device', "'|'", 'country', "'|'", 'metric',
        ]) }} as measurement_key,
        measurement_type,
        date_day,
        page_url,
        device,
        country,
        metric,
        measurements,
        p75,
        {{ web_vital_rating('metric', 'p75') }} as rating
    from grouped

)

select * from final
