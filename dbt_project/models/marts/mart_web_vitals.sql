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

groupings as (

    {{ web_vital_groupings() }}

),

kept as (

    select
        recent.site_id,
        groupings.measurement_type,
        case when groupings.keeps_day then recent.date_day end as date_day,
        case when groupings.keeps_url then recent.page_url else 'all' end
            as page_url,
        case when groupings.keeps_device then recent.device else 'all' end
            as device,
        case when groupings.keeps_country then recent.country else 'all' end
            as country,
        recent.metric,
        recent.metric_value
    from recent
    cross join groupings

),

grouped as (

    select
        site_id,
        measurement_type,
        date_day,
        page_url,
        device,
        country,
        metric,
        count(*) as measurements,
        {{ percentile_75('metric_value') }} as p75
    from kept
    group by
        site_id,
        measurement_type,
        date_day,
        page_url,
        device,
        country,
        metric

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
