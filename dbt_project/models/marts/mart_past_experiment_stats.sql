with

past_experiments as (

    select * from {{ ref('stg_past_experiments') }}

),

sites as (

    select * from {{ ref('stg_sites') }}

),

final as (

    select
        past_experiments.site_id,
        sites.vertical,
        past_experiments.experiment_id,
        past_experiments.variant_id,
        past_experiments.variation_index,
        past_experiments.test_type,
        past_experiments.goal_type,
        past_experiments.units,
        past_experiments.conversions,
        past_experiments.ended_at,
        past_experiments.source
    from past_experiments
    left join sites
        on past_experiments.site_id = sites.site_id

)

select * from final
