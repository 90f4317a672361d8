with

past_experiments as (

    select * from {{ ref('stg_past_experiments') }}

),

experiments as (

    select * from {{ ref('stg_experiments') }}

),

statistics as (

    select * from {{ ref('mart_experiment_stats') }}

),

weights as (

    select * from {{ ref('stg_weights') }}

),

periods as (

    select * from {{ ref('mart_experiment_period_stats') }}

),

sites as (

    select * from {{ ref('stg_sites') }}

),

plans as (

    select
        experiment_id,
        count(distinct from_at) as moments
    from weights
    group by experiment_id

),

kept_shares as (

    select
        weights.experiment_id,
        weights.variation_index,
        weights.weight
    from weights
    inner join plans
        on weights.experiment_id = plans.experiment_id
    where plans.moments = 1

),

sized_periods as (

    select
        experiment_id,
        variation_index,
        weight,
        sum(units) over (partition by experiment_id, from_at) as units
    from periods

),

changed_shares as (

    select
        experiment_id,
        variation_index,
        sum(weight * units) / nullif(sum(units), 0) as weight
    from sized_periods
    group by experiment_id, variation_index

),

planned_shares as (

    select * from kept_shares
    union all
    select * from changed_shares

),

ended_here as (

    select
        statistics.site_id,
        statistics.experiment_id,
        statistics.variant_id,
        statistics.variation_index,
        statistics.test_type,
        statistics.goal_type,
        statistics.units,
        statistics.conversions,
        planned_shares.weight,
        experiments.end_at as ended_at,
        'code24' as came_from  -- the union takes the first's names
    from statistics
    inner join experiments
        on statistics.experiment_id = experiments.experiment_id
    left join planned_shares
        on
            statistics.experiment_id = planned_shares.experiment_id
            and statistics.variation_index = planned_shares.variation_index
    where
        statistics.metric = 'conversion'
        and experiments.status = 'complete'
        and experiments.end_at is not null

),

brought_along as (

    select
        site_id,
        experiment_id,
        variant_id,
        variation_index,
        test_type,
        goal_type,
        units,
        conversions,
        cast(null as double) as weight,  -- no import tells its plan
        ended_at,
        source
    from past_experiments
    where
        not exists (
            select 1
            from ended_here
            where
                ended_here.site_id = past_experiments.site_id
                and ended_here.experiment_id = past_experiments.experiment_id
        )

),

finished as (

    select * from brought_along
    union all
    select * from ended_here

),

final as (

    select
        finished.site_id,
        sites.vertical,
        finished.experiment_id,
        finished.variant_id,
        finished.variation_index,
        finished.test_type,
        finished.goal_type,
        finished.units,
        finished.conversions,
        finished.weight,
        finished.ended_at,
        finished.source
    from finished
    left join sites
        on finished.site_id = sites.site_id

)

select * from final
