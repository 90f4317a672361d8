with

metrics as (

    select * from {{ ref('stg_metrics') }}
    where not is_plain

),

measured_tests as (

    select distinct
        site_id,
        experiment_id
    from metrics

),

measured_sites as (

    select distinct site_id from measured_tests

),

exposures as (

    select fct_exposures.*
    from {{ ref('fct_exposures') }} as fct_exposures
    inner join measured_tests
        on
            fct_exposures.site_id = measured_tests.site_id
            and fct_exposures.experiment_id = measured_tests.experiment_id
    where fct_exposures.variants_seen = 1

),

moments as (

    select
        site_id,
        last_exposed_at as seen_at
    from exposures
    union all
    select
        fct_conversions.site_id,
        fct_conversions.converted_at as seen_at
    from {{ ref('fct_conversions') }} as fct_conversions
    inner join measured_sites
        on fct_conversions.site_id = measured_sites.site_id

),

newest as (

    select
        site_id,
        max(seen_at) as as_of
    from moments
    group by site_id

),

-- a unit whose first exposure is later has a window that is not over
final as (

    select
        metrics.*,
        newest.as_of,
        case
            when metrics.window_hours is not null
                then
                    {{ epoch_seconds('newest.as_of') }}
                    - (metrics.delay_hours + metrics.window_hours) * 3600
        end as mature_until_seconds
    from metrics
    left join newest
        on metrics.site_id = newest.site_id

)

select * from final
