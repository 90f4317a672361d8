with

amounts as (

    select * from {{ ref('int_metric_amounts') }}

),

metrics as (

    select * from {{ ref('stg_metrics') }}

),

variants as (

    select * from {{ ref('stg_variants') }}

),

final as (

    select
        amounts.experiment_id,
        amounts.metric_id,
        variants.variation_index,
        {{ log_bin('amounts.amount') }} as bin,
        cast(count(*) as bigint) as units
    from amounts
    inner join metrics
        on
            amounts.experiment_id = metrics.experiment_id
            and amounts.metric_id = metrics.metric_id
    inner join variants
        on
            amounts.experiment_id = variants.experiment_id
            and amounts.variant_id = variants.variant_id
    where metrics.kind = 'quantile' and amounts.amount > 0
    group by
        amounts.experiment_id,
        amounts.metric_id,
        variants.variation_index,
        {{ log_bin('amounts.amount') }}

)

select * from final
